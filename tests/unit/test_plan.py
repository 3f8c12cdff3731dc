"""A promoter that is killed, or loses its lock, anywhere on its way: the walk is through the plan's own effects."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from ratchet.core.errors import LockLost, PromotionFailed
from ratchet.core.events import MoveState
from ratchet.promotion.plan import PLAN, Plan
from ratchet.promotion.production import Production
from ratchet.promotion.protocol import carry_out
from ratchet.promotion.reconcile import reconcile
from ratchet.promotion.stages.stage import Stage
from ratchet.promotion.underway import Underway
from tests.support.doomed import announced
from tests.support.effects import each_kill, effects_of, kill_before, two_versions
from tests.support.fake_stores import FakeStores
from tests.support.fakes import Killed

CANARY = "canary"


class Canary(Stage):
    """A stage that the plan does not have: it points an alias at the version, and takes it away again."""

    name = CANARY

    def do(self, under: Underway) -> None:
        under.write(under.production.registry.set_alias, CANARY, under.move.to)

    def undo(self, under: Underway) -> None:
        under.write(under.production.registry.drop_alias, CANARY)


WITH_CANARY = Plan((*PLAN.stages[:1], Canary(), *PLAN.stages[1:]))
PLANS = pytest.mark.parametrize("plan", [PLAN, WITH_CANARY], ids=["the plan", "with another stage"])


def promote(production: Production, at: FakeStores) -> None:
    before = at.registry.aliases.get("production")
    carry_out(production, at.move(2, None if before is None else 1))


def begun(plan: Plan, effect: str) -> FakeStores:
    """A promoter of version 2 that died before an effect."""
    at = two_versions(plan)
    with pytest.raises(Killed):
        carry_out(kill_before(at.production, effect), at.move(2, 1))
    at.lock.held = False
    return at


def aliases(at: FakeStores) -> dict[str, int]:
    return {alias: number for alias, number in at.registry.aliases.items() if alias != CANARY}


def intended(at: FakeStores) -> bool:
    return any(entry.event.to == 2 for entry in at.journal.history().moves)


def test_the_effects_of_a_promotion_are_these() -> None:
    changing = [effect.name for effect in effects_of() if effect.changes]
    assert changing == [
        "append intent",
        "pin: pin",
        "wait: progress",
        "alias: set_alias production",
        "alias: set_alias previous",
        "append done",
    ]


def test_a_stage_more_in_the_plan_is_walked_through_like_the_others() -> None:
    names, more = ([effect.name for effect in effects_of(plan)] for plan in (PLAN, WITH_CANARY))
    at = more.index("canary: set_alias")
    assert more[:at] + more[at + 1 :] == names
    assert more[at - 1 : at + 2] == ["append intent", "canary: set_alias", "pin: pin"]


@PLANS
@pytest.mark.parametrize("first", [True, False], ids=["first model", "second model"])
def test_a_promoter_killed_before_any_effect_is_repaired_by_reconcile(plan: Plan, first: bool) -> None:
    left = each_kill(lambda: two_versions(plan, first=first), promote)
    assert len(left) >= len(effects_of(plan)) - first  # without a version before there is one effect less
    for at in left:
        began = intended(at)
        reconcile(at.production)
        assert at.consistent
        assert at.registry.aliases.get("production") == (2 if began else None if first else 1)
        assert reconcile(at.production) == []
        at.ledger.verify()


@PLANS
@pytest.mark.parametrize("effect", [effect.name for effect in effects_of() if effect.intended and effect.changes])
def test_reconcile_itself_may_be_killed_anywhere(plan: Plan, effect: str) -> None:
    for at in each_kill(lambda: begun(plan, effect), lambda production, _: reconcile(production)):
        reconcile(at.production)
        assert at.consistent
        assert aliases(at) == {"production": 2, "previous": 1}


@PLANS
def test_a_promote_task_that_is_tried_again_finishes_what_its_killed_self_began(plan: Plan) -> None:
    for at in each_kill(lambda: two_versions(plan), promote):
        assert carry_out(at.production, at.move(2, 1)).event.state == "done"
        assert aliases(at) == {"production": 2, "previous": 1}
        assert at.consistent


@PLANS
def test_undoing_a_killed_promotion_leaves_all_aliases_as_they_were(plan: Plan) -> None:
    for at in each_kill(lambda: two_versions(plan), promote):
        began, moved = intended(at), at.registry.aliases["production"] == 2
        at.rollout.wrong_golden.add(2)  # what cannot be finished any more has to be undone
        said = reconcile(at.production)
        assert aliases(at) == ({"production": 2, "previous": 1} if moved else {"production": 1})
        assert (CANARY in at.registry.aliases) == (moved and plan is WITH_CANARY)
        assert at.consistent
        if began and not moved:
            assert "could not be finished" in said[0]
            assert at.journal.history().moves[-1].event.undone is True


def test_a_move_that_a_dead_promoter_began_is_undone_by_the_plan_when_production_has_moved_on() -> None:
    at = begun(WITH_CANARY, "wait: progress")
    at.add_version()
    done = replace(at.move(3, 1), digest=at.registry.version(3).digest).step(MoveState.DONE)
    at.journal.append(done, key="another promoter's")
    at.registry.aliases["production"] = 3
    assert reconcile(at.production) == ["the interrupted move to version 2 was closed: production has moved on to version 3"]
    assert at.registry.aliases == {"production": 3}
    assert at.consistent
    assert reconcile(at.production) == []


@pytest.mark.parametrize(
    ("fault", "undone"),
    [
        ("wrong_golden", []),
        ("stuck", ["canary: set_alias", "pin: pin", "pin: pin", "canary: drop_alias"]),
        ("wrong_answers", ["canary: set_alias", "pin: pin", "pin: pin", "canary: drop_alias"]),
    ],
)
def test_a_failure_undoes_in_reverse_order_what_was_done(fault: str, undone: list[str]) -> None:
    at = two_versions(WITH_CANARY)
    getattr(at.rollout, fault).add(2)
    heard: list[str] = []
    with pytest.raises(PromotionFailed):
        carry_out(announced(at.production, heard.append), at.move(2, 1))
    assert [call for call in heard if call.endswith((": pin", "_alias"))] == undone
    assert at.registry.aliases == {"production": 1}
    assert at.journal.history().moves[-1].event.undone is True
    assert at.consistent


def test_what_can_be_undone_is_undone_also_when_a_later_stage_cannot() -> None:
    at = two_versions(WITH_CANARY)
    at.rollout.stuck |= {1, 2}
    with pytest.raises(PromotionFailed, match="bringing version 1 back did not work either"):
        carry_out(at.production, at.move(2, 1))
    assert CANARY not in at.registry.aliases
    assert at.journal.history().moves[-1].event.undone is False


def lose_after(at: FakeStores, call: int, seen: list[object]) -> Production:
    """The lock is somebody else's as soon as a call of a port, by its number, has been made; `seen` gets what stands then."""
    count = 0

    def after(_: str) -> None:
        nonlocal count
        count += 1
        if count == call:
            at.lock.lost = True
            seen.append(at.state)

    return announced(at.production, lambda _: None, after)


@PLANS
@pytest.mark.parametrize("fault", ["", "stuck"], ids=["on the way", "with something to undo"])
def test_nothing_is_written_once_the_lock_is_lost(plan: Plan, fault: str) -> None:
    for call in range(1, 200):
        at, seen = two_versions(plan), list[object]()
        if fault:
            at.rollout.stuck.add(2)
        with suppress(LockLost, PromotionFailed):
            carry_out(lose_after(at, call, seen), at.move(2, 1))
        if not seen:
            break  # the move had ended before
        assert seen == [at.state], call
        at.lock.lost = False
        at.rollout.stuck.clear()
        reconcile(at.production)
        assert at.consistent
        assert at.registry.aliases["production"] in {1, 2}
    else:
        pytest.fail("the walk has no end")


def test_a_reconcile_that_loses_the_lock_says_so_and_leaves_the_rest_to_the_next() -> None:
    at = begun(PLAN, "wait: progress")
    at.lock.lost = True
    with pytest.raises(LockLost):
        reconcile(at.production)
    at.lock.lost = False
    reconcile(at.production)
    assert at.consistent
    assert at.registry.aliases == {"production": 2, "previous": 1}
