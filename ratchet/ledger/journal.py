"""A model's ledger as events: what is appended is typed, and what was read is folded once and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock, local
from typing import TypeVar

from ratchet.core import record as chain
from ratchet.core.errors import LedgerError, RatchetError, UserError
from ratchet.core.events import Entry, Event, entry_of
from ratchet.core.history import History
from ratchet.core.record import Record
from ratchet.ledger.port import Ledger
from ratchet.ledger.seal import Seal

K = TypeVar("K", bound=Event)
_WALK_SECONDS = 600.0  # after which somebody may have changed a record that was read before


class Journal:
    """Appends and folds. Several threads may share one.

    Every method raises Unavailable when the ledger cannot be reached.

    Args:
        ledger: keeps the records.
        model: whose they are.
        listeners: each gets every entry that is appended here, once it is on record and outside `listeners_wait`.
        seal: by which rewritten, cut or forged records show; None for a ledger that has none.
    """

    def __init__(
        self, ledger: Ledger, model: str, listeners: Sequence[Callable[[Entry[Event]], None]] = (), seal: Seal | None = None
    ) -> None:
        self._ledger, self._model, self._listeners, self._seal = ledger, model, listeners, seal
        self._history = History()
        self._last: Record | None = None
        self._broken = ""
        self._walked: float | None = None
        self._lock = Lock()
        self._kept = local()  # of each thread, the entries that its listeners have not got yet

    def append(self, event: K, key: str = "") -> Entry[K]:
        """Record that something happened, to this model; `key` is the idempotency key it belongs to."""
        owned = replace(event, model=self._model)
        record = self._ledger.append(owned.kind, owned.to_body(), key=key)
        self._follow()
        entry = Entry(owned, record.seq, record.at, record.actor, record.key, record.hash)
        kept: list[Entry[Event]] | None = getattr(self._kept, "entries", None)
        if kept is None:
            self._announce(entry)
        else:
            kept.append(entry)
        return entry

    def _follow(self) -> None:
        """Publish the new head; where the records are not good, the next act says so, and what was appended stands."""
        if self._seal is None:
            return
        try:
            self._seal.follow(self._after)
        except RatchetError:  # a head that was not published is published with the next record
            return

    @contextmanager
    def listeners_wait(self) -> Iterator[None]:
        """What this thread appends in the block, listeners get at its end, however it ends.

        It goes around a lock: a listener may take seconds, and nobody shall wait for the lock meanwhile, or lose it.
        """
        if getattr(self._kept, "entries", None) is not None:  # the outer block does it
            yield
            return
        kept: list[Entry[Event]] = []
        self._kept.entries = kept
        try:
            yield
        finally:
            self._kept.entries = None
            for entry in kept:
                self._announce(entry)

    def _announce(self, entry: Entry[Event]) -> None:
        for listener in self._listeners:
            listener(entry)

    def history(self) -> History:
        """The history up to now. Reads what came since the last call, in one query.

        The last record known is read again with it: where it is another one, the ledger was restored or replaced, and all is read.
        """
        with self._lock:
            last = self._last
            found = self._ledger.records(after=last.seq - 1 if last else 0)
            if last and found[:1] != [last]:
                self._history, self._last, self._broken, self._walked = History(), None, "", None
                found = self._ledger.records()
            elif last:
                found = found[1:]
            if found:
                self._check(found)
                self._history = self._history.fold(*(entry_of(record, self._model) for record in found))
                self._last = found[-1]
            return self._history

    def _check(self, found: list[Record]) -> None:
        """Whether new records continue the chain of those known; the first that does not is remembered.

        Who only reads needs no answer from where the head is published: without one, `broken` asks again before anybody acts.
        """
        if self._last is None or self._broken:
            return  # the first are verified by the first walk
        try:
            chain.verify(found, self._last)
            if self._seal is not None:
                self._seal.check(self._after)
        except LedgerError as error:
            self._broken = str(error)
        except RatchetError:
            self._walked = None

    def trusted(self) -> History:
        """The history up to now, to act on.

        Raises LedgerError where the chain does not verify, or its records are not those that were published and signed: nobody acts
        on a record that somebody else may have written.
        """
        history, broken = self.history(), self.broken()
        if broken:
            raise LedgerError(broken)
        if self._seal is not None:
            self._seal.check_key()
        return history

    def broken(self) -> str:
        """Why the chain does not verify; empty when it does.

        The whole ledger is walked at the first call, again every ten minutes, and while it is broken: it may have been mended. In
        between each new record is verified as it is read by `history`.
        """
        with self._lock:
            if self._broken or self._walked is None or time.monotonic() - self._walked >= _WALK_SECONDS:
                self._broken, self._walked = self._walk(), time.monotonic()
            return self._broken

    def _walk(self) -> str:
        try:
            self._ledger.verify()
            if self._seal is not None:
                self._seal.check(self._after)
        except LedgerError as error:
            return str(error)
        return ""

    def record(self, seq: int) -> Record | None:
        """One record as it stands in the ledger, None when there is none. Reads it, and later ones of its kind and key."""
        entry = next((entry for entry in self.history().entries if entry.seq == seq), None)
        if entry is None:
            return None
        return next((record for record in self._ledger.records(entry.kind, entry.key, after=seq - 1) if record.seq == seq), None)

    def anchor(self) -> Record:
        """Publish the head as it stands, once somebody has looked; the head. Raises LedgerError where the chain breaks."""
        self._ledger.verify()
        records = self._ledger.records()
        if not records or self._seal is None:
            message = "the ledger has no record yet: there is nothing to anchor"
            raise UserError(message)
        self._seal.accept(records[-1])
        return records[-1]

    def _after(self, seq: int) -> list[Record]:
        return self._ledger.records(after=seq)

    def verify(self) -> int:
        """Walk the whole chain; the number of records. Raises LedgerError at the first that does not fit."""
        return self._ledger.verify()
