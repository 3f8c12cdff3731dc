"""Tables as a source delivers them, held against the project: typed columns, everything that is wrong, and the snapshot they make.

A source reads (a file, a query) and says what it could not read; what the cells may be is asked here, the same for all of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ratchet.clients.content_hash import table_hash
from ratchet.core.errors import DataError
from ratchet.core.schema import DType, Snapshot
from ratchet.project.columns import Column
from ratchet.project.file import Project
from ratchet.sources import cells
from ratchet.sources.dates import typed_dates
from ratchet.sources.entity_keys import entity_keys
from ratchet.sources.entity_match import key_problems, mismatches
from ratchet.sources.joined import features_of, labels_of
from ratchet.sources.label_cells import typed_labels
from ratchet.sources.pandera_checks import PANDAS, problems_of
from ratchet.sources.problems import SAMPLES, Lesson, Problem, clipped, counted, tallied
from ratchet.sources.tolerance import tolerated, unfit, without_strangers
from ratchet.sources.which_tables import (
    brings_labels_alone,
    columns_of,
    entity_table,
    headers_of,
    key_of,
    may_be_missing,
)
from ratchet.tasks.catalogue import task_of

_MASKED = {
    DType.INT: pd.Int64Dtype(),
    DType.DATE: pd.Int64Dtype(),
    DType.BOOL: pd.BooleanDtype(),
}  # hold nulls without becoming float


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


@dataclass(frozen=True, slots=True)
class Delivered:
    """One table as a source read it: the columns of `which_tables.headers_of` that it has, under their headers, and others.

    `called` is what a sentence calls it: `people.csv`; `said` what was recognised of how it is written, empty where it is plain.
    """

    content: pa.Table
    called: str
    said: str = ""


@dataclass(slots=True)
class Checked:
    """What could be read, under our names, and everything that is wrong."""

    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def entities(self, project: Project) -> list[str]:
        """The snapshot's entities, as far as they can be read."""
        first = self.frames.get(entity_table(project))
        return [] if first is None else first[project.entity].dropna().unique().tolist()

    def snapshot(self, project: Project, name: str, as_of: date) -> RawSnapshot:
        """The snapshot that the tables make. Raises DataError with the first problem and the number of others."""
        if self.problems:
            more = len(self.problems) - 1
            tail = f" (and {more} more; `ratchet data check` lists them)" if more else ""
            message = f"{name}: {self.problems[0].sentence(project.entity)}{tail}"
            raise DataError(message)
        entity = project.entity
        features, labels = features_of(self.frames, project), labels_of(self.frames, project)
        snapshot = Snapshot(
            name=name,
            as_of=as_of,
            rows=len(features),
            labelled_rows=0 if labels is None else len(labels),
            features_hash=table_hash(features, entity),
            labels_hash="" if labels is None else table_hash(labels, entity),
        )
        return RawSnapshot(snapshot, features, labels, tuple(self.notes))


def check_tables(project: Project, as_of: date, delivered: Mapping[str, Delivered], problems: Iterable[Problem] = ()) -> Checked:
    """Type and check what was delivered.

    Args:
        project: says what to expect.
        as_of: the snapshot's date.
        delivered: tables by our name; one that is not there has a problem, or may be missing.
        problems: what the source could not read.
    """
    checked = Checked(problems=list(problems))
    unread = {problem.table for problem in checked.problems}
    for table in project.tables:
        if table in delivered:
            _OneTable(project, as_of, table, checked).take(delivered[table])
        elif project.table(table).optional and columns_of(project, table) and table not in unread:
            checked.notes.append(f"{table}: the optional table is not there, its columns are missing for every entity")
    checked.notes += without_strangers(checked.frames, project)
    checked.problems += mismatches(checked.frames, project)
    checked.problems.sort(key=lambda problem: problem.rows > 0)  # a file that cannot be used comes before cells
    return checked


class _OneTable:
    """Checks one table; what it finds goes to `checked`."""

    def __init__(self, project: Project, as_of: date, table: str, checked: Checked) -> None:
        self._project, self._as_of, self._table, self._checked = project, as_of, table, checked
        self._optional = project.table(table).optional

    def take(self, delivered: Delivered) -> None:
        """Add the typed table to the frames, unless it has no keys or no rows."""
        raw, called = delivered.content, delivered.called
        if delivered.said:
            self._checked.notes.append(f"{self._table}: {delivered.said}")
        key = key_of(self._project, self._table)
        there = set(raw.column_names)
        missing = [header for header in headers_of(self._project, self._table) if header not in there]
        for header in missing:
            self._missing(header, called)
        if key in missing:
            return
        if raw.num_rows == 0 and not self._optional:
            hint = "; leave the file out until the labels have arrived" if brings_labels_alone(self._project, self._table) else ""
            self._problem("", f"{called} has a header and no rows{hint}")
            return
        least = self._project.policy.data.min_rows
        if not may_be_missing(self._project, self._table) and raw.num_rows < least:
            self._problem("", f"{called} has {counted(raw.num_rows, 'row', 'rows')}, fewer than policy.data.min_rows = {least}")
        self._checked.frames[self._table] = self._frame(raw, key)

    def _missing(self, header: str, called: str) -> None:
        label = self._project.label
        if self._table == label.table and header == label.column and columns_of(self._project, self._table):
            self._checked.notes.append(f"{self._table}: {called} has no column {header!r}, so no label has come")
            return
        names = {column.header: column.name for column in columns_of(self._project, self._table)}
        if self._table == label.table:
            names[label.column] = label.name
        name = names.get(header, self._project.entity)
        self._problem(
            name, f"the column is missing from {called}" if name == header else f"the column {header!r} is missing from {called}"
        )

    def _frame(self, raw: pa.Table, key: str) -> pd.DataFrame:
        """The table under our names with typed columns and a RangeIndex."""
        entity, table = self._project.entity, self._table
        read_keys = entity_keys(raw[key])
        entities = read_keys.texts.to_numpy(zero_copy_only=False)
        content_of: dict[str, pd.Series] = {entity: pd.Series(entities, dtype=object)}
        found, wrong = key_problems(table, entity, raw[key], read_keys)
        self._checked.problems += found
        faulty = {entity: wrong}
        tolerant = set()
        there = set(raw.column_names)
        columns = [column for column in columns_of(self._project, table) if column.header in there]
        for column in columns:
            content = raw[column.header]
            read = self._typed(content, column)
            values = pandas_of(read.values, column.dtype)
            if column.on_unknown == "missing" and (rows := read.faulty | unfit(values, column)).any():
                note, problem = tolerated(table, column, content, rows)
                if problem is None:
                    content_of[column.name] = values.mask(rows)
                    faulty[column.name] = rows
                    tolerant.add(column.name)
                    self._checked.notes.append(note)
                    continue
                self._checked.problems.append(problem)
            content_of[column.name] = values
            self._checked.problems += [fault_of(table, column.name, content, entities, fault) for fault in read.faults]
            if read.faults:
                faulty[column.name] = read.faulty
        frame = pd.DataFrame(content_of)  # at once: a column more at a time is slow for a thousand of them
        dates = {column.name: raw[column.header] for column in columns if column.dtype is DType.DATE}
        self._checked.problems += problems_of(
            table, frame, entity, columns, faulty, tolerant, optional=self._optional, written=dates
        )
        if table == self._project.label.table and self._project.label.column in raw.column_names:
            frame[self._project.label.name] = self._labels(raw[self._project.label.column], entities)
        return frame

    def _typed(self, content: pa.ChunkedArray, column: Column) -> cells.Cells:
        if column.dtype is DType.DATE:
            return typed_dates(content, column.of_date, self._as_of)
        return cells.typed(content, column.dtype, column.categories)

    def _labels(self, content: pa.ChunkedArray, entities: Any) -> pd.Series:
        label, kind = self._project.label, task_of(self._project).label
        if label.positive is not None:
            values, found = typed_labels(content, label.positive)
            if found.problem:
                self._problem(label.name, found.problem)
            if found.note:
                self._checked.notes.append(f"{self._table}.{label.name}: {found.note}")
            return pandas_of(values, kind.dtype)
        read = cells.typed(content, kind.dtype)
        hint = "`positive:` of the label names the value that counts as 1, where the two are words"
        faults = [fault_of(self._table, label.name, content, entities, fault) for fault in read.faults]
        self._checked.problems += [dataclasses.replace(fault, hint=hint, lesson=None) for fault in faults]
        return pandas_of(read.values, kind.dtype)

    def _problem(self, column: str, text: str) -> None:
        self._checked.problems.append(Problem(self._table, column, text))


def fault_of(table: str, column: str, raw: pa.ChunkedArray, entities: Any, fault: cells.Fault) -> Problem:
    """The problem that cells of a wrong type are, of a column as it was read."""
    rows = np.flatnonzero(fault.rows)
    written = raw.take(pa.array(rows)).to_pylist()
    return Problem(
        table,
        column,
        counted(len(rows), f"value is {fault.phrase}", f"values are {fault.phrase}"),
        len(rows),
        tuple("(empty)" if key is None else key for key in entities[rows[:SAMPLES]]),
        clipped(written),
        tallied(written),
        lesson=Lesson("on_unknown", (len(rows) / len(raw),)),
    )


def pandas_of(values: pa.Array, dtype: DType) -> pd.Series:
    """A typed column as a table has it."""
    if dtype in _MASKED:
        masked: pd.Series = values.to_pandas(types_mapper={values.type: _MASKED[dtype]}.get)
        return masked
    return pd.Series(values.to_numpy(zero_copy_only=False), dtype=PANDAS[dtype])
