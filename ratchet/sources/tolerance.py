"""Cells that count as missing where they do not fit, up to a share: `on_unknown: missing` of a column or of the label."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from ratchet.project.columns import Column
from ratchet.project.file import Project
from ratchet.sources.cells import Mask
from ratchet.sources.entity_match import spelled_otherwise
from ratchet.sources.problems import Lesson, Problem, counted, tallied
from ratchet.sources.which_tables import brings_labels_alone, entity_table


def unfit(values: pd.Series, column: Column) -> Mask:
    """Which typed cells lie outside the range, or are none of the categories; a null is neither."""
    there = values.notna().to_numpy()
    outside = np.zeros(len(values), dtype=np.bool_)
    if column.range is not None:
        low, high = column.range
        outside = ~values.between(low, high).fillna(value=True).to_numpy(dtype=np.bool_)
    elif column.categories is not None:
        outside = ~values.isin(column.categories).to_numpy(dtype=np.bool_)
    return np.asarray(there & outside, dtype=np.bool_)


def tolerated(table: str, column: Column, raw: pa.ChunkedArray, rows: Mask) -> tuple[str, Problem | None]:
    """What is said of cells that do not fit, and the problem where they are more than the project allows.

    Args:
        table: of the column.
        column: whose `on_unknown` is `missing`.
        raw: its cells as they were read.
        rows: those that do not fit, at least one.
    """
    count, share = int(rows.sum()), float(rows.mean())
    tally = tallied(raw.filter(pa.array(rows)).to_pylist())
    if share > column.max_unknown_share:
        text = f"{count:,} of {len(rows):,} values do not fit, {share:.3f} > {column.max_unknown_share:.3f} (max_unknown_share)"
        values = tuple(value for value, _ in tally)
        return "", Problem(table, column.name, text, count, (), values, tally, lesson=Lesson("max_unknown_share", (share,)))
    shown = ", ".join(f"{value!r} ({times:,})" for value, times in tally)
    return f"{table}.{column.name}: {counted(count, 'value does', 'values do')} not fit and count as missing: {shown}", None


def without_strangers(frames: dict[str, pd.DataFrame], project: Project) -> list[str]:
    """Leave out rows of entities that the snapshot does not have: labels, where the project says so, and rows of optional tables.

    Returns what is said of it. A table that shares no entity with the snapshot is none of this snapshot, and stays as it is.
    """
    entity, first, said = project.entity, entity_table(project), []
    known = frames.get(first)
    if known is None:
        return []
    for table, frame in frames.items():
        alone = brings_labels_alone(project, table)
        if not (project.label.on_unknown == "missing" if alone else project.table(table).optional):
            continue
        there = frame[entity].isin(known[entity]) | frame[entity].isna()
        strangers = int((~there).sum())
        if not strangers or not (there & frame[entity].notna()).any():
            continue
        nouns = ("label is", "labels are") if alone else ("row is", "rows are")
        lacking = pd.Index(known[entity].dropna().unique()).difference(pd.Index(frame[entity].dropna()))
        twin = spelled_otherwise(pd.Index(frame[entity][~there].unique()), lacking, first)
        frames[table] = frame[there].reset_index(drop=True)
        said.append(f"{table}: {counted(strangers, *nouns)} of entities that {first} does not have, left out{twin}")
    return said
