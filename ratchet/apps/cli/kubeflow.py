"""`ratchet runs`, `logs` and `schedule`: runs on Kubeflow where RATCHET_KFP_URL is set, else those of this installation."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from pipelines.runners.choice import present, runner_of
from pipelines.runners.kubeflow.settings import load_kubeflow_settings
from ratchet.apps.cli.console import AsJson, document, err, line, out, shown
from ratchet.core.errors import UserError
from ratchet.wiring import Wiring

_CRON_FIELDS, _KFP_FIELDS = 5, 6


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command(epilog="Examples: ratchet runs; ratchet runs --last 50 --json")(runs)
    app.command(epilog="Example: ratchet logs 20241231-235959-1a2b")(logs)
    app.command(epilog='Examples: ratchet schedule "0 3 * * *"; ratchet schedule; ratchet schedule --off')(schedule)


def runs(
    last: Annotated[int, typer.Option(min=1, max=100, help="How many, the newest first.")] = 20,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """The runs of the pipeline, newest first."""
    wiring = Wiring.load()
    found = runner_of(present(), wiring).runs(last)
    if as_json:
        document([asdict(row) for row in found])
    elif not found:
        line("no run yet: `ratchet run --data DIR --snapshot NAME` makes one")
    else:
        line(f"{'run':36}  {'started (UTC)':16}  {'seconds':>7}  {'state':10}  snapshot")
    for row in () if as_json else found:  # lines and no table: what is in them is to be copied
        started, took = (row.started or "-")[:16].replace("T", " "), "-" if row.seconds is None else row.seconds
        line(f"{row.run:36}  {started:16}  {took:>7}  {row.state:10}  {row.snapshot}")


def logs(run_id: Annotated[str, typer.Argument(metavar="RUN", help="The run, as `ratchet runs` names it.")]) -> None:
    """What the tasks of a run have printed."""
    if nothing := runner_of(present(), Wiring.load()).log(run_id, _text):
        line(f"run {run_id} has {nothing}")


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
    from pipelines.runners.kubeflow import runner as kubeflow  # noqa: PLC0415 - kfp takes 2 s, other commands do without
    from pipelines.runners.kubeflow.api import KubeflowApi  # noqa: PLC0415 - as above

    wiring, api = Wiring.load(), KubeflowApi(load_kubeflow_settings())
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
        made = kubeflow.prepare(api, model, wide=kubeflow.has_many_rows(wiring.journal.history(), wiring.settings.rows_per_pod))
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
