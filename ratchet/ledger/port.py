"""The ledger as the steps need it.

Every method raises `Unavailable` when its backend cannot be reached: an unreachable backend is never an empty answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ratchet.core.record import Record


class Ledger(Protocol):
    """The append-only, hash-chained record."""

    def append(self, kind: str, body: Mapping[str, Any], *, key: str = "") -> Record:
        """Chain and store one record; `key` is the idempotency key it belongs to."""
        ...

    def records(self, kind: str | None = None, key: str | None = None, *, after: int = 0) -> list[Record]:
        """Records in order, filtered when asked; `after` leaves out those up to that `seq`."""
        ...

    def verify(self) -> int:
        """Walk the chain; the number of records. Raises LedgerError at the first that does not fit."""
        ...
