"""Cells that count as missing where they do not fit, up to a share: `on_unknown: missing` of a column or of the label."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from ratchet.project.columns import Column
from ratchet.project.file import Project
from ratchet.sources.cells import Mask
from ratchet.sources.entity_match import entity_table
from ratchet.sources.problems import Problem, counted, tallied


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
        return "", Problem(table, column.name, text, count, (), tuple(value for value, _ in tally), tally)
    shown = ", ".join(f"{value!r} ({times:,})" for value, times in tally)
    return f"{table}.{column.name}: {counted(count, 'value does', 'values do')} not fit and count as missing: {shown}", None


def without_strangers(frames: dict[str, pd.DataFrame], project: Project) -> str:
    """Leave labels out of entities that the first table does not have, where the project says so; what is said of it."""
    label, entity = project.label.table, project.entity
    known = frames.get(entity_table(project))
    if project.label.on_unknown == "refuse" or label not in frames or known is None:
        return ""
    there = frames[label][entity].isin(known[entity]) | frames[label][entity].isna()
    strangers = int((~there).sum())
    if not strangers or not there.any():  # none at all is no label table of this snapshot
        return ""
    frames[label] = frames[label][there].reset_index(drop=True)
    return (
        f"{label}: {counted(strangers, 'label is', 'labels are')} of entities that {entity_table(project)} does not have, left out"
    )
