"""Checked tables put together: one row an entity, sorted by its key."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ratchet.core.schema import DType
from ratchet.project.columns import Column
from ratchet.project.file import Project
from ratchet.sources.pandera_checks import PANDAS
from ratchet.sources.which_tables import entity_table
from ratchet.tasks.catalogue import task_of


def features_of(frames: Mapping[str, pd.DataFrame], project: Project) -> pd.DataFrame:
    """Key, features, slices and group of valid tables.

    All but the optional tables hold the same entities, once each: sorted, their rows are side by side. An entity that an optional
    table does not have has missing values, and so have all where there is no such table.
    """
    entity = project.entity
    parts = {table: _sorted(frame, entity) for table, frame in frames.items() if table in {c.table for c in project.columns}}
    first = entity_table(project)
    keys = parts[first][entity] if first in parts else _sorted(frames[first], entity)[entity]
    columns: dict[str, pd.Series] = {entity: keys}
    for column in project.columns:
        part = parts.get(column.table)
        if part is None:
            columns[column.name] = _missing(column, len(keys))
        elif project.may_lack(column):
            columns[column.name] = _looked_up(part[column.name], pd.Index(part[entity]).get_indexer(pd.Index(keys)))
        else:
            columns[column.name] = part[column.name]
    return pd.DataFrame(columns, copy=False)


def labels_of(frames: Mapping[str, pd.DataFrame], project: Project) -> pd.DataFrame | None:
    """Key and label, as the task keeps it, of the rows that have one; None where no label has come."""
    entity, name = project.entity, project.label.name
    frame = frames.get(project.label.table)
    if frame is None or name not in frame:
        return None
    known = frame.loc[frame[name].notna(), [entity, name]]
    return None if known.empty else _sorted(known, entity).astype({name: task_of(project).label.stored})


def _missing(column: Column, rows: int) -> pd.Series:
    return pd.Series([np.nan if column.dtype is DType.FLOAT else None] * rows, dtype=PANDAS[column.dtype])


def _looked_up(values: pd.Series, at: np.ndarray) -> pd.Series:
    """The values at these positions, missing where one is -1, of the same type."""
    if values.dtype == object:
        padded = np.append(values.to_numpy(dtype=object), [None])
        return pd.Series(padded[at], dtype=object)
    return pd.Series(values.array.take(at, allow_fill=True), dtype=values.dtype)


def _sorted(frame: pd.DataFrame, entity: str) -> pd.DataFrame:
    order = pc.sort_indices(pa.array(frame[entity], pa.string())).to_numpy()
    return frame.take(order).reset_index(drop=True)
