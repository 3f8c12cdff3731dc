"""Raw snapshots as they are delivered: `<folder>/<snapshot>/{table}.csv|parquet`, one row of each table an entity."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ratchet.clients.content_hash import table_hash
from ratchet.core.errors import DataError
from ratchet.core.schema import DType, Snapshot
from ratchet.project.columns import Column
from ratchet.project.file import Project
from ratchet.sources import cells
from ratchet.sources.entity_keys import entity_keys
from ratchet.sources.entity_match import entity_table, key_problems, mismatches
from ratchet.sources.pandera_checks import PANDAS, problems_of
from ratchet.sources.problems import SAMPLES, Problem, TableError, clipped, counted, tallied
from ratchet.sources.raw_tables import find_table, is_plain_name, read_table, said_of
from ratchet.sources.table_files import files_of
from ratchet.sources.told import numbers_of, stem_of, told_of
from ratchet.sources.tolerance import tolerated, unfit, without_strangers
from ratchet.tasks.catalogue import task_of

_MASKED = {DType.INT: pd.Int64Dtype(), DType.BOOL: pd.BooleanDtype()}  # pandas types that hold nulls without becoming float


@dataclass(frozen=True, slots=True)
class RawSnapshot:
    """A validated snapshot, sorted by entity.

    `features` holds the entity key (str objects) and every feature and slice, typed Int64, float64, boolean or object;
    `labels` the entity key and the label as the task keeps it, of the labelled rows only, or None while labels have not arrived.
    `notes` say what was taken in that did not fit.
    """

    snapshot: Snapshot
    features: pd.DataFrame
    labels: pd.DataFrame | None
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Tables:
    """What could be read, and everything that is wrong."""

    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def by_date(names: Sequence[str], project: Project, place: object) -> list[str]:
    """The snapshots' names, oldest first. Raises DataError when there is none, or when a name has no date."""
    if not names:
        message = f"{place} holds no folder of a snapshot"
        raise DataError(message)
    return sorted(names, key=project.date_of)


class TableSource:
    """Reads and checks raw snapshots against the project.

    The first table that is not the label's is the list of entities: the other feature tables must have exactly those, the label
    table may have fewer.

    Args:
        folder: holds one folder a snapshot.
        project: says what to expect.
    """

    def __init__(self, folder: Path, project: Project) -> None:
        self._folder = folder
        self._project = project

    def names(self) -> list[str]:
        """The snapshots' folder names, sorted. Raises DataError when the folder cannot be read."""
        try:
            return sorted(item.name for item in self._folder.iterdir() if item.is_dir() and not item.name.startswith("."))
        except OSError as error:
            message = f"the data folder {self._folder} cannot be read: {error.strerror or error}"
            raise DataError(message) from error

    def by_date(self) -> list[str]:
        """The names, oldest first. Raises DataError when there is none, or a name without a date."""
        return by_date(self.names(), self._project, self._folder)

    def newest(self) -> str:
        """The last of them."""
        return self.by_date()[-1]

    def has_labels(self, name: str) -> bool:
        """Whether the label's table is there. Raises DataError when there is no such snapshot."""
        return bool(self._files(name, [self._project.label.table]))

    def fingerprint(self, name: str) -> str:
        """Over names, sizes and times of change of its tables. Raises DataError when there is no such snapshot."""
        return self._fingerprint(name, self._project.tables)

    def labels_fingerprint(self, name: str) -> str:
        """As `fingerprint`, of the label's table alone; empty where it is not there."""
        return self._fingerprint(name, [self._project.label.table]) if self.has_labels(name) else ""

    def _fingerprint(self, name: str, tables: Sequence[str]) -> str:
        folder = self._snapshot_folder(name)
        try:
            stats = [(path.relative_to(folder).as_posix(), path.stat()) for path in self._files(name, tables)]
        except OSError as error:
            message = f"the snapshot {name} cannot be read: {error.strerror}"
            raise DataError(message) from error
        return hashlib.sha256(repr([(path, stat.st_size, stat.st_mtime_ns) for path, stat in stats]).encode()).hexdigest()

    def _files(self, name: str, tables: Sequence[str]) -> list[Path]:
        """Those of the tables' files that are there."""
        folder = self._snapshot_folder(name)
        try:
            return [folder / path for table in tables for path in files_of(folder, stem_of(self._project, table))]
        except OSError as error:
            message = f"the snapshot {name} cannot be read: {error.strerror or error}"
            raise DataError(message) from error

    def marked(self, name: str, marker: str) -> bool | None:
        """Whether the file `marker`, by which an upload says that it is done, is no older than the tables; None without it."""
        folder = self._snapshot_folder(name)
        try:
            written = (folder / marker).stat().st_mtime_ns
            return written >= max((path.stat().st_mtime_ns for path in self._files(name, self._project.tables)), default=0)
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"the snapshot {name} cannot be read: {error.strerror}"
            raise DataError(message) from error

    def check(self, name: str) -> list[Problem]:
        """Everything that is wrong with a snapshot's tables; empty when it can be ingested.

        Raises DataError when there is no such snapshot or it has no date.
        """
        return self.examine(name)[0]

    def examine(self, name: str) -> tuple[list[Problem], list[str], list[str]]:
        """As `check`, what was taken in that did not fit, and the entities of the snapshot as far as they can be read."""
        self._project.date_of(name)
        tables = self._load(name)
        first = tables.frames.get(entity_table(self._project))
        return tables.problems, tables.notes, [] if first is None else first[self._project.entity].dropna().unique().tolist()

    def read(self, name: str) -> RawSnapshot:
        """Read a snapshot, all of it valid. Raises DataError with the first problem and the number of others."""
        as_of = self._project.date_of(name)
        tables = self._load(name)
        if tables.problems:
            more = len(tables.problems) - 1
            tail = f" (and {more} more; `ratchet data check` lists them)" if more else ""
            message = f"{name}: {tables.problems[0].sentence(self._project.entity)}{tail}"
            raise DataError(message)
        features, labels = self._joined(tables.frames)
        entity = self._project.entity
        snapshot = Snapshot(
            name=name,
            as_of=as_of,
            rows=len(features),
            labelled_rows=0 if labels is None else len(labels),
            features_hash=table_hash(features, entity),
            labels_hash="" if labels is None else table_hash(labels, entity),
        )
        return RawSnapshot(snapshot, features, labels, tuple(tables.notes))

    def _load(self, name: str) -> _Tables:
        folder = self._snapshot_folder(name)
        tables = _Tables()
        label = self._label_column()
        for table in self._project.tables:
            wanted = [label] if table == label.table else [column for column in self._project.columns if column.table == table]
            try:
                self._load_table(folder, table, wanted, tables)
            except TableError as error:
                tables.problems.append(error.problem)
        if note := without_strangers(tables.frames, self._project):
            tables.notes.append(note)
        tables.problems += mismatches(tables.frames, self._project)
        tables.problems.sort(key=lambda problem: problem.rows > 0)  # a file that cannot be used comes before cells
        return tables

    def _snapshot_folder(self, name: str) -> Path:
        if not is_plain_name(name):
            message = f"{name!r} is not a snapshot's name: give the plain name of a folder in {self._folder}"
            raise DataError(message)
        folder = self._folder / name
        try:
            present = folder.is_dir()
        except OSError as error:  # for one, a name longer than the file system allows
            message = f"the snapshot {name[:80]!r} cannot be read: {error.strerror}"
            raise DataError(message) from error
        if not present:
            there = ", ".join(self.names()) or "none"
            message = f"there is no snapshot {name} in {self._folder} (there: {there})"
            raise DataError(message)
        return folder

    def _label_column(self) -> Column:
        label = self._project.label
        return Column(name=label.name, table=label.table, dtype=task_of(self._project).label.dtype, nullable=True)

    def _load_table(self, folder: Path, table: str, wanted: list[Column], tables: _Tables) -> None:
        path = find_table(folder, stem_of(self._project, table))
        entity = self._project.entity
        is_label = table == self._project.label.table
        if path is None:
            if not is_label:
                raise TableError(Problem(table, "", f"the table is missing: neither {table}.csv nor {table}.parquet is there"))
            return
        names = [entity, *(column.name for column in wanted)]
        raw = read_table(path, table, names, told_of(self._project, table), numbers=numbers_of(self._project, table))
        if said := said_of(raw):
            tables.notes.append(f"{table}: {said}")
        missing = [name for name in (entity, *(column.name for column in wanted)) if name not in raw.column_names]
        tables.problems += [Problem(table, name, f"the column is missing from {path.name}") for name in missing]
        if entity in missing:
            return
        if raw.num_rows == 0:
            hint = "; leave the file out until the labels have arrived" if is_label else ""
            raise TableError(Problem(table, "", f"{path.name} has a header and no rows{hint}"))
        least = self._project.policy.data.min_rows
        if not is_label and raw.num_rows < least:
            message = f"{path.name} has {counted(raw.num_rows, 'row', 'rows')}, fewer than policy.data.min_rows = {least}"
            tables.problems.append(Problem(table, "", message))
        present = [column for column in wanted if column.name in raw.column_names]
        tables.frames[table] = self._checked(table, raw, present, tables)

    def _checked(self, table: str, raw: pa.Table, columns: list[Column], tables: _Tables) -> pd.DataFrame:
        """The table with typed columns and a RangeIndex; its findings are added to `tables`."""
        problems = tables.problems
        entity = self._project.entity
        read_keys = entity_keys(raw[entity])
        entities = read_keys.texts.to_numpy(zero_copy_only=False)
        frame = pd.DataFrame({entity: pd.Series(entities, dtype=object)})
        found, wrong = key_problems(table, entity, raw[entity], read_keys)
        problems += found
        faulty = {entity: wrong}
        missing = set()
        for column in columns:
            read = cells.typed(raw[column.name], column.dtype, column.categories)
            values = _pandas(read.values, column.dtype)
            if column.on_unknown == "missing" and (rows := read.faulty | unfit(values, column)).any():
                note, problem = tolerated(table, column, raw[column.name], rows)
                if problem is None:
                    frame[column.name] = values.mask(rows)
                    faulty[column.name] = rows
                    missing.add(column.name)
                    tables.notes.append(note)
                    continue
                problems.append(problem)
            frame[column.name] = values
            problems += [_fault(table, column.name, raw, entities, fault) for fault in read.faults]
            if read.faults:
                faulty[column.name] = read.faulty
        # labels may all be null: then they have not arrived
        checked = [] if table == self._project.label.table else columns
        problems += problems_of(table, frame, entity, checked, faulty, missing)
        return frame

    def _joined(self, frames: dict[str, pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame | None]:
        """Join valid tables by sorting each on the key: they hold the same entities, once each."""
        project = self._project
        label = frames.pop(project.label.table, None)
        parts = {table: _sorted(frame, project.entity) for table, frame in frames.items()}
        first = next(iter(parts.values()))
        columns: dict[str, pd.Series] = {project.entity: first[project.entity]}
        columns |= {column.name: parts[column.table][column.name] for column in project.columns}
        features = pd.DataFrame(columns, copy=False)
        if label is None:
            return features, None
        known = _sorted(label[label[project.label.name].notna()], project.entity)
        if known.empty:
            return features, None
        return features, known.astype({project.label.name: task_of(project).label.stored})


def _fault(table: str, column: str, raw: pa.Table, entities: Any, fault: cells.Fault) -> Problem:
    rows = np.flatnonzero(fault.rows)
    written = raw[column].take(pa.array(rows)).to_pylist()
    return Problem(
        table,
        column,
        counted(len(rows), f"value is {fault.phrase}", f"values are {fault.phrase}"),
        len(rows),
        tuple("(empty)" if key is None else key for key in entities[rows[:SAMPLES]]),
        clipped(written),
        tallied(written),
    )


def _pandas(values: pa.Array, dtype: DType) -> pd.Series:
    if dtype in _MASKED:
        masked: pd.Series = values.to_pandas(types_mapper={values.type: _MASKED[dtype]}.get)
        return masked
    return pd.Series(values.to_numpy(zero_copy_only=False), dtype=PANDAS[dtype])


def _sorted(frame: pd.DataFrame, entity: str) -> pd.DataFrame:
    order = pc.sort_indices(pa.array(frame[entity], pa.string())).to_numpy()
    return frame.take(order).reset_index(drop=True)
