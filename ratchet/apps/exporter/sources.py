"""The four places that the exporter looks at. Each look is a value; a place that is away raises a RatchetError."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

from ratchet.apps.exporter.history import History
from ratchet.apps.record_forms import first_form
from ratchet.core.record import Record
from ratchet.core.schema import ModelVersion
from ratchet.ledger.port import Ledger
from ratchet.promotion.world import PRODUCTION
from ratchet.rollout.state import PodReport, State
from ratchet.wiring import Wiring

_SELDOM = 10  # the request log is read at every tenth look: that reads every labelled answer


@dataclass(frozen=True, slots=True)
class Production:
    """What the registry says: the version behind the alias."""

    champion: ModelVersion | None


@dataclass(frozen=True, slots=True)
class Labelled:
    """What the request log says: when the newest labelled answer was given, by version, in seconds since the epoch."""

    newest: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Serving:
    """What the rollout says."""

    pinned: int | None
    pods: Sequence[PodReport]
    state: State


Look = Production | History | Labelled | Serving


@dataclass(frozen=True, slots=True)
class Source:
    """A place, how to look at it, and how many intervals lie between two looks."""

    name: str
    look: Callable[[], Look]
    every: int = 1


class LedgerReader:
    """Reads what is new in the ledger; a ledger that is another one than before (restored, replaced) it reads anew."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._history = ledger, History()
        self._last: Record | None = None

    def look(self) -> History:
        """The figures of all records up to now; a copy, for the next look goes on with its own."""
        found = self._ledger.records(after=self._last.seq - 1 if self._last else 0)
        if self._last and found[:1] != [self._last]:
            self._history, self._last = History(), None
            found = self._ledger.records()
        elif self._last:
            found = found[1:]
        self._history.add([first_form(record) for record in found])
        if found:
            self._last = found[-1]
        return deepcopy(self._history)


def sources(wiring: Wiring) -> list[Source]:
    """All of them. An adapter is opened at its first look, in the thread that looks."""
    return [
        Source("registry", lambda: Production(wiring.registry.alias(PRODUCTION))),
        Source("ledger", _late(lambda: LedgerReader(wiring.ledger).look)),
        Source("requests", lambda: Labelled(wiring.requests.newest_labelled()), _SELDOM),
        Source("rollout", lambda: _serving(wiring)),
    ]


def _late(make: Callable[[], Callable[[], Look]]) -> Callable[[], Look]:
    made: list[Callable[[], Look]] = []

    def look() -> Look:
        if not made:
            made.append(make())
        return made[0]()

    return look


def _serving(wiring: Wiring) -> Serving:
    rollout = wiring.rollout
    return Serving(rollout.pinned().version, rollout.pods(), rollout.progress().state)
