"""A column of entity keys, of whatever type a file gives it, in the one spelling that ratchet.core.entity_key has for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ratchet.clients.arrow_keys import respelled
from ratchet.core.entity_key import EXACT, MAX_KEY, NO_DIGITS, NO_NAME, TOO_LONG, key_of
from ratchet.sources.cells import Fault, Mask, mask_of, plain

_CONTROL = r"[\x00-\x1f\x7f-\x{9f}\x{2028}\x{2029}]"  # ratchet.core.entity_key.CONTROLS, as RE2 writes it
_ROUNDED = r"^-?[0-9](\.[0-9]+)?[eE]\+[0-9]+$"


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys as text, null where empty, blank or faulty; `faults` say of which rows why."""

    texts: pa.Array
    faults: tuple[Fault, ...] = ()

    @property
    def faulty(self) -> Mask:
        """Mask of the rows with any fault."""
        rows = np.zeros(len(self.texts), dtype=np.bool_)
        for fault in self.faults:
            rows |= fault.rows
        return rows


def entity_keys(column: pa.ChunkedArray) -> Keys:
    """Keys by the rule."""
    raw = plain(column)
    kind = raw.type
    if pa.types.is_string(kind):
        return _named(respelled(raw))
    if pa.types.is_integer(kind):
        return Keys(raw.cast(pa.string()))
    if pa.types.is_floating(kind):
        return _from_floats(raw.cast(pa.float64()))
    if (
        pa.types.is_decimal(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    ):
        keys = [None if cell is None else key_of(cell) for cell in raw.to_pylist()]
        wrong = raw.is_valid().to_numpy(zero_copy_only=False) & np.array([key is None for key in keys], dtype=np.bool_)
        phrase = "not whole, and a key is text or a whole number" if pa.types.is_decimal(kind) else "bytes that are no UTF-8 text"
        found = _named(pa.array([key or None for key in keys], pa.string()))
        return Keys(found.texts, (*_fault(phrase, wrong), *found.faults))
    wrong = raw.is_valid().to_numpy(zero_copy_only=False)
    return Keys(pa.nulls(len(raw), pa.string()), _fault(f"of type {kind}, and a key is text or a whole number", wrong))


def _from_floats(raw: pa.Array) -> Keys:
    """Whole numbers: pandas makes floats of a column of ints as soon as one cell is empty."""
    numbers = np.asarray(raw.to_numpy(zero_copy_only=False), dtype=np.float64)
    there = ~np.isnan(numbers)
    large = there & (np.abs(numbers) > EXACT)
    fraction = there & ~large & (numbers != np.floor(numbers))
    good = there & ~large & ~fraction
    digits = pa.array(np.where(good, numbers, 0.0).astype(np.int64)).cast(pa.string())
    faults = (
        *_fault("not whole, and a key is text or a whole number", fraction),
        *_fault("beyond 2**53 as a float, which stands for several whole numbers: write keys as text or integers", large),
    )
    return Keys(pc.if_else(pa.array(good), digits, None), faults)


def _named(keys: pa.Array) -> Keys:
    """Without those that no request could name."""
    checks = (
        (TOO_LONG, pc.greater(pc.utf8_length(keys), MAX_KEY)),
        (NO_NAME, pc.match_substring_regex(keys, _CONTROL)),
        (NO_DIGITS, pc.match_substring_regex(keys, _ROUNDED)),
    )
    faults: list[Fault] = []
    wrong = np.zeros(len(keys), dtype=np.bool_)
    for phrase, found in checks:
        rows = mask_of(pc.fill_null(found, fill_value=False)) & ~wrong
        faults += _fault(phrase, rows)
        wrong |= rows
    return Keys(pc.if_else(pa.array(wrong), None, keys) if faults else keys, tuple(faults))


def _fault(phrase: str, rows: Mask) -> tuple[Fault, ...]:
    return (Fault(phrase, rows),) if rows.any() else ()
