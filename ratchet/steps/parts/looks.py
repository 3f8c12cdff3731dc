"""The evidence of several months, as the history has it."""

from __future__ import annotations

import math
from datetime import date
from statistics import NormalDist

from ratchet.core.estimate import Interval, Scores
from ratchet.core.events import day_of
from ratchet.core.evidence import Look, PairedLook
from ratchet.core.history import History
from ratchet.core.schema import ModelVersion
from ratchet.steps.parts.holdout import Holdout
from ratchet.tasks.task import Task


def trained_on(version: ModelVersion) -> date | None:
    """The date of the newest snapshot that a version was trained on; None where its tags do not say."""
    days = [day for item in (version.provenance.snapshot_ids if version.provenance else ()) if (day := day_of(item)) is not None]
    return max(days, default=None)


def looks_at(history: History, version: int, until: date) -> list[Look]:
    """The champion's measurements with a figure up to that date, oldest first, since it last came into production."""
    since = history.champion.seq if history.champion else 0
    return [
        Look(found.as_of, found.value, found.se, found.rows)
        for entry in history.measurements(version)
        if entry.seq > since
        and (found := entry.event).as_of is not None
        and found.as_of <= until
        and found.value is not None
        and found.se is not None
    ]


def with_now(looks: list[Look], now: Look | None) -> list[Look]:
    """The looks and that of now, where none of its date is among them; one that could not be measured adds nothing."""
    if now is None or not math.isfinite(now.value) or not math.isfinite(now.se) or any(look.as_of == now.as_of for look in looks):
        return looks
    return [*looks, now]


def look_now(task: Task, held: Holdout, scores: Scores) -> Look:
    """A version's look at the rows that are judged, by its scores on them."""
    found = task.figure(held.labels, scores, held.groups)
    return Look(held.snapshot.as_of, found.value, found.se, len(held.labels))


def pairs_of(history: History, version: int, champion: int, until: date) -> list[PairedLook]:
    """How much better a version did than that champion on the same rows, by month up to that date, oldest first."""
    return [
        PairedLook(found.as_of, found.delta, found.delta_se, found.rows)
        for entry in history.beside(version, champion)
        if (found := entry.event).as_of is not None
        and found.as_of <= until
        and found.delta is not None
        and found.delta_se is not None
    ]


def first_look(task: Task, version: ModelVersion, confidence: float) -> Look | None:
    """The figure on its own snapshot's holdout that a version was registered with; None where it has none.

    Its standard error is half of its interval over the normal quantile of that confidence.
    """
    promised, day = task.metric.promised(version.metrics), trained_on(version)
    if day is None or not math.isfinite(promised.value) or not math.isfinite(promised.low):
        return None
    return Look(day, promised.value, _half(promised) / NormalDist().inv_cdf(0.5 + confidence / 2), 0)


def _half(interval: Interval) -> float:
    return max(interval.value - interval.low, interval.high - interval.value)
