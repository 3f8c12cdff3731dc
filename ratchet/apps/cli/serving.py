"""`ratchet serve`, `predict` and `labels`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import httpx
import numpy as np
import typer

from ratchet.apps.cli.console import AsJson, document, err, facts, line, table, waiting
from ratchet.core.errors import DataError, RatchetError, Unavailable, UserError
from ratchet.core.estimate import MetricName
from ratchet.core.live import on_holdout
from ratchet.core.schema import Columns, Snapshot, features_hash
from ratchet.estimators.plain.encoding import row_of
from ratchet.settings import environment
from ratchet.tasks.catalogue import task_of
from ratchet.wiring import Wiring

_CODES = {404: UserError, 422: UserError, 400: UserError, 413: UserError}


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command(epilog="Examples: ratchet serve; ratchet serve --port 8080 &")(serve)
    app.command(epilog="Examples: ratchet predict 7590-VHVEG; ratchet predict 7590-VHVEG --explain --json")(predict)
    app.command(epilog="Examples: ratchet labels --snapshot month_001; ratchet labels late_labels.csv")(labels)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (RATCHET_HOST).")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on (RATCHET_PORT).")] = None,
) -> None:
    """Serve the production model at one fixed address until Ctrl-C; promotions switch it without losing a request."""
    given = {"host": host, "port": port}
    wiring = Wiring.load()
    settings = wiring.settings.model_copy(update={name: value for name, value in given.items() if value is not None})
    err.print(f"POST {settings.url}/predict   Ctrl-C stops", markup=False, soft_wrap=True)
    os.execve(sys.executable, [sys.executable, "-P", "-m", "serving.gateway"], environment(settings))  # noqa: S606 - becomes the server


def predict(
    entity: Annotated[str, typer.Argument(help="The entity to score.")],
    explain: Annotated[bool, typer.Option(help="Show each feature's contribution.")] = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Ask the serving address, as a client would."""
    wiring = Wiring.load()
    answer = _ask(wiring, "/explain" if explain else "/predict", {wiring.project.entity: entity})
    if as_json:
        document(answer)
        return
    nested = {name: value for name, value in answer.items() if isinstance(value, dict)}
    facts(entity, {name: value for name, value in answer.items() if name not in nested})
    if explain:
        for name, values in nested.items():
            table(name, ["feature", "value"], list(values.items()))


def _ask(wiring: Wiring, path: str, body: dict[str, Any]) -> dict[str, Any]:
    url = wiring.settings.url
    try:
        answer = httpx.post(f"{url}{path}", json=body, timeout=10, trust_env=False)  # no proxy stands between
    except (httpx.TransportError, httpx.InvalidURL) as error:
        message = f"nothing answers at {url}: `ratchet serve` starts the server"
        raise Unavailable(message) from error
    try:
        content = answer.json()
    except json.JSONDecodeError as error:
        message = f"{url} answers with something else than JSON (status {answer.status_code}): another program has this port"
        raise UserError(message) from error
    if answer.status_code != httpx.codes.OK:
        kind: type[RatchetError] = _CODES.get(answer.status_code, Unavailable)
        raise kind(str(content.get("error", content)))
    return dict(content)


def labels(
    file: Annotated[
        Path | None, typer.Argument(help="CSV: prediction_id or the entity key, the label, optionally observed_at.")
    ] = None,
    snapshot: Annotated[str | None, typer.Option(help="Take the labels of this ingested snapshot instead.")] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Join late labels to the answers that were given, and measure how well each version does on them."""
    wiring = Wiring.load()
    with waiting("joining labels to answers"):
        report = wiring.requests.join(_labels(wiring, file, snapshot))
        rows = _live(wiring)
    for row in rows:
        wiring.ledger.append("live", row)
    if as_json:
        document({"joined": report.joined, "unknown": report.unknown, "versions": rows})
        return
    line(f"{report.joined} answers labelled; {report.unknown} labels are about no logged answer")
    metric = task_of(wiring.project).metric
    cells = [
        [row["version"], row["labelled"], row["rows"], row["positives"], _shown(row, metric), row[metric.held_out[0]]]
        for row in rows
    ]
    headers = ["version", "labelled answers", "of held-out", "positives", f"live {metric.label} with interval"]
    table(f"live {metric.label}, on held-out entities", [*headers, f"{metric.label} at training"], cells)


def _labels(wiring: Wiring, file: Path | None, snapshot: str | None) -> Columns:
    if (file is None) == (snapshot is None):
        message = "give either a CSV file or --snapshot"
        raise UserError(message)
    if file is not None:
        from ratchet.sources.label_file import read_label_file  # noqa: PLC0415 - adapters are imported where they are used

        return read_label_file(file, wiring.project.entity, wiring.project.label.column)
    found = wiring.store.get(snapshot or "")
    if not found.labelled:
        message = f"snapshot {found.name} has no labels yet: ingest them first"
        raise DataError(message)
    return _with_features(wiring, found)


def _with_features(wiring: Wiring, snapshot: Snapshot) -> Columns:
    """The snapshot's labels, each about answers to that snapshot's features: another month's answers have another label."""
    labels, inputs = wiring.store.labels(snapshot), wiring.project.inputs
    columns = wiring.store.columns(snapshot, [wiring.project.entity, *(feature.name for feature in inputs)])
    position = {entity: index for index, entity in enumerate(columns[wiring.project.entity])}
    rows = (row_of(inputs, columns, position[entity]) for entity in labels["entity"])
    return {**labels, "features_hash": np.array([features_hash(row) for row in rows], dtype=object)}


def _live(wiring: Wiring) -> list[dict[str, Any]]:
    """One row a version: its live figure on held-out entities with its interval (None where unknown), and that on its holdout."""
    known = {version.number: version for version in wiring.registry.versions()}
    task, holdout, policy = task_of(wiring.project), wiring.project.holdout, wiring.project.policy.gate
    rows = []
    for number, answers in sorted(wiring.requests.labelled().items()):
        live = task.live(on_holdout(answers, holdout.salt, holdout.share), policy.confidence)
        promised = task.metric.held_out[0]
        expected = known[number].metrics.get(promised) if number in known else None
        rows.append(
            {
                "version": number,
                "labelled": len(answers.labels),
                **task.live_body(live),
                promised: round(expected, 6) if expected is not None else None,
            }
        )
    return rows


def _shown(row: dict[str, Any], metric: MetricName) -> str:
    if row["low"] is None:
        return "too few labels of one class"
    return f"{row[metric.key]:.3f} ({row['low']:.3f} to {row['high']:.3f})"
