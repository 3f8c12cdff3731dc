"""Write into the ledger how a run ended: also one whose pod was killed before it could say anything."""

from __future__ import annotations

from ratchet.core.events import Entry, RunEnded, RunState
from ratchet.ledger.journal import Journal

_FAILED = {"FAILED", "ERROR", "CANCELLED", "CANCELED"}


def run(journal: Journal, *, state: str, error: str, run_id: str, snapshot: str) -> Entry[RunEnded]:
    """Record a run's end.

    Args:
        journal: keeps it; a run that is recorded already is not recorded again.
        state: KFP's word for the DAG before. Only that it failed can be relied on: where kfp.local says SUCCEEDED, a backend says
            COMPLETE, or RUNNING when a branch was not taken.
        error: what KFP knows of the failure; often nothing.
        run_id: KFP's or the local runner's.
        snapshot: name that the run was started with.
    """
    seen = journal.history().run(run_id)
    if seen is not None and seen.end is not None:
        return seen.end
    return journal.append(
        RunEnded(
            state=RunState.FAILED if state in _FAILED else RunState.SUCCEEDED,
            error=error,
            reached=tuple(seen.reached) if seen else (),
            snapshot=snapshot,
            run_id=run_id,
        ),
        key=run_id,
    )
