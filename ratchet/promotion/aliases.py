"""The registry's alias, held against the ledger and set back where nobody promoted what it names."""

from __future__ import annotations

from ratchet.core.events import Entry, Moved, Reconciled
from ratchet.core.history import History
from ratchet.locks.port import Fence
from ratchet.promotion.champion import PRODUCTION, legible, named_by, proven, refuse_unpromoted
from ratchet.promotion.move import name
from ratchet.promotion.production import Production
from ratchet.registry.port import Registry


def foreign(registry: Registry, history: History) -> tuple[int | None] | None:
    """What the alias names (None: nothing) where that is neither the last version promoted nor one on its way; None where it is.

    Raises PermanentError when the alias names a version although the ledger has no promotion.
    """
    champion = history.champion
    if champion is None:
        refuse_unpromoted(registry, history)
        return None
    number = named_by(registry)
    on_its_way = history.open is not None and number == history.open.event.to
    return None if number == champion.event.to or on_its_way else (number,)


def refusal(found: int | None, champion: Entry[Moved]) -> str:
    """The sentence on an alias that is not the ledger's."""
    what = f"version {found}, which nobody promoted" if found is not None else "no version"
    return f"the registry's alias {PRODUCTION!r} named {what}; the last promotion is of {name(champion.event.to)}"


def set_back(production: Production, fence: Fence) -> list[str]:
    """Set a foreign alias back to the last version promoted, on record. Returns a sentence where there was one.

    Raises PermanentError when the registry does not know that version, or no record has a digest by which to know that it is the
    same; ArtifactError when it has another digest.
    """
    history, registry = legible(production.journal.trusted()), production.registry
    found, champion = foreign(registry, history), history.champion
    if found is None or champion is None:
        return []
    to, reason = champion.event.to, refusal(found[0], champion)
    proven(registry, history, to)
    fence.check()
    production.journal.append(Reconciled(to=to, before=found[0], reason=reason, refused=True))  # first: it is to be heard of
    fence.check()
    registry.set_alias(PRODUCTION, to)
    return [f"{reason}: it was refused, and the alias set back"]
