"""What Feast 0.67 stores of cells and keys, made a column at a time: the bytes of its Value messages, their texts, its keys.

A message an object, as Feast makes them, is most of what a load takes. The bytes are those of protobuf's wire format for the one
field that is set (https://protobuf.dev/programming-guides/encoding): its tag, then a varint, eight bytes, or a length and UTF-8.
The tests hold them to protobuf's own.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_STRING = 2  # of Feast's ValueType: what a key and its value are
_TEXT_TAG, _INT_TAG, _FLOAT_TAG, _BOOL_TAG = b"\x12", b"\x20", b"\x29", b"\x38"
_ARROW = {"string": pa.string(), "int64": pa.int64(), "double": pa.float64(), "bool": pa.bool_()}
_MISSING = b""  # a message of which nothing is set
_REPEATED = 2  # cells a value from which looking it up is cheaper than making it again


@dataclass(frozen=True, slots=True)
class Cells:
    """A column, shape (n,): of each row the bytes of its Value, and Feast's text of it, None where it is missing."""

    values: list[bytes]
    texts: list[str | None]


@dataclass(frozen=True, slots=True)
class Column:
    """A column's different values, and where each row's is among them, shape (n,); None when every row has one of its own."""

    different: Cells
    codes: NDArray[np.int64] | None

    def spread(self, made: Sequence[Any]) -> list[Any]:
        """What was made of the different values, as a list of all rows."""
        if self.codes is None:
            return list(made)
        objects = np.empty(len(made), dtype=object)
        objects[:] = made
        spread: list[Any] = objects[self.codes].tolist()
        return spread


def encoded(column: pa.Array, kind: str) -> Column:
    """A column of a feature table as Feast would store it.

    Args:
        column: its cells, shape (n,); a float that is no number counts as missing, as it does for Feast.
        kind: "string", "int64", "double" or "bool", by the feature's type.

    Integers are kept to the last digit. Feast rounds those beyond 2^53 to a float's when the same batch has a missing cell.
    """
    column = pc.cast(column, _ARROW[kind], safe=False)
    if kind == "double":
        column = pc.if_else(pc.is_nan(column), None, column)
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.int8())
    # floats by their bits: -0.0 is another value than 0.0
    indexed = (column.view(pa.int64()) if kind == "double" else column).dictionary_encode(null_encoding="encode")
    different = indexed.dictionary.view(pa.float64()) if kind == "double" else indexed.dictionary
    if len(different) * _REPEATED > len(column):
        return Column(_cells(column, kind), None)
    return Column(_cells(different, kind), indexed.indices.to_numpy(zero_copy_only=False).astype(np.int64))


def keys_of(entity: str, keys: Sequence[str]) -> list[bytes]:
    """Feast's entity keys (serialisation version 3) of one string each, under the join key `entity`."""
    name = entity.encode()
    prefix = struct.pack("<3I", 1, _STRING, len(name)) + name + struct.pack("<I", _STRING)
    encoded_keys = [key.encode() for key in keys]
    lengths = {length: prefix + struct.pack("<I", length) for length in set(map(len, encoded_keys))}
    return [lengths[len(key)] + key for key in encoded_keys]


def _cells(column: pa.Array, kind: str) -> Cells:
    """Of a column with nulls; `kind` as in `encoded`, bools being 0 and 1."""
    present = column.drop_null()
    values, texts = _MAKERS[kind](present)
    if not column.null_count:
        return Cells(values, texts)
    every_value, every_text = iter(values), iter(texts)
    there = column.is_valid().to_pylist()
    return Cells(
        [next(every_value) if known else _MISSING for known in there], [next(every_text) if known else None for known in there]
    )


def _floats(column: pa.Array) -> tuple[list[bytes], list[str | None]]:
    numbers = column.to_numpy()
    rows = np.empty((len(numbers), 9), dtype=np.uint8)
    rows[:, 0] = _FLOAT_TAG[0]
    rows[:, 1:] = numbers.astype("<f8").view(np.uint8).reshape(-1, 8)
    return _rows_of(rows), list(map(repr, numbers.tolist()))


def _integers(column: pa.Array) -> tuple[list[bytes], list[str | None]]:
    numbers = column.to_numpy()
    return _varints(_INT_TAG, numbers), list(map(str, numbers.tolist()))


def _bools(column: pa.Array) -> tuple[list[bytes], list[str | None]]:
    numbers = column.to_numpy()
    return _varints(_BOOL_TAG, numbers.astype(np.int64)), ["True" if number else "False" for number in numbers]


def _strings(column: pa.Array) -> tuple[list[bytes], list[str | None]]:
    texts = column.to_pylist()
    contents = [text.encode() for text in texts]
    lengths = np.array([len(content) for content in contents], dtype=np.int64)
    return [head + content for head, content in zip(_varints(_TEXT_TAG, lengths), contents, strict=True)], texts


def _varints(tag: bytes, numbers: NDArray[np.int64]) -> list[bytes]:
    """`tag`, then each number in groups of seven bits, the lowest first; a negative one is its two's complement of 64 bits."""
    left = numbers.astype(np.int64).view(np.uint64)
    groups = np.empty((len(left), 10), dtype=np.uint8)
    sizes = np.ones(len(left), dtype=np.int64)
    for at in range(10):
        groups[:, at] = left & np.uint64(0x7F)
        left = left >> np.uint64(7)
        sizes += left > 0
        groups[:, at] |= np.where(left > 0, np.uint8(0x80), np.uint8(0))
    made = np.empty(len(numbers), dtype=object)
    for size in np.unique(sizes):
        chosen = np.flatnonzero(sizes == size)
        rows = np.empty((len(chosen), 1 + size), dtype=np.uint8)
        rows[:, 0] = tag[0]
        rows[:, 1:] = groups[chosen, :size]
        made[chosen] = _rows_of(rows)
    values: list[bytes] = made.tolist()
    return values


def _rows_of(rows: NDArray[np.uint8]) -> list[bytes]:
    """Each row of a matrix of bytes, shape (n, width), as one object."""
    values: list[bytes] = rows.view(f"V{rows.shape[1]}").ravel().tolist()
    return values


_MAKERS: dict[str, Callable[[pa.Array], tuple[list[bytes], list[str | None]]]] = {
    "string": _strings,
    "int64": _integers,
    "double": _floats,
    "bool": _bools,
}
