"""`ratchet watch`."""

from __future__ import annotations

from threading import Event as Flag
from typing import Annotated

import typer

from pipelines.runners.choice import present, runner_of
from pipelines.runners.events import Event
from pipelines.runners.port import Runner
from ratchet.apps.cli.console import complain, line
from ratchet.apps.watch.watcher import Watcher
from ratchet.core.errors import DataError, RetryableError, UserError
from ratchet.wiring import Wiring


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog="Examples: ratchet watch --data data; ratchet watch --data s3://ratchet/raw --interval 300")(watch)


def watch(
    data: Annotated[str, typer.Option(help="Folder or s3://bucket/prefix of raw snapshots (RATCHET_DATA).")] = "",
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 60.0,
    looks: Annotated[int, typer.Option(min=0, help="End after so many looks; 0: never.")] = 0,
) -> None:
    """Start a run when a new snapshot appears, on Kubeflow where RATCHET_KFP_URL is set, else here. Ctrl-C stops."""
    wiring = Wiring.load()
    place = data or wiring.settings.data
    if not place:
        message = "the place of the raw snapshots is not known: give --data (or RATCHET_DATA)"
        raise UserError(message)
    runner = runner_of(present(), wiring)
    claimed: list[str] = []  # runs that are done here begin after the lock is given back: a promotion wants it too

    def start(name: str, key: str) -> str:
        run_id = runner.start({"snapshot": name, "data": place, "replace": False, "force": False}, key).run_id
        claimed[:] = [] if runner.outlives else [run_id]
        return run_id

    watcher = Watcher(wiring.source(place), wiring.store, wiring.project, wiring.registry, wiring.journal, wiring.lock, start)
    line(f"[WATCH] {place}, every {interval:g} s, runs {'on Kubeflow' if runner.outlives else 'here'}")
    pause, done, said = Flag(), 0, ""
    while True:
        try:
            if started := watcher.look():
                line(started)
                while claimed:
                    _run_here(runner, claimed.pop())
            said = ""
        except (RetryableError, DataError) as error:  # the server may be back at the next look, or a snapshot be there
            if said != (said := str(error)):
                complain(f"error: {error}")
        done += 1
        if done == looks:
            return
        pause.wait(interval)


def _run_here(runner: Runner, run_id: str) -> None:
    def show(event: Event) -> None:
        if event.kind == "line":
            line(event.text)
        elif event.kind == "log":
            complain(event.text)

    run = runner.follow(run_id, show)
    if run.error:
        complain(f"error: run {run_id} failed: {run.error['message']}; log: {run.log}")
