"""Wait: every pod serves the version."""

from __future__ import annotations

from ratchet.promotion.readiness import wait_until_ready
from ratchet.promotion.stages.stage import Stage
from ratchet.promotion.underway import Underway


class Wait(Stage):
    """The rollout is complete; old pods have gone without losing a request."""

    name = "wait"

    def wait(self, under: Underway) -> None:
        """Raises PromotionFailed when the pods do not get ready."""
        wait_until_ready(under.production, under.fence, under.move.to)
