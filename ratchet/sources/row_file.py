"""One file of rows to score, Parquet or CSV, a batch at a time: features stand beside the key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from ratchet.core.errors import DataError
from ratchet.project.file import Project
from ratchet.scores.port import BATCH, Read
from ratchet.sources import csv_tables
from ratchet.sources.decimal_comma import Decimals, Points
from ratchet.sources.prepare import prepared_batch
from ratchet.sources.problems import clipped, counted
from ratchet.sources.raw_tables import column_names, translated
from ratchet.sources.row_checks import RowChecks
from ratchet.sources.table_files import form_of, is_parquet
from ratchet.sources.text_streams import opened
from ratchet.sources.told import told_of
from ratchet.sources.which_tables import entity_table

_BUFFER = 1 << 20  # bytes of a Parquet column's pages at once, however large its row groups are


def is_row_file(place: str) -> bool:
    """Whether a place is a file: by its ending, or because it is there."""
    return form_of(Path(place).name) is not None or Path(place).is_file()


class FileRows:
    """Implements `ratchet.scores.port.Rows`.

    A CSV file is read as that of the table that lists the entities would be: separator, encoding and decimal comma are recognised,
    and for the last a file whose cells do not stand between commas is read twice.

    Args:
        path: the file.
        project: says what its columns may hold.
        as_of: the date that they describe.
    """

    proven = False

    def __init__(self, path: Path, project: Project, as_of: date) -> None:
        self._path, self._project, self._as_of = path, project, as_of
        self._checks = RowChecks(project, path.name, as_of)
        self._told = told_of(project, entity_table(project))

    @property
    def name(self) -> str:
        """The file's name."""
        return self._path.name

    @property
    def as_of(self) -> date:
        """As it was given."""
        return self._as_of

    @property
    def total(self) -> int | None:
        """As Parquet says; of a CSV file nobody knows before it is read."""
        if not is_parquet(self.name):
            return None
        with translated(self._path, self.name):
            return int(pq.read_metadata(self._path).num_rows)

    def identity(self) -> str:
        """SHA-256 of its bytes."""
        with translated(self._path, self.name), self._path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def batches(self, features: Sequence[str], start: int) -> Iterator[Read]:
        """Rows with the key and these features. Raises DataError where a column is missing, or the file is damaged."""
        with translated(self._path, self.name):
            if self._project.own_code:
                yield from self._prepared(features, start)
                return
            if is_parquet(self.name):
                headers = self._checks.headers(features, column_names(self._path, self.name))
                found = _parquet(self._path, list(dict.fromkeys(headers.values())), start)
            else:
                form = csv_tables.form_of(self._path, self.name, self._checks.wanted(features), self._told)
                headers = self._checks.headers(features, form.header)
                points = self._points(headers, form)
                read = _csv(self._path, list(dict.fromkeys(headers.values())), start, form)
                found = ((first, points.of(pa.Table.from_batches([raw]))) for first, raw in read)
            for first, raw in found:
                yield partial(self._checks.batch, {name: raw.column(header) for name, header in headers.items()}, features, first)

    def _prepared(self, features: Sequence[str], start: int) -> Iterator[Read]:
        """As `batches`, of a project whose own code makes the features. Raises DataError."""
        if not is_parquet(self.name):
            why = "a column of text is one of numbers by all its cells, and rows to score come in parts"
            message = f"{self.name}: {why}: `prepare` needs a Parquet file, a query or an ingested snapshot"
            raise DataError(message)
        for first, raw in _parquet(self._path, column_names(self._path, self.name), start):
            made = prepared_batch(self._project, self._as_of, pa.Table.from_batches([raw]))
            headers = self._checks.headers(features, made.column_names)
            yield partial(self._checks.batch, {name: made.column(header) for name, header in headers.items()}, features, first)

    def _points(self, headers: Mapping[str, str], form: csv_tables.Form) -> Points:
        """How the file writes its numbers, by all its rows: what a cell is must not depend on the batch that it comes in."""
        numbers = list(dict.fromkeys(header for name, header in headers.items() if self._checks.is_plain_number(name)))
        decimals = Decimals(self.name, numbers, self._told.decimal, by_comma=form.dialect.separator == ",")
        for _, raw in _csv(self._path, numbers, 0, form) if decimals.asks and numbers else ():
            decimals.look(pa.Table.from_batches([raw]))
        return decimals.decided()

    def judged(self, seen: Mapping[str, int], rows: int) -> list[str]:
        """As `RowChecks`."""
        return self._checks.judged(seen, rows)


def _parquet(path: Path, headers: list[str], start: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Rows from `start` on, text as codes, with the number of rows before each batch."""
    with pq.ParquetFile(path) as plain:
        text = [name for name in headers if _is_text(plain.schema_arrow.field(name).type)]
        sizes = [plain.metadata.row_group(group).num_rows for group in range(plain.num_row_groups)]
    groups, before = list(range(len(sizes))), 0
    while groups and before + sizes[groups[0]] <= start:
        before += sizes[groups.pop(0)]
    with pq.ParquetFile(path, read_dictionary=text, buffer_size=_BUFFER, pre_buffer=False) as file:
        for batch in file.iter_batches(batch_size=BATCH, row_groups=groups, columns=headers, use_threads=False):
            yield from _from(batch, before, start)
            before += batch.num_rows


def _csv(path: Path, headers: list[str], start: int, form: csv_tables.Form) -> Iterator[tuple[int, pa.RecordBatch]]:
    """As `_parquet`; every cell is text."""
    if not form.filled:
        return
    broken: list[Any] = []

    def collect(row: Any) -> str:
        broken.append(row)
        return "skip"

    before = 0
    with opened(path, path.name) as file, pa_csv.open_csv(file, **csv_tables.options(headers, form, collect)) as reader:
        for batch in reader:
            if broken:
                phrase = counted(len(broken), "row has", "rows have")
                told = f": {', '.join(map(repr, clipped([row.text for row in broken])))}"
                message = f"{path.name}: {phrase} another number of cells than the header (truncated?){told}"
                raise DataError(message)
            yield from _from(batch, before, start)
            before += batch.num_rows


def _from(batch: pa.RecordBatch, before: int, start: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The batch's rows from number `start` on, BATCH at a time."""
    first = max(start - before, 0)
    for at in range(first, batch.num_rows, BATCH):
        yield before + at, batch.slice(at, BATCH)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind))
