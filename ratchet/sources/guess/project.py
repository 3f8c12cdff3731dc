"""Guesses a ratchet.yaml from data: the engine of `ratchet init`. What it cannot know it says beside the guess."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ratchet.core.errors import DataError
from ratchet.core.schema import DType
from ratchet.sources.guess import folders as raw
from ratchet.sources.guess.columns import Left, Taken, judge
from ratchet.sources.guess.joint import look
from ratchet.sources.guess.keys import Key, find_key
from ratchet.sources.guess.label import Found, find_label
from ratchet.sources.guess.names import clean, is_plain
from ratchet.sources.guess.seen import Seen, absent
from ratchet.sources.guess.whole import Described, Whole


def describe(data: Path, *, entity: str | None = None, label: str | None = None, model: str | None = None) -> str:
    """As `guess`, the text alone."""
    return guess(data, entity=entity, label=label, model=model).text


def guess(
    data: Path, *, entity: str | None = None, label: str | None = None, model: str | None = None, positive: str | None = None
) -> Described:
    """A ratchet.yaml that fits the data.

    Args:
        data: a folder of snapshot folders, or one snapshot folder with CSV or Parquet files.
        entity: the key column, where it cannot be guessed.
        label: the label column, where it cannot be guessed.
        model: the model's name; the folder's when not given.
        positive: the label's value that counts as 1, where it cannot be guessed.

    Raises DataError when the data cannot be read or a guess is not possible, and says which option helps.
    """
    folders = raw.find(data)
    tables, snapshots, notes = _read(folders)
    key = find_key(tables, entity)
    try:
        found = find_label(tables, key.headers, label, positive)
    except DataError as error:
        if not key.left:
            raise
        message = f"{error}; left out: {_said(key.left)}"
        raise DataError(message) from error
    feature_tables = [table for table in key.headers if table != found.seen.table or not found.alone]
    verdicts = _verdicts(tables, key, found, feature_tables, snapshots)
    if not feature_tables or not any(isinstance(verdict, Taken) for _, verdict in verdicts):
        reasons = [f"{one.table}.{one.header}: {verdict.why}" for one, verdict in verdicts]
        said = "; ".join([*(f"{table}: {why}" for table, why in key.left.items()), *reasons[:12]])
        message = f"no column of {folders.place / folders.read[0]} can be a feature: {said or 'there is no table beside the label'}"
        raise DataError(message)
    first = max(feature_tables, key=lambda table: (len(snapshots[table]), tables[table][0].rows))
    wanted: dict[str, dict[str, DType]] = {}
    for one, verdict in verdicts:
        if isinstance(verdict, Taken):
            wanted.setdefault(one.table, {})[one.header] = DType(verdict.entry["dtype"])
    joint = look(folders, first, key.headers, found, wanted)
    if not joint.labelled:
        where = f"{found.seen.table}.{found.seen.header}"
        message = f"no snapshot has both labels for entities of {first}: {where} has other entities, or one value in each snapshot"
        raise DataError(message)
    return Whole(folders, tables, key, found, first, verdicts, joint, model or _model_name(data), notes)({})


def _read(folders: raw.Folders) -> tuple[dict[str, list[Seen]], dict[str, list[str]], list[str]]:
    """Columns by table, the snapshots that have each table, and what is said of snapshots that were not read."""
    seen: dict[str, dict[str, Seen]] = {}
    twice: dict[str, set[str]] = {}
    snapshots: dict[str, list[str]] = {}
    read, cells = [], 0
    notes: list[str] = []
    for snapshot in folders.read:
        if cells > raw.MOST_CELLS:
            break
        for table in folders.tables(snapshot):
            found = raw.read(folders.place / snapshot, table)
            content = found.content
            cells += content.num_rows * content.num_columns
            snapshots.setdefault(table, []).append(snapshot)
            if found.said and f"{table}: {found.said}" not in notes:
                notes.append(f"{table}: {found.said}")
            columns = seen.setdefault(table, {})
            for position, header in enumerate(found.headers, 1):
                if found.headers.count(header) > 1:
                    twice.setdefault(table, set()).add(header)
                    continue
                if header not in columns:
                    columns[header] = Seen(table, header, position, found.typed, header in found.index)
                columns[header].add(content[header], snapshot)
        read.append(snapshot)
    if len(read) < len(folders.names):
        notes.append(
            f"read {len(read)} of {len(folders.names)} snapshots, spread over all: `ratchet data check` looks at the others"
        )
    notes += [
        f"{table}: the header {header!r} is there more than once: left out"
        for table, found in twice.items()
        for header in sorted(found)
    ]
    tables = {
        table: [column for header, column in columns.items() if header not in twice.get(table, ())]
        for table, columns in sorted(seen.items())
    }
    folders.read[:] = read
    return tables, snapshots, notes


def _verdicts(
    tables: Mapping[str, Sequence[Seen]],
    key: Key,
    label: Found,
    feature_tables: Sequence[str],
    snapshots: Mapping[str, Sequence[str]],
) -> list[tuple[Seen, Taken | Left]]:
    return [
        (seen, judge(seen, missing_in=next(iter(absent(seen, snapshots[table])), "")))
        for table in feature_tables
        for seen in tables[table]
        if seen.header != key.headers[table] and seen is not label.seen
    ]


def _said(left: Mapping[str, str]) -> str:
    return "; ".join(f"{table}: {why}" for table, why in left.items())


def _model_name(data: Path) -> str:
    name = clean(data.resolve().name)
    name = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower()
    return name[:40] if is_plain(name) else "model"
