"""Bring a candidate that passed the gate into production, or park it for approval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ratchet.core.errors import UserError
from ratchet.core.record import Record
from ratchet.project.file import Project
from ratchet.promotion.move import carry_out
from ratchet.promotion.world import PROMOTION, Cause, Move, Step, World, promotion_key
from ratchet.tasks.catalogue import task_of


def passed_gate(world: World, candidate: int) -> Mapping[str, Any]:
    """The gate's last decision on the candidate. Raises UserError unless it is PASS: only PASS acts."""
    decisions = [record.body for record in world.ledger.records("gate") if record.body["candidate"] == candidate]
    if not decisions:
        message = f"version {candidate} has not been evaluated: `ratchet run` trains and evaluates"
        raise UserError(message)
    if decisions[-1]["verdict"] != "PASS":
        message = f"version {candidate} did not pass the gate ({'; '.join(decisions[-1]['decisive'])}): it is not promoted"
        raise UserError(message)
    return decisions[-1]


def run(project: Project, world: World, candidate: int, *, run_id: str = "") -> Record:
    """Carry out the promotion protocol, or record `awaiting_approval`. Returns the ledger's record of the outcome."""
    gate = passed_gate(world, candidate)
    move = Move(
        key=promotion_key(gate["snapshot_hash"], gate["champion"], candidate, project.hash),
        to=candidate,
        expected=gate["champion"],
        cause=Cause.GATE,
        reasons=gate["decisive"],
        run_id=run_id,
        snapshot=gate["snapshot"],
        digest=gate["candidate_digest"],
    )
    if project.policy.approval == "manual":
        record = _park(world, move, project)
        outcome = Step(record.body["state"])
        world.say(f"[DECISION] {'promoted' if outcome is Step.DONE else 'awaiting_approval'}")
    else:
        record = carry_out(world, move)
        outcome = Step.DONE
        world.say("[DECISION] promoted")
    key = task_of(project).metric.key
    new, old = gate[f"candidate_{key}"], gate[f"champion_{key}"]
    world.say(
        f"[SUMMARY] as_of={gate['snapshot'].split('@')[0]} cand_v={candidate} cand_{key}={new:.3f} "
        f"prod_v={gate['champion'] or 'none'} prod_{key}={'none' if old is None else f'{old:.3f}'} "
        f"-> {'promoted' if outcome is Step.DONE else 'awaiting_approval'}"
    )
    return record


def _park(world: World, move: Move, project: Project) -> Record:
    """Record that the candidate waits; a second time it waits already."""
    before = world.ledger.records(PROMOTION, move.key)
    for state in (Step.DONE, Step.AWAITING):
        for record in before:
            if record.body["state"] == state:
                return record
    return world.ledger.append(PROMOTION, move.body(Step.AWAITING, project_hash=project.hash), key=move.key)
