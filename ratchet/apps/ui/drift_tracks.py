"""Drift of each feature over time, as small figures on one scale: effect over threshold, 1 being where it begins to matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ratchet.apps.ui.words import day_of, report_name
from ratchet.core.record import Record
from ratchet.reports.html.text import shown

_MOST = 24  # checks in a figure, the newest
_LEAST_TOP = 1.5  # the threshold is always in the picture
_HIGH = 92.0  # percent of the figure's height that the largest value takes


@dataclass(frozen=True, slots=True)
class Point:
    """One feature on one snapshot, positions in percent. `severity` is effect over threshold, None when it was not measured."""

    snapshot: str
    champion: int
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
    champion: int
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


def drift_history(records: Sequence[Record]) -> DriftHistory:
    """Read the trigger records. A snapshot that was checked twice against one champion counts as it came out last."""
    made: dict[tuple[str, int], Record] = {}
    for record in records:
        if record.kind == "trigger" and record.body["drift"]:
            key = (record.body["snapshot"], record.body["champion"])
            made.pop(key, None)
            made[key] = record
    newest = list(made.values())[-_MOST:]
    tests = [_worst(record.body["drift"]["tests"]) for record in newest]
    others = [_worst(record.body["drift"]["informative"]) for record in newest]
    measured = [value for of in (*tests, *others) for test in of.values() if (value := _severity(test)) is not None]
    top = max([_LEAST_TOP, *measured])
    tracks = sorted(_tracks(newest, tests, top), key=lambda track: (-(track.latest.severity or 0.0), track.feature))
    return DriftHistory(
        tuple(_check(record) for record in newest),
        tuple(tracks),
        tuple(_tracks(newest, others, top)),
        _height(1.0, top),
        top,
    )


def _check(record: Record) -> Check:
    drift = record.body["drift"]
    return Check(
        record.seq,
        day_of(record.body["snapshot"]),
        record.body["champion"],
        drift["verdict"],
        drift["drift_share"],
        drift["reasons"][0],
        tuple(drift["drifted"]),
        report_name(record.body.get("report", "")),
    )


def _severity(test: Mapping[str, Any]) -> float | None:
    return None if test["effect"] is None else test["effect"] / max(test["threshold"], 1e-9)


def _worst(tests: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The test of each feature that says most: one that drifted, else the largest effect over threshold."""
    worst: dict[str, Mapping[str, Any]] = {}
    for test in tests:
        present = worst.get(test["feature"])
        if present is None or (test["drifted"], _severity(test) or -1.0) > (present["drifted"], _severity(present) or -1.0):
            worst[test["feature"]] = test
    return worst


def _height(value: float, top: float) -> float:
    return round(100 - _HIGH * value / top, 2)


def _tracks(records: Sequence[Record], tests: Sequence[Mapping[str, Mapping[str, Any]]], top: float) -> list[Track]:
    names = dict.fromkeys(name for of in tests for name in of)
    return [_track(name, records, tests, top) for name in names]


def _track(name: str, records: Sequence[Record], tests: Sequence[Mapping[str, Mapping[str, Any]]], top: float) -> Track:
    points = []
    for index, (record, of) in enumerate(zip(records, tests, strict=True)):
        if name not in of:
            continue
        test = of[name]
        kind = "drifted" if test["drifted"] else ("quiet" if test["enough"] else "not judged")
        severity = _severity(test)
        x = round(100 * (index + 0.5) / len(records), 2)
        y = _height(severity or 0.0, top)
        points.append(Point(day_of(record.body["snapshot"]), record.body["champion"], severity, kind, test["reason"], x, y))
    known = [point for point in points if point.severity is not None]
    lines = [(a.x, a.y, b.x, b.y) for a, b in pairwise(known) if a.champion == b.champion]
    return Track(shown(name), tuple(points), tuple(lines))
