"""Where a rollout stands. "Waiting" is not "stuck" (the distinction of flagger's deployment_ready.go)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ratchet.core.schema import FeatureValue


class State(StrEnum):
    """READY: all pods new and available. WAITING: on the way. STUCK: it will not get there by itself."""

    READY = "READY"
    WAITING = "WAITING"
    STUCK = "STUCK"


@dataclass(frozen=True, slots=True)
class Progress:
    """A state with one sentence on why; `leaving` where it waits for nothing but older pods to end."""

    state: State
    detail: str
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Pin:
    """The version that the pod template names (None before the first promotion), read at a revision.

    `digest` is that of the version's files, by which each pod checks what it loads; empty in a template of an older release.
    """

    version: int | None
    revision: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class PodReport:
    """What one pod says of itself. `digest` is that of the files that it serves from; empty where it does not say."""

    name: str
    version: int | None
    ready: bool
    detail: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of /predict."""

    entity: str
    version: int
    score: float
    features: Mapping[str, FeatureValue]
