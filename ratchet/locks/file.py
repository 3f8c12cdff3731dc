"""The promotion lock as a file: one promoter at a time on a machine. The system frees it when its holder dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ratchet.core.errors import LockHeld, LockLost, Unavailable

_SOMEBODY = "somebody else"


@dataclass(frozen=True, slots=True)
class FileFence:
    """Implements locks.port.Fence. The system keeps the lock for as long as the holder lives, so all that can be lost is the file.

    Whoever comes after a deletion makes a new file and locks that one. `inode` is device and number of the file that we locked,
    None when it was gone at once.
    """

    path: Path
    inode: tuple[int, int] | None

    def check(self) -> None:
        """Raises LockLost when the lock file is no longer the one that we locked."""
        if self.inode is None or _inode(self.path) != self.inode:
            message = (
                f"the promotion lock {self.path} was lost (the file was deleted or replaced while it was held): "
                "`ratchet reconcile` finishes or undoes what was under way"
            )
            raise LockLost(message)


class PromotionFileLock:
    """Implements locks.port.Lock.

    Args:
        path: the lock file; its neighbour `<path>.holder` says who holds it.
        actor: who holds it, for the others' message.
        timeout: seconds to wait for another holder.
    """

    def __init__(self, path: Path, actor: str, timeout: float) -> None:
        self._path, self._actor, self._timeout = path, actor, timeout
        self._holder = path.with_suffix(".holder")

    @contextmanager
    def hold(self) -> Iterator[FileFence]:
        """Hold the lock for the block. Raises LockHeld naming the holder."""
        lock = FileLock(self._path)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=self._timeout)
        except Timeout as error:
            message = f"a promotion is under way (held by {self._read_note()} for over {self._timeout:.0f} s): try again later"
            raise LockHeld(message, delay=self._timeout) from error
        except OSError as error:
            message = f"the promotion lock {self._path} cannot be taken: {error.strerror}"
            raise Unavailable(message) from error
        try:
            self._note(f"{self._actor}, process {os.getpid()}")
            yield FileFence(self._path, _inode(self._path))
        finally:
            self._note("")
            lock.release()

    def _note(self, holder: str) -> None:
        # a courtesy to the others: neither a full disk nor another user's file may keep anybody from promoting
        with suppress(OSError):
            self._holder.write_text(holder, encoding="utf-8")

    def _read_note(self) -> str:
        with suppress(OSError):
            return self._holder.read_text(encoding="utf-8") or _SOMEBODY
        return _SOMEBODY


def _inode(path: Path) -> tuple[int, int] | None:
    """Device and number of the file; None when there is none."""
    with suppress(OSError):
        found = path.stat()
        return found.st_dev, found.st_ino
    return None
