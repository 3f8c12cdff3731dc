"""Who is connected: how many connections each address holds, and which must go when there are too many."""

from __future__ import annotations

from collections import Counter
from typing import Generic, Protocol, TypeVar


class Guest(Protocol):
    """A connection, as the crowd sees it."""

    @property
    def silent(self) -> bool:
        """Whether it waits for its client, so that ending it takes no answer away."""
        ...

    @property
    def untried(self) -> bool:
        """Whether it is silent and has never brought a whole request."""
        ...

    def give_way(self) -> None:
        """End."""
        ...


T = TypeVar("T", bound=Guest)


class Crowd(Generic[T]):
    """The connections of one server.

    When all places are taken a newcomer gets that of the oldest connection which has never brought a request, else of the oldest
    that is idle: so connections that are only held open keep nobody out, a probe least of all.

    Args:
        a_client: connections that one address may hold, 0 for no limit.
        everybody: connections at a time.
    """

    def __init__(self, a_client: int, everybody: int) -> None:
        self._a_client, self._everybody = a_client, everybody
        self._addresses: dict[T, str] = {}  # in the order of their coming
        self._held: Counter[str] = Counter()

    def enter(self, guest: T, address: str) -> str:
        """Count a new connection; empty, or the sentence by which it is refused."""
        if self._a_client and self._held[address] >= self._a_client:
            return f"{self._a_client} connections from one address are open already: use them again, or close some"
        if len(self._addresses) >= self._everybody and not self._made_room():
            return f"{self._everybody} requests are being answered already: try again shortly"
        self._addresses[guest] = address
        self._held[address] += 1
        return ""

    def leave(self, guest: T) -> None:
        """Forget a connection; one that was refused was never counted."""
        address = self._addresses.pop(guest, None)
        if address is None:
            return
        self._held[address] -= 1
        if not self._held[address]:
            del self._held[address]

    def _made_room(self) -> bool:
        leaving = next((one for one in self._addresses if one.untried), None) or next(
            (one for one in self._addresses if one.silent), None
        )
        if leaving is None:
            return False
        self.leave(leaving)
        leaving.give_way()
        return True
