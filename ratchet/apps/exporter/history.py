"""What the ledger comes to, kept up to date record by record: a ledger of years is read once and not at every look."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from statistics import median
from typing import Any

from ratchet.apps.exporter.metrics import PROMOTION_BOUNDS
from ratchet.core.decision import Verdict
from ratchet.core.events import RunEnded
from ratchet.core.record import Record
from ratchet.core.trigger import Action
from ratchet.promotion.world import PROMOTION, Step

OUTCOMES = {
    "trigger": tuple(action.value for action in Action),
    "gate": tuple(verdict.value for verdict in Verdict),
    PROMOTION: tuple(step.value for step in Step),
}
RUN_OUTCOMES = ("promoted", "skipped", "no_action", "unknown", "awaiting_approval", "failed")
_FIELD = {"trigger": "action", "gate": "verdict", PROMOTION: "state"}
_SO_FAR = {  # what a run has come to by a record of it; the last one counts
    ("trigger", "NO_ACTION"): "no_action",
    ("trigger", "UNKNOWN"): "unknown",
    ("trigger", "RETRAIN"): "failed",  # unless a gate follows
    ("gate", "PASS"): "promoted",
    ("gate", "FAIL"): "skipped",
    ("gate", "UNKNOWN"): "unknown",
    (PROMOTION, Step.DONE): "promoted",
    (PROMOTION, Step.AWAITING): "awaiting_approval",
    (PROMOTION, Step.FAILED): "failed",
    (PROMOTION, Step.STALE): "failed",
}
_GAPS = 10  # snapshots whose dates tell how often one comes
_OPEN_RUNS = 100  # of runs that were killed no end comes: the oldest are forgotten
_LIVE = ("auc", "low", "high", "rows", "positives")
_LIVE_VERSIONS = 10  # older ones than these are told while they are in production


@dataclass(slots=True)
class Durations:
    """Promotions by how long they took: a count for each of PROMOTION_BOUNDS and one beyond, and the sum in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(PROMOTION_BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(PROMOTION_BOUNDS, seconds)] += 1
        self.total += seconds


@dataclass(slots=True)
class History:
    """The ledger's figures. `live` holds the bodies of `live` records by version, `ingested` moments by the snapshot's date."""

    decisions: Counter[tuple[str, str]] = field(default_factory=Counter)
    last: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    drift_share: float | None = None
    worst: tuple[str, float] | None = None
    unanswered: datetime | None = None
    runs: Counter[str] = field(default_factory=Counter)
    durations: Durations = field(default_factory=Durations)
    changed: datetime | None = None
    open: tuple[str, datetime] | None = None
    waiting: dict[str, datetime] = field(default_factory=dict)
    live: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    ingested: dict[date, datetime] = field(default_factory=dict)
    in_production: int | None = None
    _drifted: str = ""  # id of the snapshot whose drift is not answered
    _running: dict[str, str] = field(default_factory=dict)

    def add(self, records: Sequence[Record]) -> None:
        """Take further records in, in order. They stay for ever: one of another release's form counts as far as it can be read."""
        for record in records:
            with suppress(AttributeError, KeyError, TypeError, ValueError):
                self._take(record)

    def _take(self, record: Record) -> None:
        kind, body = record.kind, record.body
        if kind in OUTCOMES:
            self._decided(record, str(body[_FIELD[kind]]))
        if kind == "trigger":
            self._triggered(record)
        elif kind == PROMOTION:
            self._moved(record)
        elif kind == "gate" and body["verdict"] == Verdict.FAIL:
            self._answered(body["snapshot"])
        elif kind == RunEnded.KIND:
            self._ended(body)
        elif kind == "live":
            self._measured(body)
        elif kind == "ingest":
            self.ingested[date.fromisoformat(record.key)] = record.at

    def _decided(self, record: Record, outcome: str) -> None:
        self.decisions[record.kind, outcome] += 1
        self.last[record.kind] = (outcome, record.at)
        run, so_far = record.body.get("run_id"), _SO_FAR.get((record.kind, outcome))
        if run and so_far:
            self._running[run] = so_far
            while len(self._running) > _OPEN_RUNS:
                del self._running[next(iter(self._running))]

    def _triggered(self, record: Record) -> None:
        """Drift that was decided upon before (NO_ACTION) is answered; too few rows to tell (UNKNOWN) answers nothing."""
        found = record.body["drift"]
        if found is None:
            return
        self.drift_share = found["drift_share"]
        if found["tests"]:
            worst = max(found["tests"], key=_severity)
            self.worst = (worst["feature"], max(0.0, _severity(worst)))
        if found["verdict"] == Verdict.PASS and record.body["action"] != Action.NO_ACTION:
            self.unanswered, self._drifted = self.unanswered or record.at, record.body["snapshot"]
        elif found["verdict"] != Verdict.UNKNOWN:
            self.unanswered = None

    def _answered(self, snapshot: str) -> None:
        if snapshot == self._drifted:
            self.unanswered = None

    def _moved(self, record: Record) -> None:
        body, state = record.body, record.body["state"]
        if state != Step.AWAITING:
            self.changed = record.at
        if state == Step.INTENT:
            self.open = (record.key, record.at)
            return
        if state in {Step.DONE, Step.AWAITING}:
            self._answered(body["snapshot"])
        if state == Step.AWAITING:
            self.waiting[record.key] = record.at
        elif state in {Step.DONE, Step.STALE}:
            self.waiting.pop(record.key, None)
        if state == Step.DONE:
            self.in_production = body["to"]
        if self.open and self.open[0] == record.key and state in {Step.DONE, Step.FAILED}:
            if state == Step.DONE and not body.get("reconciled"):
                self.durations.add((record.at - self.open[1]).total_seconds())
            self.open = None

    def _ended(self, body: Mapping[str, Any]) -> None:
        so_far = self._running.pop(body["run_id"], "unknown")
        self.runs["failed" if body["state"] == "failed" else so_far] += 1

    def _measured(self, body: Mapping[str, Any]) -> None:
        self.live[body["version"]] = {name: body[name] for name in _LIVE}
        kept = {*sorted(self.live)[-_LIVE_VERSIONS:], self.in_production}
        self.live = {number: self.live[number] for number in sorted(self.live) if number in kept}

    @property
    def interval(self) -> float | None:
        """Seconds, the median time between the dates of the last snapshots; None before there are two."""
        dates = sorted(self.ingested)[-_GAPS:]
        gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(dates)]
        return median(gaps) if gaps else None


def _severity(test: Mapping[str, Any]) -> float:
    """Effect over threshold, as core.feature_drift.FeatureDrift.severity."""
    return -1.0 if test["effect"] is None else float(test["effect"] / max(test["threshold"], 1e-9))
