"""The comparison on the holdout as figures: the delta with its interval, the groups."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from ratchet.core.decision import Verdict, decide, number
from ratchet.core.estimate import Interval, MetricName
from ratchet.core.gate import no_worse
from ratchet.core.measurement import Measurement, SliceComparison
from ratchet.core.policy import GatePolicy
from ratchet.reports.html.figures import Axis, Span, axis, span
from ratchet.reports.html.text import counted, figure, percent, shown, signed

_ROOM = 0.22  # beside the marks for their labels, on a phone too
_EDGE = 0.04


@dataclass(frozen=True, slots=True)
class IntervalFigure:
    """An estimate with its interval against a neutral value and the bound that the policy asks for; positions in percent."""

    title: str
    axis: Axis
    span: Span | None
    neutral: float
    bound: float
    neutral_label: str
    bound_label: str
    value_label: str
    worse: str
    better: str
    description: str


def headline_figure(measured: Measurement, policy: GatePolicy, candidate: int, champion: int | None) -> IntervalFigure:
    """The delta against the champion, or without one the candidate's own figure against the neutral one and the floor."""
    alone = measured.paired is None or champion is None
    value = measured.primary if measured.paired is None or alone else measured.paired.delta
    stated = Stated(measured.metric, measured.floor, measured.confidence, measured.rows)
    return interval_figure(value, stated, policy, candidate, None if alone else champion)


@dataclass(frozen=True, slots=True)
class Stated:
    """What an interval is of: the metric, the floor that a first model must pass, the interval's confidence, and the rows."""

    metric: MetricName
    floor: float
    confidence: float
    rows: int


def interval_figure(value: Interval, stated: Stated, policy: GatePolicy, candidate: int, champion: int | None) -> IntervalFigure:
    """As `headline_figure`: `value` is the delta against `champion`, or the candidate's own figure when that is None."""
    metric, sure, held = stated.metric, percent(stated.confidence), counted(stated.rows, "held-out row")
    if champion is None:
        return _interval_figure(
            f"{metric.label} of version {candidate} with its {sure} interval",
            value,
            (metric.neutral, stated.floor),
            (metric.neutral_name, f"floor {number(stated.floor)}"),
            figure(value.value),
            ("worse", "better"),
            f"{metric.label} of version {candidate} on {held}: {figure(value.value)}{_between(value, sure, metric)}.",
        )
    asked = ">=" if policy.kind == "simple" else ">"
    what = f"{metric.label} of version {candidate} minus {metric.label} of version {champion} on the same {held}"
    return _interval_figure(
        f"Gain over version {champion} with its {sure} interval",
        value,
        (0.0, policy.min_delta),
        ("equal", f"needed: {asked} {number(policy.min_delta)}"),
        signed(value.value),
        ("worse", "better"),
        f"{what}: {signed(value.value)}{_between(value, sure, metric)}.",
    )


def _interval_figure(
    title: str,
    value: Interval,
    marks: tuple[float, float],
    labels: tuple[str, str],
    value_label: str,
    sides: tuple[str, str],
    description: str,
) -> IntervalFigure:
    scale = axis([*marks, value.value, value.low, value.high], pad=_ROOM)
    return IntervalFigure(
        title=title,
        axis=scale,
        span=span(scale, value),
        neutral=scale.at(marks[0]),
        bound=scale.at(marks[1]),
        neutral_label=labels[0],
        bound_label=labels[1],
        value_label=value_label,
        worse=sides[0],
        better=sides[1],
        description=description,
    )


def _between(value: Interval, sure: str, metric: MetricName) -> str:
    if not math.isfinite(value.low):
        return f", without an interval because {metric.no_interval}"
    return f", {sure} interval {bounds(value)}"


def bounds(value: Interval) -> str:
    """`0.094 to 0.194`."""
    return f"{figure(value.low)} to {figure(value.high)}"


@dataclass(frozen=True, slots=True)
class Group:
    """One row of the table of groups; `verdict` is None for the whole holdout.

    `span` is None where the group is not judged alone, and `why` says so.
    """

    value: str
    rows: int
    counts: Mapping[str, int]
    verdict: Verdict | None
    candidate: str = ""
    champion: str = ""
    delta: str = ""
    interval: str = ""
    span: Span | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Groups:
    """The slices, each with its groups, over one axis on which zero and the margin are marked (percent).

    `kinds` heads the columns of the groups' counts.
    """

    axis: Axis
    zero: float
    margin: float
    whole: Group
    slices: tuple[tuple[str, tuple[Group, ...]], ...]
    kinds: tuple[str, ...]


def groups(measured: Measurement, policy: GatePolicy) -> Groups | None:
    """The comparison within groups; None where there is no champion or no slice."""
    paired = measured.paired
    if paired is None or not measured.slices:
        return None
    intervals = [paired.delta, *(item.paired.delta for item in measured.slices if item.paired)]
    scale = axis([0.0, -policy.slice_margin, *(x for i in intervals for x in (i.value, i.low, i.high))], pad=_EDGE)
    whole = SliceComparison("", "all rows", measured.rows, measured.counts, paired)
    return Groups(
        scale,
        scale.at(0.0),
        scale.at(-policy.slice_margin),
        replace(_group(whole, scale, policy), verdict=None),  # the whole has the gate's verdict
        tuple(
            (shown(name), tuple(_group(item, scale, policy) for item in items))
            for name, items in groupby(measured.slices, key=lambda item: item.name)
        ),
        tuple(kind.capitalize() for kind in measured.counts),
    )


def _group(item: SliceComparison, scale: Axis, policy: GatePolicy) -> Group:
    value = shown(item.value)
    if item.paired is None:
        why = f"not judged alone, too few rows: among {item.among}" if item.among else "not judged: too few rows"
        return Group(value, item.rows, item.counts, None, why=why)
    delta = item.paired.delta
    asked = [no_worse(item.label, delta, policy.slice_margin), *(limit.reason for limit in item.limits)]
    verdict = decide(asked).verdict
    return Group(
        value,
        item.rows,
        item.counts,
        verdict,
        figure(item.paired.candidate),
        figure(item.paired.champion),
        signed(delta.value),
        bounds(delta),
        span(scale, delta),
    )
