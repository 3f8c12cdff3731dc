"""Months of tests/support/loop.py in a real snapshot store."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ratchet.core.schema import Snapshot
from ratchet.project.file import Project
from ratchet.snapshots.parquet import ParquetSnapshots
from tests.support.loop import PROJECT, month

ROWS = 1500


def store_in(folder: Path, project: Project = PROJECT) -> ParquetSnapshots:
    return ParquetSnapshots(folder, project.entity, project.label.name, [column.feature for column in project.columns])


def put(
    store: ParquetSnapshots, number: int, *, labelled: bool = True, one_class: bool = False, household: int = 1, **how: Any
) -> Snapshot:
    """Store a month of `month`; `one_class`: nobody left; `household`: so many entities have each row, named by column `g`."""
    columns, labels = month(number, **{"rows": ROWS, **how})
    if one_class:
        labels["label"] = labels["label"] * 0
    if household > 1:
        columns, labels = ({name: np.repeat(values, household) for name, values in part.items()} for part in (columns, labels))
        columns["g"] = columns["id"]
        columns["id"] = labels["entity"] = np.array([f"{g}-{at % household}" for at, g in enumerate(columns["g"])], dtype=object)
    rows = len(columns["id"])
    digest = hashlib.sha256(repr((number, how)).encode()).hexdigest()
    snapshot = Snapshot(
        f"m{number}", pd.Timestamp(2024, number, 1).date(), rows, rows if labelled else 0, digest, "l" if labelled else ""
    )
    named = pd.DataFrame({PROJECT.entity: labels["entity"], PROJECT.label.name: labels["label"]})
    store.write(snapshot, pd.DataFrame(columns), named if labelled else None)
    return snapshot
