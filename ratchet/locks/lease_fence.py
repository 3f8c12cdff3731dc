"""Whether a held Lease is still ours: a thread renews it and notes how that went, the fence looks at the note and at the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from ratchet.core.errors import LockLost, RatchetError

_RENEWALS = 3  # in the length of a Lease
_GIVE_UP = 2 / 3  # of the length of a Lease without renewal, as client-go has it: the rest is for a write that has just begun
_RETRY_SECONDS = 1.0


class LeaseFence:
    """Implements locks.port.Fence.

    Args:
        where: the Lease, for messages.
        duration: seconds that it holds without renewal.
        renewed_at: the moment of the last renewal, by time.monotonic.
        renew: renews it; returns who else holds it, empty while it is ours. Raises RatchetError when it could not.
    """

    def __init__(self, where: str, duration: float, renewed_at: float, renew: Callable[[], str]) -> None:
        self._where, self._duration, self._renewed_at, self._renew_once = where, duration, renewed_at, renew
        self._other = ""
        self._trouble = "the API server does not answer"
        self._stop = threading.Event()

    @property
    def lost(self) -> str:
        """Why the Lease is not ours for sure; empty while it is. A late renewal, before anybody took it, makes it ours again."""
        if self._other:
            return f"{self._other} holds it"
        limit = _GIVE_UP * self._duration
        # by the clock and not by what the thread noted: it may hang in a request, or the whole process may have stood still
        if monotonic() - self._renewed_at >= limit:
            return f"it could not be renewed for {limit:.3g} s: {self._trouble}"
        return ""

    def check(self) -> None:
        """Raises LockLost when somebody else holds the Lease, or may take it at any moment."""
        if lost := self.lost:
            message = (
                f"the promotion lock, {self._where}, was lost ({lost}): `ratchet reconcile` finishes or undoes what was under way"
            )
            raise LockLost(message)

    @contextmanager
    def renewing(self) -> Iterator[None]:
        """Renew for the length of the block."""
        renewer = threading.Thread(target=self._keep, name="lease-renewal", daemon=True)
        renewer.start()
        try:
            yield
        finally:
            self._stop.set()
            if not self.lost:  # one that hangs does no harm: what it writes holds only for the Lease as it read it
                renewer.join()

    def _keep(self) -> None:
        regular = self._duration / _RENEWALS
        pause = regular
        while not self._stop.wait(pause):
            start = monotonic()
            try:
                self._other = self._renew_once()
            except RatchetError as error:
                self._trouble, pause = str(error), min(_RETRY_SECONDS, self._duration / 10)
                continue
            if self._other:
                return
            pause, self._renewed_at = regular, start
