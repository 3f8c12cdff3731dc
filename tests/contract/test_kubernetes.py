"""Patches, preconditions, rights and Leases on a real API server; see tests/support/cluster_objects.py."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from ratchet.clients.kubernetes import DEPLOYMENT, KubernetesApi, Resource
from ratchet.core.errors import LockHeld, LockLost, StaleComparison, Unavailable, UserError
from ratchet.locks.lease import LeaseLock
from ratchet.locks.port import Fence
from ratchet.rollout.deployment import KubernetesRollout
from ratchet.rollout.deployment_judge import PINS, VERSION
from ratchet.rollout.state import State
from ratchet.tasks.binary.task import BINARY
from tests.support.cluster_objects import LEASE, SERVING, Objects, fresh_namespace
from tests.support.rollout_harness import free_port, settings_for, until


@pytest.fixture
def objects() -> Iterator[Objects]:
    with fresh_namespace() as made:
        yield made


def rollout(objects: Objects, folder: Path, api: KubernetesApi | None = None, name: str = SERVING) -> KubernetesRollout:
    return KubernetesRollout(api or objects.api("promoter"), settings_for(folder, deployment=name), "customer", BINARY.score_in)


def lock(objects: Objects, actor: str = "ann", timeout: float = 0.3, duration: int = 2) -> LeaseLock:
    return LeaseLock(objects.api("promoter"), LEASE, actor, timeout, duration)


def test_pins_count_and_what_is_old_is_stale(objects: Objects, tmp_path: Path) -> None:
    at = rollout(objects, tmp_path)
    with at.session():
        first = at.pinned()
    assert first.version is None
    assert at.pin(None, revision=first.revision) == first
    second = at.pin(1, revision=first.revision)
    assert second == at.pinned()
    assert at.pin(1, revision=second.revision) == second
    third = at.pin(None, revision=second.revision)
    assert (second.version, third.version) == (1, None)
    assert len({pin.revision for pin in (first, second, third)}) == 3
    for old in (first, second):
        with pytest.raises(StaleComparison, match="stale comparison"):
            at.pin(2, revision=old.revision)
    assert at.pinned() == third
    objects.deployment({"spec": {"replicas": 0}, "metadata": {"labels": {"touched": "yes"}}})
    assert at.pinned() == third
    objects.deployment({"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}})
    assert at.pinned().revision != third.revision
    assert at.pods() == []
    assert at.progress().state is not State.READY or at.pinned().version is None


def test_a_pin_gets_through_while_others_write_the_object(objects: Objects, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.wait(0.02):
            number += 1
            objects.deployment({"metadata": {"annotations": {"other": str(number)}}})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        at = rollout(objects, tmp_path)
        for version in range(1, 6):
            assert at.pin(version, revision=at.pinned().revision).version == version
    finally:
        stop.set()
        writer.join()
    assert at.pinned().revision.startswith("5-")


class Lossy(KubernetesApi):
    """Its first patch takes effect and its answer is lost."""

    def __init__(self, below: KubernetesApi) -> None:
        super().__init__(Objects.client(below), below.namespace, inside=False)
        self.lost = 0

    def patch(self, resource: Resource, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        found = super().patch(resource, name, body)
        if not self.lost:
            self.lost += 1
            raise Unavailable("lost")
        return found


def test_a_pin_whose_answer_was_lost_is_not_stale_to_its_author(objects: Objects, tmp_path: Path) -> None:
    api = Lossy(objects.api("promoter"))
    at = rollout(objects, tmp_path, api)
    pin = at.pin(4, revision=at.pinned().revision)
    assert (api.lost, pin.version, pin.revision[:2]) == (1, 4, "1-")
    assert at.pinned() == pin


@pytest.mark.parametrize(
    "patch", [{"metadata": {"annotations": {PINS: "x"}}}, {"spec": {"template": {"metadata": {"annotations": {VERSION: "x"}}}}}]
)
def test_an_annotation_that_is_no_number_is_said(objects: Objects, tmp_path: Path, patch: dict[str, Any]) -> None:
    objects.deployment(patch)
    with pytest.raises(UserError, match="not a number"):
        rollout(objects, tmp_path).pinned()


def test_what_is_missing_is_said_in_a_sentence(objects: Objects, tmp_path: Path) -> None:
    missing = f"there is no Deployment other in namespace {objects.namespace}: install the chart"
    with pytest.raises(UserError, match=missing), rollout(objects, tmp_path, objects.api(), name="other").session():
        pass
    with pytest.raises(UserError, match=r"the right to read Deployment .* is missing.*system:serviceaccount:.*:stranger"):
        rollout(objects, tmp_path, objects.api("stranger")).pinned()
    with (
        pytest.raises(UserError, match=r"there is no Lease none in .*`helm upgrade` creates it"),
        LeaseLock(objects.api(), "none", "ann", 1, 2).hold(),
    ):
        pass
    with pytest.raises(UserError, match="there is no Service ratchet-serving"):
        rollout(objects, tmp_path, objects.api()).ask("anna")


def test_a_server_that_does_not_answer_is_unavailable(objects: Objects) -> None:
    configuration = client.Configuration(host=f"https://127.0.0.1:{free_port()}")
    configuration.retries = False
    api = KubernetesApi(client.ApiClient(configuration), objects.namespace, inside=False)
    with pytest.raises(Unavailable, match="cannot be reached to read Deployment ratchet-serving"):
        api.read(DEPLOYMENT, SERVING)


def test_a_lock_is_renewed_and_stays_taken(objects: Objects) -> None:
    with lock(objects, duration=1).hold():
        start = time.monotonic()
        with pytest.raises(LockHeld, match="held by ann, pod "), lock(objects, "bob", timeout=3).hold():
            pass
        assert time.monotonic() - start >= 3
    assert objects.holder() is None
    with lock(objects, "bob").hold():
        assert str(objects.holder()).startswith("bob, pod ")


def test_a_dead_holders_lock_is_taken_over_when_it_has_run_out_by_our_clock(objects: Objects) -> None:
    dead = {"holderIdentity": "dead", "leaseDurationSeconds": 2, "renewTime": "2001-01-01T00:00:00.000000Z"}
    objects.lease(dead)  # its time is long over, if its clock was right: we do not ask it
    with pytest.raises(LockHeld, match="held by dead"), lock(objects).hold():
        pass
    start = time.monotonic()
    with lock(objects, timeout=10).hold():
        assert time.monotonic() - start >= 2
    assert objects.holder() is None


def test_a_lock_that_somebody_else_took_lets_its_holder_write_no_more(objects: Objects) -> None:
    with lock(objects).hold() as fence:
        fence.check()
        objects.lease({"holderIdentity": "thief", "leaseDurationSeconds": 2})
        said = until(lambda: refusal(fence), bool, 5)
    assert "was lost (thief holds it): `ratchet reconcile`" in said
    assert objects.holder() == "thief"


def test_a_lock_that_cannot_be_renewed_lets_its_holder_write_no_more_before_it_runs_out(objects: Objects) -> None:
    api = objects.api("promoter")
    start = time.monotonic()
    with LeaseLock(api, LEASE, "ann", 0.3, 3).hold() as fence:
        configuration = objects.client(api).configuration
        configuration.refresh_api_key_hook = None  # it would read the address from the kubeconfig again
        configuration.host = f"https://127.0.0.1:{free_port()}"
        assert "it could not be renewed for" in until(lambda: refusal(fence), bool, 5)
        assert time.monotonic() - start < 3


def refusal(fence: Fence) -> str:
    """What a fence says that refuses; empty when it does not."""
    try:
        fence.check()
    except LockLost as error:
        return str(error)
    return ""


def test_an_error_of_the_holders_own_stays_and_frees_the_lock(objects: Objects) -> None:
    with pytest.raises(ZeroDivisionError), lock(objects).hold():
        raise ZeroDivisionError
    assert objects.holder() is None


def test_of_many_who_want_the_lock_one_at_a_time_has_it(objects: Objects) -> None:
    inside, most, done = 0, 0, 0
    mutex = threading.Lock()

    def want(number: int) -> None:
        nonlocal inside, most, done
        with lock(objects, f"p{number}", timeout=30).hold():
            with mutex:
                inside += 1
                most = max(most, inside)
            time.sleep(0.1)
            with mutex:
                inside -= 1
                done += 1

    threads = [threading.Thread(target=want, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, done) == (1, 6)
