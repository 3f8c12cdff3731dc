"""A Kubeflow Pipelines API server, by its generated client. Its errors become ours here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import kfp_server_api
import urllib3

from pipelines.runners.kubeflow.answers import ended_as, message_of, run_of, schedule_of, tasks_of
from pipelines.runners.kubeflow.runs import KubeflowRun, Pod, Schedule, Version
from pipelines.runners.kubeflow.settings import KubeflowSettings
from ratchet.core.errors import Unavailable, UserError

_PAGE = 100
_SECONDS = 30.0
_PATIENCE = {"_request_timeout": _SECONDS}  # the client itself would wait for ever
_NOT_SIGNED_IN, _FORBIDDEN, _BROKEN = 401, 403, 500


class KubeflowApi:
    """Implements runs.Backend.

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
    def _client(self) -> kfp_server_api.ApiClient:
        """The generated client: kfp.Client prints, waits 25 s for a refusal, and reads a context from the home folder."""
        configuration = kfp_server_api.Configuration(host=self._settings.url.rstrip("/"))
        configuration.refresh_api_key_hook = lambda current: current.api_key.update(self._authorization("authorization"))
        configuration.api_key = self._authorization("authorization")
        configuration.ssl_ca_cert = str(self._settings.ca_file) if self._settings.ca_file else None
        return kfp_server_api.ApiClient(configuration)

    def _authorization(self, name: str) -> dict[str, str]:
        """The token of this moment, as a header or setting of that name."""
        file = self._settings.token_file
        try:
            token = file.read_text(encoding="utf-8").strip() if file else self._settings.token.get_secret_value()
        except OSError as error:
            message = f"RATCHET_KFP_TOKEN_FILE {file} cannot be read: {error.strerror}"
            raise UserError(message) from error
        return {name: f"Bearer {token}"} if token else {}

    @cached_property
    def _in_namespace(self) -> dict[str, str]:
        """The namespace, which is to be named on a Kubeflow with many users, and only there."""
        many = kfp_server_api.HealthzServiceApi(self._client).healthz_service_get_healthz(**_PATIENCE).multi_user
        if many and not self._settings.namespace:
            message = "this Kubeflow has many users: name the namespace of your runs by RATCHET_KFP_NAMESPACE"
            raise UserError(message)
        return {"namespace": self._settings.namespace} if many else {}

    def upload(self, pipeline: str, version: str, package: Path, tags: Mapping[str, str]) -> tuple[Version, bool]:
        """Upload a compiled pipeline as a version of that name, unless there is one; whether it was uploaded."""
        pipelines = kfp_server_api.PipelineServiceApi(self._client)
        new = kfp_server_api.V2beta1Pipeline

        def find() -> str | None:
            found = pipelines.pipeline_service_list_pipelines(filter=_named(pipeline), **self._in_namespace, **_PATIENCE).pipelines
            return found[0].pipeline_id if found else None

        def find_version() -> str | None:
            found = pipelines.pipeline_service_list_pipeline_versions(identity, filter=_named(version), **_PATIENCE)
            return found.pipeline_versions[0].pipeline_version_id if found.pipeline_versions else None

        def upload() -> str:
            how = {"name": version, "display_name": version, "pipelineid": identity, "tags": json.dumps(dict(tags))}
            made = kfp_server_api.PipelineUploadServiceApi(self._client).upload_pipeline_version(str(package), **how, **_PATIENCE)
            return str(made.pipeline_version_id)

        with self._translated():
            identity, _ = _found_or_made(
                find,
                lambda: (
                    pipelines.pipeline_service_create_pipeline(
                        new(display_name=pipeline, name=pipeline, **self._in_namespace), **_PATIENCE
                    ).pipeline_id
                ),
            )
            known, uploaded = _found_or_made(find_version, upload)
        return Version(identity, known), uploaded

    def experiment(self, name: str) -> str:
        """Id of the experiment of that name, made when there is none."""
        experiments = kfp_server_api.ExperimentServiceApi(self._client)

        def find() -> str | None:
            found = experiments.experiment_service_list_experiments(filter=_named(name), **self._in_namespace, **_PATIENCE)
            return found.experiments[0].experiment_id if found.experiments else None

        def make() -> str:
            new = kfp_server_api.V2beta1Experiment(display_name=name, **self._in_namespace)
            return str(experiments.experiment_service_create_experiment(new, **_PATIENCE).experiment_id)

        with self._translated():
            return _found_or_made(find, make)[0]

    def start(self, experiment: str, name: str, version: Version, parameters: dict[str, Any]) -> str:
        """Create a run under the configured service account; its id."""
        new = kfp_server_api.V2beta1Run(experiment_id=experiment, display_name=name, **self._what(version, parameters))
        with self._translated():
            return str(self._runs.run_service_create_run(new, **_PATIENCE).run_id)

    def _what(self, version: Version, parameters: dict[str, Any]) -> dict[str, Any]:
        reference = kfp_server_api.V2beta1PipelineVersionReference(
            pipeline_id=version.pipeline, pipeline_version_id=version.version
        )
        return {
            "pipeline_version_reference": reference,
            "runtime_config": kfp_server_api.V2beta1RuntimeConfig(parameters=parameters),
            "service_account": self._settings.service_account,
        }

    @property
    def _runs(self) -> kfp_server_api.RunServiceApi:
        return kfp_server_api.RunServiceApi(self._client)

    @property
    def _recurring(self) -> kfp_server_api.RecurringRunServiceApi:
        return kfp_server_api.RecurringRunServiceApi(self._client)

    def run(self, run_id: str) -> KubeflowRun:
        """One run. Raises UserError when there is none of that id."""
        with self._translated():
            found = run_of(self._runs.run_service_get_run(run_id, **_PATIENCE))
        answer = self._get(f"/apis/v1beta1/runs/{run_id}")  # version 2 of the API does not tell which pod is which task's
        try:
            text = answer.json().get("pipeline_runtime", {}).get("workflow_manifest")
            workflow = json.loads(text or "{}")
            tasks, drivers = tasks_of(workflow)
        except (ValueError, AttributeError) as error:  # somebody else answers there, a page to sign in on for one
            raise self._unavailable("its answer is no JSON") from error
        return replace(ended_as(found, workflow), tasks=tasks, drivers=drivers)

    def runs(self, experiment: str, count: int, name: str = "") -> list[KubeflowRun]:
        """The newest runs of an experiment, newest first; of that name when one is given."""
        with self._translated():
            how = {"sort_by": "created_at desc", "experiment_id": experiment, "page_size": min(count, _PAGE)}
            wanted = {"filter": _named(name)} if name else {}
            found = self._runs.run_service_list_runs(**how, **wanted, **_PATIENCE).runs
        return [run_of(item) for item in found or ()]

    def log(self, run_id: str, pod: Pod) -> str:
        """What that try of a task has printed; empty when the server does not know (yet).

        A many-user Kubeflow reads it from the pod as it runs; the others (2.17.0) ask for the pod in no namespace, and know it
        from the archive once the task has ended.
        """
        for name in (pod.name, pod.node):
            text = self._get(f"/apis/v1alpha1/runs/{run_id}/nodes/{name}/log").text
            if not text.startswith('{"error_message":'):  # the server says 200 before it fails
                return text
        return ""

    def _get(self, path: str) -> httpx.Response:
        """What the generated client does not know. Raises Unavailable when nobody answers."""
        settings = self._settings
        verify = str(settings.ca_file) if settings.ca_file else True
        try:
            headers = self._authorization("Authorization")
            answer = httpx.get(settings.url.rstrip("/") + path, headers=headers, timeout=_SECONDS, verify=verify)
        except (httpx.HTTPError, OSError) as error:
            raise self._unavailable(error) from error
        if answer.is_success:
            return answer
        raise self._refused(kfp_server_api.ApiException(status=answer.status_code, reason=answer.reason_phrase))

    def schedules(self, experiment: str, name: str) -> list[Schedule]:
        """The experiment's recurring runs of that name."""
        with self._translated():
            how = {"experiment_id": experiment, "filter": _named(name), "page_size": _PAGE}
            found = self._recurring.recurring_run_service_list_recurring_runs(**how, **_PATIENCE).recurring_runs
        return [schedule_of(item) for item in found or ()]

    def add_schedule(self, experiment: str, name: str, cron: str, version: Version, parameters: dict[str, Any]) -> str:
        """A recurring run: one at a time, and none for times that were missed; its id."""
        when = kfp_server_api.V2beta1Trigger(cron_schedule=kfp_server_api.V2beta1CronSchedule(cron=cron))
        new = kfp_server_api.V2beta1RecurringRun(
            experiment_id=experiment,
            display_name=name,
            trigger=when,
            mode=kfp_server_api.RecurringRunMode.ENABLE,
            max_concurrency="1",
            no_catchup=True,
            **self._what(version, parameters),
        )
        with self._translated():
            return str(self._recurring.recurring_run_service_create_recurring_run(new, **_PATIENCE).recurring_run_id)

    def stop_schedule(self, schedule: str) -> None:
        """Let a recurring run start no further run."""
        with self._translated():
            self._recurring.recurring_run_service_disable_recurring_run(schedule, **_PATIENCE)

    def remove_schedule(self, schedule: str) -> None:
        """Forget a recurring run. A run of it that has not ended dies with it: Kubernetes collects what a deleted object owns."""
        with self._translated():
            self._recurring.recurring_run_service_delete_recurring_run(schedule, **_PATIENCE)

    def link(self, run_id: str) -> str:
        """Where people see the run, empty when the UI's address is not known."""
        ui = self._settings.ui_url.rstrip("/")
        return f"{ui}/#/runs/details/{run_id}" if ui else ""

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except kfp_server_api.ApiException as error:
            raise self._refused(error) from error
        except (urllib3.exceptions.HTTPError, TimeoutError, OSError) as error:
            raise self._unavailable(error) from error

    def _refused(self, error: kfp_server_api.ApiException) -> Unavailable | UserError:
        status, said = error.status or 0, message_of(error.body, error.reason)
        if status in {_NOT_SIGNED_IN, _FORBIDDEN}:
            return UserError(f"Kubeflow at {self._settings.url} refuses ({status}): check RATCHET_KFP_TOKEN and the rights; {said}")
        if status == 0 or (status >= _BROKEN and "not found" not in said):
            return self._unavailable(said)
        return UserError(f"Kubeflow at {self._settings.url} refuses ({status}): {said}")

    def _unavailable(self, error: object) -> Unavailable:
        reason = getattr(error, "reason", None) or error  # urllib3's outer error repeats the whole request
        cause = (str(reason).splitlines() or [type(error).__name__])[0].rpartition("): ")[2]
        return Unavailable(f"Kubeflow at {self._settings.url} cannot be reached ({cause}): check it and RATCHET_KFP_URL")


def _found_or_made(find: Callable[[], str | None], make: Callable[[], str]) -> tuple[str, bool]:
    """The id of what is there or is made, and whether it was made. Somebody else may make the same in this moment."""
    found = find()
    if found is not None:
        return found, False
    try:
        return make(), True
    except kfp_server_api.ApiException:
        found = find()
        if found is None:
            raise
        return found, False


def _named(name: str) -> str:
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": name}]})
