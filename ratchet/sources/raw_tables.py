"""Reading one table's files, CSV or Parquet, into Arrow without believing anything that they say.

CSV cells stay text here: ratchet/sources/cells.py gives them their types and can then name the cells that have none. What was
recognised of a file's writing travels with the table (`said_of`), for whoever takes it in to say.
"""

from __future__ import annotations

import contextlib
import csv
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ratchet.clients.memory import allowed
from ratchet.sources import csv_tables
from ratchet.sources.decimal_comma import with_points
from ratchet.sources.problems import Problem, TableError
from ratchet.sources.table_files import SUFFIXES, files_of, hive_keys, is_logged, is_parquet, place_of, unread_files
from ratchet.sources.text_cells import read_bounded
from ratchet.sources.told import Told

__all__ = ["SUFFIXES", "Told", "column_names", "find_table", "is_plain_name", "is_text", "read_table", "said_of", "translated"]

_SAID, _TEXT = b"ratchet.recognised", b"ratchet.text"
_SHARE = 6  # as of one file in text_cells
_RECOGNISED = Told()


def is_plain_name(name: str) -> bool:
    """Whether a name is that of a folder beside others: no path, not hidden, printable."""
    return bool(name) and not name.startswith(".") and Path(name).name == name and "\\" not in name and name.isprintable()


def find_table(folder: Path, table: str) -> Path | None:
    """The table's file in the snapshot's folder, or the folder of its parts; None when there is neither.

    Raises TableError when there are two, or one in a form that is not read.
    """
    try:
        places = list(dict.fromkeys(place_of(relative) for relative in files_of(folder, table)))
        places += [name for suffix in SUFFIXES if (name := f"{table}{suffix}") not in places and (folder / name).exists()]
        unread = [] if places else unread_files(folder, table)
    except OSError as error:
        raise _refused(table, f"its folder cannot be read: {_first_line(error)}") from error
    if len(places) > 1:
        raise _refused(table, f"both {places[0]} and {places[1]} are there, leave one")
    if unread:
        message = f"{unread[0]} is there, a form that is not read: store it as CSV or Parquet ({', '.join(SUFFIXES)})"
        raise _refused(table, message)
    return folder / places[0] if places else None


def column_names(path: Path, table: str, told: Told = _RECOGNISED) -> list[str]:
    """The columns in order, repeated ones repeated. Raises TableError when there is no header or it cannot be read."""
    part, folder = _parts(path, table)[0], path
    with translated(part, table):
        if is_parquet(part.name):
            with pq.ParquetFile(part) as file:
                names: list[str] = file.schema_arrow.names
        else:
            names = csv_tables.form_of(part, table, (), told).header
    return [*names, *(hive_keys(part, folder) if part != folder else ())]


def read_table(
    path: Path, table: str, columns: Sequence[str], told: Told = _RECOGNISED, *, numbers: Sequence[str] | None = None
) -> pa.Table:
    """Read the wanted columns that are there; the caller compares with what it asked for.

    Args:
        path: as `find_table` gives it: a file, or a folder of parts.
        table: the table's name, for sentences.
        columns: those wanted.
        told: what the project says of the file's writing.
        numbers: those of the columns that are to be numbers, which may have decimal commas; None when nobody knows.

    Raises TableError when a file is empty, truncated, not what its name says, has a wanted column twice, can be read in two ways,
    or when parts differ.
    """
    parts = _parts(path, table)
    read = [_read_part(part, path, table, columns, told, allowed() // _SHARE) for part in parts[:1]]
    for part in parts[1:]:
        room = allowed() // _SHARE - sum(content.nbytes for content, _ in read)
        content, form = _read_part(part, path, table, columns, told, room)
        if form and content.nbytes > room:  # a file of text cannot hold more than itself, many can
            message = f"{part.name} and the parts before it have more than the {allowed() // _SHARE:,} bytes that there is room for"
            raise _refused(table, f"{message}: it needs a larger machine")
        read.append((content, form))
    contents = [content for content, _ in read]
    whole = contents[0] if len(contents) == 1 else _together(contents, [part.name for part in parts], table)
    said = list(dict.fromkeys(words for _, form in read if form for words in form.said))
    if all(form for _, form in read):
        by_comma = any(form.dialect.separator == "," for _, form in read if form)
        whole, commas = with_points(whole, table, numbers, told.decimal, by_comma=by_comma)
        said += [f"decimal comma in {', '.join(commas)}"] if commas else []
    facts = {_TEXT: b"1"} if all(form for _, form in read) else {}
    facts |= {_SAID: f"{path.name} is read as {', '.join(said)}".encode()} if said else {}
    return whole.replace_schema_metadata({**(whole.schema.metadata or {}), **facts}) if facts else whole


def said_of(content: pa.Table) -> str:
    """What was recognised of the files' writing; empty when they are plain."""
    found: bytes = (content.schema.metadata or {}).get(_SAID, b"")
    return found.decode()


def is_text(content: pa.Table) -> bool:
    """Whether the table's cells are a CSV's, which are all text."""
    return _TEXT in (content.schema.metadata or {})


def _parts(path: Path, table: str) -> list[Path]:
    if not path.is_dir():
        return [path]
    stem = next((path.name[: -len(suffix)] for suffix in SUFFIXES if path.name.lower().endswith(suffix)), path.name)
    try:
        found = [path.parent / relative for relative in files_of(path.parent, stem) if place_of(relative) == path.name]
        logged = is_logged(path.parent, stem)
    except OSError as error:
        raise _refused(table, f"{path.name} cannot be read: {_first_line(error)}") from error
    if logged:
        message = f"{path.name} is a table of Delta Lake or Iceberg, whose files are not all its rows: export it as Parquet"
        raise _refused(table, message)
    if not found:
        raise _refused(table, f"{path.name} cannot be read: it is a folder without part files ({', '.join(SUFFIXES)})")
    if len({is_parquet(part.name) for part in found}) > 1:
        text = next(part for part in found if not is_parquet(part.name))
        typed = next(part for part in found if is_parquet(part.name))
        raise _refused(table, f"{path.name} has parts of two forms, {typed.name} and {text.name}: store them in one")
    return found


def _read_part(
    part: Path, place: Path, table: str, columns: Sequence[str], told: Told, room: int
) -> tuple[pa.Table, csv_tables.Form | None]:
    with translated(part, table):
        keys = hive_keys(part, place) if part != place else {}
        form = None if is_parquet(part.name) else csv_tables.form_of(part, table, [c for c in columns if c not in keys], told)
        if form:
            content = csv_tables.read_csv(part, table, _once(table, columns, [*form.header, *keys], keys), form)
        else:
            with pq.ParquetFile(part) as file:
                names = _once(table, columns, [*file.schema_arrow.names, *keys], keys)
                rows = file.metadata.num_rows
            content = read_bounded(part, table, names, room) if names or not keys else pa.table({"": pa.nulls(rows)}).select([])
        for key in [key for key in keys if key in columns]:
            content = content.append_column(
                key, pa.array([keys[key]], pa.string()).take(pa.array([0] * content.num_rows, pa.int8()))
            )
        return content, form


def _together(contents: Sequence[pa.Table], names: Sequence[str], table: str) -> pa.Table:
    """Parts as one table. Raises TableError when one lacks a column of others, or has another type for it."""
    known = list(dict.fromkeys(name for content in contents for name in content.column_names))
    for content, part in zip(contents, names, strict=True):
        if lacking := [name for name in known if name not in content.column_names]:
            raise TableError(Problem(table, lacking[0], f"the column is missing from {part}, and is in other parts"))
    plain = [_spelt(content.select(known)) for content in contents]
    for name in known:
        try:
            pa.unify_schemas([pa.schema([content.schema.field(name)]) for content in plain], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            kinds = ", ".join(dict.fromkeys(str(content.schema.field(name).type) for content in plain))
            raise TableError(Problem(table, name, f"the parts have other types for the column: {kinds}")) from error
    return pa.concat_tables([content.replace_schema_metadata(None) for content in plain], promote_options="permissive")


def _spelt(content: pa.Table) -> pa.Table:
    """With words for codes: parts code them each in their way."""
    for index, field in enumerate(content.schema):
        if pa.types.is_dictionary(field.type):
            content = content.set_column(index, field.name, content.column(index).cast(field.type.value_type))
    return content


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
        raise _refused(table, _not_text(path, error)) from error
    except csv.Error as error:
        raise _refused(table, f"{path.name} is not a CSV file: {_first_line(error)}") from error
    except UnicodeError as error:  # of UTF-16, that lacks its mark or ends in the middle
        raise _refused(table, f"{path.name} is damaged or truncated: {_first_line(error)}") from error
    except pa.ArrowException as error:
        if "invalid UTF8" in str(error) and not is_parquet(path.name):
            raise _refused(table, _not_text(path, None)) from error
        raise _refused(table, f"{path.name} is damaged or truncated: {_first_line(error)}") from error
    except (EOFError, zlib.error) as error:  # of gzip
        raise _refused(table, f"{path.name} is damaged or truncated: {_first_line(error)}") from error
    except OSError as error:
        raise _refused(table, f"{path.name} cannot be read: {_first_line(error)}") from error


def _not_text(path: Path, error: UnicodeDecodeError | None) -> str:
    said = "it has a byte that is none of UTF-8" if error is None else f"it has byte {error.object[error.start]:#04x}"
    if error is not None and error.encoding not in {"utf-8", "utf-8-sig"}:
        return f"{path.name} is not {error.encoding} text: {said}"
    return f"{path.name} is not UTF-8 text: {said}; say `encoding:` (cp1252, latin-1, ...) of the table in ratchet.yaml"


def _once(table: str, columns: Sequence[str], present: Sequence[str], beside: Iterator[str] | dict[str, str | None]) -> list[str]:
    """The wanted columns that the file itself has. Raises TableError when one is there more than once."""
    twice = [name for name in columns if present.count(name) > 1]
    if twice:
        raise TableError(Problem(table, twice[0], f"the column is there {present.count(twice[0])} times"))
    return [name for name in columns if name in present and name not in beside]


def _refused(table: str, why: str) -> TableError:
    return TableError(Problem(table, "", why))


def _first_line(error: Exception) -> str:
    """Its first sentence."""
    text = str(error).strip()
    return text.splitlines()[0].split(". ")[0][:200] if text else type(error).__name__
