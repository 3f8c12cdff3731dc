"""`ratchet score`: many rows at once, into a file or a table."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from ratchet.apps.cli.console import AsJson, complain, document, line
from ratchet.core.elsewhere import refuse_file_elsewhere
from ratchet.core.errors import UserError
from ratchet.steps import score as score_step
from ratchet.wiring import Wiring


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(
        epilog="Examples: ratchet score latest --out scores.parquet; ratchet score new.csv --out scores.csv --version 3; "
        "ratchet score postgresql+psycopg://host/shop --query 'SELECT * FROM customers WHERE as_of = :as_of' --as-of 2024-02-29 "
        "--out postgresql+psycopg://host/shop#churn_scores (user and password: PGUSER, PGPASSWORD)"
    )(score)


def score(
    rows: Annotated[
        str,
        typer.Argument(
            metavar="SNAPSHOT|latest|FILE|SQL-URL",
            help="A stored snapshot, a .parquet or .csv file on this machine with the features beside the key, or a database.",
        ),
    ],
    out: Annotated[
        str, typer.Option(help="scores.parquet or scores.csv, here or below s3://bucket/prefix, or postgresql+psycopg://…#table.")
    ],
    version: Annotated[int | None, typer.Option(min=1, help="Version that scores; by default the one in production.")] = None,
    query: Annotated[str, typer.Option(help="Of a database: a SELECT; :as_of in it is the date.")] = "",
    as_of: Annotated[str, typer.Option(help="Date that a file's or a query's rows describe, 2024-02-29; by default today.")] = "",
    threads: Annotated[int, typer.Option(min=0, help="Threads that score; 0: one a core.")] = 0,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Score all rows of a snapshot, a file or a query, an entity a row; what is broken off is taken up by the same command."""
    day = _date(as_of) if as_of else datetime.now(UTC).date()
    refuse_file_elsewhere(rows)
    database = "://" in rows
    if database != bool(query):
        message = "a database needs --query" if database else "--query goes with the URL of a database"
        raise UserError(message)
    wiring = Wiring.load()
    source = wiring.rows_in(rows, day, query)
    if as_of and source.as_of != day:
        message = f"--as-of goes with a file or a query: {source.name} is of {source.as_of}"
        raise UserError(message)
    found = score_step.run(
        wiring.project,
        wiring.registry,
        wiring.journal,
        source,
        wiring.scores_to(out),
        version=version,
        threads=threads or len(os.sched_getaffinity(0)),
        say=complain,
    )
    if as_json:
        document(asdict(found))
        return
    for note in found.notes:
        line(f"[SCORE] {note}")
    line(
        f"[SCORE] {found.rows:,} rows of {found.source} by version {found.version}, as of {found.as_of}: {found.place} "
        f"({found.seconds:,.0f} s)"
    )


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        message = f"--as-of {text[:40]!r} is no date: write 2024-02-29"
        raise UserError(message) from error
