"""Whether every key of millions is there once, in 8 bytes a key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_SHOWN = 3
_LOOKED_AT = 1000  # hashes that are there twice: more keys than are shown, and no table of all where a file is there twice


class UniqueKeys:
    """Remembers a 64-bit hash of each key; keys that share one are looked at again as text."""

    def __init__(self) -> None:
        self._hashes: list[NDArray[np.uint64]] = []

    def add(self, keys: NDArray[Any]) -> None:
        """The next keys, str objects."""
        self._hashes.append(pd.util.hash_array(keys, categorize=False))

    def repeated(self) -> NDArray[np.uint64]:
        """The hashes that are there more than once, sorted; forgets what was added."""
        hashes = np.concatenate(self._hashes) if self._hashes else np.empty(0, dtype=np.uint64)
        self._hashes = []
        hashes.sort()
        return np.unique(hashes[1:][hashes[1:] == hashes[:-1]])


def named(repeated: NDArray[np.uint64], parts: Iterable[NDArray[Any]]) -> list[str]:
    """`'A' (rows 3 and 700)` for up to three keys that are there more than once; empty where only their hashes are alike.

    Args:
        repeated: of `UniqueKeys`.
        parts: all keys again, in the same order; rows count from 1.
    """
    wanted, rows, start = repeated[:_LOOKED_AT], defaultdict[str, list[int]](list), 1
    for keys in parts:
        at = np.flatnonzero(np.isin(pd.util.hash_array(keys, categorize=False), wanted))
        for position in at.tolist():
            if len(found := rows[keys[position]]) < _SHOWN:
                found.append(start + position)
        start += len(keys)
    twice = [(key, found) for key, found in rows.items() if len(found) > 1]
    return [f"{key!r} (rows {' and '.join(map(str, found))})" for key, found in twice[:_SHOWN]]
