"""One CSV file, of whatever separator, quote and encoding, into Arrow's text."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.csv as pa_csv

from ratchet.sources.dialect import NAMES, SEPARATORS, Ambiguous, Dialect, recognised
from ratchet.sources.problems import SAMPLES, Problem, TableError, clipped, counted
from ratchet.sources.text_streams import as_text, encoding_of, opened
from ratchet.sources.told import Told

_BLOCK = 8 << 20  # bytes; a row longer than a block cannot be parsed
_SAMPLE = 256 << 10  # characters by which separator and quote are recognised
_MOST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written, its header, and whether any row follows."""

    encoding: str
    dialect: Dialect
    header: list[str]
    filled: bool

    @property
    def said(self) -> list[str]:
        """What is not as in a plain CSV file, in words."""
        found = []
        if self.dialect.separator != ",":
            found.append(f"separated by {NAMES.get(self.dialect.separator, self.dialect.separator)}")
        if self.dialect.quote != '"':
            found.append(f"quoted by {self.dialect.quote}")
        if self.encoding != "utf-8-sig":
            found.append(f"in {self.encoding}")
        return found


def form_of(path: Path, table: str, wanted: Sequence[str], told: Told) -> Form:
    """Look at the file's beginning. Raises TableError when it has no header or can be read in two ways."""
    encoding = encoding_of(path, table, told.encoding)
    with as_text(path, table, encoding) as file:
        sample = file.read(_SAMPLE)
        whole = len(sample) < _SAMPLE
    try:
        dialect = recognised(sample, whole=whole, wanted=wanted, separator=told.separator)
    except Ambiguous as error:
        message = f"{path.name} can be read as separated by {error}: say `separator:` of the table in ratchet.yaml"
        raise TableError(Problem(table, "", message)) from error
    with as_text(path, table, encoding) as file:
        reader = csv.reader(_lines(file, dialect.skipped), delimiter=dialect.separator, quotechar=dialect.quote)
        header = next((row for row in reader if row), [])
        filled = next((True for row in reader if row), False)
    if not any(header):
        raise TableError(Problem(table, "", f"{path.name} has no header line"))
    if len(header) == 1 < len(wanted) and header[0] not in wanted and header[0].isprintable():
        known = " ".join(NAMES.get(one, one) for one in SEPARATORS)
        seen = f"{path.name} has one column, {header[0][:_MOST_SHOWN]!r}"
        message = f"{seen}: the separators {known} are known, name another by `separator:` of the table"
        raise TableError(Problem(table, "", message))
    return Form(encoding, dialect, header, filled)


def _lines(file: TextIO, skipped: int) -> Iterator[str]:
    """Its lines. Raises csv.Error when one has no end in sight, before it is all in memory."""
    number = 0
    while line := file.readline(_BLOCK):
        if len(line) >= _BLOCK:
            message = f"a line is longer than {_BLOCK} characters"
            raise csv.Error(message)
        number += 1
        if number > skipped:
            yield line


def read_csv(path: Path, table: str, columns: Sequence[str], form: Form) -> pa.Table:
    """The columns as text, null where a cell is empty. Raises TableError when rows have other numbers of cells than the header."""
    if not form.filled:  # which Arrow would refuse when the header has no line end
        return pa.table({name: pa.array([], pa.string()) for name in columns})
    if not columns:
        return pa.table({})
    broken: list[pa_csv.InvalidRow] = []

    def collect(row: pa_csv.InvalidRow) -> str:
        broken.append(row)
        return "skip"

    with opened(path, table) as file:
        content = pa_csv.read_csv(file, **options(columns, form, collect))
    if broken:
        phrase = counted(len(broken), "row has", "rows have")
        rows = ", ".join(str(row.number) for row in broken[:SAMPLES])
        message = f"{path.name}: {phrase} not {len(form.header)} columns (truncated?), as row {rows}"
        raise TableError(Problem(table, "", message, len(broken), (), clipped([row.text for row in broken])))
    return content


def options(columns: Sequence[str], form: Form, broken: Callable[[pa_csv.InvalidRow], str]) -> dict[str, Any]:
    """How Arrow is to read a file of that form: every cell as text, null where it is empty; `broken` hears of each row that is."""
    encoding = {} if form.encoding == "utf-8-sig" else {"encoding": form.encoding}
    return {
        "read_options": pa_csv.ReadOptions(  # with threads, invalid rows have no number
            use_threads=False, block_size=_BLOCK, skip_rows=form.dialect.skipped, **encoding
        ),
        "parse_options": pa_csv.ParseOptions(
            delimiter=form.dialect.separator,
            quote_char=form.dialect.quote,
            newlines_in_values=True,
            invalid_row_handler=broken,
        ),
        "convert_options": pa_csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            include_columns=columns,
            strings_can_be_null=True,
            null_values=[""],
        ),
    }
