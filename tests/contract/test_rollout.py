from __future__ import annotations

from collections.abc import Iterator

import pytest

from ratchet.core.errors import PromotionFailed, StaleComparison
from ratchet.rollout.state import State
from tests.support.fake_wiring import ROWS, linear_bundle
from tests.support.rollout_harness import ABSENT, GOOD, INTERCEPTS, OTHER, SPOILT, Harness, ProcessHarness, pin, settle


@pytest.fixture(scope="module", params=["processes"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Every adapter's harness with something that serves; a Kubernetes harness is one more parameter."""
    harness = {"processes": ProcessHarness}[request.param](tmp_path_factory.mktemp("home"))
    with harness.rollout.session():
        yield harness


@pytest.fixture
def harness(running: Harness) -> Harness:
    """With version GOOD serving, whatever the case before has left."""
    pin(running.rollout, GOOD)
    assert settle(running.rollout).state is State.READY
    return running


def test_nothing_is_pinned_at_first_and_that_is_a_ready_state(running: Harness) -> None:
    if running.rollout.pinned().version is not None:
        pytest.skip("another case came first")
    assert running.rollout.pods() == []
    assert settle(running.rollout).state is State.READY


def test_a_pinned_version_serves_and_every_pod_reports_it(harness: Harness) -> None:
    assert harness.rollout.pinned().version == GOOD
    pods = harness.rollout.pods()
    assert [(pod.version, pod.ready) for pod in pods] == [(GOOD, True)] * len(pods)
    assert pods
    answer = harness.rollout.ask("ben")
    assert answer is not None
    assert (answer.entity, answer.version, answer.features) == ("ben", GOOD, ROWS["ben"])
    assert answer.score == linear_bundle(INTERCEPTS[GOOD]).scorer.row(ROWS["ben"])


def test_an_unknown_entity_is_none(harness: Harness) -> None:
    assert harness.rollout.ask("zoe") is None


def test_a_pin_moves_to_another_version_and_leaves_none_of_the_old(harness: Harness) -> None:
    pin(harness.rollout, OTHER)
    assert settle(harness.rollout).state is State.READY
    assert {pod.version for pod in harness.rollout.pods()} == {OTHER}
    answer = harness.rollout.ask("anna")
    assert answer is not None
    assert answer.version == OTHER


def test_pinning_what_is_pinned_changes_nothing(harness: Harness) -> None:
    before = harness.rollout.pinned()
    assert harness.rollout.pin(GOOD, revision=before.revision) == before


def test_a_pin_at_an_old_revision_is_stale_and_changes_nothing(harness: Harness) -> None:
    old = harness.rollout.pinned()
    pin(harness.rollout, ABSENT)
    now = pin(harness.rollout, GOOD)
    with pytest.raises(StaleComparison, match="stale comparison"):
        harness.rollout.pin(OTHER, revision=old.revision)
    assert harness.rollout.pinned() == now


@pytest.mark.parametrize(("version", "reason"), [(SPOILT, "golden rows"), (ABSENT, "no version 99")])
def test_a_version_that_never_gets_ready_is_stuck_while_the_old_one_serves(harness: Harness, version: int, reason: str) -> None:
    served_by = {pod.name for pod in harness.rollout.pods()}
    pin(harness.rollout, version)
    progress = settle(harness.rollout)
    assert progress.state is State.STUCK
    assert reason in progress.detail
    answer = harness.rollout.ask("anna")
    assert answer is not None
    assert answer.version == GOOD
    pin(harness.rollout, GOOD)
    assert settle(harness.rollout).state is State.READY
    assert {pod.name for pod in harness.rollout.pods()} == served_by


def test_the_infra_check_measures_a_version_apart_from_what_serves(harness: Harness) -> None:
    measured = harness.rollout.infra_check(harness.version(OTHER))
    assert measured["worst"] <= 1e-9
    assert measured["seconds"] > 0
    assert {pod.version for pod in harness.rollout.pods()} == {GOOD}


def test_the_infra_check_fails_in_a_sentence(harness: Harness) -> None:
    with pytest.raises(PromotionFailed, match="version 3 answers its golden rows otherwise than when it was made"):
        harness.rollout.infra_check(harness.version(SPOILT))
