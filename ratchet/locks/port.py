"""The promotion lock as the protocol needs it.

Every method raises `Unavailable` when its backend cannot be reached: an unreachable backend is never an empty answer.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class Lock(Protocol):
    """One promoter at a time, across processes (and on a cluster, across pods)."""

    def hold(self) -> AbstractContextManager[None]:
        """Hold the lock for the block. Raises LockHeld, naming the holder, when it stays taken."""
        ...
