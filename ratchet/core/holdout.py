"""Who is held out: the entities whose salted hash falls into a fixed share, for ever excluded from training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

BUCKETS = 10_000


def bucket(salt: str, entity: str) -> int:
    """`sha256(salt + entity) mod 10_000`: the same for an entity in every snapshot and every process."""
    return int.from_bytes(hashlib.sha256((salt + entity).encode()).digest(), "big") % BUCKETS


def held_out(salt: str, share: float, entities: Iterable[str]) -> NDArray[np.bool_]:
    """Whether each entity is in the holdout.

    Args:
        salt: the project's salt; another salt makes another, independent holdout.
        share: fraction of all entities, resolved to 1/10,000.
        entities: n entity keys as text.

    Returns:
        Mask of shape (n,).
    """
    bound = share * BUCKETS
    return np.fromiter((bucket(salt, entity) < bound for entity in entities), dtype=np.bool_)
