from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ratchet.core.errors import StaleComparison, UserError
from ratchet.rollout.deployment_judge import DIGEST, PINS, VERSION, http_port, is_present, judge, patch_for, pin_of, require
from ratchet.rollout.state import State

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOON, LONG_AGO = "2026-01-01T00:00:20Z", "2025-12-31T23:00:00Z"
TIMED_OUT = {
    "type": "Progressing",
    "status": "False",
    "reason": "ProgressDeadlineExceeded",
    "message": 'ReplicaSet "serving-new" has timed out progressing.',
}


def deployment(version: int | None = 2, **changes: Any) -> dict[str, Any]:
    """Two replicas of that version, all ready; `status`, `spec` and `metadata` are changed one by one."""
    template: dict[str, Any] = {"metadata": {"annotations": {"team": "a"}}, "spec": {"containers": [{"name": "s", "image": "i"}]}}
    if version is not None:
        template["metadata"]["annotations"][VERSION] = str(version)
    return {
        "metadata": {"name": "serving", "generation": 5, "resourceVersion": "70", **changes.get("metadata", {})},
        "spec": {"replicas": 2, "template": template, **changes.get("spec", {})},
        "status": {
            "observedGeneration": 5,
            "replicas": 2,
            "updatedReplicas": 2,
            "availableReplicas": 2,
            **changes.get("status", {}),
        },
    }


def pod(name: str, version: int | None = 2, *, ready: bool = True, deleted: str = "", **changes: Any) -> dict[str, Any]:
    annotations = {"team": "a"} | ({} if version is None else {VERSION: str(version)})
    metadata = {"name": name, "annotations": annotations, "labels": {"pod-template-hash": "new" if version == 2 else "old"}}
    return {
        "metadata": metadata | ({"deletionTimestamp": deleted} if deleted else {}),
        "spec": {"containers": [{"name": "s", "image": changes.get("image", "i"), "ports": changes.get("ports", [])}]},
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": str(ready)}, *changes.get("conditions", [])],
            "containerStatuses": [{"state": changes.get("state", {}), "lastState": changes.get("last", {})}],
        },
    }


ROLLING = {"replicas": 3, "updatedReplicas": 1}
UNREADY = pod("new", ready=False)
LOOPING = pod("new", ready=False, state={"waiting": {"reason": "CrashLoopBackOff"}}, last={"terminated": {"exitCode": 75}})
UNPULLED = pod("new", ready=False, state={"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}})
UNPLACED = pod("new", ready=False, conditions=[{"type": "PodScheduled", "status": "False", "message": "Insufficient cpu"}])
REFUSED = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
STALE_TIMED_OUT = {**TIMED_OUT, "message": 'ReplicaSet "serving-old" has timed out progressing.'}


@pytest.mark.parametrize(
    ("found", "pods", "state", "says"),
    [
        (deployment(), [pod("a"), pod("b")], State.READY, "version 2 serves in 2 pods"),
        (deployment(metadata={"generation": 6}), [pod("a")], State.WAITING, "not been observed"),
        (deployment(status=ROLLING), [pod("old", 1), UNREADY], State.WAITING, "1 of 2 pods are updated, 3 exist, 2 are available"),
        (deployment(status=ROLLING), [LOOPING], State.WAITING, "pod new: CrashLoopBackOff, it ended with code 75"),
        (deployment(status=ROLLING), [UNPULLED], State.WAITING, "pod new: ImagePullBackOff (no such image)"),
        (deployment(status=ROLLING), [UNPLACED], State.WAITING, "pod new: Insufficient cpu"),
        (deployment(status={**ROLLING, "conditions": [REFUSED]}), [], State.WAITING, "exceeded quota"),
        (deployment(), [pod("old", 1, deleted=SOON)], State.WAITING, "pod old of an older template is ending"),
        (deployment(), [pod("gone", 1, deleted=LONG_AGO)], State.READY, "version 2 serves"),
        (deployment(), [pod("scaled-down", deleted=SOON)], State.READY, "version 2 serves"),
        (
            deployment(status={**ROLLING, "conditions": [TIMED_OUT]}),
            [UNPULLED],
            State.STUCK,
            "has passed: pod new: ImagePullBackOff",
        ),
        (deployment(status={**ROLLING, "conditions": [TIMED_OUT]}), [], State.STUCK, "has timed out progressing"),
        (deployment(status={**ROLLING, "conditions": [STALE_TIMED_OUT]}), [pod("o", 1), UNREADY], State.WAITING, "1 of 2"),
        (deployment(spec={"replicas": 0}, status={}), [], State.STUCK, "scaled to 0 replicas, nothing serves"),
        (deployment(spec={"paused": True}), [], State.STUCK, "is paused: `kubectl rollout resume deployment/serving`"),
        (deployment(None, status={"availableReplicas": 0, "conditions": [TIMED_OUT]}), [], State.READY, "nothing serves"),
        (deployment(None, status=ROLLING), [pod("left", 1, ready=False)], State.READY, "nothing serves"),
        (deployment(None, status=ROLLING), [pod("a", 1)], State.WAITING, "pods of version 1 still serve"),
        (deployment(None, status=ROLLING), [pod("a", 1, deleted=SOON)], State.WAITING, "is ending"),
        (deployment(None, spec={"replicas": 0}, status={"replicas": 0}), [], State.READY, "nothing serves"),
    ],
)
def test_where_a_rollout_stands(found: dict[str, Any], pods: list[dict[str, Any]], state: State, says: str) -> None:
    progress = judge(found, pods, {}, NOW)
    assert progress.state is state
    assert says in progress.detail


def test_a_pod_that_says_that_it_has_failed_is_stuck_long_before_the_deadline() -> None:
    progress = judge(deployment(status=ROLLING), [UNREADY], {"new": "there is no version 2"}, NOW)
    assert progress.state is State.STUCK
    assert progress.detail == "pod new has failed: there is no version 2"


def test_the_revision_changes_with_pins_and_the_template_and_with_nothing_else() -> None:
    first = pin_of(deployment())
    assert (first.version, pin_of(deployment(None)).version) == (2, None)
    status, scaled = deployment(status={"availableReplicas": 1}), deployment(spec={"replicas": 9})
    touched = deployment(metadata={"generation": 9, "resourceVersion": "71", "annotations": {"other": "x"}})
    assert {pin_of(same).revision for same in (status, scaled, touched)} == {first.revision}
    pinned = deployment(metadata={"annotations": {PINS: "1"}})
    image = deployment()
    image["spec"]["template"]["spec"]["containers"][0]["image"] = "j"
    assert len({first.revision, pin_of(deployment(3)).revision, pin_of(pinned).revision, pin_of(image).revision}) == 4


def test_a_revision_that_has_passed_is_stale() -> None:
    require(deployment(), pin_of(deployment()).revision)
    with pytest.raises(StaleComparison, match=r"stale comparison: Deployment serving is at revision 0-\w+ \(version 2\)"):
        require(deployment(), "0-other")


def test_a_patch_holds_only_for_what_was_read_and_raises_the_count() -> None:
    patch = patch_for(deployment(metadata={"annotations": {PINS: "7"}}), None, "mark")
    assert (patch["metadata"]["resourceVersion"], patch["metadata"]["annotations"][PINS]) == ("70", "8")
    assert patch["spec"]["template"]["metadata"]["annotations"] == {VERSION: None, DIGEST: None}


def test_a_pin_names_the_digest_that_every_pod_checks_its_files_against() -> None:
    patch = patch_for(deployment(), 4, "mark", "d1")
    assert patch["spec"]["template"]["metadata"]["annotations"] == {VERSION: "4", DIGEST: "d1"}


def test_a_pod_of_another_digest_is_not_of_the_present_template() -> None:
    found = deployment()
    other = {"metadata": {"annotations": {VERSION: "2", DIGEST: "d1"}}, "spec": found["spec"]["template"]["spec"]}
    assert not is_present(other, found)


@pytest.mark.parametrize(
    "found",
    [deployment(metadata={"annotations": {PINS: "many"}}), deployment(version="-1")],  # type: ignore[arg-type]
)
def test_an_annotation_that_is_no_number_is_one_sentence(found: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="not a number: remove it, then `ratchet reconcile`"):
        pin_of(found)


def test_the_port_is_the_one_named_http() -> None:
    assert http_port(pod("a", ports=[{"containerPort": 9}, {"name": "http", "containerPort": 81}])) == 81
    assert http_port(pod("a")) == 3000
