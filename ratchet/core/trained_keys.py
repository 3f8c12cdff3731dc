"""Who a version was trained on, written down with it: the proof, by the keys themselves, that it never saw a held-out row.

The salt and share in a version's tags prove it only while a key means the same entity then and now. So training writes down the
keys, or where there are many a sample of them: the smallest hashes (Bar-Yossef et al. 2002, "Counting distinct elements in a data
stream"; KMV). A key is in the sample or not by its hash alone, so of later rows exactly those in the sample's range can be told.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

MOST = 8192  # hashes that are kept: 64 KiB
_WHOLE = 2**64 - 1


@dataclass(frozen=True, slots=True, eq=False)
class TrainedKeys:
    """The keys that rows were held out by, of a version's training rows.

    `count` are the different keys, `hashes` (uint64, shape (k,), sorted) those of a sample: of all keys whose hash is at most
    `bound`.
    """

    count: int
    bound: int
    hashes: NDArray[np.uint64]

    @classmethod
    def of(cls, keys: Iterable[str], most: int = MOST) -> Self:
        """Write down `keys`, of which the same may come many times."""
        found = np.unique(_hashes(keys))
        kept = found[:most]
        return cls(len(found), _WHOLE if len(kept) == len(found) else int(kept[-1]), kept)

    def seen(self, keys: Iterable[str]) -> tuple[int, int]:
        """How many different keys were trained on, and of how many that can be told."""
        hashes = np.unique(_hashes(keys))
        told = hashes[hashes <= np.uint64(self.bound)]
        return int(np.isin(told, self.hashes, assume_unique=True).sum()), len(told)

    def document(self) -> dict[str, Any]:
        """As JSON has it; the hashes as base64 of little-endian integers."""
        return {
            "count": self.count,
            "bound": str(self.bound),
            "hashes": base64.b64encode(self.hashes.astype("<u8").tobytes()).decode(),
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """The inverse. Raises KeyError, TypeError or ValueError when it is none."""
        hashes = np.frombuffer(base64.b64decode(document["hashes"], validate=True), dtype="<u8").astype(np.uint64)
        return cls(int(document["count"]), int(document["bound"]), hashes)


def _hashes(keys: Iterable[str]) -> NDArray[np.uint64]:
    digests = b"".join(hashlib.blake2b(key.encode(), digest_size=8).digest() for key in keys)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
