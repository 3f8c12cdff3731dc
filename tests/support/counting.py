"""A ledger that counts what is read of it."""

from __future__ import annotations

from ratchet.core.record import Record
from tests.support.fakes import FakeLedger


class CountingLedger(FakeLedger):
    """Keeps how many records each reading gave, and how often the whole chain was walked."""

    def __init__(self, stored: list[Record] | None = None) -> None:
        super().__init__()
        self.stored = list(stored or [])
        self.read: list[int] = []
        self.walks = 0

    def records(self, kind: str | None = None, key: str | None = None, *, after: int = 0) -> list[Record]:
        found = super().records(kind, key, after=after)
        self.read.append(len(found))
        return found

    def verify(self) -> int:
        self.walks += 1
        return super().verify()
