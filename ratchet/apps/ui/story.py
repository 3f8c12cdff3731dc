"""The ledger as a story: who served when and why, what was decided last, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ratchet.apps.ui.words import day_of, report_name
from ratchet.core.decision import Verdict
from ratchet.core.estimate import Estimate, Interval, MetricName
from ratchet.core.events import Cause, Entry, Gated, Moved, MoveState
from ratchet.core.history import History
from ratchet.core.schema import ModelVersion
from ratchet.project.file import Project
from ratchet.reports.html.comparison import IntervalFigure, Stated, interval_figure
from ratchet.reports.html.text import percent, signed
from ratchet.reports.html.wording import rests_on
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
        return {"RETRAIN": "A new model was asked for", "NO_ACTION": "Nothing to do"}.get(self.action, "It could not be decided")


def tenures(history: History) -> list[Tenure]:
    """Who was in production, oldest first."""
    done = history.done
    ends: list[datetime | None] = [*(entry.at for entry in done[1:]), *([None] if done else [])]
    return [
        Tenure(entry.event.to, entry.at, until, _how(entry), _why(entry.event), entry.seq)
        for entry, until in zip(done, ends, strict=True)
    ]


def _how(entry: Entry[Moved]) -> str:
    move, actor = entry.event, entry.actor
    before = f"version {move.before}" if move.before is not None else ""
    if move.cause is Cause.ROLLBACK:
        return f"{actor} rolled back from {before}"
    on = f" on the snapshot of {day_of(move.snapshot)}" if move.snapshot else ""
    if move.cause is Cause.APPROVAL:
        return f"{actor} approved it{on}" + (f", in place of {before}" if before else "")
    return f"it beat {before}{on}" if before else f"it was the first model good enough{on}"


def _why(move: Moved) -> tuple[str, ...]:
    if move.cause is Cause.ROLLBACK:
        given = move.reasons[-1] if move.reasons else "none"  # by_hand.rollback puts the person's words last
        return (f"reason given: {given}", "a rollback skips the gate")
    return move.reasons


def decision(entry: Entry[Gated], history: History, project: Project, versions: dict[int, ModelVersion]) -> Decision:
    """One comparison, with what became of it since."""
    gate = entry.event
    return Decision(
        entry.seq,
        entry.at,
        gate.verdict,
        gate.candidate,
        gate.champion,
        day_of(gate.snapshot),
        tuple((text, text in gate.decisive) for text in gate.reasons),
        f"{_figures(gate, task_of(project).metric)} {_rests_on(gate)}".rstrip(),
        _figure(gate, project, versions),
        report_name(gate.report),
        _after(entry, history),
    )


def _figures(gate: Gated, metric: MetricName) -> str:
    if gate.candidate_value is None:
        return f"The candidate's {metric.label} could not be measured."
    said = f"On {gate.rows:,} held-out rows version {gate.candidate} reaches {metric.label} {gate.candidate_value:.3f}"
    if gate.champion_value is None or gate.delta is None:
        return f"{said}; there was nothing to compare with."
    between = ""
    if gate.confidence is not None and gate.delta_low is not None and gate.delta_high is not None:
        between = f" ({percent(gate.confidence)} interval {signed(gate.delta_low)} to {signed(gate.delta_high)})"
    return f"{said} and version {gate.champion} {gate.champion_value:.3f}: a difference of {signed(gate.delta)}{between}."


def _rests_on(gate: Gated) -> str:
    known = gate.out_of_time is not None and gate.out_of_time_se is not None
    gain = Estimate(gate.out_of_time or 0.0, gate.out_of_time_se or 0.0) if known else None
    return rests_on(gate.proof, gain, gate.candidate, gate.champion, passed=gate.verdict is Verdict.PASS)


def _figure(gate: Gated, project: Project, versions: dict[int, ModelVersion]) -> IntervalFigure | None:
    """The interval as the report draws it, while ratchet.yaml is as it was: the record does not keep the bounds."""
    nothing = float("nan")
    task, policy, value = task_of(project), project.policy.gate, gate.candidate_value
    if gate.project_hash != project.hash or value is None or gate.confidence is None:
        return None
    stated = Stated(task.metric, task.floor(policy), gate.confidence, gate.rows)
    if gate.delta is not None:
        low, high = (nothing if end is None else end for end in (gate.delta_low, gate.delta_high))
        return interval_figure(Interval(gate.delta, low, high), stated, policy, gate.candidate, gate.champion)
    promised = task.metric.promised(versions[gate.candidate].metrics if gate.candidate in versions else {})
    same = promised.value == value  # measured on the same rows
    return interval_figure(promised if same else Interval(value, nothing, nothing), stated, policy, gate.candidate, None)


def _after(gate: Entry[Gated], history: History) -> str:
    """What became of the candidate since, in one sentence."""
    number = gate.event.candidate
    moves = [entry for entry in history.moves if entry.seq > gate.seq]
    own = [entry for entry in moves if entry.event.to == number and entry.event.cause is not Cause.ROLLBACK]
    if not own:
        return "" if gate.event.verdict is Verdict.PASS else "Nothing changed: only a PASS acts."
    state, error = own[-1].event.state, own[-1].event.error
    said = {
        MoveState.AWAITING: f"Version {number} waits for somebody to approve it.",
        MoveState.INTENT: f"Version {number} is on its way into production, or its promotion was interrupted.",
        MoveState.FAILED: f"Version {number} did not get into production: {error}.",
        MoveState.STALE: f"Version {number} did not get into production: {error}.",
    }
    if state is not MoveState.DONE:
        return said[state]
    later = [entry.event for entry in moves if entry.seq > own[-1].seq and entry.event.state is MoveState.DONE]
    back = next((move for move in later if move.before == number), None)
    if back is None:
        return f"Version {number} went into production."
    way = "was rolled back" if back.cause is Cause.ROLLBACK else "was replaced"
    return f"Version {number} went into production, and later {way}: version {back.to} took its place."


def checks(history: History) -> list[DriftCheck]:
    """Every check of a snapshot, oldest first."""
    return [
        DriftCheck(
            entry.seq,
            entry.at,
            entry.event.action,
            day_of(entry.event.snapshot),
            entry.event.champion,
            entry.event.reasons,
            entry.event.drift.verdict if entry.event.drift else "",
            report_name(entry.event.report),
        )
        for entry in history.triggers
    ]
