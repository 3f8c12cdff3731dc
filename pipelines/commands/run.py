"""`ratchet run` and `ratchet compile`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from components.core.ledger import Record
from components.wiring import Wiring
from pipelines.console import AsJson, complain, document, err, facts, line
from pipelines.runners import Event, Run, new_run_id, run_local

_TASKS = {"ingest": "ingest", "drift-check": "drift check", "train": "train", "evaluate": "evaluate", "promote": "promote"}


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command(
        epilog="Examples: ratchet run --data data/streamflow --snapshot month_001; ratchet run --snapshot 2024-02-29 --force"
    )(run)
    app.command("compile", epilog="Example: ratchet compile --output continuous_training.yaml")(compile_pipeline)


def run(
    snapshot: Annotated[str, typer.Option(help="Snapshot to run on: a folder's name, or the date or id of an ingested one.")],
    data: Annotated[
        str, typer.Option(help="Folder, or s3://bucket/prefix, with one folder a snapshot; leave out when it was ingested before.")
    ] = "",
    force: Annotated[bool, typer.Option(help="Train and compare although nothing asks for it.")] = False,  # noqa: FBT002
    replace: Annotated[bool, typer.Option(help="Accept other content under a date that is stored.")] = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Run the pipeline: ingest, drift check, and only when needed train, evaluate, promote."""
    wiring = Wiring.load()
    run_id = new_run_id()
    arguments = {
        "snapshot": snapshot,
        "data": str(Path(data).absolute()) if data and not data.startswith("s3://") else data,
        "replace": replace,
        "force": force,
    }
    before = len(wiring.ledger.records())
    with err.status("starting") as status:

        def show(event: Event) -> None:
            if event.kind == "started":
                status.update(_TASKS.get(event.text, event.text))
            elif event.kind == "interrupted":
                err.print("interrupted: ending the task that runs")
            elif event.kind == "line" and not event.text.startswith("[ERROR]") and not as_json:
                line(event.text)

        done = run_local(wiring.settings, arguments, run_id, show)
    records = [record for record in wiring.ledger.records() if record.seq > before and record.body.get("run_id", run_id) == run_id]
    content = summary(done, records)
    if as_json:
        document(content)
    elif not done.error:
        facts(f"run {run_id}", {name: value for name, value in content.items() if name not in {"run", "error"}})
    if done.error:
        complain(f"error: {done.error['message']}")
        complain(f"log: {done.log}")
        raise typer.Exit(int(done.error["code"]))


def summary(done: Run, records: Sequence[Record]) -> dict[str, Any]:
    """What a run came to, from the ledger."""
    trigger, gate, promotion = (_last(records, kind) for kind in ("trigger", "gate", "promotion"))
    outcome = "no action"
    if gate:
        outcome = {"FAIL": "skipped", "UNKNOWN": "unknown"}.get(gate["verdict"], "promoted")
    if promotion:
        outcome = {"done": "promoted", "awaiting_approval": "awaiting approval"}.get(promotion["state"], "failed")
    elif trigger and trigger["action"] == "UNKNOWN":
        outcome = "unknown"
    if done.error:
        outcome = "failed"
    return {
        "run": done.run_id,
        "outcome": outcome,
        "snapshot": trigger["snapshot"] if trigger else None,
        "drift": "; ".join(trigger["reasons"]) if trigger else None,
        "candidate": gate["candidate"] if gate else None,
        "champion before": (gate or trigger or {}).get("champion"),
        "why": "; ".join(gate["decisive"]) if gate else None,
        "decision report": gate["report"] if gate else None,
        "drift report": trigger["report"] if trigger else None,
        "log": str(done.log),
        "error": dict(done.error) or None,
    }


def _last(records: Sequence[Record], kind: str) -> Mapping[str, Any] | None:
    return next((record.body for record in reversed(records) if record.kind == kind), None)


def compile_pipeline(
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path("continuous_training.yaml"),
) -> None:
    """Compile the pipeline to KFP's YAML."""
    from kfp import compiler  # noqa: PLC0415 - takes 2 s, other commands do without

    from components.core.errors import UserError  # noqa: PLC0415 - as above
    from pipelines.continuous_training import continuous_training  # noqa: PLC0415 - as above

    try:
        compiler.Compiler().compile(continuous_training, str(output))
    except (OSError, ValueError) as error:
        message = f"{output} cannot be written: {getattr(error, 'strerror', None) or error}"
        raise UserError(message) from error
    line(f"wrote {output}")
