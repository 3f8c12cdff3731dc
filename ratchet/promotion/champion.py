"""Who is in production, asked of the registry and held against the ledger."""

from __future__ import annotations

from ratchet.core.errors import PermanentError
from ratchet.core.schema import ModelVersion
from ratchet.ledger.journal import Journal
from ratchet.registry.port import Registry

PRODUCTION, PREVIOUS = "production", "previous"


def champion_of(registry: Registry, journal: Journal) -> ModelVersion | None:
    """The version behind `production`; None only when there never was one.

    Raises PermanentError when the registry knows none although the ledger has a promotion: a lost or wrong registry must not look
    like a first run.
    """
    champion = registry.alias(PRODUCTION)
    if champion is None and (last := journal.history().champion) is not None:
        message = (
            f"the ledger says that version {last.event.to} is in production, but the registry knows no {PRODUCTION!r}: "
            "restore the registry, or set the alias there by hand"
        )
        raise PermanentError(message)
    return champion
