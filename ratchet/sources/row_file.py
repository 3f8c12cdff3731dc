"""One file of rows to score, Parquet or CSV, a batch at a time: features stand beside the key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from ratchet.core.errors import DataError
from ratchet.project.file import Project
from ratchet.scores.port import BATCH, Batch, Read
from ratchet.sources.problems import SAMPLES, clipped, counted
from ratchet.sources.raw_tables import column_names, translated
from ratchet.sources.row_checks import RowChecks

SUFFIXES = (".csv", ".parquet")
_BLOCK = 8 << 20  # bytes of a CSV file at once; a row longer than that cannot be parsed
_BUFFER = 1 << 20  # bytes of a Parquet column's pages at once, however large its row groups are


class FileRows:
    """Implements `ratchet.scores.port.Rows`.

    Args:
        path: the file.
        project: says what its columns may hold.
        as_of: the date that they describe.
    """

    proven = False

    def __init__(self, path: Path, project: Project, as_of: date) -> None:
        self._path, self._as_of = path, as_of
        self._checks = RowChecks(project, path.name, as_of)

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
        if self._is_csv:
            return None
        with translated(self._path, self.name):
            return int(pq.read_metadata(self._path).num_rows)

    @property
    def _is_csv(self) -> bool:
        return self._path.suffix.lower() == ".csv"

    def identity(self) -> str:
        """SHA-256 of its bytes."""
        with translated(self._path, self.name), self._path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def batches(self, features: Sequence[str], start: int) -> Iterator[Read]:
        """Rows with the key and these features. Raises DataError where a column is missing, or the file is damaged."""
        headers = self._checks.headers(features, column_names(self._path, self.name))
        with translated(self._path, self.name):
            read = _csv if self._is_csv else _parquet
            for first, raw in read(self._path, list(headers.values()), start):
                yield self._typed({name: raw.column(header) for name, header in headers.items()}, first)

    def _typed(self, raw: Mapping[str, pa.Array], start: int) -> Read:
        def typed() -> Batch:
            return self._checks.batch(raw, start)

        return typed

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


def _csv(path: Path, headers: list[str], start: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """As `_parquet`; every cell is text."""
    broken: list[Any] = []

    def collect(row: Any) -> str:
        broken.append(row)
        return "skip"

    reader = pa_csv.open_csv(
        path,
        read_options=pa_csv.ReadOptions(use_threads=False, block_size=_BLOCK),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=collect),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(headers, pa.string()), include_columns=headers, strings_can_be_null=True, null_values=[""]
        ),
    )
    before = 0
    with reader:
        for batch in reader:
            if broken:
                phrase = counted(len(broken), "row has", "rows have")
                told = f": {', '.join(map(repr, clipped([row.text for row in broken])))}" if broken[:SAMPLES] else ""
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
