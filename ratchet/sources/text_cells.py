"""Parquet within bounds: a few bytes of it can stand for all the memory there is, so text is looked at before it is spelt out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ratchet.clients.memory import allowed
from ratchet.core.schema import LONGEST_CELL
from ratchet.sources.problems import Problem, TableError

_SHARE = 6  # times its cells a table takes while it is checked and stored
_ROWS = 65_536  # at a time


def read_bounded(path: Path, table: str, names: Sequence[str], most: int | None = None) -> pa.Table:
    """Read columns whole, of at most `most` bytes of cells: by default as many as the memory of this process has room for.

    A dictionary and a run length make a cell of 20 MB or a hundred million equal rows a file of some kilobytes. So text is read as
    codes, which a file cannot make large, and each cell is measured before it is spelt out. Raises TableError.
    """
    most = allowed() // _SHARE if most is None else most
    with pq.ParquetFile(path) as plain:
        schema = plain.schema_arrow
        _look_at_counts(plain.metadata.num_rows, table, path.name, schema, names, most)
    coded = [name for name in names if _is_text(schema.field(name).type)]
    parts: list[pa.RecordBatch] = []
    total = 0
    with pq.ParquetFile(path, read_dictionary=coded) as file:
        for batch in file.iter_batches(batch_size=_ROWS, columns=list(names)):
            spelt = {}
            for name in names:
                values = batch.column(name)
                total += _size(values, table, name)
                if total > most:
                    raise _too_much(table, path.name, most)
                spelt[name] = values.cast(schema.field(name).type) if pa.types.is_dictionary(values.type) else values
            parts.append(pa.RecordBatch.from_arrays(list(spelt.values()), schema=pa.schema([schema.field(name) for name in names])))
    return pa.Table.from_batches(parts, pa.schema([schema.field(name) for name in names]))


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    )


def _look_at_counts(rows: int, table: str, name: str, schema: pa.Schema, names: Sequence[str], most: int) -> None:
    """Before anything is read: what the file itself says of its rows, at the least that a cell of each type takes."""
    least = sum(4 if _is_text(schema.field(column).type) else 1 for column in names)
    if rows * least > most:
        raise _too_much(table, name, most, f"{rows:,} rows")


def _size(values: pa.Array, table: str, name: str) -> int:
    """Bytes of the cells, spelt out."""
    if not pa.types.is_dictionary(values.type):
        return int(values.nbytes)
    lengths = np.asarray(pc.fill_null(pc.binary_length(values.dictionary), 0), dtype=np.int64)
    longest = int(lengths.max(initial=0))
    if longest > LONGEST_CELL:
        message = f"a cell has {longest:,} bytes, more than the {LONGEST_CELL:,} that a key or a category may have"
        raise TableError(Problem(table, name, message))
    codes = np.asarray(pc.fill_null(values.indices, 0), dtype=np.int64)
    return int(lengths[codes].sum()) + 8 * len(codes) if len(lengths) else 8 * len(codes)


def _too_much(table: str, name: str, most: int, what: str = "its cells") -> TableError:
    return TableError(
        Problem(
            table, "", f"{name} unpacks to more than the {most:,} bytes that there is room for ({what}): it needs a larger machine"
        )
    )
