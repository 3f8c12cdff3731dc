"""`ratchet run`, `submit` and `compile`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.runners.choice import Orchestrator, runner_of
from pipelines.runners.events import Event, Run
from pipelines.runners.kubeflow.settings import load_kubeflow_settings
from ratchet.apps.cli.console import AsJson, complain, document, err, facts, line
from ratchet.core.decision import Verdict
from ratchet.core.errors import UserError
from ratchet.core.events import MoveState
from ratchet.core.history import Run as RunHistory
from ratchet.core.trigger import Action
from ratchet.wiring import Wiring, checked_place

_TASKS = {
    "ingest": "ingest",
    "profile-rows": "count rows",
    "drift-check": "drift check",
    "train": "train",
    "evaluate": "evaluate",
    "promote": "promote",
    "record-run": "record the run",
}


_Snapshot = Annotated[
    str, typer.Option(help="Snapshot to run on: a folder's name, the date or id of an ingested one, or `latest`.")
]
_Data = Annotated[
    str,
    typer.Option(
        help="Folder, or s3://bucket/prefix, with one folder a snapshot; sql: for the database of RATCHET_SOURCE_URL, or its "
        "address without a password; leave out when it was ingested before."
    ),
]
_Force = Annotated[bool, typer.Option(help="Train and compare although nothing asks for it.")]
_Replace = Annotated[bool, typer.Option(help="Accept other content under a date that is stored.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command(
        epilog="Examples: ratchet run --data data/streamflow --snapshot month_001; ratchet run --snapshot 2024-02-29 --force; "
        "ratchet run --runner kfp --data s3://ratchet/raw --snapshot month_001"
    )(run)
    app.command(epilog="Example: ratchet submit --data s3://ratchet/raw --snapshot month_001")(submit)
    app.command(
        "compile", epilog="Example: ratchet compile --output pipeline.yaml --image registry.example.com/ratchet@sha256:..."
    )(compile_pipeline)


def run(
    snapshot: _Snapshot,
    data: _Data = "",
    force: _Force = False,  # noqa: FBT002
    replace: _Replace = False,  # noqa: FBT002
    runner: Annotated[
        Orchestrator, typer.Option(help="local: each task a process here; kfp: a pod of Kubeflow (RATCHET_KFP_URL).")
    ] = Orchestrator.LOCAL,
    detach: Annotated[bool, typer.Option(help="With kfp: start the run and do not wait for it.")] = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Run the pipeline: ingest, drift check, and only when needed train, evaluate, promote."""
    arguments = {"snapshot": snapshot, "data": checked_place(data), "replace": replace, "force": force}
    wiring = Wiring.load()
    orchestrator = runner_of(runner, wiring)
    if detach and not orchestrator.outlives:
        message = "--detach goes with --runner kfp: a local run ends with its command"
        raise UserError(message)
    with err.status("starting"):
        started = orchestrator.start(arguments)
    if started.place and not as_json:
        line(f"[RUN] {started.run_id} {started.place}: {started.where}")
    if detach:
        if as_json:
            document({"run": started.run_id, "where": started.where})
        return
    try:
        done = _shown(as_json, lambda show: orchestrator.follow(started.run_id, show))
    except KeyboardInterrupt:
        if not orchestrator.outlives:
            raise
        err.print(f"detached: the run goes on; `ratchet runs` lists it, `ratchet logs {started.run_id}` shows it")
        raise typer.Exit(130) from None
    _end(done, summary(done, wiring.journal.history().run(started.run_id)), as_json)


def submit(
    snapshot: _Snapshot,
    data: _Data = "",
    force: _Force = False,  # noqa: FBT002
    replace: _Replace = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Start a run on Kubeflow and do not wait for it: `run --runner kfp --detach`."""
    run(snapshot, data, force, replace, Orchestrator.KFP, True, as_json)  # noqa: FBT003 - the same options by place


def _shown(as_json: bool, follow: Callable[[Callable[[Event], None]], Run]) -> Run:
    """The run, followed with the task at work on standard error and the steps' lines on standard output."""
    with err.status("starting") as status:

        def show(event: Event) -> None:
            if event.kind == "started":
                status.update(_TASKS.get(event.text, event.text))
            elif event.kind in {"waiting", "log"}:
                complain(event.text)
            elif event.kind == "interrupted":
                err.print("interrupted: ending the task that runs")
            elif event.kind == "line" and not event.text.startswith("[ERROR]") and not as_json:
                line(event.text)

        return follow(show)


def _end(done: Run, content: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        document(content)
    elif not done.error:
        facts(f"run {done.run_id}", {name: value for name, value in content.items() if name not in {"run", "error"}})
    if done.error:
        first, *more = str(done.error["message"]).splitlines() or [""]
        for text in (f"error: {first}", *more):
            complain(text)
        complain(f"log: {done.log}")
        if done.log.startswith("http"):
            complain(f"or: ratchet logs {done.run_id}")
        raise typer.Exit(int(done.error["code"]))


def summary(done: Run, left: RunHistory | None) -> dict[str, Any]:
    """What a run came to, from what it has left in the ledger."""
    seen = left or RunHistory(done.run_id)
    trigger, gate = (seen.trigger.event if seen.trigger else None), (seen.gate.event if seen.gate else None)
    asked = "; ".join(trigger.reasons) if trigger else None
    before = gate or trigger
    return {
        "run": done.run_id,
        "outcome": "failed" if done.error else _outcome(seen) or _said(done.lines),
        "snapshot": trigger.snapshot if trigger else None,
        "drift": asked,
        "candidate": gate.candidate if gate else None,
        "champion before": before.champion if before else None,
        "why": "; ".join(gate.decisive) if gate else asked,
        "decision report": gate.report if gate else None,
        "drift report": trigger.report if trigger else None,
        "log": done.log,
        "error": dict(done.error) or None,
    }


def _outcome(seen: RunHistory) -> str:
    """In words; empty when the run has left nothing."""
    if seen.move:
        states = {MoveState.DONE: "promoted", MoveState.AWAITING: "awaiting approval"}
        return states.get(seen.move.event.state, "failed")
    if seen.trigger and seen.trigger.event.action is Action.UNKNOWN:
        return "unknown"
    if seen.gate:
        return {Verdict.FAIL: "skipped", Verdict.UNKNOWN: "unknown"}.get(seen.gate.event.verdict, "promoted")
    return "no action" if seen.trigger else ""


def _said(lines: Sequence[str]) -> str:
    """As the steps' lines tell it: where the ledger here is not the one that the run wrote into."""
    decisions = [line.removeprefix("[DECISION] ") for line in lines if line.startswith("[DECISION] ")]
    if decisions:
        return decisions[-1].replace("_", " ")
    return "no action" if any(line.startswith("NO_ACTION") for line in lines) else "unknown"


def compile_pipeline(
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path("continuous_training.yaml"),
    image: Annotated[str, typer.Option(help="Image of the tasks, best by digest (RATCHET_KFP_IMAGE).")] = "",
    wide: Annotated[bool, typer.Option("--wide", help="Several pods count a snapshot of over RATCHET_ROWS_PER_POD rows.")] = False,  # noqa: FBT002
) -> None:
    """Compile the pipeline to KFP's YAML, for `kfp run create`. RATCHET_KFP_* name Secret and ConfigMaps."""
    from pipelines.runners.kubeflow.runner import compile_to  # noqa: PLC0415 - kfp takes 2 s, other commands do without

    compile_to(output, image or load_kubeflow_settings().image, wide=wide)
    line(f"wrote {output}; to run it: kfp run create -e ratchet -f {output} data=s3://BUCKET/PREFIX snapshot=latest")
