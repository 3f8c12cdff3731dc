"""Kubeflow Pipelines as an orchestrator: each task is a pod, and a run goes on without who started it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pipelines.runners.events import Event, Run, new_run_id
from pipelines.runners.kubeflow import runner
from pipelines.runners.kubeflow.runs import Backend, KubeflowRun
from pipelines.runners.kubeflow.schedules import KubeflowScheduler
from pipelines.runners.port import Listed, Started
from ratchet.core.errors import UserError
from ratchet.ledger.journal import Journal
from ratchet.project.addresses import reached_by_a_pod


class KubeflowRunner:
    """Implements port.Runner.

    Args:
        api: the API server.
        model: names experiment and pipeline.
        journal: knows how large the newest snapshot is.
        rows_per_pod: of a larger one several pods count the rows.
    """

    outlives = True

    def __init__(self, api: Backend, model: str, journal: Journal, rows_per_pod: int) -> None:
        self._api, self._model, self._journal, self._rows_per_pod = api, model, journal, rows_per_pod

    @property
    def scheduler(self) -> KubeflowScheduler:
        """By recurring runs."""
        return KubeflowScheduler(self._api, self._model, self._journal, self._rows_per_pod)

    def start(self, arguments: Mapping[str, Any], name: str = "") -> Started:
        """Upload the pipeline when it has changed, and start a run of it."""
        data = str(arguments["data"])
        if data and not reached_by_a_pod(data):
            message = f"a pod of Kubeflow does not see the folder {data}: upload it (ratchet data upload), give s3://bucket/prefix"
            raise UserError(message)
        wide = runner.has_many_rows(self._journal.history(), self._rows_per_pod)
        made = runner.prepare(self._api, self._model, wide=wide)
        title = f"{arguments['snapshot']} {name or new_run_id()}"
        known = self._api.runs(made.experiment, 1, title) if name else []
        run_id = known[0].id if known else self._api.start(made.experiment, title, made.version, dict(arguments))
        place = f"in {runner.experiment_of(self._model)}{', a new version of the pipeline' if made.uploaded else ''}"
        return Started(run_id, place, self._api.link(run_id) or f"ratchet logs {run_id}")

    def follow(self, run_id: str, on_event: Callable[[Event], None]) -> Run:
        """Watch it by its tasks' states and logs. An API server that is away for a while is waited for."""
        return runner.follow(self._api, run_id, on_event)

    def runs(self, last: int) -> list[Listed]:
        """Those of the model's experiment."""
        found = self._api.runs(self._api.experiment(runner.experiment_of(self._model)), last)
        # a list does not tell a terminated run from a failed one
        told = [self._api.run(run.id) if run.state == "FAILED" else run for run in found]
        return [_listed(run, self._api.link(run.id)) for run in told]

    def log(self, run_id: str, write: Callable[[str], None]) -> str:
        """The logs of its pods, as they began."""
        if runner.log_of(self._api, run_id, write):
            return ""
        return "ended and left no log" if self._api.run(run_id).ended else "no log yet: Kubeflow gives a task's once it has ended"


def _listed(run: KubeflowRun, where: str) -> Listed:
    took = round(((run.finished_at or datetime.now(UTC)) - run.created_at).total_seconds())
    state = (run.state or "PENDING").lower()
    return Listed(run.id, run.created_at.isoformat(), took, run.parameters.get("snapshot", ""), state, where)
