"""Check: the version is the one that was compared, and answers right apart from traffic."""

from __future__ import annotations

from ratchet.core.errors import PromotionFailed
from ratchet.estimators.bundle import TOLERANCE
from ratchet.promotion.stages.stage import Stage
from ratchet.promotion.underway import Underway


class Check(Stage):
    """Digest, then golden rows in the serving runtime."""

    name = "check"

    def wait(self, under: Underway) -> None:
        """Raises ArtifactError when the files are not those that were compared, PromotionFailed when they answer otherwise."""
        version = under.version
        _ = under.bundle  # reading it checks every file
        measured = under.production.rollout.infra_check(version)
        if not measured["worst"] <= TOLERANCE:
            message = (
                f"version {version.number} does not answer its golden rows in the serving runtime: worst difference "
                f"{measured['worst']:.1e} > {TOLERANCE:.0e}; it was trained in another environment"
            )
            raise PromotionFailed(message)
        seconds = measured["seconds"]
        under.production.say(f"[PROMOTE] version {version.number} loads in {seconds:.1f} s and answers its golden rows")
