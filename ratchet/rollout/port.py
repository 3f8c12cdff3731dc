"""What serves, as the protocol needs it.

Every method raises `Unavailable` when its backend cannot be reached: an unreachable backend is never an empty answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from ratchet.core.schema import FeatureValue, ModelVersion
from ratchet.rollout.state import Answer, Pin, PodReport, Progress


class Rollout(Protocol):
    """What serves: a Deployment on a cluster, processes behind one address on a single machine."""

    def session(self) -> AbstractContextManager[None]:
        """Make sure that something can serve for the length of the block (a temporary server where none runs)."""
        ...

    def pinned(self) -> Pin:
        """The version in the pod template and the revision it was read at."""
        ...

    def pin(self, version: int | None, *, revision: str, digest: str = "") -> Pin:
        """Change the template: the version, and the digest that its files must have.

        Raises StaleComparison when it is no longer at `revision`.
        """
        ...

    def progress(self) -> Progress:
        """Where the rollout of the present template stands."""
        ...

    def pods(self) -> list[PodReport]:
        """What every pod says of itself."""
        ...

    def ask(self, entity: str, features: Mapping[str, FeatureValue] | None = None) -> Answer | None:
        """POST /predict through the fixed address, marked as a probe (not logged); None for an unknown entity.

        `features` are sent along where what serves keeps none of its own; elsewhere it looks them up.
        """
        ...

    def infra_check(self, version: ModelVersion) -> Mapping[str, float]:
        """Load the version in the serving runtime, apart from what serves, and score its golden rows.

        Its files must have the digest that `version` bears. Returns `seconds` (load) and `worst` (largest absolute difference).
        Raises PromotionFailed when it cannot load.
        """
        ...
