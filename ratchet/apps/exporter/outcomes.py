"""Samples of how production does by the labels that have come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

from ratchet.apps.exporter import metrics as m
from ratchet.core.events import Measured, Role
from ratchet.core.history import History
from ratchet.core.metric import Metric
from ratchet.core.schema import ModelVersion
from ratchet.project.file import Project
from ratchet.steps.parts.standing import standing
from ratchet.tasks.catalogue import task_of

Value = tuple[Metric, float, tuple[str, ...]]


def by_labels(project: Project, history: History, now: float) -> Iterator[Value]:
    """By the ledger alone: each version's newest measurement, the wishes that wait, and whether the champion is on probation."""
    champion = history.champion.event.to if history.champion else None
    seen = standing(project, history, champion, history.previous)
    beside = [(Role.CHALLENGER, found) for _, found in seen.challengers]
    for role, found in [(Role.CHAMPION, seen.champion), (Role.PREVIOUS, seen.previous), *beside]:
        if found is not None:
            yield from _measured(project, role, found)
    yield m.WISHES, len(seen.waiting), ()
    yield m.WISH_SINCE, max((now - midnight(wish.since) for wish in seen.waiting), default=0.0), ()
    if champion is not None:
        yield m.PROBATION, float(seen.probation), ()


def _measured(project: Project, role: Role, found: Measured) -> Iterator[Value]:
    labels = (str(found.version), role.value)
    for metric, value in zip(task_of(project).metrics.measured, (found.value, found.low, found.high), strict=True):
        if value is not None:
            yield metric, value, labels
    if found.as_of is not None:
        yield m.MEASURED_DATE, midnight(found.as_of), labels


def fell(project: Project, history: History, champion: ModelVersion) -> Iterator[Value]:
    """Whether the champion fell: that takes its figure at training, which the registry has."""
    yield m.FELL, float(bool(standing(project, history, champion.number, None, champion).fallen)), (str(champion.number),)


def midnight(day: date) -> float:
    """The day's beginning in seconds since the epoch."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
