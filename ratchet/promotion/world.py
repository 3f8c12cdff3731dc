"""Readings of the ledger's records for who has no journal yet."""

from __future__ import annotations

from ratchet.core.events import Cause
from ratchet.core.events import MoveState as Step
from ratchet.core.record import Record
from ratchet.core.schema import ModelVersion
from ratchet.ledger.journal import Journal
from ratchet.ledger.port import Ledger
from ratchet.promotion import champion
from ratchet.promotion.champion import PREVIOUS, PRODUCTION
from ratchet.registry.port import Registry

PROMOTION = "promotion"
__all__ = ["PREVIOUS", "PRODUCTION", "PROMOTION", "Cause", "Step", "awaiting", "champion_of", "open_move"]


def champion_of(registry: Registry, ledger: Ledger) -> ModelVersion | None:
    """As `champion.champion_of`."""
    return champion.champion_of(registry, Journal(ledger, ""))


def awaiting(ledger: Ledger) -> list[Record]:
    """The records of the parked candidates."""
    return [ledger.records(after=entry.seq - 1)[0] for entry in Journal(ledger, "").history().waiting]


def open_move(ledger: Ledger) -> Record | None:
    """The intent of a move that has not ended."""
    entry = Journal(ledger, "").history().open
    return ledger.records(after=entry.seq - 1)[0] if entry else None
