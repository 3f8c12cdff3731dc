"""What a Kubeflow Pipelines API server answers, in our shapes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipelines.runners.kubeflow.runs import TERMINATED, KubeflowRun, Pod, Schedule, Task

_EXECUTOR = re.compile(r"(?:^|\.)([a-z0-9-]+)(?:\(\d+\))?\.executor(?:\(\d+\))?$")
_DRIVER = re.compile(r"(?:^|\.)([a-z0-9-]+)(?:\(\d+\))?$")


def message_of(body: str | None, reason: str | None) -> str:
    """One line of why a request was refused: the server's own, else HTTP's."""
    try:
        said = json.loads(body or "{}")
    except ValueError:
        said = None
    message = said.get("message") or said.get("error_message") if isinstance(said, dict) else None
    return str(message or reason or "no reason given").splitlines()[0][:500]


def run_of(run: Any) -> KubeflowRun:
    """A run (kfp_server_api.V2beta1Run), without its tasks."""
    parameters = run.runtime_config.parameters if run.runtime_config else None
    return KubeflowRun(
        id=run.run_id,
        name=run.display_name,
        state=run.state or "",
        created_at=run.created_at,
        finished_at=run.finished_at if run.finished_at and run.finished_at.year > 1970 else None,  # noqa: PLR2004 - the epoch stands for none
        parameters=parameters or {},
        tasks=(),
        error=(run.error.message or "") if run.error else "",
        schedule=run.recurring_run_id or "",
    )


def ended_as(run: KubeflowRun, workflow: Mapping[str, Any]) -> KubeflowRun:
    """The run, told apart where Kubeflow says FAILED of all of them: one that somebody terminated, and one whose time was over.

    To terminate a run the API server sets its workflow's `activeDeadlineSeconds` to 0 (GetTerminatePatch of its
    backend/src/common/util), and the state that it had meanwhile, CANCELING, is overwritten when the workflow has ended.
    """
    deadline = workflow.get("spec", {}).get("activeDeadlineSeconds")
    said = str(workflow.get("status", {}).get("message") or "")
    if run.state != "FAILED":
        return run
    if deadline == 0:
        return replace(run, state=TERMINATED, error="somebody terminated it on Kubeflow, it did not fail by itself")
    if "deadline" in said.lower() and not run.error:
        return replace(run, error=f"it had {deadline} s: {said}")
    return replace(run, error=run.error or said)


def tasks_of(workflow: Mapping[str, Any]) -> tuple[tuple[Task, ...], tuple[Task, ...]]:
    """The tasks of an Argo workflow that KFP made, and the drivers before them, each in the order in which they began.

    A task's container is the node `….<task>(<try>).executor(<try>)`, its driver's `….<task>-driver(<try>)`; the tries are numbered
    where the workflow retries.
    """
    tasks: dict[str, list[Pod]] = {}
    drivers: dict[str, list[Pod]] = {}
    name = workflow.get("metadata", {}).get("name", "")
    nodes = workflow.get("status", {}).get("nodes") or {}
    for node in sorted(nodes.values(), key=lambda node: (node.get("startedAt") or "", node["id"])):
        if node["type"] != "Pod":
            continue
        executor, driver = _EXECUTOR.search(node["name"]), _DRIVER.search(node["name"])
        pod = f"{name}-{node.get('templateName', '')}{node['id'].removeprefix(name)}"  # Argo's names of pods
        seen = Pod(node["id"], pod, node.get("phase", ""), node.get("message", ""))
        if executor:
            tasks.setdefault(executor[1], []).append(seen)
        elif driver:
            drivers.setdefault(driver[1], []).append(seen)
    return _in_order(tasks), _in_order(drivers)


def _in_order(found: Mapping[str, list[Pod]]) -> tuple[Task, ...]:
    return tuple(Task(name, tuple(pods)) for name, pods in found.items())


def schedule_of(item: Any) -> Schedule:
    """A recurring run (kfp_server_api.V2beta1RecurringRun)."""
    trigger = item.trigger.cron_schedule if item.trigger else None
    parameters = item.runtime_config.parameters if item.runtime_config else None
    return Schedule(item.recurring_run_id, trigger.cron if trigger else "", item.status == "ENABLED", parameters or {})
