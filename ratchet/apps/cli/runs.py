"""`ratchet runs`, `logs` and `schedule`: runs of the orchestrator that is chosen."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from pipelines.runners.choice import present, runner_of
from ratchet.apps.cli.console import AsJson, document, err, line, out, shown
from ratchet.core.errors import UserError
from ratchet.wiring import Wiring


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
    if cron and off:
        message = "give a schedule or --off, not both"
        raise UserError(message)
    wiring = Wiring.load()
    scheduler = runner_of(present(), wiring).scheduler
    going_on: list[str] = []
    if cron:
        arguments = {"snapshot": "latest", "data": data or wiring.settings.data, "replace": False, "force": False}
        going_on = scheduler.schedule(cron, arguments)
    elif off:
        going_on = scheduler.unschedule()
    for run_id in going_on:
        err.print(f"the earlier schedule has ended; its run {run_id} goes on", soft_wrap=True)
    found = scheduler.scheduled()
    if as_json:
        document([{"id": item.id, "cron": item.cron, **item.arguments} for item in found])
    for item in () if as_json else found:
        line(f"[SCHEDULE] {item.when} on {item.arguments.get('snapshot')} of {item.arguments.get('data')}")
    if not found and not as_json:
        line('no schedule: `ratchet schedule "0 3 * * *"` makes one')
