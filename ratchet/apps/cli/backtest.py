"""`ratchet backtest`."""

from __future__ import annotations

import math
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ratchet.apps.cli.console import AsJson, counting, document, line, table, waiting
from ratchet.core.errors import UserError
from ratchet.core.estimate import Estimate
from ratchet.core.replay import OWN, Outcome, Promoted, Replay
from ratchet.wiring import Wiring

_Report = Annotated[Path, typer.Option("--output", "-o", help="HTML report to write.")]
_Lag = Annotated[int, typer.Option(min=0, help="How many snapshots late labels come.")]
_Jobs = Annotated[int | None, typer.Option(min=1, help="Processes, never more than there are cores; by default one a core.")]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(
        epilog="Examples: ratchet backtest; ratchet backtest --lag 1 -o late.html --replace; ratchet backtest --jobs 1 --json"
    )(backtest)


def backtest(
    lag: _Lag = 0,
    output: _Report = Path("backtest.html"),
    replace: Annotated[bool, typer.Option(help="Overwrite the report.")] = False,  # noqa: FBT002
    jobs: _Jobs = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Replay the stored labelled snapshots under several policies, and compare how well what they chose did the month after.

    Policies: never, always, the gate on the judged month alone, the gate out of time, training windows of 1 to 6, and ratchet.yaml
    as it stands. Nothing of the project is changed: registry, ledger and serving are not even asked.
    """
    from ratchet.backtest import crew  # noqa: PLC0415 - scikit-learn takes seconds, and other commands do without
    from ratchet.backtest.run import prepare  # noqa: PLC0415 - likewise
    from ratchet.reports.html.backtest import backtest_report, headline, rows, sentence  # noqa: PLC0415 - likewise

    if output.exists() and not replace:
        message = f"{output} exists: name another file by --output, or overwrite it by --replace"
        raise UserError(message)
    if not output.absolute().parent.is_dir():
        message = f"{output} cannot be written: its folder is not there; name another file by --output"
        raise UserError(message)
    wiring = Wiring.load()
    with tempfile.TemporaryDirectory(prefix="ratchet-snapshots-") as folder:
        with waiting("looking at the stored snapshots"):
            work = prepare(wiring.project, wiring.fetched(Path(folder)), lag)
        with counting("replaying", work.size) as progress:
            replay = work.run(jobs or crew.cores(), lambda done: progress.advance(progress.task_ids[0], done))
    try:
        output.write_text(backtest_report(replay, wiring.task.templates), encoding="utf-8")
    except OSError as error:
        message = f"{output} cannot be written: {error.strerror}"
        raise UserError(message) from error
    if as_json:
        document({**_document(replay), "report": str(output)})
        return
    label = replay.metric.label
    shown = [
        (f"{row.name} *" if row.best else row.name, row.promotions, row.mean, row.worst, row.regret, row.error)
        for row in rows(replay)
    ]
    table(
        f"backtest of {replay.model}", ["policy", "promotions", f"mean {label}", "worst month", "regret", "standard error"], shown
    )
    line(f"{headline(replay)}. {sentence(replay)}")
    for move in replay.outcome(OWN).promoted:
        line(f"promoted with {move.decided}: {move.version}: {move.why}")
    for text in (*replay.left_out, *replay.outcome(OWN).notes, *replay.caveats):
        line(text)
    line(f"wrote {output}")


def _document(replay: Replay) -> dict[str, Any]:
    return {
        "model": replay.model,
        "metric": replay.metric.key,
        "lag": replay.lag,
        "snapshots": [str(day) for day in replay.snapshots],
        "months": [str(day) for day in replay.months],
        "held_out_rows": replay.rows,
        "best_fixed": replay.best,
        "policies": [_policy(item, replay) for item in replay.outcomes],
        "left_out": list(replay.left_out),
        "caveats": list(replay.caveats),
    }


def _policy(item: Outcome, replay: Replay) -> dict[str, Any]:
    worst = item.worst(more_is_better=replay.metric.more_is_better)
    return {
        "name": item.name,
        "says": item.says,
        "first": _promotion(item.first) if item.first else None,
        "promotions": [_promotion(move) for move in item.promoted],
        "mean": _known(item.mean),
        "worst": {"month": str(worst[0]), "value": worst[1]} if worst else None,
        "regret": _estimate(item.regret),
        "figures": {str(day): _estimate(found) for day, found in item.figures.items()},
        "notes": list(item.notes),
    }


def _promotion(move: Promoted) -> dict[str, Any]:
    found = {**asdict(move), "gain": _estimate(move.gain)}
    return {
        **found,
        "decided": str(move.decided),
        "made_of": [str(day) for day in move.made_of],
        "after": move.after and str(move.after),
    }


def _estimate(found: Estimate) -> dict[str, float | None]:
    return {"value": _known(found.value), "standard_error": _known(found.se)}


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
