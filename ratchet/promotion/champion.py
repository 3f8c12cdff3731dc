"""Who is in production: the version and the digest of the last move that was done in the ledger. The registry is held against it.

Whoever can write to the registry decides nothing by that: an alias that nobody promoted is set back, and files that were changed
together with their digest's tag are refused.
"""

from __future__ import annotations

from ratchet.core.errors import ArtifactError, LedgerError, NoSuchVersion, PermanentError
from ratchet.core.history import History
from ratchet.core.schema import ModelVersion, require_digest
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
    """The version in production by the ledger, as the registry has it with the same digest; None only when there never was one.

    Raises:
        LedgerError: a step of a move cannot be read.
        PermanentError: the registry names a version although nobody promoted one, or does not know the one that was promoted: a
            lost or wrong registry must not look like a first run.
        ArtifactError: the registry's digest of the version is not the ledger's.
    """
    history = legible(journal.trusted())
    if history.champion is None:
        refuse_unpromoted(registry, history)
        return None
    return proven(registry, history, history.champion.event.to)


def proven(registry: Registry, history: History, number: int) -> ModelVersion:
    """That version, its digest held against the one on record. Raises as `champion_of`."""
    try:
        version = registry.version(number)
    except NoSuchVersion as error:
        raise lost(number) from error
    require_digest(version, history.digest_of(number))
    return version


def lost(number: int) -> PermanentError:
    """What to say of a version that was promoted and that the registry does not know."""
    return PermanentError(
        f"the ledger says that version {number} is in production, but the registry does not know it: restore the registry, bring "
        "its files back by `ratchet adopt`, or go to another version by `ratchet rollback --to N`"
    )


def named_by(registry: Registry) -> int | None:
    """The version behind the alias `production`, whoever set it."""
    try:
        found = registry.alias(PRODUCTION)
    except ArtifactError:  # it names one whose run is gone: whatever it was, nobody is to serve it
        return None
    return found.number if found else None


def refuse_unpromoted(registry: Registry, history: History) -> None:
    """Raise PermanentError where the alias names a version and the ledger has no promotion at all, nor one under way."""
    number, under_way = named_by(registry), history.open
    if number is None or (under_way is not None and under_way.event.to == number):
        return
    message = (
        f"the registry calls version {number} {PRODUCTION!r}, but the ledger has no promotion: nobody promoted it; see that "
        "RATCHET_LEDGER_URL names the right ledger, or remove the alias in the registry"
    )
    raise PermanentError(message)
