"""Which files are a table's, by their names alone: on a disk and on S3 by the same rule.

A table is one file (`users.csv`), or a folder of part files (`users/`, or `users.parquet/` as Spark calls it), in which folders
`key=value` are columns, as Hive writes them. Names that begin with `.`, and parts that begin with `_`, are no data.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

SUFFIXES = (".csv", ".parquet", ".tsv", ".pq", ".csv.gz", ".tsv.gz")
_UNREAD = re.compile(
    r"\.(xlsx?|xlsm|xlsb|ods|jsonl?|ndjson|xml|html|txt|dat|data|tab|psv|feather|arrow|ipc|orc|avro|zip|gz|bz2|xz|zst|7z|rar|tar"
    r"|sav|dta|sas7bdat|pkl|pickle|h5|hdf5|sqlite|db)",
    re.IGNORECASE,
)
_MOST_PARTS = 20_000
_NULL_OF_HIVE = "__HIVE_DEFAULT_PARTITION__"


def form_of(name: str) -> tuple[str, str] | None:
    """A file's table and its ending in small letters; None when the ending is none that is read."""
    low = name.lower()
    found = [suffix for suffix in SUFFIXES if low.endswith(suffix) and len(name) > len(suffix)]
    return (name[: -len(found[0])], found[0]) if found else None


def is_parquet(name: str) -> bool:
    """Whether that is a Parquet file's name; the other forms are text."""
    return name.lower().endswith((".parquet", ".pq"))


def table_of(relative: str) -> str | None:
    """The table that a file belongs to, by its path below the snapshot's folder with `/` in it; None when it is none's."""
    first, *rest = relative.split("/")
    if any(part.startswith(".") for part in (first, *rest)) or any(part.startswith("_") for part in rest):
        return None
    named = form_of(rest[-1] if rest else first)
    if named is None:
        return None
    folder = form_of(first) if rest else None
    return (folder[0] if folder else first) if rest else named[0]


def unread_of(relative: str) -> str | None:
    """As `table_of`, of a file that holds data in a form that is not read."""
    first, *rest = relative.split("/")
    name = rest[-1] if rest else first
    if (
        any(part.startswith((".", "_", "~")) for part in (*rest, first))
        or form_of(name) is not None
        or not _UNREAD.fullmatch(PurePosixPath(name).suffix)
    ):
        return None
    return first if rest else name.split(".")[0]


def log_of(relative: str) -> str | None:
    """As `table_of`, of a file by which Delta Lake or Iceberg say which files count."""
    first, *rest = relative.split("/")
    if len(rest) > 1 and (rest[0] == "_delta_log" or (rest[0] == "metadata" and rest[-1].endswith(".metadata.json"))):
        named = form_of(first)
        return named[0] if named else first
    return None


def order(relatives: Iterable[str]) -> list[str]:
    """One file before folders, by the order of SUFFIXES, then by name: the same on every machine."""

    def rank(relative: str) -> tuple[int, int, str]:
        named = form_of(relative.rsplit("/", 1)[-1])
        return ("/" in relative, SUFFIXES.index(named[1]) if named else len(SUFFIXES), relative)

    return sorted(relatives, key=rank)


def files_of(folder: Path, table: str) -> list[str]:
    """A table's files, by their paths below the snapshot's folder. Raises OSError."""
    return order(relative for relative in _below(folder, table) if table_of(relative) == table)


def unread_files(folder: Path, table: str) -> list[str]:
    """As `files_of`, of what lies there in a form that is not read."""
    return sorted(relative for relative in _below(folder, table) if unread_of(relative) == table)


def is_logged(folder: Path, table: str) -> bool:
    """Whether the table's folder has a log of which of its files count. Raises OSError."""
    return any(log_of(relative) == table for relative in _below(folder, table))


def tables_in(folder: Path) -> list[str]:
    """The tables that lie in a snapshot's folder, whatever form they have. Raises OSError."""
    names = sorted(item.name for item in folder.iterdir() if not item.name.startswith("."))
    found = [table_of(name) for name in names if (folder / name).is_file()]
    for name in names:
        if (folder / name).is_dir():
            found += [table_of(relative) for relative in _below(folder, name) if "/" in relative][:1]
    return sorted({table for table in found if table})


def place_of(relative: str) -> str:
    """What the table is by: its file, or the folder of its parts."""
    return relative.split("/", 1)[0]


def hive_keys(part: Path, folder: Path) -> dict[str, str | None]:
    """The columns that a part's folders stand for: `month=2024-05/plan=a%20b` is month `2024-05` and plan `a b`."""
    pairs = [piece.partition("=") for piece in part.relative_to(folder).parts[:-1]]
    values = {unquote(key): unquote(value) for key, equals, value in pairs if equals and key}
    return {key: None if value == _NULL_OF_HIVE else value for key, value in values.items()}


def _below(folder: Path, table: str) -> list[str]:
    """Files of the folder, and of those of its folders that may be the table's; links to folders are not followed."""
    found = []
    for item in folder.iterdir():
        if item.name.startswith("."):
            continue
        named = form_of(item.name)
        if not item.is_dir():
            found.append(item.name)
        elif item.name == table or (named is not None and named[0] == table):
            for place, folders, files in os.walk(item):
                folders[:] = sorted(name for name in folders if name == "_delta_log" or not name.startswith((".", "_")))
                found += [(Path(place) / name).relative_to(folder).as_posix() for name in files]
                if len(found) > _MOST_PARTS:
                    message = f"it has more than {_MOST_PARTS:,} files"
                    raise OSError(message)
    return found
