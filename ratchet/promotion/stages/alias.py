"""Alias: the registry names the version as the one in production. There is no way back from here but a rollback."""

from __future__ import annotations

from ratchet.promotion.champion import PREVIOUS, PRODUCTION
from ratchet.promotion.stages.stage import Stage
from ratchet.promotion.underway import Underway


class Alias(Stage):
    """`production` first: until it has moved the move can be undone, and then `previous` must be as it was."""

    name = "alias"
    no_return = True

    def do(self, under: Underway) -> None:
        """Set `production`, then `previous`."""
        registry, move = under.production.registry, under.move
        under.write(registry.set_alias, PRODUCTION, move.to)
        if move.expected is not None:
            under.write(registry.set_alias, PREVIOUS, move.expected)
