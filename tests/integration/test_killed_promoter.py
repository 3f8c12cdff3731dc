"""Real adapters, and a promoter that is killed: alias, template and pods agree again after `ratchet reconcile`."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from components.protocol.reconcile import reconcile
from tests.promoter_program import EFFECTS, mend
from tests.promoters import Client, Promoters
from tests.rollout_harness import until


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Promoters:
    return Promoters(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def gateway(at: Promoters) -> Iterator[int]:
    with at.serving() as process:
        yield process.pid


@pytest.fixture
def client(at: Promoters, gateway: int) -> Iterator[Client]:
    """Asks for the length of the test; not one of its requests may fail."""
    with Client(at.settings.url).asking() as client:
        yield client
        until(lambda: client.answers, lambda answers: answers > 10)
    assert client.failures == []
    assert at.processes() == {gateway, *(pod.pid for pod in at.deployment.observed().pods)}


def pair(at: Promoters) -> tuple[int, int]:
    """Who is in production, and a candidate: the cases take turns with two versions."""
    return (1, 2) if at.champion == 1 else (2, 1)


@pytest.mark.usefixtures("client")
def test_these_are_the_effects_of_a_promotion(at: Promoters) -> None:
    champion, candidate = pair(at)
    promoter = at.promoter(candidate, champion=champion)
    assert promoter.join() == 0
    assert promoter.effects == list(EFFECTS)
    at.assert_agree(candidate)


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("effect", EFFECTS)
def test_reconcile_mends_what_a_promoter_killed_before_an_effect_leaves(effect: str, at: Promoters) -> None:
    champion, candidate = pair(at)
    assert at.promoter(candidate, champion=champion, die_before=effect).join() == -signal.SIGKILL
    intended = at.states[-1] == "intent"
    assert intended == (EFFECTS.index(effect) > EFFECTS.index("intent"))
    reconcile(at.world)
    at.assert_agree(candidate if intended else champion)
    assert reconcile(at.world) == []
