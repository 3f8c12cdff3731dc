"""The promotion lock as a Lease: one promoter at a time in a cluster, by the rules of client-go's leader election.

A holder renews its Lease; another takes it over only when it has watched it unchanged, by its own clock, for as long as the Lease
says. So a holder that cannot renew must stop before that: its block is interrupted, as controllers exit when they lose leadership.
"""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from types import FrameType
from typing import Any
from uuid import uuid4

from ratchet.clients.kubernetes import LEASE, Conflict, Json, KubernetesApi
from ratchet.core.errors import LockHeld, RatchetError, Unavailable

_POLL_SECONDS = 1.0
_RENEWALS = 3  # in the length of a Lease
_GIVE_UP = 0.8  # of the length of a Lease without renewal: before anybody else may take it
_SIGNAL = signal.SIGUSR1  # a real one, for it ends a wait in a system call, and none that a person sends

_logger = logging.getLogger(__name__)


class _Interrupted(BaseException):
    """Unwinds the holder's block; no handler of errors shall take it for one of its own."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What another holder's Lease looked like, and since when by our clock."""

    record: tuple[Any, ...]
    since: float


class LeaseLock:
    """Implements port.Lock.

    Args:
        api: the cluster.
        name: the Lease's name; it has to exist, with or without a spec.
        actor: who holds it, for the others' message.
        timeout: seconds to wait for another holder; above `duration`, so that a dead one's Lease is waited out.
        duration: seconds, whole ones, that a Lease holds without renewal. A holder stops when it could not renew for four fifths of
            it, so it has to be longer than the API server may be away.
    """

    def __init__(self, api: KubernetesApi, name: str, actor: str, timeout: float, duration: int) -> None:
        self._api, self._name, self._actor, self._timeout, self._duration = api, name, actor, timeout, duration

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock for the block. Raises LockHeld naming the holder, Unavailable when the lock was lost on the way."""
        identity = f"{self._actor}, pod {socket.gethostname()}, {uuid4()}"
        renewed_at = self._acquire(identity)
        keeper = _Keeper(self, identity, renewed_at)
        try:
            with keeper.renewing():
                yield
        except _Interrupted as error:
            raise self._lost(keeper) from error
        finally:
            if not keeper.lost:
                self._release(identity)
        if keeper.lost:  # the block ended of itself in that very moment, or runs in a thread that cannot be interrupted
            raise self._lost(keeper)

    def _lost(self, keeper: _Keeper) -> Unavailable:
        return Unavailable(
            f"the promotion lock, Lease {self._name} in namespace {self._api.namespace}, was lost ({keeper.lost}): "
            "`ratchet reconcile` finishes or undoes what was under way"
        )

    def _acquire(self, identity: str) -> float:
        """Returns the moment since when it is ours, as another's clock may have it at the earliest."""
        deadline = monotonic() + self._timeout
        seen: _Seen | None = None
        while True:
            lease = self._api.read(LEASE, self._name)
            spec = lease.get("spec") or {}
            holder = spec.get("holderIdentity") or ""
            record = (holder, spec.get("renewTime"), spec.get("acquireTime"), spec.get("leaseTransitions"))
            now = monotonic()
            if seen is None or record != seen.record:
                seen = _Seen(record, now)
            length = spec.get("leaseDurationSeconds") or self._duration
            # our own name: the answer to our try was lost
            if holder in {"", identity} or now - seen.since >= length:
                try:
                    self._write(lease, _taken(spec, identity, self._duration))
                except Conflict:
                    holder = "somebody else"
                else:
                    return now
            if monotonic() >= deadline:
                message = f"a promotion is under way (held by {holder} for over {self._timeout:.0f} s): try again later"
                raise LockHeld(message, delay=self._timeout)
            threading.Event().wait(min(_POLL_SECONDS, max(0.05, deadline - monotonic())))

    def renew(self, identity: str) -> str:
        """Renew the Lease; who else holds it ("nobody" when none does), empty while it is ours.

        Raises Unavailable when the API server does not answer, Conflict when somebody changed the Lease at the same time.
        """
        lease = self._api.read(LEASE, self._name)
        spec = lease.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        if holder != identity:
            return str(holder or "nobody")
        self._write(lease, {**spec, "renewTime": _now()})
        return ""

    @property
    def duration(self) -> int:
        """Seconds that a Lease holds without renewal."""
        return self._duration

    def _release(self, identity: str) -> None:
        """Let go; when that fails the Lease runs out by itself, and what was done under it is done."""
        try:
            lease = self._api.read(LEASE, self._name)
            spec = lease.get("spec") or {}
            if spec.get("holderIdentity") == identity:
                self._write(lease, {name: value for name, value in spec.items() if name != "holderIdentity"})
        except RatchetError as error:
            _logger.warning("the promotion lock is not released, it runs out in %d s: %s", self._duration, error)

    def _write(self, lease: Json, spec: Json) -> None:
        self._api.replace(LEASE, self._name, {**lease, "spec": spec})  # with the resourceVersion that was read


class _Keeper:
    """Renews a held Lease in a thread of its own, and interrupts the holder's block when it is lost.

    Args:
        lock: the lock that is held.
        identity: the holder's name in the Lease.
        renewed_at: the moment of the last renewal, by time.monotonic.
    """

    def __init__(self, lock: LeaseLock, identity: str, renewed_at: float) -> None:
        self._lock, self._identity, self._renewed_at = lock, identity, renewed_at
        self.lost = ""
        self._trouble = "the API server does not answer"
        self._armed = False
        self._stop = threading.Event()
        self._mutex = threading.Lock()
        self._in_main = threading.current_thread() is threading.main_thread()

    @contextmanager
    def renewing(self) -> Iterator[None]:
        """Renew for the length of the block, which ends by _Interrupted when the Lease is lost."""
        renewer = threading.Thread(target=self._renew, name="lease-renewal", daemon=True)
        # apart from the renewal, which may hang in a request for longer than the Lease holds
        watch = threading.Thread(target=self._watch, name="lease-watch", daemon=True)
        before = signal.signal(_SIGNAL, self._interrupt) if self._in_main else None
        try:
            self._armed = self._in_main
            renewer.start()
            watch.start()
            yield
        finally:
            self._armed = False
            self._stop.set()
            with self._mutex:  # a signal that is being sent comes while our handler stands
                pass
            if self._in_main:
                signal.signal(_SIGNAL, before)
            watch.join()
            if not self.lost:  # one that hangs does no harm: what it writes holds only for the Lease as it read it
                renewer.join()

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._armed:
            self._armed = False
            raise _Interrupted

    def _renew(self) -> None:
        regular = self._lock.duration / _RENEWALS
        pause = regular
        while not self._stop.wait(pause):
            start = monotonic()
            try:
                other = self._lock.renew(self._identity)
            except RatchetError as error:
                self._trouble = str(error)
                pause = min(_POLL_SECONDS, self._lock.duration / 10)
                continue
            if other:
                self._lose(f"{other} holds it")
                return
            pause, self._renewed_at = regular, start

    def _watch(self) -> None:
        limit = _GIVE_UP * self._lock.duration
        while not self._stop.wait(max(0.0, self._renewed_at + limit - monotonic())):
            if monotonic() - self._renewed_at >= limit:
                self._lose(f"it could not be renewed for {limit:g} s: {self._trouble}")
                return

    def _lose(self, why: str) -> None:
        with self._mutex:
            if self._stop.is_set() or self.lost:
                return
            self.lost = why
            if self._in_main:
                signal.pthread_kill(threading.main_thread().ident or 0, _SIGNAL)


def _taken(spec: Json, identity: str, duration: int) -> Json:
    now = _now()
    transitions = spec.get("leaseTransitions") or 0
    return {
        **spec,
        "holderIdentity": identity,
        "leaseDurationSeconds": duration,
        "acquireTime": now,
        "renewTime": now,
        "leaseTransitions": transitions + 1,
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
