"""`ratchet data`: generate, check and ingest snapshots."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ratchet.apps.cli.console import AsJson, counting, document, line, table, waiting
from ratchet.apps.cli.learn import propose
from ratchet.core.errors import DataError, RetryableError, UserError
from ratchet.core.returning import Month
from ratchet.steps import ingest as ingest_step
from ratchet.steps.parts import known_entities
from ratchet.wiring import Wiring

app = typer.Typer(help="Generate, check and ingest snapshots.", no_args_is_help=True, rich_markup_mode=None)

Place = Annotated[
    str,
    typer.Argument(
        help="Folder, or s3://bucket/prefix, with one folder a snapshot, each with {table}.csv, .tsv, .csv.gz, .parquet or a "
        "folder of parts; or a database: sql: (RATCHET_SOURCE_URL), or its address without a password."
    ),
]
Learn = Annotated[bool, typer.Option("--learn", help="Print the change to ratchet.yaml that would let them in, as a diff.")]
Names = Annotated[list[str], typer.Argument(help="Snapshots: names of folders, dates of a database.")]


@app.command(epilog="Example: ratchet data generate data --snapshot month_001 --drift 0.5 --concept 1 --seed 7")
def generate(
    folder: Annotated[Path, typer.Argument(help="Folder to write <snapshot>/{table}.csv into.")],
    snapshot: Annotated[str, typer.Option(help="Name of the snapshot (the same user stays the same user in all of a seed's).")],
    users: Annotated[int, typer.Option(min=1, help="Entities.")] = 7043,
    seed: Annotated[int, typer.Option(help="The same seed, the same bytes.")] = 7,
    drift: Annotated[float, typer.Option(help="Covariate drift: shift in standard deviations.")] = 0.0,
    drift_features: Annotated[int, typer.Option(min=0, help="How many features shift.")] = 3,
    concept: Annotated[float, typer.Option(min=0, max=1, help="Concept change: 1 makes the label depend on other weights.")] = 0.0,
    nulls: Annotated[float, typer.Option(min=0, max=1, help="Further share of nulls in nullable columns.")] = 0.0,
    bad_rows: Annotated[int, typer.Option(min=0, help="Rows that `ratchet data check` must find.")] = 0,
    labels: Annotated[bool, typer.Option("--labels/--no-labels", help="Write the label table.")] = True,  # noqa: FBT002
    file_format: Annotated[Literal["csv", "parquet"], typer.Option("--format", help="Of the tables.")] = "csv",
    replace: Annotated[bool, typer.Option(help="Overwrite the snapshot's folder.")] = False,  # noqa: FBT002
) -> None:
    """Write a synthetic snapshot of ratchet.yaml's tables, in bounded memory whatever the size."""
    from ratchet.sources.generator.snapshots import generate as write  # noqa: PLC0415 - pandas takes a second, and other commands do without

    wiring = Wiring.load()
    with counting(f"generating {snapshot}", users) as progress:
        write(
            wiring.project,
            folder,
            snapshot,
            users=users,
            seed=seed,
            drift=drift,
            drift_features=drift_features,
            concept=concept,
            nulls=nulls,
            bad_rows=bad_rows,
            labels=labels,
            format=file_format,
            replace=replace,
            on_rows=lambda rows: progress.advance(progress.task_ids[0], rows),
        )
    line(f"wrote {folder / snapshot}: {users} rows a table")


@app.command(
    epilog="Examples: ratchet data check data/streamflow month_000 month_001; ratchet data check data 2024-02-29 --learn. "
    "Exit codes: 0 all is fine (with --learn: would be with the change), 2 something is wrong, 75 a store is away."
)
def check(
    place: Place,
    names: Names,
    learn: Learn = False,  # noqa: FBT002
    write: Annotated[bool, typer.Option("--write", help="With --learn: make that change.")] = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """List everything that is wrong with snapshots; nothing is stored. Exit code 2 when something is."""
    if write and not learn:
        message = "--write makes the change that --learn proposes: give both"
        raise UserError(message)
    if learn:
        propose(place, names, write=write, as_json=as_json)
        return
    wiring = Wiring.load()
    source, project = wiring.source(place), wiring.project
    found, notes, odd, seen = {}, {}, {}, list[Month]()
    unread: DataError | None = None
    for name in names:
        with waiting(f"checking {name}"):
            try:
                found[name], notes[name], entities = source.examine(name)
            except DataError as error:  # no such snapshot, say: what was found in the others is told all the same
                unread = unread or error
                continue
            now = Month(project.date_of(name), entities)
            odd[name] = known_entities.look(project, now, _before(wiring, now, seen)) if entities else []
            seen.append(now)
    if found or unread is None:
        (_document if as_json else _lists)(project.entity, found, notes, odd)
    if unread is not None:
        raise unread
    if any(found.values()) or any(item.others for items in odd.values() for item in items):
        raise typer.Exit(2)


def _document(entity: str, found: dict[str, Any], _notes: dict[str, Any], odd: dict[str, Any]) -> None:
    told = {name: [problem.sentence(entity) for problem in problems] for name, problems in found.items()}
    document({name: [*sentences, *(item.text for item in odd[name] if item.others)] for name, sentences in told.items()})


def _lists(entity: str, found: dict[str, Any], notes: dict[str, Any], odd: dict[str, Any]) -> None:
    rows = [
        (n, p.table, p.column, f"{p.problem} ({p.hint})" if p.hint else p.problem, _shown(p), ", ".join(p.samples))
        for n, problems in found.items()
        for p in problems
    ]
    rows += [(name, "", entity, item.text, "", "") for name, items in odd.items() for item in items if item.others]
    if rows:
        table("problems", ["snapshot", "table", "column", "problem", "values", f"as for {entity}"], rows)
    for name, problems in found.items():
        count = len(problems) + sum(item.others for item in odd[name])
        line(f"{name}: {count} problems" if count else f"{name}: fine")
        for said in (*notes[name], *(item.text for item in odd[name] if not item.others)):
            line(f"{name}: {said}")


def _before(wiring: Wiring, now: Month, seen: list[Month]) -> list[Month]:
    """The months before, of those that were checked just now and of the stored ones, where these can be read."""
    try:
        stored = known_entities.before(wiring.project, wiring.store, now.as_of)
    except RetryableError as error:
        line(f"entities are not compared with stored snapshots: {error}")
        stored = []
    return known_entities.together(stored, seen, now.as_of)


def _shown(problem: Any) -> str:
    """The offending cells, and how often each is there."""
    if problem.tally:
        return ", ".join(f"{value!r} ({times:,})" for value, times in problem.tally)
    return ", ".join(map(repr, dict.fromkeys(problem.values)))


@app.command(epilog="Examples: ratchet data ingest data/streamflow month_000; ratchet data ingest data 2024-02-29 --replace")
def ingest(
    place: Place,
    names: Names,
    replace: Annotated[bool, typer.Option(help="Accept other content under a stored date; take Feast's features anew.")] = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Validate snapshots, store them as Parquet, and load their features into the online store, where it is ours."""
    wiring = Wiring.load()
    source = wiring.source(place, anew=replace)
    taken = []
    for name in names:
        with waiting(f"ingesting {name}"):
            quiet = (lambda _: None) if as_json else line
            stores = (wiring.store, wiring.features, wiring.journal)
            taken.append(ingest_step.run(source, *stores, name, project=wiring.project, replace=replace, say=quiet))
    if as_json:
        document([{"id": item.id, "name": item.name, "rows": item.rows, "labelled_rows": item.labelled_rows} for item in taken])


@app.command(epilog="Example: ratchet data upload --data data/streamflow --to s3://ratchet/raw --snapshot month_001")
def upload(
    data: Annotated[Path, typer.Option(help="Folder with one folder a snapshot.")],
    to: Annotated[str, typer.Option(help="s3://bucket/prefix, for `ratchet run --data` later.")],
    snapshot: Annotated[list[str] | None, typer.Option(help="Snapshot to upload; all of the folder when not given.")] = None,
    replace: Annotated[bool, typer.Option(help="Put other content in the place of what is there.")] = False,  # noqa: FBT002
) -> None:
    """Check raw snapshots and put them on S3. Other content under a name that is there is refused unless --replace."""
    remote = Wiring.load().upload(data, to)
    for name in snapshot or remote.names():
        with waiting(f"uploading {name}"):
            count = remote.send(name, replace=replace)
        line(f"uploaded {remote.place}/{name}: {count} tables")
