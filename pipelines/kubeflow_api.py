"""A Kubeflow Pipelines API server, by kfp.Client. Its errors become ours here."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import kfp
import kfp_server_api
import urllib3
from kfp.client import ServiceAccountTokenVolumeCredentials

from components.core.errors import Unavailable, UserError
from pipelines.kubeflow_runs import KubeflowRun, Pod, Schedule, Task, Version
from pipelines.kubeflow_settings import KubeflowSettings

_PAGE = 100
_SECONDS = 30.0
_EXECUTOR = re.compile(r"(?:^|\.)([a-z0-9-]+)(?:\(\d+\))?\.executor(?:\(\d+\))?$")
_NOT_SIGNED_IN, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _BROKEN = 401, 403, 404, 409, 500


class KubeflowApi:
    """Implements kubeflow_runs.Backend.

    Args:
        settings: address, token and namespace.
    """

    def __init__(self, settings: KubeflowSettings) -> None:
        if not settings.url:
            message = (
                "RATCHET_KFP_URL is not set: give the address of the Kubeflow Pipelines API server, as http://ml-pipeline:8888"
            )
            raise UserError(message)
        self._settings = settings

    @cached_property
    def _client(self) -> kfp.Client:
        file = self._settings.token_file
        with self._translated(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # it knows Kubeflow Pipelines 2 only, as we do
            return kfp.Client(
                host=self._settings.url,
                existing_token=self._settings.token.get_secret_value() or None,
                credentials=ServiceAccountTokenVolumeCredentials(str(file)) if file else None,
                ssl_ca_cert=str(self._settings.ca_file) if self._settings.ca_file else None,
            )

    @cached_property
    def _namespace(self) -> str | None:
        """To be named on a Kubeflow with many users, and only there."""
        with self._translated():
            many = self._client._healthz_api.healthz_service_get_healthz().multi_user  # noqa: SLF001 - get_kfp_healthz tries for 25 s
        if many and not self._settings.namespace:
            message = "this Kubeflow has many users: name the namespace of your runs by RATCHET_KFP_NAMESPACE"
            raise UserError(message)
        return self._settings.namespace if many else None

    def upload(self, pipeline: str, version: str, package: Path) -> tuple[Version, bool]:
        """Upload a compiled pipeline as a version of that name, unless there is one; whether it was uploaded."""
        with self._translated():
            found = self._client.get_pipeline_id(pipeline)
            if found is None:
                found = self._client.upload_pipeline(str(package), pipeline_name=pipeline, namespace=self._namespace).pipeline_id
                first = self._client.list_pipeline_versions(found, page_size=1).pipeline_versions[0]
                self._client.delete_pipeline_version(found, first.pipeline_version_id)  # named after the pipeline; ours follows
            present = self._client.list_pipeline_versions(found, page_size=_PAGE, filter=_named(version)).pipeline_versions
            if present:
                return Version(found, present[0].pipeline_version_id), False
            try:
                made = self._client.upload_pipeline_version(str(package), version, pipeline_id=found)
            except kfp_server_api.ApiException as error:
                if error.status != _CONFLICT:  # somebody else uploaded it in this moment
                    raise
                (made,) = self._client.list_pipeline_versions(found, filter=_named(version)).pipeline_versions
            return Version(found, made.pipeline_version_id), True

    def experiment(self, name: str) -> str:
        """Id of the experiment of that name, made when there is none."""
        with self._translated():
            return str(self._client.create_experiment(name, namespace=self._namespace).experiment_id)

    def start(self, experiment: str, name: str, version: Version, parameters: dict[str, Any]) -> str:
        """Create a run under the configured service account; its id."""
        with self._translated():
            made = self._client.run_pipeline(
                experiment,
                name,
                params=parameters,
                pipeline_id=version.pipeline,
                version_id=version.version,
                service_account=self._settings.service_account,
            )
        return str(made.run_id)

    def run(self, run_id: str) -> KubeflowRun:
        """One run. Raises UserError when there is none of that id."""
        with self._translated():
            found = _run(self._client.get_run(run_id))
        answer = self._get(f"/apis/v1beta1/runs/{run_id}")  # version 2 of the API does not tell which pod is which task's
        text = answer.json().get("pipeline_runtime", {}).get("workflow_manifest") if answer.is_success else ""
        return replace(found, tasks=tasks_of(json.loads(text or "{}")))

    def runs(self, experiment: str, count: int, name: str = "") -> list[KubeflowRun]:
        """The newest runs of an experiment, newest first; of that name when one is given."""
        with self._translated():
            how = {"sort_by": "created_at desc", "experiment_id": experiment, "filter": _named(name) if name else None}
            found = self._client.list_runs(page_size=min(count, _PAGE), **how).runs
        return [_run(item) for item in found or ()]

    def log(self, run_id: str, pod: Pod) -> str:
        """What that try of a task has printed so far, from the pod, else from the archive; empty when neither has it (yet)."""
        for name in (pod.name, pod.node):
            answer = self._get(f"/apis/v1alpha1/runs/{run_id}/nodes/{name}/log")
            if answer.is_success and not answer.text.startswith('{"error_message":'):  # the server says 200 before it fails
                return answer.text
        return ""

    def _get(self, path: str) -> httpx.Response:
        """What kfp.Client does not ask for. Raises Unavailable when nobody answers."""
        settings = self._settings
        try:
            token = settings.token_file.read_text().strip() if settings.token_file else settings.token.get_secret_value()
            return httpx.get(
                settings.url.rstrip("/") + path,
                headers={"Authorization": f"Bearer {token}"} if token else {},
                timeout=_SECONDS,
                verify=str(settings.ca_file) if settings.ca_file else True,
            )
        except (httpx.HTTPError, OSError) as error:
            raise self._unavailable(error) from error

    def schedules(self, experiment: str, name: str) -> list[Schedule]:
        """The experiment's recurring runs of that name."""
        with self._translated():
            found = self._client.list_recurring_runs(page_size=_PAGE, experiment_id=experiment, filter=_named(name)).recurring_runs
        return [_schedule(item) for item in found or ()]

    def add_schedule(self, experiment: str, name: str, cron: str, version: Version, parameters: dict[str, Any]) -> str:
        """A recurring run: one at a time, and none for times that were missed; its id."""
        with self._translated():
            made = self._client.create_recurring_run(
                experiment,
                name,
                cron_expression=cron,
                max_concurrency=1,
                no_catchup=True,
                params=parameters,
                pipeline_id=version.pipeline,
                version_id=version.version,
                service_account=self._settings.service_account,
            )
        return str(made.recurring_run_id)

    def remove_schedule(self, schedule: str) -> None:
        """End a recurring run; runs that it started stay."""
        with self._translated():
            self._client.delete_recurring_run(schedule)

    def link(self, run_id: str) -> str:
        """Where people see the run, empty when the UI's address is not known."""
        ui = self._settings.ui_url.rstrip("/")
        return f"{ui}/#/runs/details/{run_id}" if ui else ""

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with redirect_stdout(StringIO()):  # the client prints links
                yield
        except kfp_server_api.ApiException as error:
            raise self._refused(error) from error
        except (urllib3.exceptions.HTTPError, TimeoutError, OSError) as error:
            raise self._unavailable(error) from error

    def _refused(self, error: kfp_server_api.ApiException) -> Unavailable | UserError:
        status, said = error.status or 0, _message(error)
        if status in {_NOT_SIGNED_IN, _FORBIDDEN}:
            return UserError(f"Kubeflow at {self._settings.url} refuses ({status}): check RATCHET_KFP_TOKEN and the rights; {said}")
        if status == 0 or (status >= _BROKEN and "not found" not in said):
            return self._unavailable(said)
        return UserError(f"Kubeflow at {self._settings.url} refuses ({status}): {said}")

    def _unavailable(self, error: object) -> Unavailable:
        cause = (str(error).splitlines() or [type(error).__name__])[0]
        return Unavailable(f"Kubeflow at {self._settings.url} cannot be reached ({cause}): check it and RATCHET_KFP_URL")


def _named(name: str) -> str:
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": name}]})


def _message(error: kfp_server_api.ApiException) -> str:
    try:
        said = json.loads(error.body or "{}")
    except ValueError:
        said = {}
    text = str(said.get("message") or said.get("error_message") or error.reason or "no reason given")
    return text.splitlines()[0][:500]


def _run(run: Any) -> KubeflowRun:
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
    )


def tasks_of(workflow: Mapping[str, Any]) -> tuple[Task, ...]:
    """The tasks of an Argo workflow that KFP made, in the order in which they began.

    A task's container is the node `….<task>(<try>).executor(<try>)`; the tries are numbered where the workflow retries.
    """
    found: dict[str, list[Pod]] = {}
    name = workflow.get("metadata", {}).get("name", "")
    nodes = workflow.get("status", {}).get("nodes") or {}
    for node in sorted(nodes.values(), key=lambda node: (node.get("startedAt") or "", node["id"])):
        executor = _EXECUTOR.search(node["name"])
        if node["type"] == "Pod" and executor:
            pod = f"{name}-{node.get('templateName', '')}{node['id'].removeprefix(name)}"  # Argo's names of pods
            found.setdefault(executor[1], []).append(Pod(node["id"], pod, node.get("phase", ""), node.get("message", "")))
    return tuple(Task(task, tuple(pods)) for task, pods in found.items())


def _schedule(item: Any) -> Schedule:
    trigger = item.trigger.cron_schedule if item.trigger else None
    parameters = item.runtime_config.parameters if item.runtime_config else None
    return Schedule(item.recurring_run_id, trigger.cron if trigger else "", item.status == "ENABLED", parameters or {})
