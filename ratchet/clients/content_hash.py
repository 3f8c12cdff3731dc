"""The identity of a table's content, whatever file it came in.

Canonical form, version 1: rows sorted by the entity key (byte order of UTF-8); columns sorted by name; of each column its name and
type, one byte a row telling whether it is null, then the values: int as int64, float as IEEE double (minus zero as zero), bool as
one byte, all little-endian and zero where null; text as its length in bytes (int32) a row followed by all texts in UTF-8. SHA-256
over all. So row order, column order, extra columns and CSV or Parquet make no difference; any value does.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_HEADER = b"ratchet-table-1\0"


def table_hash(table: pd.DataFrame, entity: str) -> str:
    """SHA-256 hex digest of the canonical form.

    Args:
        table: Int64, int8, float64, boolean and text (object) columns, one of them the entity key, unique and not null.
        entity: the key column's name.
    """
    if not table[entity].is_monotonic_increasing:
        table = table.sort_values(entity)
    digest = hashlib.sha256(_HEADER)
    digest.update(len(table).to_bytes(8, "little"))
    for name in sorted(table.columns):
        kind, nulls, content = _canonical(table[name])
        digest.update(f"{name}\0{kind}\0".encode())
        digest.update(nulls)
        for part in content:
            digest.update(part)
    return digest.hexdigest()


def _canonical(column: pd.Series) -> tuple[str, bytes, tuple[bytes, ...]]:
    missing = column.isna().to_numpy(dtype=np.bool_)
    nulls = missing.tobytes()
    if pd.api.types.is_bool_dtype(column.dtype):
        return "bool", nulls, (column.to_numpy(dtype=np.bool_, na_value=False).tobytes(),)
    if pd.api.types.is_integer_dtype(column.dtype):
        values = column.to_numpy(dtype=np.int64) if not missing.any() else column.to_numpy(dtype=np.int64, na_value=0)
        return "int", nulls, (values.astype("<i8").tobytes(),)
    if pd.api.types.is_float_dtype(column.dtype):
        numbers = np.where(missing, 0.0, column.to_numpy(dtype=np.float64)) + 0.0  # -0.0 + 0.0 is 0.0
        return "float", nulls, (numbers.astype("<f8").tobytes(),)
    text = pc.fill_null(pa.array(column.to_numpy(dtype=object), pa.string(), from_pandas=True), "")
    lengths = pc.binary_length(text).to_numpy(zero_copy_only=False).astype("<i4")
    return "text", nulls, (lengths.tobytes(), "".join(text.to_pylist()).encode())
