"""Runs by the clock on Kubeflow: recurring runs of the model's pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.runners.kubeflow import runner
from pipelines.runners.kubeflow.runs import Backend, Schedule
from pipelines.runners.port import Scheduled
from ratchet.core.errors import UserError
from ratchet.ledger.journal import Journal
from ratchet.project.addresses import reached_by_a_pod

_CRON_FIELDS, _KFP_FIELDS = 5, 6


class KubeflowScheduler:
    """Implements port.Scheduler.

    Args:
        api: the API server.
        model: names experiment, pipeline and recurring runs.
        journal: knows how large the newest snapshot is.
        rows_per_pod: of a larger one several pods count the rows.
    """

    def __init__(self, api: Backend, model: str, journal: Journal, rows_per_pod: int) -> None:
        self._api, self._model, self._journal, self._rows_per_pod = api, model, journal, rows_per_pod

    def scheduled(self) -> list[Scheduled]:
        """Those that are enabled: one whose last run goes on has been stopped only."""
        return [
            Scheduled(item.id, item.cron, f"{item.cron} (seconds first)", item.parameters) for item in self._all() if item.enabled
        ]

    def schedule(self, cron: str, arguments: Mapping[str, Any]) -> list[str]:
        """Upload the pipeline when it has changed, and let its runs recur."""
        six = six_fields(cron)
        if not reached_by_a_pod(str(arguments["data"])):
            message = "the place of the raw snapshots is not known: give --data s3://bucket/prefix (or RATCHET_DATA)"
            raise UserError(message)
        before = self._all()
        wide = runner.has_many_rows(self._journal.history(), self._rows_per_pod)
        made = runner.prepare(self._api, self._model, wide=wide)
        self._api.add_schedule(made.experiment, self._name, six, made.version, dict(arguments))
        return runner.retire(self._api, self._experiment, before)

    def unschedule(self) -> list[str]:
        """Stop them, and forget those without a run that goes on."""
        return runner.retire(self._api, self._experiment, self._all())

    @property
    def _experiment(self) -> str:
        return self._api.experiment(runner.experiment_of(self._model))

    @property
    def _name(self) -> str:
        return runner.pipeline_of(self._model)

    def _all(self) -> list[Schedule]:
        return self._api.schedules(self._experiment, self._name)


def six_fields(cron: str) -> str:
    """A cron expression as KFP takes it, with seconds. Raises UserError unless it has five fields (or KFP's own six)."""
    fields = cron.split()
    if len(fields) not in {_CRON_FIELDS, _KFP_FIELDS}:
        message = f'{cron!r} is not a schedule: give five fields, minute hour day month weekday, as "0 3 * * *"'
        raise UserError(message)
    return " ".join(fields if len(fields) == _KFP_FIELDS else ["0", *fields])
