"""Who is in production, asked of the registry and held against the ledger."""

from __future__ import annotations

from ratchet.core.errors import LedgerError, PermanentError
from ratchet.core.history import History
from ratchet.core.schema import ModelVersion
from ratchet.ledger.journal import Journal
from ratchet.registry.port import Registry

PRODUCTION, PREVIOUS = "production", "previous"


def legible(history: History, *, gates: bool = False) -> History:
    """The history, to act on.

    Raises LedgerError where a step of a move cannot be read, since what is open or waits is not known then; with `gates` also where
    a decision of the gate cannot be, since what was decided last, and in how many tries, is not. A way back asks no gate.
    """
    unread = history.unreadable_move or (history.unreadable_gate if gates else None)
    if unread is not None:
        message = (
            f"ledger record {unread.seq} ({unread.kind}) is of a form that this release does not know ({unread.event.why}): "
            "nobody acts on half of the history; use the release that wrote it"
        )
        raise LedgerError(message)
    return history


def champion_of(registry: Registry, journal: Journal) -> ModelVersion | None:
    """The version behind `production`; None only when there never was one.

    Raises PermanentError when the registry knows none although the ledger has a promotion: a lost or wrong registry must not look
    like a first run. Raises LedgerError when the registry knows none and a step of a move cannot be read.
    """
    champion = registry.alias(PRODUCTION)
    if champion is None and (last := legible(journal.history()).champion) is not None:
        message = (
            f"the ledger says that version {last.event.to} is in production, but the registry knows no {PRODUCTION!r}: "
            "restore the registry, or set the alias there by hand"
        )
        raise PermanentError(message)
    return champion
