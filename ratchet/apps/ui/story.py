"""The ledger retold: who served when and why, what was decided last, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ratchet.apps.ui.words import day_of, report_name
from ratchet.core.estimate import Interval, MetricName
from ratchet.core.record import Record
from ratchet.core.schema import ModelVersion
from ratchet.project.file import Project
from ratchet.promotion.world import PROMOTION, Cause, Step
from ratchet.reports.html.comparison import IntervalFigure, Stated, interval_figure
from ratchet.reports.html.text import percent, signed
from ratchet.tasks.catalogue import task_of


@dataclass(frozen=True, slots=True)
class Tenure:
    """A version's time in production. `until` is None while it lasts; `how` is a sentence without its full stop."""

    version: int
    since: datetime
    until: datetime | None
    how: str
    why: tuple[str, ...]
    seq: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's decision as the ledger keeps it. `decisive` reasons carry the verdict."""

    seq: int
    at: datetime
    verdict: str
    candidate: int
    champion: int | None
    snapshot: str
    reasons: tuple[tuple[str, bool], ...]
    figures: str
    figure: IntervalFigure | None
    report: str
    after: str


@dataclass(frozen=True, slots=True)
class DriftCheck:
    """The trigger's decision: whether the snapshot asked for a candidate."""

    seq: int
    at: datetime
    action: str
    snapshot: str
    champion: int | None
    reasons: tuple[str, ...]
    verdict: str
    report: str

    @property
    def headline(self) -> str:
        """The action in words."""
        return {"RETRAIN": "A new model was asked for", "NO_ACTION": "Nothing to do"}.get(self.action, "It could not be told")


def tenures(records: Sequence[Record]) -> list[Tenure]:
    """Who was in production, oldest first."""
    done = [record for record in records if record.kind == PROMOTION and record.body["state"] == Step.DONE]
    ends: list[datetime | None] = [*(record.at for record in done[1:]), *([None] if done else [])]
    return [
        Tenure(record.body["to"], record.at, until, _how(record), _why(record), record.seq)
        for record, until in zip(done, ends, strict=True)
    ]


def _how(record: Record) -> str:
    body, actor = record.body, record.actor
    before = f"version {body['from']}" if body["from"] is not None else ""
    if body["cause"] == Cause.ROLLBACK:
        return f"{actor} rolled back from {before}"
    on = f" on the snapshot of {day_of(body['snapshot'])}" if body["snapshot"] else ""
    if body["cause"] == Cause.APPROVAL:
        return f"{actor} approved it{on}" + (f", in place of {before}" if before else "")
    return f"it beat {before}{on}" if before else f"it was the first model good enough{on}"


def _why(record: Record) -> tuple[str, ...]:
    reasons = record.body["reasons"]
    if record.body["cause"] == Cause.ROLLBACK:
        return (f"reason given: {reasons[-1]}", "a rollback skips the gate")  # by_hand.rollback puts the person's words last
    return tuple(reasons)


def decision(record: Record, records: Sequence[Record], project: Project, versions: dict[int, ModelVersion]) -> Decision | None:
    """One comparison, with what became of it among `records`; None for one that another release wrote in another form."""
    try:
        return _decision(record, records, project, versions)
    except (KeyError, TypeError, ValueError):
        return None


def _decision(record: Record, records: Sequence[Record], project: Project, versions: dict[int, ModelVersion]) -> Decision:
    body = record.body
    decisive = set(body["decisive"])
    return Decision(
        record.seq,
        record.at,
        body["verdict"],
        body["candidate"],
        body["champion"],
        day_of(body["snapshot"]),
        tuple((text, text in decisive) for text in body["reasons"]),
        _figures(record, task_of(project).metric),
        _figure(record, project, versions),
        report_name(body.get("report", "")),
        _after(record, records),
    )


def _figures(record: Record, metric: MetricName) -> str:
    body = record.body
    new, old = body[f"candidate_{metric.key}"], body[f"champion_{metric.key}"]
    if new is None:
        return f"The candidate's {metric.label} could not be measured."
    told = f"On {body['rows']:,} held-out rows version {body['candidate']} reaches {metric.label} {new:.3f}"
    if old is None or body["delta"] is None:
        return f"{told}; there was nothing to compare with."
    between = ""
    if body["delta_low"] is not None:
        between = f" ({percent(body['confidence'])} interval {signed(body['delta_low'])} to {signed(body['delta_high'])})"
    return f"{told} and version {body['champion']} {old:.3f}: a difference of {signed(body['delta'])}{between}."


def _figure(record: Record, project: Project, versions: dict[int, ModelVersion]) -> IntervalFigure | None:
    """The interval as the report draws it, while ratchet.yaml is as it was: the record does not keep the bounds."""
    body, nothing = record.body, float("nan")
    task, policy = task_of(project), project.policy.gate
    value = body[f"candidate_{task.metric.key}"]
    if body["project_hash"] != project.hash or value is None:
        return None
    stated = Stated(task.metric, task.floor(policy), body["confidence"], body["rows"])
    if body["delta"] is not None:
        low, high = (nothing if body[end] is None else body[end] for end in ("delta_low", "delta_high"))
        gain = Interval(body["delta"], low, high)
        return interval_figure(gain, stated, policy, body["candidate"], body["champion"])
    promised = task.metric.promised(versions[body["candidate"]].metrics if body["candidate"] in versions else {})
    same = promised.value == value  # measured on the same rows
    return interval_figure(promised if same else Interval(value, nothing, nothing), stated, policy, body["candidate"], None)


def _after(gate: Record, records: Sequence[Record]) -> str:
    """What became of the candidate since, in one sentence."""
    number = gate.body["candidate"]
    moves = [r for r in records if r.kind == PROMOTION and r.seq > gate.seq]
    own = [move for move in moves if move.body["to"] == number and move.body["cause"] != Cause.ROLLBACK]
    if not own:
        return "" if gate.body["verdict"] == "PASS" else "Nothing changed: only a PASS acts."
    state, error = own[-1].body["state"], own[-1].body.get("error", "")
    told = {
        Step.AWAITING: f"Version {number} waits for somebody to approve it.",
        Step.INTENT: f"Version {number} is on its way into production, or its promotion was interrupted.",
        Step.FAILED: f"Version {number} did not get into production: {error}.",
        Step.STALE: f"Version {number} did not get into production: {error}.",
    }
    if state != Step.DONE:
        return told[state]
    later = [move for move in moves if move.seq > own[-1].seq and move.body["state"] == Step.DONE]
    back = next((move for move in later if move.body["from"] == number), None)
    if back is None:
        return f"Version {number} went into production."
    way = "was rolled back" if back.body["cause"] == Cause.ROLLBACK else "was replaced"
    return f"Version {number} went into production, and later {way}: version {back.body['to']} took its place."


def checks(records: Sequence[Record]) -> list[DriftCheck]:
    """Every look at a snapshot, oldest first."""
    return [
        DriftCheck(
            record.seq,
            record.at,
            record.body["action"],
            day_of(record.body["snapshot"]),
            record.body["champion"],
            tuple(record.body["reasons"]),
            (record.body["drift"] or {}).get("verdict", ""),
            report_name(record.body.get("report", "")),
        )
        for record in records
        if record.kind == "trigger"
    ]
