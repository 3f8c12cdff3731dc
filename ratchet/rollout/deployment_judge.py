"""Where a Deployment's rollout stands, judged from its JSON and that of its pods. Pure: no cluster is asked here."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ratchet.core.errors import StaleComparison, UserError
from ratchet.rollout.state import Pin, Progress, State

VERSION = "ratchet.dev/model-version"  # on the pod template: pods read it by the downward API
DIGEST = "ratchet.dev/model-digest"  # beside it: of the version's files, which each pod checks what it loads against
PINS = "ratchet.dev/pins"  # on the Deployment: how many pins there have been
LAST_PIN = "ratchet.dev/last-pin"  # on the Deployment: which of them came last, for one whose answer was lost

_HTTP_PORT = 3000
_TIMED_OUT = re.compile(r'ReplicaSet "(?P<name>[^"]+)"')
_ORDINARY = frozenset({"ContainerCreating", "PodInitializing"})

Json = Mapping[str, Any]


def pin_of(deployment: Json) -> Pin:
    """The version in the template, and a revision that changes with every pin and every change of the template.

    Neither status nor scaling changes it, as they do resourceVersion and generation. Raises UserError when an annotation of ours
    is not what we wrote.
    """
    template = deployment["spec"]["template"]
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:16]
    own = _annotations(template).get(DIGEST, "")
    return Pin(_version(deployment), f"{pins(deployment)}-{digest}", own)


def pins(deployment: Json) -> int:
    """How many pins there have been. Raises UserError when the annotation is no number."""
    return _number(deployment, PINS, _annotations(deployment).get(PINS, "")) or 0


def require(deployment: Json, revision: str) -> None:
    """Raise StaleComparison unless the Deployment is at `revision`."""
    present = pin_of(deployment)
    if present.revision != revision:
        message = (
            f"stale comparison: Deployment {_name(deployment)} is at revision {present.revision} (version {present.version}), "
            f"no longer at {revision}: compare again"
        )
        raise StaleComparison(message)


def patch_for(deployment: Json, version: int | None, mark: str, digest: str = "") -> dict[str, Any]:
    """The strategic merge patch that pins `version`, valid only while the Deployment is as it was read; `mark` names this pin."""
    pinned = {VERSION: None if version is None else str(version), DIGEST: digest or None}
    return {
        "metadata": {
            "resourceVersion": deployment["metadata"]["resourceVersion"],
            "annotations": {PINS: str(pins(deployment) + 1), LAST_PIN: mark},
        },
        "spec": {"template": {"metadata": {"annotations": pinned}}},
    }


def last_pin(deployment: Json) -> str:
    """The mark of the last pin, empty before the first."""
    return str(_annotations(deployment).get(LAST_PIN, ""))


def is_present(pod: Json, deployment: Json) -> bool:
    """Whether the pod was made from the template as it is now; ReplicaSets, which would know, are not ours to read."""
    template = deployment["spec"]["template"]
    wanted, own = _annotations(template), _annotations(pod)
    return (
        all(own.get(name) == wanted.get(name) for name in (VERSION, DIGEST))
        and all(own.get(name) == value for name, value in wanted.items())
        and _images(pod["spec"]) == _images(template["spec"])
    )


def is_running(pod: Json) -> bool:
    """Whether the pod runs, has an address and is to stay."""
    status = pod.get("status", {})
    return status.get("phase") == "Running" and bool(status.get("podIP")) and "deletionTimestamp" not in pod["metadata"]


def is_ready(pod: Json) -> bool:
    """The pod's Ready condition, which is what the Service goes by."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions", []))


def http_port(pod: Json) -> int:
    """The container port that is named `http`."""
    ports = (port for container in pod["spec"]["containers"] for port in container.get("ports", []))
    return next((int(port["containerPort"]) for port in ports if port.get("name") == "http"), _HTTP_PORT)


def judge(deployment: Json, pods: Sequence[Json], failures: Mapping[str, str], now: datetime) -> Progress:
    """Where the rollout of the present template stands.

    Args:
        deployment: the Deployment.
        pods: the pods of its selector.
        failures: for pods of the present template that said at /readyz that they have failed: what they said.
        now: an aware time, to tell a pod that is ending from one on a dead node.
    """
    spec, status = deployment["spec"], deployment.get("status", {})
    version, wanted = _version(deployment), spec.get("replicas", 1)
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return Progress(State.WAITING, "the new template has not been observed yet")
    early = _stuck(deployment, pods, failures)
    if early:
        return Progress(State.STUCK, early)
    updated, total, available = (status.get(key, 0) for key in ("updatedReplicas", "replicas", "availableReplicas"))
    if version is None:
        return _judge_unpinned(deployment, pods, now)
    there = updated == total == available == wanted
    ending = [pod["metadata"]["name"] for pod in pods if _is_ending(pod, now) and not is_present(pod, deployment)]
    if there and ending:
        return Progress(State.WAITING, f"pod {', '.join(ending)} of an older template is ending", leaving=True)
    if there:
        return Progress(State.READY, f"version {version} serves in {wanted} pods")
    counts = f"{updated} of {wanted} pods are updated, {total} exist, {available} are available"
    return Progress(State.WAITING, "; ".join([counts, *_troubles(deployment, pods)]))


def _judge_unpinned(deployment: Json, pods: Sequence[Json], now: datetime) -> Progress:
    """Pinned to no version the pods are never available, so a rolling update keeps leftovers of older templates: they may stay.

    What counts is that no pod answers for a version. One that is available the controller does not take away either, where
    `maxUnavailable` is 0: this one waits, and says so.
    """
    name = _name(deployment)
    pinned = [pod for pod in pods if VERSION in _annotations(pod)]
    serving = sorted({_annotations(pod)[VERSION] for pod in pinned if is_ready(pod) and "deletionTimestamp" not in pod["metadata"]})
    if serving:
        return Progress(
            State.WAITING, f"pods of version {', '.join(serving)} still serve, Kubernetes keeps them while no newer are ready"
        )
    ending = [pod["metadata"]["name"] for pod in pinned if _is_ending(pod, now)]
    if ending:
        return Progress(State.WAITING, f"pod {', '.join(ending)} of an older template is ending")
    return Progress(State.READY, f"Deployment {name} is pinned to no version: nothing serves")


def _stuck(deployment: Json, pods: Sequence[Json], failures: Mapping[str, str]) -> str:
    """Why the rollout will not get there by itself; empty when it may."""
    name = _name(deployment)
    if deployment["spec"].get("paused"):
        return f"Deployment {name} is paused: `kubectl rollout resume deployment/{name}`"
    if _version(deployment) is None:
        return ""  # then pods are never available, and every deadline passes
    if deployment["spec"].get("replicas", 1) == 0:
        return f"Deployment {name} is scaled to 0 replicas, nothing serves: `kubectl scale deployment/{name} --replicas=2`"
    if failures:
        pod, sentence = min(failures.items())
        return f"pod {pod} has failed: {sentence}"
    for condition in _conditions(deployment, "Progressing"):
        if condition.get("reason") == "ProgressDeadlineExceeded" and not _is_of_the_past(condition, deployment, pods):
            why = "; ".join(_troubles(deployment, pods)) or condition.get("message", "")
            return f"the progress deadline of Deployment {name} has passed: {why}"
    return ""


def _is_of_the_past(condition: Json, deployment: Json, pods: Sequence[Json]) -> bool:
    """Whether the condition is about a ReplicaSet that has been left.

    On the way back to an older template the controller may observe the change and keep the condition until its next round; the
    message still names the ReplicaSet that had timed out, and pods of another template are of that one.
    """
    found = _TIMED_OUT.search(condition.get("message", ""))
    digest = found["name"].rsplit("-", 1)[-1] if found else ""
    named = [pod for pod in pods if digest and pod["metadata"].get("labels", {}).get("pod-template-hash") == digest]
    return bool(named) and not any(is_present(pod, deployment) for pod in named)


def _troubles(deployment: Json, pods: Sequence[Json]) -> list[str]:
    """What keeps the present template's pods, for a person who wonders why it waits."""
    found = [str(c.get("message")) for c in _conditions(deployment, "ReplicaFailure") if c.get("status") == "True"]
    for pod in pods:
        if "deletionTimestamp" in pod["metadata"] or not is_present(pod, deployment):
            continue
        why = _waiting_reasons(pod) or _unscheduled(pod)
        if why:
            found.append(f"pod {pod['metadata']['name']}: {why}")
    return found


def _waiting_reasons(pod: Json) -> str:
    status = pod.get("status", {})
    reasons = []
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        waiting = container.get("state", {}).get("waiting")
        if waiting and waiting.get("reason") not in _ORDINARY:
            code = container.get("lastState", {}).get("terminated", {}).get("exitCode")
            ended = f", it ended with code {code}" if code is not None else ""
            message = f" ({waiting['message']})" if waiting.get("message") else ""
            reasons.append(f"{waiting.get('reason', 'waiting')}{ended}{message}")
    return ", ".join(reasons)


def _unscheduled(pod: Json) -> str:
    return ", ".join(
        str(c.get("message") or c.get("reason"))
        for c in pod.get("status", {}).get("conditions", [])
        if c["type"] == "PodScheduled" and c["status"] == "False"
    )


def _is_ending(pod: Json, now: datetime) -> bool:
    """Whether the pod is ending; one that should have ended is on a node that reports nothing any more, and serves nobody."""
    by = pod["metadata"].get("deletionTimestamp")
    return by is not None and datetime.fromisoformat(by).astimezone(UTC) > now


def _conditions(deployment: Json, kind: str) -> Iterable[Json]:
    return (c for c in deployment.get("status", {}).get("conditions", []) if c["type"] == kind)


def _images(spec: Json) -> list[tuple[str, str]]:
    return sorted((container["name"], container["image"]) for container in spec["containers"])


def _version(deployment: Json) -> int | None:
    return _number(deployment, VERSION, _annotations(deployment["spec"]["template"]).get(VERSION, ""))


def _number(deployment: Json, annotation: str, value: str) -> int | None:
    """The annotation as a number, None when it is not set."""
    if not value:
        return None
    if not (value.isascii() and value.isdecimal()):
        where = "the pod template" if annotation == VERSION else "the Deployment"
        message = (
            f"the annotation {annotation} on {where} of {_name(deployment)} is {value!r}, not a number: remove it, "
            "then `ratchet reconcile` writes it anew"
        )
        raise UserError(message)
    return int(value)


def _annotations(thing: Json) -> Mapping[str, str]:
    return thing.get("metadata", {}).get("annotations") or {}


def _name(deployment: Json) -> str:
    return str(deployment["metadata"]["name"])
