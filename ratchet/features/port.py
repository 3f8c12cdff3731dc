"""The feature store as the steps need it.

Every method raises `Unavailable` when its backend cannot be reached: an unreachable backend is never an empty answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Protocol

from numpy.typing import NDArray

from ratchet.core.schema import Columns, Snapshot, StoredRow


class FeatureStore(Protocol):
    """Feast: training sets by point-in-time join, serving by online look-up."""

    def materialise(self, snapshot: Snapshot) -> None:
        """Load the snapshot's features into the online store, unless it holds a later date's."""
        ...

    def training_set(self, as_of: date, entities: NDArray[Any]) -> Columns:
        """The features of `entities` as known at `as_of` (point-in-time join), in the order asked for.

        Columns follow core.schema; an entity without features has all missing.
        """
        ...

    def online(self, entities: Sequence[str]) -> list[StoredRow | None]:
        """The latest features of each entity with the date that they are of, None for an unknown one.

        Where the features of one entity are of several dates, `as_of` is the oldest: it says what may be out of date.
        """
        ...
