"""How many entities a process answers for in a second: what is beyond is refused at once, before the queue makes everybody slow.

It is ours because a batch is let in whole and paid back, and says how large it is only once its body is read. Of the library
`limits` (5.8, in memory) neither the fixed window, the sliding counter nor the moving window can owe: each refuses for ever a batch
larger than a second's worth. The first also lets twice the rate through around the turn of a second, and half an entity a second is
none. Speed decides nothing: a hit costs 1.4 us here and 6 to 23 there, of the 300 of a request.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from time import monotonic

from serving.bodies import Refused

LONGEST_DEBT = 10.0  # seconds of the rate that a batch may take in advance, and so hold up everybody else
_TOO_MANY = 429  # RFC 6585, 4


class Exceeded(Refused):
    """More than the rate allows; `delay` is whole seconds after which it is worth trying again, at least 1."""

    def __init__(self, rate: float, delay: int) -> None:
        super().__init__(_TOO_MANY, f"more than {rate:g} entities a second are asked for: try again in {delay} s")
        self.delay = delay


class RateLimit:
    """A token bucket that holds one second's entities; for one thread.

    A batch is let in while there is any credit, and what it takes beyond is paid back before the next request is let in: so a
    batch larger than a second's worth can be answered, and is still counted whole. Its entities are known once its body is read,
    and others may have come in meanwhile: whoever then finds no credit left goes away too. So what is owed is one batch at most,
    and that is bounded by LONGEST_DEBT.

    Args:
        rate: entities a second, 0 for no limit.
        clock: seconds.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = monotonic) -> None:
        self._rate, self._clock = rate, clock
        self._credit, self._at = rate, clock()

    def enter(self) -> None:
        """Let one request in, for one entity. Raises Exceeded."""
        if not self._rate:
            return
        now = self._clock()
        self._credit = min(self._rate, self._credit + (now - self._at) * self._rate)
        self._at = now
        if self._credit <= 0:
            raise Exceeded(self._rate, max(1, math.ceil(-self._credit / self._rate)))
        self._credit -= 1

    def charge(self, entities: int) -> None:
        """Count further entities of a request that was let in, before they are worked on.

        Raises Exceeded when others have used up the credit since, Refused (422) when they are more than may ever be owed.
        """
        if not self._rate or not entities:
            return
        most = int(self._rate * LONGEST_DEBT)
        if entities > max(most, 1):
            message = f"a batch of {entities + 1} entities is too large for {self._rate:g} a second: send {most + 1} at most"
            raise Refused(422, message)
        now = self._clock()
        credit = min(self._rate, self._credit + (now - self._at) * self._rate)
        self._credit, self._at = credit, now
        if credit + 1 <= 0:  # its first entity, which is paid for, has no part in it
            raise Exceeded(self._rate, max(1, math.ceil(-credit / self._rate)))
        self._credit -= entities


class Lanes:
    """Two limits: a promotion under a flood must still be able to ask what serves.

    A probe takes its own lane while that has credit, and else the one that is everybody's. So whoever sends the header too gets
    little by it, and who measures with probes is held back no more than clients are.
    """

    def __init__(self, clients: RateLimit, probes: RateLimit) -> None:
        self._clients, self._probes = clients, probes

    def enter(self, *, probe: bool) -> None:
        """Let one request in, for one entity. Raises Exceeded."""
        if probe:
            try:
                return self._probes.enter()
            except Exceeded:
                pass
        return self._clients.enter()

    def charge(self, entities: int) -> None:
        """Count further entities of a request that was let in, a probe's too: probes ask for one. Raises as RateLimit does."""
        self._clients.charge(entities)
