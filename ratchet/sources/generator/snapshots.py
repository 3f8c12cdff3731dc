"""Generated snapshots on disk, in the layout that TableSource reads. The engine of `ratchet data generate`."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ratchet.core.errors import UserError
from ratchet.core.schema import DType
from ratchet.project.columns import Column
from ratchet.project.file import Project
from ratchet.sources.generator.synthetic import CHUNK, Change, Population
from ratchet.sources.generator.tables import table_of
from ratchet.sources.raw_tables import is_plain_name
from ratchet.sources.which_tables import brings_labels_alone, entity_table, stem_of

Format = Literal["csv", "parquet"]


def generate(
    project: Project,
    out: Path,
    snapshot: str,
    *,
    users: int = 7043,
    seed: int = 7,
    drift: float = 0.0,
    drift_features: int = 3,
    concept: float = 0.0,
    nulls: float = 0.0,
    bad_rows: int = 0,
    label_noise: float = 0.0,
    labels: bool = True,
    format: Format = "csv",  # noqa: A002 - the option's name
    replace: bool = False,
    on_rows: Callable[[int], None] = lambda _: None,
) -> Path:
    """Write one snapshot, whole or not at all, in chunks of CHUNK users.

    Args:
        project: says which tables and columns.
        out: holds one folder a snapshot; made when it is not there.
        snapshot: the folder's name and a part of the seed.
        users: how many rows each table gets.
        seed: the population's; the same users come back in every snapshot of a seed.
        drift: shift of `drift_features` features, in standard deviations.
        drift_features: how many features drift.
        concept: 0 to 1, how far the label depends on other weights than usual.
        nulls: additional share of nulls in nullable columns.
        bad_rows: rows that break the project's rules, each in one of several ways.
        label_noise: share of labels replaced by chance.
        labels: whether the label's table is written.
        format: of the files.
        replace: overwrite a snapshot that is there.
        on_rows: gets the number of users after each chunk.

    Returns:
        The snapshot's folder. Raises UserError when it is there already or an option is out of its bounds.
    """
    _refuse_bad_options(
        users=users,
        seed=seed,
        drift=drift,
        drift_features=drift_features,
        concept=concept,
        nulls=nulls,
        noise=label_noise,
        bad_rows=bad_rows,
    )
    if not is_plain_name(snapshot):
        message = f"{snapshot!r} is not a snapshot's name: give the plain name of a folder"
        raise UserError(message)
    target = out / snapshot
    if target.exists() and not replace:
        message = f"{target} is there already: choose another name, or --replace it"
        raise UserError(message)
    population = Population(project, seed)
    change = Change(drift, drift_features, concept, nulls, label_noise)
    tables = [table for table in project.tables if labels or not brings_labels_alone(project, table)]
    dated = any(column.dtype is DType.DATE for column in project.columns)
    as_of = project.date_of(snapshot) if dated else None
    try:
        with _finished(target) as folder, contextlib.ExitStack() as files:
            writers = {table: files.enter_context(_Writer(folder / f"{stem_of(project, table)}.{format}")) for table in tables}
            for index, start in enumerate(range(0, users, CHUNK)):
                rows = min(CHUNK, users - start)
                chunk = population.chunk(snapshot, index, rows, change)
                content = {table: table_of(project, table, chunk, as_of, labels=labels) for table in tables}
                if index == 0 and bad_rows:
                    content |= _spoil(project, content, bad_rows, format)
                for table, writer in writers.items():
                    writer.write(content[table])
                on_rows(rows)
    except OSError as error:
        message = f"{target} cannot be written: {error.strerror or error}"
        raise UserError(message) from error
    return target


class _Writer:
    """Appends tables of one header to a CSV or Parquet file; a CSV's column types may differ from table to table."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None
        self._parquet: Any = None

    def __enter__(self) -> Self:
        self._file = self._path.open("wb")
        return self

    def __exit__(self, *_: object) -> None:
        if self._parquet is not None:
            self._parquet.close()
        self._file.close()

    def write(self, table: pa.Table) -> None:
        if self._path.suffix == ".csv":
            options = pa_csv.WriteOptions(include_header=self._file.tell() == 0, quoting_style="needed", quoting_header="needed")
            pa_csv.write_csv(table, self._file, options)
            return
        if self._parquet is None:
            self._parquet = pq.ParquetWriter(self._file, table.schema)
        self._parquet.write_table(table)


def _spoil(project: Project, content: Mapping[str, pa.Table], count: int, format: Format) -> dict[str, pa.Table]:  # noqa: A002 - as above
    """The first chunk's tables with `count` bad rows: a text for a number, out of range, an unknown category, a user twice."""
    faults: list[tuple[Column | None, object]] = []
    places = [(column.table, column.header) for column in project.columns]
    columns = [
        column for column, place in zip(project.columns, places, strict=True) if places.count(place) == 1
    ]  # one finding a cell
    if format == "csv":  # a Parquet column has one type
        faults += [(column, "n/k") for column in columns if column.dtype is not DType.CATEGORY][:2]
    for column in columns:
        if column.range is not None and column.dtype is not DType.DATE:
            fault = column.range[1] + 1
            faults.append((column, int(fault) if column.dtype is DType.INT else fault))
        if column.categories is not None:
            faults.append((column, "unheard of"))
    faults.insert(min(3, len(faults)), (None, None))  # a repeated row of the first table
    tables: dict[str, pa.Table] = {}
    count = min(count, content[entity_table(project)].num_rows)
    for kind, (spoilt, value) in enumerate(faults):
        rows = np.arange(kind, count, len(faults))
        if not len(rows):
            break
        name = spoilt.table if spoilt else entity_table(project)
        table = tables.get(name, content[name])
        tables[name] = _overwritten(table, spoilt, rows, value) if spoilt else pa.concat_tables([table, table.take(pa.array(rows))])
    return tables


def _overwritten(table: pa.Table, column: Column, rows: NDArray[np.int64], value: object) -> pa.Table:
    present = table[column.header].to_pylist()
    for row in rows:
        present[row] = value
    as_text = isinstance(value, str) or pa.types.is_string(table[column.header].type)  # also when it was spoilt by a text before
    typed = pa.array(_texts(present), pa.string()) if as_text else pa.array(present, table[column.header].type)
    return table.set_column(table.column_names.index(column.header), column.header, typed)


def _texts(cells: Sequence[object]) -> list[str | None]:
    return [None if cell is None else str(cell) for cell in cells]


@contextlib.contextmanager
def _finished(target: Path) -> Iterator[Path]:
    """A temporary sibling that becomes `target` when the block ends well, and is removed when it does not."""
    temporary = target.with_name(f".new-{target.name}-{os.getpid()}")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary.mkdir()
    try:
        yield temporary
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _refuse_bad_options(
    *, users: int, seed: int, drift: float, drift_features: int, concept: float, nulls: float, noise: float, bad_rows: int
) -> None:
    bounds = {
        "users": (users, 1, 9_999_999),
        "seed": (seed, 0, 2**63),
        "drift": (drift, -10, 10),
        "drift_features": (drift_features, 0, 10_000),
        "concept": (concept, 0, 1),
        "nulls": (nulls, 0, 1),
        "label_noise": (noise, 0, 1),
        "bad_rows": (bad_rows, 0, users),
    }
    for name, (value, low, high) in bounds.items():
        if not low <= value <= high:
            message = f"{name} must be between {low} and {high}, not {value}"
            raise UserError(message)
