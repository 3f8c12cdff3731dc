"""`ratchet watch`."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event as Flag
from typing import Annotated

import typer

from pipelines.runners.events import Event, new_run_id
from pipelines.runners.kubeflow.settings import load_kubeflow_settings
from pipelines.runners.local.runner import run_local
from ratchet.apps.cli.console import complain, line
from ratchet.apps.cli.kubeflow import kubeflow_api
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
    remote = bool(load_kubeflow_settings().url)
    claimed: dict[str, tuple[str, str]] = {}  # local runs begin after the lock is given back: a promotion wants it too

    def claim(name: str, key: str) -> str:
        run_id, _ = claimed.setdefault(key, (new_run_id(), name))  # the same when the claim could not be recorded
        return run_id

    start = _kubeflow_start(wiring, place) if remote else claim
    watcher = Watcher(wiring.source(place), wiring.project, wiring.registry, wiring.journal, wiring.lock, start)
    line(f"[WATCH] {place}, every {interval:g} s, runs {'on Kubeflow' if remote else 'here'}")
    pause, done, said = Flag(), 0, ""
    while True:
        try:
            if started := watcher.look():
                line(started)
                while claimed:
                    _run_here(wiring, place, *claimed.popitem()[1])
            said = ""
        except (RetryableError, DataError) as error:  # the server may be back at the next look, or a snapshot be there
            if said != (said := str(error)):
                complain(f"error: {error}")
        done += 1
        if done == looks:
            return
        pause.wait(interval)


def _kubeflow_start(wiring: Wiring, place: str) -> Callable[[str, str], str]:
    from pipelines.runners.kubeflow import runner as kubeflow  # noqa: PLC0415 - kfp takes 2 s, a local watcher does without

    api, model = kubeflow_api(), wiring.project.model

    def start(name: str, key: str) -> str:
        wide = kubeflow.has_many_rows(wiring.journal.history(), wiring.settings.rows_per_pod)
        made = kubeflow.prepare(api, model, wide=wide)
        title = f"{name} {key}"
        present = api.runs(made.experiment, 1, title)
        parameters = {"snapshot": name, "data": place, "replace": False, "force": False}
        return present[0].id if present else api.start(made.experiment, title, made.version, parameters)

    return start


def _run_here(wiring: Wiring, place: str, run_id: str, name: str) -> None:
    def show(event: Event) -> None:
        if event.kind == "line":
            line(event.text)

    run = run_local(wiring.settings, {"snapshot": name, "data": place, "replace": False, "force": False}, run_id, show)
    if run.error:
        complain(f"error: run {run_id} failed: {run.error['message']}; log: {run.log}")
