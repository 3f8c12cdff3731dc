"""Drift of each feature over time, as small figures on one scale: effect over threshold, 1 being where it begins to matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ratchet.apps.ui.words import day_of, report_name
from ratchet.core.events import DriftFound, DriftTest, Entry, Triggered
from ratchet.reports.html.text import shown

_MOST = 24  # checks in a figure, the newest
_LEAST_TOP = 1.5  # the threshold is always in the picture
_HIGH = 92.0  # percent of the figure's height that the largest value takes


@dataclass(frozen=True, slots=True)
class Point:
    """One feature on one snapshot, positions in percent. `severity` is effect over threshold, None when it was not measured."""

    snapshot: str
    champion: int | None
    severity: float | None
    kind: str
    reason: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Track:
    """A feature's points, oldest first, and the lines between neighbours (x1, y1, x2, y2)."""

    feature: str
    points: tuple[Point, ...]
    lines: tuple[tuple[float, float, float, float], ...]

    @property
    def latest(self) -> Point:
        """On the newest snapshot of the figure that has the feature."""
        return self.points[-1]

    @property
    def ever(self) -> bool:
        """Whether it drifted in any of them."""
        return any(point.kind == "drifted" for point in self.points)


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison of a snapshot with the champion's reference."""

    seq: int
    snapshot: str
    champion: int | None
    verdict: str
    share: float
    reason: str
    drifted: tuple[str, ...]
    report: str


@dataclass(frozen=True, slots=True)
class DriftHistory:
    """All tracks, largest last effect first; `threshold` is the height of 1 in percent."""

    checks: tuple[Check, ...]
    tracks: tuple[Track, ...]
    informative: tuple[Track, ...]
    threshold: float
    top: float


def drift_history(triggers: Sequence[Entry[Triggered]]) -> DriftHistory:
    """Lay out what the triggers found. A snapshot that was checked twice against one champion counts as it came out last."""
    made: dict[tuple[str, int | None], _Compared] = {}
    for entry in triggers:
        if entry.event.drift is not None:
            key = (entry.event.snapshot, entry.event.champion)
            made.pop(key, None)
            made[key] = _Compared(entry, entry.event.drift)
    newest = list(made.values())[-_MOST:]
    tests = [_worst(compared.drift.tests) for compared in newest]
    others = [_worst(compared.drift.informative) for compared in newest]
    measured = [test.severity for of in (*tests, *others) for test in of.values() if test.severity is not None]
    top = max([_LEAST_TOP, *measured])
    tracks = sorted(_tracks(newest, tests, top), key=lambda track: (-(track.latest.severity or 0.0), track.feature))
    return DriftHistory(
        tuple(_check(compared) for compared in newest),
        tuple(tracks),
        tuple(_tracks(newest, others, top)),
        _height(1.0, top),
        top,
    )


@dataclass(frozen=True, slots=True)
class _Compared:
    """A trigger that compared, and what it found."""

    entry: Entry[Triggered]
    drift: DriftFound


def _check(compared: _Compared) -> Check:
    trigger, drift = compared.entry.event, compared.drift
    return Check(
        compared.entry.seq,
        day_of(trigger.snapshot),
        trigger.champion,
        drift.verdict,
        drift.drift_share,
        drift.headline,
        drift.drifted,
        report_name(trigger.report),
    )


def _worst(tests: Sequence[DriftTest]) -> dict[str, DriftTest]:
    """The test of each feature that says most: one that drifted, else the largest effect over threshold."""
    worst: dict[str, DriftTest] = {}
    for test in tests:
        present = worst.get(test.feature)
        if present is None or (test.drifted, test.severity or -1.0) > (present.drifted, present.severity or -1.0):
            worst[test.feature] = test
    return worst


def _height(value: float, top: float) -> float:
    return round(100 - _HIGH * value / top, 2)


def _tracks(made: Sequence[_Compared], tests: Sequence[Mapping[str, DriftTest]], top: float) -> list[Track]:
    names = dict.fromkeys(name for of in tests for name in of)
    return [_track(name, made, tests, top) for name in names]


def _track(name: str, made: Sequence[_Compared], tests: Sequence[Mapping[str, DriftTest]], top: float) -> Track:
    points = []
    for index, (compared, of) in enumerate(zip(made, tests, strict=True)):
        if name not in of:
            continue
        test, trigger = of[name], compared.entry.event
        kind = "drifted" if test.drifted else ("quiet" if test.enough else "not judged")
        x = round(100 * (index + 0.5) / len(made), 2)
        y = _height(test.severity or 0.0, top)
        points.append(Point(day_of(trigger.snapshot), trigger.champion, test.severity, kind, test.reason, x, y))
    known = [point for point in points if point.severity is not None]
    lines = [(a.x, a.y, b.x, b.y) for a, b in pairwise(known) if a.champion == b.champion]
    return Track(shown(name), tuple(points), tuple(lines))
