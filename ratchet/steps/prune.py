"""Forgetting old answers. Ledger, reports and models are the proof of what was decided, and stay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ratchet.core.events import Pruned
from ratchet.ledger.journal import Journal
from ratchet.requests.port import RequestLog


@dataclass(frozen=True, slots=True)
class Old:
    """The answers that were given before a moment: how many there are."""

    before: datetime
    answers: int


def old_answers(requests: RequestLog, days: int, now: datetime) -> Old:
    """Count the answers that are older than `days` days."""
    before = now - timedelta(days=days)
    return Old(before, requests.count_before(before.timestamp()))


def forget(journal: Journal, requests: RequestLog, old: Old) -> int:
    """Delete them with their labels; how many.

    It is recorded before the first is deleted: what a later live figure lacks, the ledger says. Interrupted, another call goes on.
    """
    journal.append(Pruned(before=old.before, answers=old.answers))
    return requests.delete_before(old.before.timestamp())
