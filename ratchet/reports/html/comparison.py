"""The comparison on the holdout as figures: the delta with its interval, both models' curves, the groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from ratchet.core.auc import Interval, Labels, Scores
from ratchet.core.decision import Verdict, number
from ratchet.core.gate import Measurement
from ratchet.core.policy import GatePolicy
from ratchet.core.slices import SliceComparison, no_worse
from ratchet.reports.html.curves import Bin, calibration, roc
from ratchet.reports.html.figures import Axis, CalibrationMark, Span, axis, calibration_marks, curve_points, span, square_top
from ratchet.reports.html.text import counted, figure, percent, shown, signed

_CHANCE = 0.5
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
    """The delta against the champion, or without one the candidate's AUC against chance and the floor."""
    alone = measured.paired is None or champion is None
    value = measured.candidate if measured.paired is None or alone else measured.paired.delta
    return interval_figure(value, policy, measured.confidence, measured.rows, candidate, None if alone else champion)


def interval_figure(
    value: Interval, policy: GatePolicy, confidence: float, rows: int, candidate: int, champion: int | None
) -> IntervalFigure:
    """As `headline_figure`: `value` is the delta against `champion`, or the candidate's AUC when that is None."""
    sure, held = percent(confidence), counted(rows, "held-out row")
    if champion is None:
        return _interval_figure(
            f"AUC of version {candidate} with its {sure} interval",
            value,
            (_CHANCE, policy.floor_auc),
            ("chance", f"floor {number(policy.floor_auc)}"),
            figure(value.value),
            ("worse", "better"),
            f"AUC of version {candidate} on {held}: {figure(value.value)}{_between(value, sure)}.",
        )
    asked = ">=" if policy.kind == "simple" else ">"
    what = f"AUC of version {candidate} minus AUC of version {champion} on the same {held}"
    return _interval_figure(
        f"Gain over version {champion} with its {sure} interval",
        value,
        (0.0, policy.min_delta),
        ("equal", f"needed: {asked} {number(policy.min_delta)}"),
        signed(value.value),
        ("worse", "better"),
        f"{what}: {signed(value.value)}{_between(value, sure)}.",
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


def _between(value: Interval, sure: str) -> str:
    if not math.isfinite(value.low):
        return ", without an interval because a class has fewer than two rows"
    return f", {sure} interval {bounds(value)}"


def bounds(value: Interval) -> str:
    """`0.094 to 0.194`."""
    return f"{figure(value.low)} to {figure(value.high)}"


@dataclass(frozen=True, slots=True)
class ModelCurves:
    """One model on the holdout. `new` marks the candidate; `roc` is empty when a class is missing."""

    name: str
    new: bool
    auc: str
    brier: str
    roc: str
    bins: Sequence[Bin]
    marks: Sequence[CalibrationMark]


@dataclass(frozen=True, slots=True)
class Curves:
    """Both models (the champion last, so that tables read new, old) and the upper end of the calibration plot's axes."""

    models: tuple[ModelCurves, ...]
    top: float


def curves(
    measured: Measurement, labels: Labels, scores: Scores, champion_scores: Scores | None, candidate: int, champion: int | None
) -> Curves:
    """ROC and calibration of the models on the n holdout rows."""
    sides = [(f"version {candidate}", True, measured.candidate.value, measured.candidate_brier, scores)]
    if champion is not None and champion_scores is not None:
        value = measured.paired.champion if measured.paired else math.nan
        sides.append((f"version {champion}", False, value, measured.champion_brier, champion_scores))
    bins = [calibration(labels, side[-1]) for side in sides]
    top = square_top(item for side in bins for item in side)
    return Curves(
        tuple(
            ModelCurves(
                name, new, figure(auc), figure(brier), curve_points(roc(labels, values)), items, calibration_marks(items, top)
            )
            for (name, new, auc, brier, values), items in zip(sides, bins, strict=True)
        ),
        top,
    )


@dataclass(frozen=True, slots=True)
class Group:
    """One row of the table of groups; `span` is None when the group is too small to compare, `verdict` for the whole holdout."""

    value: str
    rows: int
    positives: int
    verdict: Verdict | None
    candidate: str = ""
    champion: str = ""
    delta: str = ""
    interval: str = ""
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Groups:
    """The slices, each with its groups, over one axis on which zero and the margin are marked (percent)."""

    axis: Axis
    zero: float
    margin: float
    whole: Group
    slices: tuple[tuple[str, tuple[Group, ...]], ...]


def groups(measured: Measurement, policy: GatePolicy) -> Groups | None:
    """The comparison within groups; None where there is no champion or no slice."""
    paired = measured.paired
    if paired is None or not measured.slices:
        return None
    intervals = [paired.delta, *(item.paired.delta for item in measured.slices if item.paired)]
    scale = axis([0.0, -policy.slice_margin, *(x for i in intervals for x in (i.value, i.low, i.high))], pad=_EDGE)
    whole = SliceComparison("", "all rows", measured.rows, measured.positives, paired)
    return Groups(
        scale,
        scale.at(0.0),
        scale.at(-policy.slice_margin),
        replace(_group(whole, scale, policy), verdict=None),  # the whole has the gate's verdict
        tuple(
            (shown(name), tuple(_group(item, scale, policy) for item in items))
            for name, items in groupby(measured.slices, key=lambda item: item.name)
        ),
    )


def _group(item: SliceComparison, scale: Axis, policy: GatePolicy) -> Group:
    value = shown(item.value)
    if item.paired is None:
        return Group(value, item.rows, item.positives, None)
    delta = item.paired.delta
    verdict = no_worse(item.label, delta, policy.slice_margin).verdict
    return Group(
        value,
        item.rows,
        item.positives,
        verdict,
        figure(item.paired.candidate),
        figure(item.paired.champion),
        signed(delta.value),
        bounds(delta),
        span(scale, delta),
    )
