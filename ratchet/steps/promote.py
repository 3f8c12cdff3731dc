"""Bring a candidate that passed the gate into production, or park it for approval."""

from __future__ import annotations

from ratchet.core.decision import Verdict
from ratchet.core.errors import UserError
from ratchet.core.events import Cause, Entry, Gated, Moved, MoveState
from ratchet.project.file import Project
from ratchet.promotion.champion import legible
from ratchet.promotion.move import Move, promotion_key
from ratchet.promotion.production import Production
from ratchet.promotion.protocol import carry_out


def passed_gate(production: Production, candidate: int) -> Gated:
    """The gate's last decision on the candidate. Raises UserError unless it is PASS: only PASS acts."""
    last = legible(production.journal.trusted(), gates=True).gate_of(candidate)
    if last is None:
        message = f"version {candidate} has not been evaluated: `ratchet run` trains and evaluates"
        raise UserError(message)
    if last.event.verdict is not Verdict.PASS:
        message = f"version {candidate} did not pass the gate ({'; '.join(last.event.decisive)}): it is not promoted"
        raise UserError(message)
    return last.event


def run(project: Project, production: Production, candidate: int, *, run_id: str = "") -> Entry[Moved]:
    """Carry out the promotion protocol, or record `awaiting_approval`. Returns the ledger's entry of the outcome."""
    gate = passed_gate(production, candidate)
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
    entry = _park(production, move, project) if project.policy.approval == "manual" else carry_out(production, move)
    outcome = "promoted" if entry.event.state is MoveState.DONE else "awaiting_approval"
    production.say(f"[DECISION] {outcome}")
    production.say(
        f"[SUMMARY] as_of={gate.snapshot.split('@')[0]} cand_v={candidate} cand_{gate.metric}={_figure(gate.candidate_value)} "
        f"prod_v={gate.champion or 'none'} prod_{gate.metric}={_figure(gate.champion_value)} -> {outcome}"
    )
    return entry


def _park(production: Production, move: Move, project: Project) -> Entry[Moved]:
    """Record that the candidate waits; a second time it waits already."""
    before = legible(production.journal.trusted()).moves_of(move.key)
    for state in (MoveState.DONE, MoveState.AWAITING):
        for entry in before:
            if entry.event.state is state:
                return entry
    return production.journal.append(move.step(MoveState.AWAITING, project_hash=project.hash), key=move.key)


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
