"""The promotion lock as the protocol needs it.

Every method raises `Unavailable` when its backend cannot be reached: an unreachable backend is never an empty answer.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class Fence(Protocol):
    """What a holder asks just before each write: a lock that was held a moment ago may be somebody else's by now."""

    def check(self) -> None:
        """Return while the lock is ours, at once and without asking a server. Raises LockLost when it is not, or may not be."""
        ...


class Lock(Protocol):
    """One promoter at a time, across processes (and on a cluster, across pods)."""

    def hold(self) -> AbstractContextManager[Fence]:
        """Hold the lock for the block, which checks the fence before each write. Raises LockHeld, naming the holder."""
        ...
