"""`ratchet serve`, `predict` and `labels`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from ratchet.apps.cli import figures
from ratchet.apps.cli.console import AsJson, complain, document, err, facts, line, table, waiting
from ratchet.clients.children import serving_environment
from ratchet.core.errors import RatchetError, Unavailable, UserError
from ratchet.core.estimate import MetricName
from ratchet.core.events import LiveMeasured
from ratchet.core.schema import Columns
from ratchet.steps import labels as use_case
from ratchet.steps import measure
from ratchet.tasks.catalogue import task_of
from ratchet.wiring import Wiring

_CODES = {404: UserError, 409: UserError, 422: UserError, 400: UserError, 413: UserError}
_JSON = {"content-type": "application/json"}


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command(epilog="Examples: ratchet serve; ratchet serve --port 8080 &")(serve)
    app.command(
        epilog="Examples: ratchet predict 7590-VHVEG; ratchet predict 7590-VHVEG --explain; ratchet predict --features @mail.json"
    )(predict)
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
    os.execve(sys.executable, [sys.executable, "-P", "-m", "serving.gateway"], serving_environment(settings))  # noqa: S606 - becomes the server


def predict(
    entity: Annotated[str | None, typer.Argument(help="The entity to score; with --features alone it may be left out.")] = None,
    features: Annotated[
        str | None, typer.Option(metavar="JSON|@FILE", help="Features to send along, where serving.posted allows it.")
    ] = None,
    explain: Annotated[bool, typer.Option(help="Show each feature's contribution.")] = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Ask the serving address, as a client would."""
    wiring = Wiring.load()
    answer = _ask(wiring, "/explain" if explain else "/predict", _asked(wiring.project.entity, entity, features))
    if as_json:
        document(answer)
        return
    nested = {name: value for name, value in answer.items() if isinstance(value, dict)}
    facts(entity or "posted features", {name: value for name, value in answer.items() if name not in nested})
    if explain:
        for name, values in nested.items():
            table(name, ["feature", "value"], list(values.items()))


def _asked(key: str, entity: str | None, features: str | None) -> str:
    """The body to send. The features go as they are written: what is wrong with them the service says, as to any client."""
    if features is None:
        if entity is None:
            message = "name the entity to score, or give --features JSON (or @FILE)"
            raise UserError(message)
        return json.dumps({key: entity})
    text, where = features, "--features"
    if features.startswith("@"):
        path = Path(features[1:])
        where = str(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            message = f"--features: {path} cannot be read ({error.strerror})"
            raise UserError(message) from error
        except UnicodeDecodeError as error:
            message = f"--features: {path} is not UTF-8 text"
            raise UserError(message) from error
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f'{where} is not JSON ({error}): write {{"age": 41, "plan": "gold"}}, or @FILE with that in it'
        raise UserError(message) from error
    if not isinstance(content, dict):
        message = f'{where} is not an object of names and values: write {{"age": 41, "plan": "gold"}}'
        raise UserError(message)
    named = "" if entity is None else f"{json.dumps(key)}: {json.dumps(entity)}, "
    return f'{{{named}"features": {text}}}'


def _ask(wiring: Wiring, path: str, body: str) -> dict[str, Any]:
    url = wiring.settings.url
    try:
        answer = httpx.post(f"{url}{path}", content=body, headers=_JSON, timeout=10, trust_env=False)  # no proxy stands between
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
    """Join late labels to the answers that were given, and measure how well each version does on them.

    With a snapshot's labels the versions that count are measured on its held-out rows too, as each run does.
    """
    wiring = Wiring.load()
    with waiting("joining labels to answers"):
        world = (wiring.project, wiring.registry, wiring.journal, wiring.requests)
        done = use_case.run(*world, _labels(wiring, file, snapshot), wiring.store)
    said, found = _measure(wiring, snapshot)
    metric = task_of(wiring.project).metric
    rows = [_row(measured, metric) for measured in done.versions]
    if as_json:
        document({"joined": done.report.joined, "unknown": done.report.unknown, "versions": rows, "measured": found})
        return
    for sentence in said:
        line(sentence)
    line(f"{done.report.joined} answers labelled; {done.report.unknown} labels are about no logged answer")
    kinds = list(dict.fromkeys(f"{kind}s" for measured in done.versions for kind in measured.counts))
    cells = [
        [item.version, item.labelled, item.rows, *(row[kind] for kind in kinds), _shown(item), item.promised]
        for item, row in zip(done.versions, rows, strict=True)
    ]
    headers = ["version", "labelled answers", "of held-out", *kinds, f"live {metric.label} with interval"]
    table(f"live {metric.label}, on held-out entities", [*headers, f"{metric.label} at training"], cells)


def _measure(wiring: Wiring, snapshot: str | None) -> tuple[list[str], list[dict[str, Any]]]:
    """What there is to say, and the figures as JSON shows them; nothing where the labels came in a file."""
    if snapshot is None:
        return [], []
    said: list[str] = []
    with waiting("measuring"):
        world = (wiring.project, wiring.store, wiring.registry, wiring.journal)
        found = [entry.event for entry in measure.run(*world, wiring.store.get(snapshot), say=said.append)]
    return said, [{"version": item.version, "role": item.role.value, **(figures.measured(item) or {})} for item in found]


def _row(measured: LiveMeasured, metric: MetricName) -> dict[str, Any]:
    """One version's figures under the names that the task has for them."""
    return {
        "version": measured.version,
        "labelled": measured.labelled,
        "rows": measured.rows,
        **{f"{kind}s": count for kind, count in measured.counts.items()},
        metric.key: measured.value,
        "low": measured.low,
        "high": measured.high,
        metric.held_out[0]: measured.promised,
    }


def _labels(wiring: Wiring, file: Path | None, snapshot: str | None) -> Columns:
    if (file is None) == (snapshot is None):
        message = "give either a CSV file or --snapshot"
        raise UserError(message)
    if file is not None:
        return wiring.labels_in(file, complain)
    return use_case.labels_of(wiring.project, wiring.store, wiring.store.get(snapshot or ""))


def _shown(measured: LiveMeasured) -> str:
    if measured.low is None:
        return "too few labels of one class"
    return f"{measured.value:.3f} ({measured.low:.3f} to {measured.high:.3f})"
