"""`ratchet runs`, `logs` and `schedule`: runs on Kubeflow where RATCHET_KFP_URL is set, else those of this installation."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.runners.kubeflow.runs import KubeflowRun
from pipelines.runners.kubeflow.settings import load_kubeflow_settings
from ratchet.apps.cli.console import AsJson, document, err, line, out, shown
from ratchet.core.errors import UserError
from ratchet.steps.record_run import RUN
from ratchet.wiring import Wiring

if TYPE_CHECKING:
    from pipelines.runners.kubeflow.api import KubeflowApi

_COLUMNS = ("run", "started", "seconds", "snapshot", "state", "where")
_CRON_FIELDS, _KFP_FIELDS = 5, 6


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command(epilog="Examples: ratchet runs; ratchet runs --last 50 --json")(runs)
    app.command(epilog="Example: ratchet logs 20241231-235959-1a2b")(logs)
    app.command(epilog='Examples: ratchet schedule "0 3 * * *"; ratchet schedule; ratchet schedule --off')(schedule)


def kubeflow_api() -> KubeflowApi:
    """The API server that RATCHET_KFP_* names. Raises UserError when none is named."""
    from pipelines.runners.kubeflow.api import KubeflowApi  # noqa: PLC0415 - kfp takes 2 s, few commands need it

    return KubeflowApi(load_kubeflow_settings())


def runs(
    last: Annotated[int, typer.Option(min=1, max=100, help="How many, the newest first.")] = 20,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """The runs of the pipeline, newest first."""
    wiring = Wiring.load()
    found = _kubeflow_runs(wiring, last) if load_kubeflow_settings().url else _local_runs(wiring, last)
    if as_json:
        document(found)
    elif not found:
        line("no run yet: `ratchet run --data DIR --snapshot NAME` makes one")
    else:
        line(f"{'run':36}  {'started (UTC)':16}  {'seconds':>7}  {'state':10}  snapshot")
    for row in () if as_json else found:  # lines and no table: what is in them is to be copied
        started, took = (row["started"] or "-")[:16].replace("T", " "), "-" if row["seconds"] is None else row["seconds"]
        line(f"{row['run']:36}  {started:16}  {took:>7}  {row['state']:10}  {row['snapshot']}")


def _kubeflow_runs(wiring: Wiring, last: int) -> list[dict[str, Any]]:
    from pipelines.runners.kubeflow import runner as kubeflow  # noqa: PLC0415 - as above

    api = kubeflow_api()
    found = api.runs(api.experiment(kubeflow.experiment_of(wiring.project.model)), last)
    return [_row(run, api.link(run.id)) for run in found]


def _row(run: KubeflowRun, where: str) -> dict[str, Any]:
    took = ((run.finished_at or datetime.now(UTC)) - run.created_at).total_seconds()
    state = (run.state or "PENDING").lower()
    values = (run.id, run.created_at.isoformat(), round(took), run.parameters.get("snapshot", ""), state, where)
    return dict(zip(_COLUMNS, values, strict=True))


def _local_runs(wiring: Wiring, last: int) -> list[dict[str, Any]]:
    """From the ledger; a run whose process was killed left a folder and no record."""
    ended = {record.key: record for record in wiring.ledger.records(RUN)}
    folders = sorted((path for path in wiring.settings.runs.glob("*") if path.is_dir()), reverse=True)
    found = []
    for folder in folders[:last]:
        record = ended.get(folder.name)
        started = _started(folder.name)
        took = round((record.at - started).total_seconds()) if record and started else None
        told = (record.body["snapshot"], record.body["state"]) if record else ("", "unfinished")
        values = (folder.name, started.isoformat() if started else "", took, *told, str(folder))
        found.append(dict(zip(_COLUMNS, values, strict=True)))
    return found


def _started(run_id: str) -> datetime | None:
    try:
        return datetime.strptime(run_id.rpartition("-")[0], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def logs(run_id: Annotated[str, typer.Argument(metavar="RUN", help="The run, as `ratchet runs` names it.")]) -> None:
    """What the tasks of a run have printed."""
    wiring = Wiring.load()
    if load_kubeflow_settings().url:
        from pipelines.runners.kubeflow import runner as kubeflow  # noqa: PLC0415 - as above

        api = kubeflow_api()
        if not kubeflow.log_of(api, run_id, _text):
            why = "ended and left no log" if api.run(run_id).ended else "no log yet: Kubeflow gives a task's once it has ended"
            line(f"run {run_id} has {why}")
        return
    file = wiring.settings.runs / Path(run_id).name / "log.txt"
    try:
        _text(file.read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError) as error:
        message = f"there is no run {shown(run_id)!r} here: `ratchet runs` lists them"
        raise UserError(message) from error


def _text(text: str) -> None:
    for each in text.splitlines():
        out.print(shown(each), markup=False, soft_wrap=True)


def schedule(
    cron: Annotated[
        str, typer.Argument(help='When: five cron fields, "0 3 * * *"; without it the present schedule is shown.')
    ] = "",
    data: Annotated[str, typer.Option(help="Place of the raw snapshots, s3://bucket/prefix (RATCHET_DATA).")] = "",
    off: Annotated[bool, typer.Option("--off", help="Remove the schedule.")] = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Run the pipeline on Kubeflow by the clock, on the latest snapshot: one run at a time, none for times that were missed."""
    from pipelines.runners.kubeflow import runner as kubeflow  # noqa: PLC0415 - as above

    wiring, api = Wiring.load(), kubeflow_api()
    model = wiring.project.model
    experiment, name = api.experiment(kubeflow.experiment_of(model)), kubeflow.pipeline_of(model)
    present = api.schedules(experiment, name)
    if cron and off:
        message = "give a schedule or --off, not both"
        raise UserError(message)
    if cron:
        place = data or wiring.settings.data
        if not place.startswith("s3://"):
            message = "the place of the raw snapshots is not known: give --data s3://bucket/prefix (or RATCHET_DATA)"
            raise UserError(message)
        parameters = {"snapshot": "latest", "data": place, "replace": False, "force": False}
        made = kubeflow.prepare(api, model, wide=kubeflow.has_many_rows(wiring.ledger, wiring.settings.rows_per_pod))
        api.add_schedule(made.experiment, name, six_fields(cron), made.version, parameters)
    if cron or off:
        for run_id in kubeflow.retire(api, experiment, present):
            err.print(f"the earlier schedule has ended; its run {run_id} goes on", soft_wrap=True)
    present = [item for item in api.schedules(experiment, name) if item.enabled]
    if as_json:
        document([{"id": item.id, "cron": item.cron, **item.parameters} for item in present])
    for item in () if as_json else present:
        line(f"[SCHEDULE] {item.cron} (seconds first) on {item.parameters.get('snapshot')} of {item.parameters.get('data')}")
    if not present and not as_json:
        line('no schedule: `ratchet schedule "0 3 * * *"` makes one')


def six_fields(cron: str) -> str:
    """A cron expression as KFP takes it, with seconds. Raises UserError unless it has five fields (or KFP's own six)."""
    fields = cron.split()
    if len(fields) not in {_CRON_FIELDS, _KFP_FIELDS}:
        message = f'{cron!r} is not a schedule: give five fields, minute hour day month weekday, as "0 3 * * *"'
        raise UserError(message)
    return " ".join(fields if len(fields) == _KFP_FIELDS else ["0", *fields])
