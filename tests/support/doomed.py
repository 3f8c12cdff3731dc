"""A promoter that kills itself just before one of its effects. Also fed to a Python on the cluster, so it needs our image only.

An effect is any call of a port, named after the stage that makes it: nothing here knows which stages and ports there are.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, cast

from ratchet.core.events import MoveState
from ratchet.promotion.champion import PREVIOUS, PRODUCTION
from ratchet.promotion.plan import Plan
from ratchet.promotion.production import Production
from ratchet.promotion.stages.stage import Stage

_WORDS = {PRODUCTION, PREVIOUS, *MoveState}
_Heard = Callable[[str], None]


def _nothing(_: str) -> None:
    """For who does not listen."""


class Announced:
    """A port that announces each call before and after it is made."""

    def __init__(self, port: Any, before: _Heard, after: _Heard) -> None:
        self._port, self._before, self._after = port, before, after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def announced(*args: Any, **options: Any) -> Any:
            call = " ".join((name, *_words(args[:1])))
            self._before(call)
            answer = method(*args, **options)
            self._after(call)
            return answer

        return announced


def _words(arguments: tuple[Any, ...]) -> list[str]:
    """What distinguishes a call from others of the same method: the alias, the state of a move."""
    found = [getattr(argument, "state", argument) for argument in arguments]
    return [str(word) for word in found if isinstance(word, str) and word in _WORDS]


class Named:
    """A stage that says when it is at work."""

    def __init__(self, stage: Stage, at_work: _Heard) -> None:
        self._stage, self._at_work = stage, at_work

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._stage, name)
        if name not in {"do", "wait", "undo"}:
            return found

        def named(*args: Any) -> Any:
            self._at_work(f"{self._stage.name}: ")
            try:
                return found(*args)
            finally:
                self._at_work("")

        return named


def announced(production: Production, before: _Heard, after: _Heard = _nothing) -> Production:
    """The same, but `before` and `after` hear each call of a port: `pin: pin`, `append intent`, `alias: set_alias previous`."""
    stage = ""

    def at_work(name: str) -> None:
        nonlocal stage
        stage = name

    plan = Plan(tuple(cast("Stage", Named(one, at_work)) for one in production.plan.stages))
    settings = {"ready_timeout", "say", "plan", "keeps"}
    ports = {
        field.name: Announced(
            getattr(production, field.name), lambda call: before(f"{stage}{call}"), lambda call: after(f"{stage}{call}")
        )
        for field in fields(production)
        if field.name not in settings
    }
    return replace(production, plan=plan, **cast("dict[str, Any]", ports))


def doomed(production: Production, die_before: str) -> Production:
    """The same, but this process ends by SIGKILL just before the effect. It says each on standard output, repeated ones once."""
    last = ""

    def before(effect: str) -> None:
        nonlocal last
        if effect != last:
            production.say(f"[EFFECT] {effect}")
        last = effect
        if effect == die_before:
            os.kill(os.getpid(), signal.SIGKILL)

    return announced(production, before)
