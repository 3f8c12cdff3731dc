"""Reading one table's file, CSV or Parquet, into Arrow without believing anything that it says.

CSV cells stay text here: ratchet/sources/cells.py gives them their types and can then name the cells that have none.
"""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from ratchet.sources.problems import SAMPLES, Problem, TableError, clipped, counted
from ratchet.sources.text_cells import read_bounded

SUFFIXES = (".csv", ".parquet")
_BLOCK = 8 << 20  # bytes; a row longer than a block cannot be parsed


def is_plain_name(name: str) -> bool:
    """Whether a name is that of a folder beside others: no path, not hidden, printable."""
    return bool(name) and not name.startswith(".") and Path(name).name == name and "\\" not in name and name.isprintable()


def find_table(folder: Path, table: str) -> Path | None:
    """The table's file in the snapshot's folder, None when there is none. Raises TableError when there are two."""
    present = [path for suffix in SUFFIXES if (path := folder / f"{table}{suffix}").exists()]
    if len(present) > 1:
        raise _refused(table, f"both {present[0].name} and {present[1].name} are there, leave one")
    return present[0] if present else None


def column_names(path: Path, table: str) -> list[str]:
    """The file's columns in order, repeated ones repeated. Raises TableError when it has no header or cannot be read."""
    with translated(path, table):
        if path.suffix == ".csv":
            return _header(path, table)[0]
        with pq.ParquetFile(path) as file:
            names: list[str] = file.schema_arrow.names
            return names


def read_table(path: Path, table: str, columns: Sequence[str]) -> pa.Table:
    """Read the wanted columns that the file has; the caller compares with what it asked for.

    Raises TableError when the file is empty, truncated, not what its name says, or has a wanted column twice.
    """
    with translated(path, table):
        return _read_csv(path, table, columns) if path.suffix == ".csv" else _read_parquet(path, table, columns)


@contextlib.contextmanager
def translated(path: Path, table: str) -> Iterator[None]:
    """What reading the file raises in the block, as TableError."""
    try:
        if path.stat().st_size == 0:
            raise _refused(table, f"{path.name} is empty")
        yield
    except MemoryError as error:  # Arrow's is one too, and is no damage of the file
        raise _refused(table, f"{path.name} does not fit into the memory of this process") from error
    except UnicodeDecodeError as error:
        raise _refused(table, f"{path.name} is not UTF-8 text: it has byte {error.object[error.start]:#04x}") from error
    except csv.Error as error:
        raise _refused(table, f"{path.name} is not a CSV file: {_first_line(error)}") from error
    except pa.ArrowException as error:
        raise _refused(table, f"{path.name} is damaged or truncated: {_first_line(error)}") from error
    except OSError as error:
        raise _refused(table, f"{path.name} cannot be read: {_first_line(error)}") from error


def _read_csv(path: Path, table: str, columns: Sequence[str]) -> pa.Table:
    header, filled = _header(path, table)
    wanted = _once(table, columns, header)
    if not filled:  # which Arrow would refuse when the header has no line end
        return pa.table({name: pa.array([], pa.string()) for name in wanted})
    broken: list[pa_csv.InvalidRow] = []

    def collect(row: pa_csv.InvalidRow) -> str:
        broken.append(row)
        return "skip"

    if not wanted:
        return pa.table({})
    content = pa_csv.read_csv(
        path,
        read_options=pa_csv.ReadOptions(use_threads=False, block_size=_BLOCK),  # with threads, invalid rows have no number
        parse_options=pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=collect),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(wanted, pa.string()), include_columns=wanted, strings_can_be_null=True, null_values=[""]
        ),
    )
    if broken:
        phrase = counted(len(broken), "row has", "rows have")
        rows = ", ".join(str(row.number) for row in broken[:SAMPLES])
        message = f"{path.name}: {phrase} not {len(header)} columns (truncated?), as row {rows}"
        raise TableError(Problem(table, "", message, len(broken), (), clipped([row.text for row in broken])))
    return content


def _header(path: Path, table: str) -> tuple[list[str], bool]:
    """The columns' names, and whether any row follows."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(_lines(file))
        header = next(reader, [])
        filled = next(reader, None) is not None
    if not any(header):
        raise _refused(table, f"{path.name} has no header line")
    return header, filled


def _lines(file: TextIO) -> Iterator[str]:
    """Its lines. Raises csv.Error when one has no end in sight, before it is all in memory."""
    while line := file.readline(_BLOCK):
        if len(line) >= _BLOCK:
            message = f"a line is longer than {_BLOCK} characters"
            raise csv.Error(message)
        yield line


def _read_parquet(path: Path, table: str, columns: Sequence[str]) -> pa.Table:
    with pq.ParquetFile(path) as file:
        names = _once(table, columns, file.schema_arrow.names)
    return read_bounded(path, table, names)


def _once(table: str, columns: Sequence[str], present: Sequence[str]) -> list[str]:
    """The wanted columns that are present. Raises TableError when one is there more than once."""
    twice = [name for name in columns if present.count(name) > 1]
    if twice:
        raise TableError(Problem(table, twice[0], f"the column is there {present.count(twice[0])} times"))
    return [name for name in columns if name in present]


def _refused(table: str, why: str) -> TableError:
    return TableError(Problem(table, "", why))


def _first_line(error: Exception) -> str:
    """Its first sentence."""
    text = str(error).strip()
    return text.splitlines()[0].split(". ")[0][:200] if text else type(error).__name__
