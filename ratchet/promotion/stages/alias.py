"""Alias: the registry names the version as the one in production. There is no way back from here but a rollback."""

from __future__ import annotations

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from ratchet.core.errors import NoSuchVersion, Unavailable
from ratchet.promotion.champion import PREVIOUS, PRODUCTION
from ratchet.promotion.stages.stage import Stage
from ratchet.promotion.underway import Underway

_TRIES, _PAUSE_SECONDS = 3, 0.3


class Alias(Stage):
    """`production` first: until it has moved the move can be undone, and then `previous` must be as it was."""

    name = "alias"
    no_return = True

    def do(self, under: Underway) -> None:
        """Set `production`, then `previous`."""
        _point(under, PRODUCTION, under.move.to)
        if under.move.expected is None:
            return
        try:
            _point(under, PREVIOUS, under.move.expected)
        except NoSuchVersion as error:  # it was deleted, which may be why production goes elsewhere
            under.production.say(f"[PROMOTE] {PREVIOUS!r} stays as it is: {error}")


def _point(under: Underway, alias: str, number: int) -> None:
    """Set an alias; a registry that does not answer is asked again here, so that the lock is looked at before each try.

    A registry that tried again by itself could move the alias long after the lock was lost to somebody who moved it elsewhere.
    """
    tries = Retrying(
        retry=retry_if_exception_type(Unavailable), stop=stop_after_attempt(_TRIES), wait=wait_fixed(_PAUSE_SECONDS), reraise=True
    )
    tries(under.write, under.production.registry.set_alias, alias, number)
