"""Guesses a ratchet.yaml from data: the engine of `ratchet init`. What it cannot know it says in a comment beside the guess."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pydantic import ValidationError

from ratchet.core.errors import DataError, ProjectError
from ratchet.core.schema import DType
from ratchet.project.file import Project
from ratchet.snapshots.layout import EVENT_TIMESTAMP
from ratchet.sources import cells
from ratchet.sources.entity_keys import entity_keys
from ratchet.sources.guess.columns import NAME, Left, guess_column, is_label
from ratchet.sources.guess.holdout import Held, choose
from ratchet.sources.guess.text import Guesses, render
from ratchet.sources.raw_tables import SUFFIXES, column_names, find_table, is_plain_name, read_table

_LABEL_TABLE = re.compile(r"^(label|target|churn|outcome)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Data:
    """The snapshots' names and the first one's tables, as read."""

    folder: Path
    snapshots: list[str]
    tables: dict[str, pa.Table]


@dataclass(frozen=True, slots=True)
class Described:
    """The commented text of a ratchet.yaml, and how its holdout was chosen."""

    text: str
    held: Held


def describe(data: Path, *, entity: str | None = None, label: str | None = None, model: str | None = None) -> str:
    """As `guess`, the text alone."""
    return guess(data, entity=entity, label=label, model=model).text


def guess(data: Path, *, entity: str | None = None, label: str | None = None, model: str | None = None) -> Described:
    """A ratchet.yaml that fits the data.

    Args:
        data: a folder of snapshot folders, or one snapshot folder with CSV or Parquet files.
        entity: the key column, where it cannot be guessed.
        label: the label column, where it cannot be guessed.
        model: the model's name; the folder's when not given.

    Raises DataError when the data cannot be read or a guess is not possible, and says which option helps.
    """
    found = _read(data)
    key = _entity(found.tables, entity)
    label_table, label_column = _label(found.tables, key, label)
    features, notes = _features(found.tables, key, label_table)
    if not features:
        message = f"no column of {found.folder} can be a feature: {'; '.join(notes) or 'there is no table beside the label'}"
        raise DataError(message)
    others = [name for name in found.tables[label_table].column_names if name not in {key, label_column}]
    notes += [f"{label_table}.{name}: it comes with the label, which the model must not see" for name in others]
    name = model or _model_name(data)
    held = _holdout(found.tables[label_table][label_column])
    text = render(Guesses(name, key, label_table, label_column, found.snapshots, list(found.tables), features, notes, held))
    try:
        Project.model_validate(yaml.safe_load(text))
    except (ValidationError, yaml.YAMLError) as error:
        message = f"no ratchet.yaml can be made of {found.folder}: {' '.join(str(error).split())[:300]}"
        raise ProjectError(message) from error
    return Described(text, held)


def _holdout(label: pa.ChunkedArray) -> Held:
    """By the labels of the snapshot that was read, of which some may not have come."""
    values = cells.typed(label, DType.BOOL).values
    known, positive = len(values) - values.null_count, pc.sum(values).as_py() or 0
    return choose(known, min(positive, known - positive))


def _read(data: Path) -> _Data:
    try:
        folders = sorted(item for item in data.iterdir() if item.is_dir() and is_plain_name(item.name))
    except OSError as error:
        message = f"the data folder {data} cannot be read: {error.strerror}"
        raise DataError(message) from error
    if _files(data):
        folders = [data.resolve()]
    with_tables = [folder for folder in folders if _files(folder)]
    if not with_tables:
        message = f"{data} holds neither tables (.csv, .parquet) nor folders of tables"
        raise DataError(message)
    # labels arrive late: the snapshot with most tables shows most
    fullest = max(with_tables, key=lambda folder: len(_files(folder)))
    tables = {}
    for path in _files(fullest):
        if not NAME.match(path.stem):
            message = f"{path} cannot be a table: a table's name is letters, digits and underscores"
            raise DataError(message)
        find_table(fullest, path.stem)  # refuses a table that is there in both formats
        names = column_names(path, path.stem)
        tables[path.stem] = read_table(path, path.stem, list(dict.fromkeys(names)))
        if not tables[path.stem].num_rows:
            message = f"{path} has no rows to guess from"
            raise DataError(message)
    return _Data(fullest, [folder.name for folder in with_tables], tables)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file() and not path.name.startswith("."))


def _entity(tables: dict[str, pa.Table], asked: str | None) -> str:
    """The column that every table has, with a different value in every row."""
    first: list[str] = next(iter(tables.values())).column_names
    shared = [name for name in first if all(name in table.column_names for table in tables.values())]
    unique = [name for name in shared if NAME.match(name) and all(_is_key(table[name]) for table in tables.values())]
    if asked:
        if asked in unique:
            return asked
        message = f"--entity {asked} cannot be the entity key: every table needs the column, with a different value in every row"
        raise DataError(message)
    named = [name for name in unique if name.lower() == "id" or name.lower().endswith(("id", "key"))]
    likely = named or unique
    if len(likely) == 1:
        return likely[0]
    none = "no column is in every table with a different value in every row"
    found = f"several could be ({', '.join(likely)})" if likely else none
    message = f"the entity key cannot be guessed: {found}; name it by --entity"
    raise DataError(message)


def _is_key(column: pa.ChunkedArray) -> bool:
    read = entity_keys(column)
    values = read.texts
    return bool(not read.faults and values.null_count == 0 and pc.count_distinct(values).as_py() == len(values))


def _label(tables: dict[str, pa.Table], key: str, asked: str | None) -> tuple[str, str]:
    """Table and column of the label: two values, in a table that is named like one (or as asked)."""
    candidates = [
        (table, name)
        for table, content in tables.items()
        for name in content.column_names
        if name != key and (name == asked if asked else _LABEL_TABLE.search(table) is not None)
    ]
    binary = [(table, name) for table, name in candidates if is_label(tables[table][name])]
    if len(binary) == 1 and len(tables) > 1:
        return binary[0]
    if len(tables) == 1:
        message = (
            "the label needs a table of its own (entity key and label), because labels may arrive later: split the file in two"
        )
    elif asked:
        message = (
            f"--label {asked} cannot be the label: one table must have that column, with true and false (or 1 and 0), and both"
        )
    else:
        found = (
            f"several could be ({', '.join('.'.join(pair) for pair in binary)})"
            if binary
            else "no table named label, target, churn or outcome has it"
        )
        message = f"the label cannot be guessed: {found}; name its column by --label"
    raise DataError(message)


def _features(tables: dict[str, pa.Table], key: str, label_table: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Entries of the columns that are taken, and a note on each of the others."""
    entries: list[dict[str, Any]] = []
    notes = []
    taken = Counter({EVENT_TIMESTAMP: 1})
    for table, content in tables.items():
        for name in content.column_names if table != label_table else ():
            if name == key:
                continue
            if taken[name]:
                notes.append(f"{table}.{name}: a column of that name is taken from another table, or by the feature store")
                continue
            try:
                entry = guess_column(name, content[name])
            except Left as why:
                notes.append(f"{table}.{name}: {why}")
            else:
                taken[name] += 1
                entries.append(
                    {"name": name, "table": table, **{field: value for field, value in entry.items() if field != "name"}}
                )
    return entries, notes


def _model_name(data: Path) -> str:
    name = re.sub(r"\W+", "_", data.resolve().name, flags=re.ASCII).strip("_").lower()
    return name[:40] if NAME.match(name) else "model"
