"""What the rollout cases need of an adapter: a place where versions can be made and pinned. A Kubernetes adapter brings its own."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from ratchet.core.schema import ModelVersion
from ratchet.rollout.port import Rollout
from ratchet.rollout.processes import ProcessRollout
from ratchet.rollout.state import Pin, Progress, State
from ratchet.settings import Settings
from ratchet.tasks.binary.task import BINARY
from tests.support.fake_wiring import ROWS, FakeWiring, linear_bundle, spoilt
from tests.support.serving_program import PROGRAM

T = TypeVar("T")

GOOD, OTHER, SPOILT, ABSENT = 1, 2, 3, 99
INTERCEPTS = {GOOD: -0.5, OTHER: 0.5}


class Harness(Protocol):
    """A running rollout over versions of which GOOD and OTHER serve, SPOILT and ABSENT never do."""

    @property
    def rollout(self) -> Rollout:
        """The adapter."""
        ...

    def version(self, number: int) -> ModelVersion:
        """The version as the registry has it."""
        ...


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def settings_for(home: Path, **changes: object) -> Settings:
    return Settings.model_validate(
        {
            "home": home,
            "project": home / "ratchet.yaml",
            "port": free_port(),
            "ready_timeout": 60.0,
            "drain_seconds": 5.0,
            **changes,
        }
    )


class ProcessHarness:
    """ProcessRollout with real gateways and real BentoML processes over tests/support/fake_wiring.py."""

    def __init__(self, home: Path, **changes: object) -> None:
        self.settings = settings_for(home, **changes)
        self.wiring = FakeWiring(home)
        for number, intercept in INTERCEPTS.items():
            self.wiring.registry.put(number, linear_bundle(intercept))
        self.wiring.registry.put(SPOILT, spoilt(linear_bundle(0.0)))
        self.wiring.features.put(ROWS)
        self.rollout = ProcessRollout(self.settings, "customer", BINARY.score_in, (*PROGRAM, "gateway"), (*PROGRAM, "check"))

    def version(self, number: int) -> ModelVersion:
        return self.wiring.registry.version(number)


def pin(rollout: Rollout, version: int | None) -> Pin:
    return rollout.pin(version, revision=rollout.pinned().revision)


def settle(rollout: Rollout, seconds: float = 60.0) -> Progress:
    """Wait while the rollout is WAITING."""
    return until(rollout.progress, lambda progress: progress.state is not State.WAITING, seconds)


def until(read: Callable[[], T], done: Callable[[T], bool], seconds: float = 60.0) -> T:
    return Retrying(retry=retry_if_result(lambda value: not done(value)), stop=stop_after_delay(seconds), wait=wait_fixed(0.05))(
        read
    )
