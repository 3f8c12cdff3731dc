"""`ratchet watch`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from threading import Event as Flag
from typing import Annotated

import typer

from pipelines.runners.choice import present, runner_of
from pipelines.runners.events import Event
from pipelines.runners.port import Runner
from ratchet.apps.cli.console import complain, line
from ratchet.apps.watch.heartbeat import LOOK_SECONDS, RUN_SECONDS, Heartbeat
from ratchet.apps.watch.watcher import Watcher
from ratchet.core.errors import DataError, RetryableError, UserError
from ratchet.wiring import Wiring, checked_place

_LOOKS = 5  # in which nothing changes, before an upload is taken for done


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog="Examples: ratchet watch --data data; ratchet watch --data s3://ratchet/raw --interval 300")(watch)


def watch(
    data: Annotated[str, typer.Option(help="Folder, s3://bucket/prefix or database (sql:) of raw snapshots (RATCHET_DATA).")] = "",
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 60.0,
    quiet: Annotated[
        float | None,
        typer.Option(min=0, help="Seconds without a change before a snapshot is taken for whole; by default five looks."),
    ] = None,
    marker: Annotated[
        str, typer.Option(help="File that ends each upload; _SUCCESS is waited for where the snapshot before has one.")
    ] = "",
    looks: Annotated[int, typer.Option(min=0, help="End after so many looks; 0: never.")] = 0,
    alive: Annotated[
        Path | None, typer.Option(help="File for a liveness probe: the second of the epoch by which it is written again.")
    ] = None,
) -> None:
    """Start a run when a new snapshot appears, on Kubeflow where RATCHET_KFP_URL is set, else here. Ctrl-C stops.

    A snapshot is new when its upload is done: when its marker has come, or nothing has changed for the quiet time.
    """
    heartbeat = Heartbeat(alive)
    heartbeat.expect_within(LOOK_SECONDS)
    wiring = Wiring.load()
    place = data or wiring.settings.data
    if not place:
        message = "the place of the raw snapshots is not known: give --data (or RATCHET_DATA)"
        raise UserError(message)
    runner = runner_of(present(), wiring)
    claimed: list[str] = []  # runs that are done here begin after the lock is given back: a promotion wants it too

    def start(name: str, key: str) -> str:
        run_id = runner.start({"snapshot": name, "data": checked_place(place), "replace": False, "force": False}, key).run_id
        claimed[:] = [] if runner.outlives else [run_id]
        return run_id

    stores = (wiring.store, wiring.project, wiring.registry, wiring.journal, wiring.lock)
    seconds = _LOOKS * interval if quiet is None else quiet
    watcher = Watcher(wiring.source(place), *stores, start, quiet=timedelta(seconds=seconds), marker=marker)
    line(f"[WATCH] {place}, every {interval:g} s, runs {'on Kubeflow' if runner.outlives else 'here'}")
    pause, done, said, waited = Flag(), 0, "", ""
    while True:
        heartbeat.expect_within(interval + LOOK_SECONDS)
        try:
            if started := watcher.look():
                line(started)
                while claimed:
                    heartbeat.expect_within(RUN_SECONDS)
                    _run_here(runner, claimed.pop())
            if waited != (waited := watcher.waits) and waited:
                line(waited)
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
