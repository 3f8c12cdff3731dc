"""The promotion lock as a Lease: one promoter at a time in a cluster, by the rules of client-go's leader election.

A holder renews its Lease; another takes it over only when it has watched it unchanged, by its own clock, for as long as the Lease
says. So a holder that could not renew must stop before that: its fence refuses each write from two thirds of that time on.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any
from uuid import uuid4

from ratchet.clients.kubernetes import LEASE, Conflict, Json, KubernetesApi
from ratchet.core.errors import LockHeld, RatchetError
from ratchet.locks.lease_fence import LeaseFence

_POLL_SECONDS = 1.0

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What another holder's Lease looked like, and since when by our clock."""

    record: tuple[Any, ...]
    since: float


class LeaseLock:
    """Implements locks.port.Lock.

    Args:
        api: the cluster.
        name: the Lease's name; it has to exist, with or without a spec.
        actor: who holds it, for the others' message.
        timeout: seconds to wait for another holder; above `duration`, so that a dead one's Lease is waited out.
        duration: seconds, whole ones, that a Lease holds without renewal. A holder writes no more when it could not renew for two
            thirds of it, so it has to be longer than the API server may be away.
    """

    def __init__(self, api: KubernetesApi, name: str, actor: str, timeout: float, duration: int) -> None:
        self._api, self._name, self._actor, self._timeout, self._duration = api, name, actor, timeout, duration

    @contextmanager
    def hold(self) -> Iterator[LeaseFence]:
        """Hold the lock for the block. Raises LockHeld naming the holder."""
        identity = f"{self._actor}, pod {socket.gethostname()}, {uuid4()}"
        where = f"Lease {self._name} in namespace {self._api.namespace}"
        fence = LeaseFence(where, self._duration, self._acquire(identity), lambda: self._renew(identity))
        try:
            with fence.renewing():
                yield fence
        finally:
            if not fence.lost:
                self._release(identity)

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

    def _renew(self, identity: str) -> str:
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
