"""Where a rollout stands. "Waiting" is not "stuck" (the distinction of flagger's deployment_ready.go)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from components.core.schema import FeatureValue


class State(StrEnum):
    """READY: all pods new and available. WAITING: on the way. STUCK: it will not get there by itself."""

    READY = "READY"
    WAITING = "WAITING"
    STUCK = "STUCK"


@dataclass(frozen=True, slots=True)
class Progress:
    """A state with one sentence on why."""

    state: State
    detail: str


@dataclass(frozen=True, slots=True)
class Pin:
    """The version that the pod template names (None before the first promotion), read at a revision."""

    version: int | None
    revision: str


@dataclass(frozen=True, slots=True)
class PodReport:
    """What one pod says of itself."""

    name: str
    version: int | None
    ready: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of /predict."""

    entity: str
    version: int
    probability: float
    features: Mapping[str, FeatureValue]


def deployment_progress(
    *, generation: int, observed: int, replicas: int, updated: int, available: int, total: int, deadline_exceeded: bool
) -> Progress:
    """Judge a Deployment's status as `kubectl rollout status` does, with all pods new as the condition.

    Done when observedGeneration >= generation and updated = available = total = replicas.
    """
    if observed < generation:
        return Progress(State.WAITING, "the new template has not been observed yet")
    if deadline_exceeded:
        return Progress(State.STUCK, f"no progress within the deadline: {available} of {replicas} available")
    if updated < replicas:
        return Progress(State.WAITING, f"{updated} of {replicas} pods are new")
    if total > updated:
        return Progress(State.WAITING, f"{total - updated} old pods are still there")
    if available < updated:
        return Progress(State.WAITING, f"{available} of {replicas} new pods are available")
    return Progress(State.READY, f"{replicas} of {replicas} pods are new and available")
