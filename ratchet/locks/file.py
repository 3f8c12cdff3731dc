"""The promotion lock as a file: one promoter at a time on a machine. The system frees it when its holder dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ratchet.core.errors import LockHeld, Unavailable

_SOMEBODY = "somebody else"


class PromotionFileLock:
    """Implements port.Lock.

    Args:
        path: the lock file; its neighbour `<path>.holder` says who holds it.
        actor: who holds it, for the others' message.
        timeout: seconds to wait for another holder.
    """

    def __init__(self, path: Path, actor: str, timeout: float) -> None:
        self._path, self._actor, self._timeout = path, actor, timeout
        self._holder = path.with_suffix(".holder")

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock for the block. Raises LockHeld naming the holder."""
        lock = FileLock(self._path)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=self._timeout)
        except Timeout as error:
            message = f"a promotion is under way (held by {self._told()} for over {self._timeout:.0f} s): try again later"
            raise LockHeld(message, delay=self._timeout) from error
        except OSError as error:
            message = f"the promotion lock {self._path} cannot be taken: {error.strerror}"
            raise Unavailable(message) from error
        try:
            self._tell(f"{self._actor}, process {os.getpid()}")
            yield
        finally:
            self._tell("")
            lock.release()

    def _tell(self, holder: str) -> None:
        # a courtesy to the others: neither a full disk nor another user's file may keep anybody from promoting
        with suppress(OSError):
            self._holder.write_text(holder, encoding="utf-8")

    def _told(self) -> str:
        with suppress(OSError):
            return self._holder.read_text(encoding="utf-8") or _SOMEBODY
        return _SOMEBODY
