"""How champion, the version before it and the challengers did on each labelled snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ratchet.apps.wording import in_words, interval_of
from ratchet.core.estimate import MetricName
from ratchet.core.history import History
from ratchet.reports.html.figures import Axis, Span, axis, span
from ratchet.reports.html.text import signed
from ratchet.steps.parts.standing import Standing

_MOST = 60  # rows


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One version on one snapshot: its role now, its figure, and by how much it did better on the same rows than `against`."""

    day: str
    version: int
    role: str
    figure: str
    span: Span | None
    delta: str
    against: int | None
    rows: int


@dataclass(frozen=True, slots=True)
class Months:
    """All of them on one axis, newest snapshot first; `chance` is the position of a model that knows nothing."""

    axis: Axis
    chance: float
    rows: tuple[MonthRow, ...]


def months(history: History, seen: Standing, champion: int | None, previous: int | None, metric: MetricName) -> Months:
    """Lay out the measurements of the versions that count now."""
    numbers = [champion, previous, *(number for number, _ in seen.challengers)]
    roles = dict(zip(numbers, ["champion", "previous", *("challenger" for _ in seen.challengers)], strict=True))
    found = [(entry.event, role) for number, role in _by_rank(roles) for entry in history.measurements(number)]
    newest = sorted(found, key=lambda item: item[0].snapshot, reverse=True)[:_MOST]  # an id begins with its date; ranks stay
    values = [interval_of(item) for item, _ in newest]
    scale = axis([metric.neutral, *(end for value in values for end in (value.value, value.low, value.high))], pad=0.06)
    rows = [
        MonthRow(
            item.as_of.isoformat() if item.as_of else item.snapshot,
            item.version,
            role,
            in_words(value),
            span(scale, value),
            signed(item.delta) if item.delta is not None else "",
            item.against,
            item.rows,
        )
        for (item, role), value in zip(newest, values, strict=True)
    ]
    return Months(scale, scale.at(metric.neutral), tuple(rows))


def _by_rank(roles: dict[int | None, str]) -> Iterable[tuple[int, str]]:
    return [(number, role) for number, role in roles.items() if number is not None]
