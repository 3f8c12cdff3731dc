"""What a promoter's process does, on the real composition root: it can be told to kill itself just before an effect.

Run by tests/promoters.py in children of a fork server that has imported MLflow once.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from components.core.ports import Ledger, Registry, Rollout
from components.protocol.world import World
from components.settings import Settings
from components.wiring import Wiring, step

# In the order of the protocol. `wait` is the first look at the rollout's progress, `traffic` the first at the pods.
EFFECTS = ("infra check", "intent", "pin", "wait", "traffic", "production", "previous", "done")

_Effects = Mapping[str, Callable[..., str]]
_REGISTRY: _Effects = {"set_alias": lambda alias, _number: alias}
_LEDGER: _Effects = {"append": lambda kind, body, **_: body.get("state", kind)}
_ROLLOUT: _Effects = {
    "infra_check": lambda _version: "infra check",
    "pin": lambda _version, **_: "pin",
    "progress": lambda: "wait",
    "pods": lambda: "traffic",
}


class Announced:
    """A port that tells `before` of each effect before it happens; all else goes straight through."""

    def __init__(self, port: Any, effects: _Effects, before: Callable[[str], None]) -> None:
        self._port, self._effects, self._before = port, effects, before

    def __getattr__(self, name: str) -> Any:
        method, effect = getattr(self._port, name), self._effects.get(name)
        if effect is None:
            return method

        def announced(*args: Any, **options: Any) -> Any:
            self._before(effect(*args, **options))
            return method(*args, **options)

        return announced


def rollout_of(settings: Settings, entity: str) -> Rollout:
    """The real rollout, whose processes find their models and features as tests/serving_world.py keeps them."""
    from components.adapters.process_rollout import ProcessRollout  # noqa: PLC0415 - as in components/wiring.py
    from tests.serving_program import PROGRAM  # noqa: PLC0415 - as above

    return ProcessRollout(settings, entity, (*PROGRAM, "gateway"), (*PROGRAM, "check"))


def world_of(wiring: Wiring) -> World:
    """The wiring's world with that rollout."""
    return replace(wiring.world, rollout=rollout_of(wiring.settings, wiring.project.entity))


def doomed(world: World, die_before: str) -> World:
    """The same, but this process ends by SIGKILL just before the effect. It tells each effect once, on standard output."""
    told = ""

    def before(effect: str) -> None:
        nonlocal told
        if effect != told:
            world.say(f"[EFFECT] {effect}")
        told = effect
        if effect == die_before:
            os.kill(os.getpid(), signal.SIGKILL)

    return replace(
        world,
        registry=cast("Registry", Announced(world.registry, _REGISTRY, before)),
        ledger=cast("Ledger", Announced(world.ledger, _LEDGER, before)),
        rollout=cast("Rollout", Announced(world.rollout, _ROLLOUT, before)),
    )


def promote(candidate: int, die_before: str) -> None:
    """As components/promote/component.py."""
    from components.promote import step as use_case  # noqa: PLC0415 - the component imports it in its body, too

    with step("promote") as wiring:
        use_case.run(wiring.project, doomed(world_of(wiring), die_before), candidate)


def mend(die_before: str) -> None:
    """As `ratchet reconcile`."""
    from components.protocol.reconcile import reconcile  # noqa: PLC0415 - as above

    with step("reconcile") as wiring:
        for sentence in reconcile(doomed(world_of(wiring), die_before)):
            wiring.world.say(sentence)


def act(environment: Mapping[str, str], log: Path, what: Callable[..., None], arguments: tuple[object, ...]) -> None:
    """Entry point of a child: take the environment, speak into `log`, do `what(*arguments)`."""
    os.environ.update(environment)
    tempfile.tempdir = str(log.parent)  # what a killed process leaves goes with the test's folder
    with log.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    what(*arguments)
