"""The places that the exporter reads. What was read is a value; a place that is away raises a RatchetError."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ratchet.core.history import History
from ratchet.core.schema import ModelVersion
from ratchet.promotion.champion import PRODUCTION
from ratchet.rollout.state import PodReport, State
from ratchet.wiring import Wiring

_SELDOM = 10  # the request log is read at every tenth reading: that reads every labelled answer


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
    digest: str = ""  # that the pod template names


@dataclass(frozen=True, slots=True)
class Chain:
    """Why the ledger's chain is not as it was published and signed; empty where it is."""

    broken: str


Seen = Production | History | Labelled | Serving | Chain


@dataclass(frozen=True, slots=True)
class Source:
    """A place, how to read it, and how many intervals lie between two readings."""

    name: str
    read: Callable[[], Seen]
    every: int = 1


def sources(wiring: Wiring) -> list[Source]:
    """All of them. An adapter is opened at its first reading, in the thread that reads."""
    return [
        Source("registry", lambda: Production(wiring.registry.alias(PRODUCTION))),
        Source("ledger", lambda: _history(wiring)),
        Source("chain", lambda: Chain(wiring.journal.broken())),  # apart: it asks where the head is published, too
        Source("requests", lambda: Labelled(wiring.requests.newest_labelled()), _SELDOM),
        Source("rollout", lambda: _serving(wiring)),
    ]


def _history(wiring: Wiring) -> History:
    return wiring.journal.history()  # the process's one journal: it reads what is new


def _serving(wiring: Wiring) -> Serving:
    rollout, pinned = wiring.rollout, wiring.rollout.pinned()
    return Serving(pinned.version, rollout.pods(), rollout.progress().state, pinned.digest)
