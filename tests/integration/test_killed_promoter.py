"""Real adapters, and a promoter or a gateway that is killed: alias, template and pods agree again, on the version decided for."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from ratchet.core.errors import PromotionFailed
from ratchet.promotion.reconcile import reconcile
from tests.support.effects import Effect, effects_of
from tests.support.promoter_program import mend
from tests.support.promoters import Client, Promoters
from tests.support.rollout_harness import until

EFFECTS = effects_of()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Promoters]:
    made = Promoters(tmp_path_factory.mktemp("home"), versions=2)
    try:
        made.serve()
        assert made.promoter(1, champion=None).join() == 0
        yield made
    finally:
        made.stop()


@pytest.fixture
def at(home: Promoters) -> Iterator[Promoters]:
    """A gateway serves, and a client asks all the time: none of its requests may fail, and no process may be left over."""
    gateway = home.serve()
    with Client(home.settings.url).asking() as client:
        yield home
        until(lambda: client.answers, lambda answers: answers > 10)
    assert client.failures == []
    assert home.processes() == {gateway.pid, *(pod.pid for pod in home.deployment.observed().pods)}


def pair(at: Promoters) -> tuple[int, int]:
    """Who is in production, and a candidate: the cases take turns with two versions."""
    return (1, 2) if at.champion == 1 else (2, 1)


def test_real_adapters_have_the_effects_that_the_walk_through_fakes_shows(at: Promoters) -> None:
    champion, candidate = pair(at)
    promoter = at.promoter(candidate, champion=champion)
    assert promoter.join() == 0
    effects = promoter.effects
    names = [effect.name for effect in EFFECTS]
    assert effects[effects.index("hold") :] == names[names.index("hold") :]
    at.assert_agree(candidate)


@pytest.mark.parametrize("effect", EFFECTS, ids=str)
def test_reconcile_mends_what_a_promoter_killed_before_an_effect_leaves(effect: Effect, at: Promoters) -> None:
    champion, candidate = pair(at)
    assert at.promoter(candidate, champion=champion, die_before=effect.name).join() == -signal.SIGKILL
    ended = EFFECTS.index(effect) > [other.name for other in EFFECTS].index("append done")  # what is kept of it comes after
    assert at.states[-1] == "done" if ended else (at.states[-1] == "intent") == effect.intended
    reconcile(at.production)
    at.assert_agree(candidate if effect.intended else champion)
    assert reconcile(at.production) == []


def test_a_reconcile_that_is_killed_is_finished_by_the_next(at: Promoters) -> None:
    champion, candidate = pair(at)
    assert at.promoter(candidate, champion=champion, die_before="pin: pin").join() == -signal.SIGKILL
    assert at.start(mend, "alias: set_alias previous").join() == -signal.SIGKILL
    assert reconcile(at.production) == [f"version {candidate} was in production already: recorded as done"]
    at.assert_agree(candidate)


def test_a_gateway_killed_in_the_middle_of_a_promotion_leaves_the_old_version(home: Promoters) -> None:
    champion, candidate = pair(home)
    gateway = home.serve()
    promoter = home.promoter(candidate, champion=champion)
    until(lambda: promoter.effects, lambda effects: "wait: progress" in effects)
    os.kill(gateway.pid, signal.SIGKILL)
    assert promoter.join() == PromotionFailed.exit_code
    assert promoter.error["message"].startswith(f"version {candidate} does not get ready: no gateway runs for {home.settings.home}")
    assert "\n" not in promoter.error["message"]
    assert (home.champion, home.production.rollout.pinned().version, home.states[-1]) == (champion, champion, "failed")
    assert reconcile(home.production) == []
    home.serve()
    home.assert_agree(champion)


def test_a_temporary_gateway_dies_with_its_promoter_and_reconcile_does_not_rely_on_it(home: Promoters) -> None:
    home.stop()
    champion, candidate = pair(home)
    assert home.promoter(candidate, champion=champion, die_before="compare: pods").join() == -signal.SIGKILL
    assert reconcile(home.production) == [f"the interrupted move to version {candidate} was finished"]
    assert until(home.processes, lambda left: not left) == set()
    assert home.champion == home.production.rollout.pinned().version == candidate
    assert reconcile(home.production) == []
