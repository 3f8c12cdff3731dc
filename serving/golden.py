"""The golden rows of the version that answers, which a promotion asks by: for them alone a probe is answered leniently.

The header that marks a probe is no secret, so it may loosen nothing that a stranger could want. These rows are the version's own,
and their answers known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ratchet.core.entity_key import spelled
from ratchet.core.schema import GoldenRow, is_missing


class GoldenRows:
    """What a question may be to be one of a promotion's.

    Args:
        rows: of the served version.
        features: names of the project's, which alone are sent.
    """

    def __init__(self, rows: Iterable[GoldenRow], features: Collection[str]) -> None:
        kept = tuple(rows)
        self._entities = frozenset(spelled(row.entity) for row in kept)
        self._rows = frozenset(_there({name: value for name, value in row.features.items() if name in features}) for row in kept)

    def names(self, entity: str) -> bool:
        """Whether a row is the entity's: what is stored of it now may be of another month."""
        return entity in self._entities

    def have(self, features: Mapping[str, Any]) -> bool:
        """Whether the features, as JSON has them, are a row's: the same values, and none beside them."""
        try:
            return _there(features) in self._rows
        except TypeError:  # a list or an object, which has no hash
            return False


def _there(features: Mapping[str, Any]) -> frozenset[tuple[str, Any]]:
    """The values that are no missing ones; `3`, `3.0` and, of a bool, `true` and 1 are equal in Python as they are to a model."""
    return frozenset((name, value) for name, value in features.items() if not is_missing(value))
