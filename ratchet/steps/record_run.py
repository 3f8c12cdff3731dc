"""Write into the ledger how a run ended: also one whose pod was killed before it could say anything."""

from __future__ import annotations

from ratchet.core.record import Record
from ratchet.ledger.port import Ledger

RUN = "run"
_FAILED = {"FAILED", "ERROR", "CANCELLED", "CANCELED"}
_STAGES = ("trigger", "gate", "promotion")  # kinds of record that a run leaves on its way


def run(ledger: Ledger, *, state: str, error: str, run_id: str, snapshot: str) -> Record:
    """Append the record of a run's end.

    Args:
        ledger: keeps it; a run that is recorded already is not recorded again.
        state: KFP's word for the DAG before. Only that it failed can be relied on: where kfp.local says SUCCEEDED, a backend says
            COMPLETE, or RUNNING when a branch was not taken.
        error: what KFP knows of the failure; often nothing.
        run_id: KFP's or the local runner's.
        snapshot: name that the run was started with.
    """
    present = ledger.records(RUN, run_id)
    if present and run_id:
        return present[-1]
    seen = {record.kind for record in ledger.records() if record.body.get("run_id") == run_id and run_id}
    reached = [kind for kind in _STAGES if kind in seen]
    body = {
        "state": "failed" if state in _FAILED else "succeeded",
        "error": error,
        "reached": reached,
        "snapshot": snapshot,
        "run_id": run_id,
    }
    return ledger.append(RUN, body, key=run_id)
