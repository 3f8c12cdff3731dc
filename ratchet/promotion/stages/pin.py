"""Pin: the pod template names the version, and the digest that its files must have."""

from __future__ import annotations

from ratchet.promotion.readiness import wait_until_ready
from ratchet.promotion.stages.stage import Stage
from ratchet.promotion.underway import Underway


class Pin(Stage):
    """The pods follow the template, one by one."""

    name = "pin"

    def do(self, under: Underway) -> None:
        """Raises StaleComparison when somebody else has changed the template: theirs stays, `ratchet reconcile` judges it."""
        under.write(under.production.rollout.pin, under.move.to, revision=under.revision, digest=under.move.digest)

    def undo(self, under: Underway) -> None:
        """Bring the version back that was in production."""
        rollout = under.production.rollout
        revision = rollout.pinned().revision
        under.write(rollout.pin, under.back_to, revision=revision, digest=under.digest_of(under.back_to))
        wait_until_ready(under.production, under.fence, under.back_to)
