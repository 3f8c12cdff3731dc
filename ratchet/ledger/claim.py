"""Whose the records are that name no model: release 0.1 kept one chain, of the one model that used the ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ratchet.core.record import Record


def belong(records: Sequence[Record], project_hash: str, digest_of: Callable[[int], str | None]) -> bool:
    """Whether records without a model are those of the model that asks.

    They are when the gate has compared under exactly this project, or when nothing was promoted yet. Else the last promotion with a
    digest on record decides: they are when the registry has that version of the model, with the same digest.

    Args:
        records: all of them, in order.
        project_hash: of the model's project.
        digest_of: the registry's digest of one of the model's versions, None where there is no such version. It raises Unavailable
            when the registry does not answer, so that nobody guesses.
    """
    if any(record.kind == "gate" and record.body.get("project_hash") == project_hash for record in records):
        return True
    promotions = [record.body for record in records if record.kind == "promotion"]
    if not promotions:
        return True
    compared = [body for body in promotions if body.get("digest")]
    last = (compared or promotions)[-1]
    found = digest_of(int(last["to"]))
    return found is not None and (not compared or found == last["digest"])
