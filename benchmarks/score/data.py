"""Rows to score: those of a generated month, drawn again under new keys, as one Parquet file of 14 features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_AT_ONCE = 500_000


def write(path: Path, month: Path, features: list[str], entity: str, rows: int) -> None:
    """Write `rows` rows of the features of a stored month (its features.parquet)."""
    table = pq.read_table(month, columns=features)
    draw = np.random.default_rng(1)
    schema = pa.schema([pa.field(entity, pa.string()), *table.schema.remove_metadata()])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, _AT_ONCE):
            count = min(_AT_ONCE, rows - start)
            keys = pa.array([f"U{number:09d}" for number in range(start, start + count)])
            part = table.take(pa.array(draw.integers(0, len(table), count)))
            writer.write_table(pa.table([keys, *part.columns], schema=schema))
