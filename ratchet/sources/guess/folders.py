"""The snapshots that lie in a folder: which there are, which of them are read, and what tables each has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ratchet.core.errors import DataError
from ratchet.sources.raw_tables import column_names, find_table, is_plain_name, read_table, said_of
from ratchet.sources.table_files import SUFFIXES, files_of, form_of, is_parquet, tables_in

MOST_SNAPSHOTS = 24  # that are read, spread over all there are
MOST_CELLS = 500_000_000  # read in all; the snapshots beyond are not looked at
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Folders:
    """`place` holds the snapshots `names`, of which `read` are to be looked at, newest first and then from both ends."""

    place: Path
    names: list[str]
    read: list[str]

    def tables(self, snapshot: str) -> list[str]:
        """The tables of a snapshot, by their files' names without endings."""
        return tables_in(self.place / snapshot)


@dataclass(frozen=True, slots=True)
class Raw:
    """One table as read; `headers` has every column of the file, repeated ones repeated, `index` those of a pandas index."""

    content: pa.Table
    headers: list[str]
    typed: bool
    index: frozenset[str]
    said: str  # what was recognised of the files' writing


def find(data: Path) -> Folders:
    """The snapshots of a folder, or the folder as the one snapshot that it is. Raises DataError with what is there instead."""
    try:
        if any(form_of(item.name) for item in data.iterdir() if not item.name.startswith(".")):
            whole = data.resolve()
            return Folders(whole.parent, [whole.name], [whole.name])
        folders = sorted(item.name for item in data.iterdir() if item.is_dir() and is_plain_name(item.name))
        names = [name for name in folders if tables_in(data / name)]
        if not names:
            message = f"{data} holds neither tables ({', '.join(SUFFIXES)}) nor folders of tables{_instead(data, folders)}"
            raise DataError(message)
    except NotADirectoryError as error:
        message = f"{data} is a file: lay it out as FOLDER/2024-01-31/{data.name}, one folder a snapshot, and give FOLDER"
        raise DataError(message) from error
    except OSError as error:
        message = f"the data folder {data} cannot be read: {error.strerror}"
        raise DataError(message) from error
    return Folders(data, names, _spread(names))


def read(folder: Path, table: str, headers: Sequence[str] | None = None) -> Raw:
    """A table, the wanted columns alone where they are named; a header that is there twice is in `headers` alone.

    Raises DataError when it cannot be read or has no rows.
    """
    path = find_table(folder, table)
    if path is None:
        message = f"{folder / table} is not there any more"
        raise DataError(message)
    names = column_names(path, table)
    once = [name for name in names if names.count(name) == 1 and (headers is None or name in headers)]
    content = read_table(path, table, once)
    if not content.num_rows:
        message = f"{path} has no rows to guess from"
        raise DataError(message)
    first = folder / files_of(folder, table)[0]
    typed = is_parquet(first.name)
    return Raw(content, names, typed, _index(first) if typed else frozenset(), said_of(content))


def _index(path: Path) -> frozenset[str]:
    """The columns that pandas wrote for a frame's index."""
    with pq.ParquetFile(path) as file:
        described = file.schema_arrow.pandas_metadata or {}
    return frozenset(name for name in described.get("index_columns", ()) if isinstance(name, str))


def _spread(names: list[str]) -> list[str]:
    """At most MOST_SNAPSHOTS, the newest and the oldest first, then what lies between."""
    count = min(len(names), MOST_SNAPSHOTS)
    if count == 1:
        return names[-1:]
    picked = [names[round(step * (len(names) - 1) / (count - 1))] for step in range(count)]
    return [picked[-1], picked[0], *picked[1:-1]]


def _instead(data: Path, folders: Sequence[str]) -> str:
    """What is there, for the sentence."""
    inside = [item for place in (data, *(data / name for name in folders[:_SHOWN])) for item in place.iterdir() if item.is_file()]
    found = [str(item.relative_to(data)) for item in inside if not item.name.startswith(".")][:_SHOWN]
    return f"; there is {', '.join(found)}" if found else "; it is empty"
