"""The way that a policy takes through the months: who served when, and what was promoted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from ratchet.core.schema import Snapshot


@dataclass(frozen=True, slots=True)
class Served:
    """A version of a replay: its name in the table of scores, and the dates of the snapshots that it was trained on."""

    name: str
    made_of: tuple[date, ...]


def made_of(window: Sequence[Snapshot]) -> Served:
    """The version that the project's recipe makes of these labelled snapshots, which follow each other."""
    dates = tuple(item.as_of for item in window)
    return Served(f"made of {dates[0]} to {dates[-1]}", dates)


@dataclass(frozen=True, slots=True)
class Step:
    """A version that takes production from the one before (None: it is the first), decided with the snapshot of that date."""

    decided: date
    to: Served
    before: Served | None
    why: str


@dataclass(slots=True)
class Path:
    """`serving` has, by the date of each snapshot, the version that served when it came."""

    serving: dict[date, Served] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
