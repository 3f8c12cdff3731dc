"""Bring a candidate that passed the gate into production, or park it for approval."""

from __future__ import annotations

from ratchet.core.decision import Verdict
from ratchet.core.errors import LedgerError, UserError
from ratchet.core.events import Cause, Entry, Gated, Moved, MoveState
from ratchet.ledger.journal import Journal
from ratchet.project.file import Project
from ratchet.promotion.move import carry_out
from ratchet.promotion.world import Move, World, promotion_key


def passed_gate(journal: Journal, candidate: int) -> Gated:
    """The gate's last decision on the candidate. Raises UserError unless it is PASS: only PASS acts."""
    entry = journal.history().gate_of(candidate)
    if entry is None:
        message = f"version {candidate} has not been evaluated: `ratchet run` trains and evaluates"
        raise UserError(message)
    if entry.event.verdict is not Verdict.PASS:
        message = f"version {candidate} did not pass the gate ({'; '.join(entry.event.decisive)}): it is not promoted"
        raise UserError(message)
    return entry.event


def run(project: Project, world: World, candidate: int, *, run_id: str = "") -> Entry[Moved]:
    """Carry out the promotion protocol, or record `awaiting_approval`. Returns the outcome as recorded."""
    journal = Journal(world.ledger, project.model)
    gate = passed_gate(journal, candidate)
    move = Move(
        key=promotion_key(gate.snapshot_hash, gate.champion, candidate, project.hash),
        to=candidate,
        expected=gate.champion,
        cause=Cause.GATE,
        reasons=gate.decisive,
        run_id=run_id,
        snapshot=gate.snapshot,
        digest=gate.candidate_digest,
    )
    if project.policy.approval == "manual":
        entry = _park(journal, move, project)
    else:
        carry_out(world, move)
        entry = _done(journal, move)
    outcome = "promoted" if entry.event.state is MoveState.DONE else "awaiting_approval"
    world.say(f"[DECISION] {outcome}")
    world.say(
        f"[SUMMARY] as_of={gate.snapshot.split('@')[0]} cand_v={candidate} cand_{gate.metric}={_shown(gate.candidate_value)} "
        f"prod_v={gate.champion or 'none'} prod_{gate.metric}={_shown(gate.champion_value)} -> {outcome}"
    )
    return entry


def _done(journal: Journal, move: Move) -> Entry[Moved]:
    entry = journal.history().done_of(move.key)
    if entry is None:
        message = f"the promotion of version {move.to} is not in the ledger: was it restored meanwhile?"
        raise LedgerError(message)
    return entry


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _park(journal: Journal, move: Move, project: Project) -> Entry[Moved]:
    """Record that the candidate waits; a second time it waits already."""
    history = journal.history()
    parked = (entry for entry in history.moves_of(move.key) if entry.event.state is MoveState.AWAITING)
    present = history.done_of(move.key) or next(parked, None)
    if present is not None:
        return present
    waits = Moved(
        state=MoveState.AWAITING,
        to=move.to,
        before=move.expected,
        cause=move.cause,
        reasons=tuple(move.reasons),
        run_id=move.run_id,
        snapshot=move.snapshot,
        digest=move.digest,
        project_hash=project.hash,
    )
    return journal.append(waits, key=move.key)
