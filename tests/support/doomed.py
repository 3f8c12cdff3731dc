"""A promoter that kills itself just before one of its effects. Also fed to a Python on the cluster, so it needs our image only."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from ratchet.ledger.port import Ledger
from ratchet.promotion.world import World
from ratchet.registry.port import Registry
from ratchet.rollout.port import Rollout

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
