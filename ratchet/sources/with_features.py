"""Snapshots whose tables have entities, labels and slices, and whose features are looked up elsewhere: a source around a source.

The features are taken when a snapshot is, and kept with it. So what comes again, for labels that were late, is given the features
that it was stored with: they may read otherwise by now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ratchet.clients.content_hash import table_hash
from ratchet.core.errors import DataError
from ratchet.core.schema import Columns, DType, Snapshot
from ratchet.project.columns import Column
from ratchet.project.file import Project
from ratchet.sources.cells import Cells, Mask, plain, typed
from ratchet.sources.checked_tables import fault_of, pandas_of
from ratchet.sources.pandera_checks import problems_of
from ratchet.sources.port import RawSnapshot, Source
from ratchet.sources.problems import Problem
from ratchet.sources.tolerance import tolerated, unfit

LookUp = Callable[[date, NDArray[Any]], Columns]
Kept = Callable[[date, NDArray[Any]], Columns | None]


@dataclass(frozen=True, slots=True)
class _WithFeatures:
    """Implements port.RawSnapshot."""

    snapshot: Snapshot
    features: pd.DataFrame
    labels: pd.DataFrame | None
    notes: tuple[str, ...]


class FeaturesFromElsewhere:
    """Implements port.Source.

    Args:
        source: of the tables.
        project: says what the features have to be.
        place: where these are looked up, for sentences.
        look_up: gives the features of entities at a date, in their order.
        kept: likewise those that are stored with the snapshot of a date, None where none is stored for exactly these entities.
    """

    def __init__(self, source: Source, project: Project, place: str, look_up: LookUp, kept: Kept) -> None:
        self._source, self._project, self._place = source, project, place
        self._look_up, self._kept = look_up, kept

    def newest(self) -> str:
        """As the tables' source."""
        return self._source.newest()

    def by_date(self) -> list[str]:
        """As the tables' source."""
        return self._source.by_date()

    def has_labels(self, name: str) -> bool:
        """As the tables' source."""
        return self._source.has_labels(name)

    def fingerprint(self, name: str) -> str:
        """As the tables' source."""
        return self._source.fingerprint(name)

    def labels_fingerprint(self, name: str) -> str:
        """As the tables' source."""
        return self._source.labels_fingerprint(name)

    def marked(self, name: str, marker: str) -> bool | None:
        """As the tables' source."""
        return self._source.marked(name, marker)

    def check(self, name: str) -> Sequence[Any]:
        """Everything that is wrong with the tables; if nothing is, with the features of their entities."""
        return self.examine(name)[0]

    def examine(self, name: str) -> tuple[Sequence[Any], Sequence[str], Sequence[str]]:
        """As `check`, what is taken in that does not fit, and the entities as far as they can be read."""
        problems, notes, entities = self._source.examine(name)
        if problems or not entities:
            return problems, notes, entities
        keys = np.array(sorted(entities), dtype=object)
        _, wrong, said = self._typed(keys, self._found(self._project.date_of(name), keys))
        return wrong, (*notes, *said), entities

    def read(self, name: str) -> RawSnapshot:
        """The snapshot with its features, all of it valid. Raises DataError with the first thing that is wrong."""
        raw = self._source.read(name)
        project = self._project
        keys = raw.features[project.entity].to_numpy(dtype=object)
        features, problems, notes = self._typed(keys, self._found(raw.snapshot.as_of, keys))
        if problems:
            more = len(problems) - 1
            tail = f" (and {more} more; `ratchet data check` lists them)" if more else ""
            message = f"{name}: {problems[0].sentence(project.entity)}{tail}"
            raise DataError(message)
        own = {column.name: raw.features[column.name] for column in project.in_tables.columns}
        whole = features | own
        frame = pd.DataFrame({project.entity: keys, **{column.name: whole[column.name] for column in project.columns}}, copy=False)
        snapshot = replace(raw.snapshot, features_hash=table_hash(frame, project.entity))
        return _WithFeatures(snapshot, frame, raw.labels, (*raw.notes, *notes))

    def _found(self, as_of: date, keys: NDArray[Any]) -> Columns:
        kept = self._kept(as_of, keys)
        return self._look_up(as_of, keys) if kept is None else kept

    def _typed(self, keys: NDArray[Any], found: Columns) -> tuple[dict[str, pd.Series], list[Problem], list[str]]:
        """The features with a table's types, what is wrong with them, and what is taken in all the same."""
        features, problems, notes, missing = dict[str, pd.Series](), list[Problem](), list[str](), set[str]()
        faulty = dict[str, Mask]()
        for column in self._project.features:
            raw = pa.chunked_array([pa.array(found[column.name], from_pandas=True)])
            read = _cells(raw, column)
            values = pandas_of(read.values, column.dtype)
            if column.on_unknown == "missing" and (rows := read.faulty | unfit(values, column)).any():
                note, problem = tolerated(self._place, column, raw, rows)
                missing.add(column.name)
                features[column.name], faulty[column.name] = values.mask(rows), rows
                if problem is None:
                    notes.append(note)
                else:
                    problems.append(problem)
                continue
            features[column.name] = values
            problems += [fault_of(self._place, column.name, raw, keys, fault) for fault in read.faults]
            if read.faults:
                faulty[column.name] = read.faulty
        frame = pd.DataFrame({self._project.entity: pd.Series(keys, dtype=object), **features}, copy=False)
        problems += problems_of(self._place, frame, self._project.entity, self._project.features, faulty, missing)
        return features, problems, notes


def _cells(raw: pa.ChunkedArray, column: Column) -> Cells:
    """A column of core (numbers float64 with NaN) by the rules of a table's cells; text is the store's, as it is served, too."""
    if column.dtype is DType.CATEGORY:
        return Cells(plain(raw))
    return typed(raw, DType.INT if column.dtype is DType.DATE else column.dtype)  # a date is a number of days already
