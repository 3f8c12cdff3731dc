"""The effects of a promotion by whatever plan, as a walk through it on fakes shows them."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from itertools import groupby, pairwise

from ratchet.promotion.plan import PLAN, Plan
from ratchet.promotion.production import Production
from ratchet.promotion.protocol import carry_out
from tests.support.doomed import announced
from tests.support.fake_stores import FakeStores
from tests.support.fakes import FakeReports, Killed


@dataclass(frozen=True)
class Effect:
    """One call of a port.

    `changes` says that something is another afterwards; `intended` and `moved`, what was so before it: the intent on record, the
    alias `production` at the new version.
    """

    name: str
    changes: bool
    intended: bool
    moved: bool

    def __str__(self) -> str:
        return self.name


@cache
def _made(first: bool) -> FakeStores:
    made = FakeStores(keeps=FakeReports())
    made.add_version()
    made.add_version()
    if not first:
        made.in_production(1)
    made.clock.calls.clear()
    return made


def two_versions(plan: Plan = PLAN, *, first: bool = False) -> FakeStores:
    """Version 1 in production, version 2 a candidate; with `first`, nothing in production yet. Their files are shared."""
    at = deepcopy(_made(first))
    at.plan = plan
    return at


def effects_of(plan: Plan = PLAN) -> list[Effect]:
    """The effects of a promotion from version 1 to version 2 in order; one that follows itself counts once."""
    at = two_versions(plan)
    calls: list[tuple[str, tuple[object, ...], bool, bool]] = []

    def before(name: str) -> None:
        intended = any(entry.event.to == 2 for entry in at.journal.history().moves)
        calls.append((name, (*at.state, at.rollout.serving), intended, at.registry.aliases["production"] == 2))

    carry_out(announced(at.production, before), at.move(2, 1))
    before("the end")
    groups = [list(group) for _, group in groupby(calls, key=lambda call: call[0])]
    return [Effect(group[0][0], group[0][1] != following[0][1], group[0][2], group[0][3]) for group, following in pairwise(groups)]


def kill_before(production: Production, effect: int | str) -> Production:
    """The same, but it dies before the call with that number, from 1, or that name."""
    count = 0

    def before(name: str) -> None:
        nonlocal count
        count += 1
        if effect in {count, name}:
            raise Killed(name)

    return announced(production, before)


def each_kill(begin: Callable[[], FakeStores], act: Callable[[Production, FakeStores], object]) -> list[FakeStores]:
    """What `act` leaves when it dies before its first call of a port, its second, ... up to the last; each from a new beginning."""
    left: list[FakeStores] = []
    while True:
        at = begin()
        try:
            act(kill_before(at.production, len(left) + 1), at)
        except Killed:
            at.lock.held = False  # the system frees a dead process's lock
            left.append(at)
        else:
            return left
