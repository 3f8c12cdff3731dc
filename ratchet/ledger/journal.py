"""A model's ledger as events: what is appended is typed, and what was read is folded once and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock
from typing import TypeVar

from ratchet.core.events import Entry, Event, entry_of
from ratchet.core.history import History
from ratchet.core.record import Record
from ratchet.ledger.port import Ledger

K = TypeVar("K", bound=Event)


class Journal:
    """Appends and folds. Several threads may share one.

    Every method raises Unavailable when the ledger cannot be reached.

    Args:
        ledger: keeps the records.
        model: whose they are.
        listeners: each gets every entry that is appended here, once it is on record.
    """

    def __init__(self, ledger: Ledger, model: str, listeners: Sequence[Callable[[Entry[Event]], None]] = ()) -> None:
        self._ledger, self._model, self._listeners = ledger, model, listeners
        self._history = History()
        self._last: Record | None = None
        self._lock = Lock()

    def append(self, event: K, key: str = "") -> Entry[K]:
        """Record that something happened, to this model; `key` is the idempotency key it belongs to."""
        owned = replace(event, model=self._model)
        record = self._ledger.append(owned.kind, owned.to_body(), key=key)
        entry = Entry(owned, record.seq, record.at, record.actor, record.key, record.hash)
        for listener in self._listeners:
            listener(entry)
        return entry

    def history(self) -> History:
        """The history up to now. Reads what came since the last call, in one query.

        The last record known is read again with it: where it is another one, the ledger was restored or replaced, and all is read.
        """
        with self._lock:
            last = self._last
            found = self._ledger.records(after=last.seq - 1 if last else 0)
            if last and found[:1] != [last]:
                self._history, self._last = History(), None
                found = self._ledger.records()
            elif last:
                found = found[1:]
            if found:
                self._history = self._history.fold(*(entry_of(record, self._model) for record in found))
                self._last = found[-1]
            return self._history

    def record(self, seq: int) -> Record | None:
        """One record as it stands in the ledger, None when there is none."""
        found = self._ledger.records(after=seq - 1)
        return found[0] if found and found[0].seq == seq else None

    def verify(self) -> int:
        """Walk the whole chain; the number of records. Raises LedgerError at the first that does not fit."""
        return self._ledger.verify()
