"""Rows that come a batch at a time, by the rules of ingest: types, ranges, categories, what may be missing.

What one cell must not be is refused at once, with the rows; what holds for all cells of a column (`max_null_share`,
`max_unknown_share`) is counted, and judged when all have been seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ratchet.core.errors import DataError
from ratchet.core.schema import LONGEST_CELL, Coded, DType
from ratchet.project.columns import Column
from ratchet.project.file import Project
from ratchet.scores.port import Batch
from ratchet.sources import cells
from ratchet.sources.cells import Mask
from ratchet.sources.dates import typed_dates
from ratchet.sources.entity_keys import entity_keys
from ratchet.sources.entity_match import key_problems
from ratchet.sources.problems import SAMPLES, Problem, clipped, counted, tallied
from ratchet.sources.which_tables import key_of

ENOUGH = 100  # rows: of fewer, a share of missing cells says nothing
_LONGEST = 1024  # bytes of a key or a number
_MISSING, _UNFIT = "missing ", "unfit "


class RowChecks:
    """What a project says of rows that bring features beside their key.

    Args:
        project: says it.
        name: of the rows, in messages.
        as_of: the date that they describe.
    """

    def __init__(self, project: Project, name: str, as_of: date) -> None:
        self._project, self._name, self._as_of = project, name, as_of
        self._columns = {column.name: column for column in project.columns}
        self._optional = {name for name, column in self._columns.items() if project.may_lack(column)}

    def headers(self, features: Sequence[str], present: Sequence[str]) -> dict[str, str]:
        """Our name -> the header that it has there, the key first. Raises DataError where one is missing or there twice.

        A column is called as we call it, else as ratchet.yaml's `column:` does. One of an optional table need not be there.
        """
        problems, found = list[Problem](), dict[str, str]()
        for name, headers in self._called(features).items():
            there = [header for header in headers if header in present]
            if not there and name in self._optional:
                continue
            if not there:
                called = " or ".join(dict.fromkeys(headers))
                problems.append(Problem(self._name, name, f"the column is missing (called {called})"))
            elif present.count(there[0]) > 1:
                problems.append(Problem(self._name, name, f"the column is there {present.count(there[0])} times"))
            else:
                found[name] = there[0]
        self._refuse(problems, 0)
        return found

    def wanted(self, features: Sequence[str]) -> list[str]:
        """Headers that the key and these features may have."""
        return [header for headers in self._called(features).values() for header in headers]

    def is_plain_number(self, name: str) -> bool:
        """Whether the column is an int or a float, and so may have a decimal comma."""
        return name in self._columns and self._columns[name].dtype in {DType.INT, DType.FLOAT}

    def _called(self, features: Sequence[str]) -> dict[str, list[str]]:
        """Our name -> what it may be called, the key first."""
        keys = [self._project.entity, *(key_of(self._project, table) for table in self._project.tables)]
        return {self._project.entity: keys, **{name: [name, self._of(name).header] for name in features}}

    def _of(self, feature: str) -> Column:
        try:
            return self._columns[feature]
        except KeyError as error:
            message = f"the version needs the feature {feature}, which ratchet.yaml does not have: score by one that was made since"
            raise DataError(message) from error

    def batch(self, raw: Mapping[str, pa.Array | pa.ChunkedArray], features: Sequence[str], start: int) -> Batch:
        """Typed rows. Raises DataError with the first thing that is wrong.

        Args:
            raw: cells by our names, the key among them, n of each, as read.
            features: those to return, missing where they are not among `raw`.
            start: rows before these.
        """
        entity, seen = self._project.entity, Counter[str]()
        keys, problems = self._keys(_whole(raw[entity]), start)
        columns: dict[str, Any] = {}
        for name in features:
            if name in raw:
                columns[name], found = self._column(self._columns[name], _whole(raw[name]), keys, seen)
                problems += found
            else:
                number = self._columns[name].dtype.is_number
                columns[name] = np.full(len(keys), np.nan) if number else Coded(np.full(len(keys), -1), ())
        self._refuse(problems, start)
        return Batch(keys, columns, seen)

    def judged(self, seen: Mapping[str, int], rows: int) -> list[str]:
        """What was taken for missing. Raises DataError where a column has more such cells, or missing ones, than it may."""
        problems, notes = [], []
        for name, column in self._columns.items():
            missing, unfit = seen.get(f"{_MISSING}{name}", 0), seen.get(f"{_UNFIT}{name}", 0)
            if unfit > column.max_unknown_share * rows:
                share, bound = f"{unfit / rows:.3f}", f"{column.max_unknown_share:.3f}"
                text = f"{unfit:,} of {rows:,} values do not fit, {share} > {bound} (max_unknown_share)"
                problems.append(Problem(self._name, name, text))
            elif unfit:
                notes.append(f"{self._name}.{name}: {counted(unfit, 'value does', 'values do')} not fit and count as missing")
            if rows >= ENOUGH and column.nullable and missing == rows:
                problems.append(Problem(self._name, name, f"all {rows:,} values are null"))
            elif rows >= ENOUGH and column.nullable and missing > column.max_null_share * rows:
                text = f"{missing:,} of {rows:,} values are null, {missing / rows:.3f} > {column.max_null_share:.3f}"
                problems.append(Problem(self._name, name, text))
        self._refuse(problems, 0)
        return notes

    def _keys(self, raw: pa.Array, start: int) -> tuple[Any, list[Problem]]:
        """Keys as objects, and what is wrong with them."""
        entity, plain = self._project.entity, spelt(raw, self._name, self._project.entity, _LONGEST)
        read = entity_keys(pa.chunked_array([plain]))
        problems, told = key_problems(self._name, entity, pa.chunked_array([plain]), read)
        empty = np.flatnonzero(cells.mask_of(read.texts.is_null()) & ~told)
        if len(empty):
            lines = ", ".join(str(start + row + 1) for row in empty[:SAMPLES])
            text = f"{counted(len(empty), 'key is', 'keys are')} empty, as in row {lines}"
            problems.append(Problem(self._name, entity, text, len(empty)))
        return np.asarray(read.texts.to_numpy(zero_copy_only=False), dtype=object), problems

    def _column(self, column: Column, raw: pa.Array, keys: Any, seen: Counter[str]) -> tuple[Any, list[Problem]]:
        """A column as it is scored, and what is wrong with it; counts what is judged later."""
        if column.dtype.is_number:
            plain = spelt(raw, self._name, column.name, _LONGEST)
            read = self._numbers(pa.chunked_array([plain]), column)
            values = np.asarray(read.values.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
            missing, faults = np.isnan(values), [(fault.phrase, fault.rows) for fault in read.faults]
            outside = _outside(values, column)
        else:
            coded = _coded(raw, self._name, column.name)
            read = cells.typed(pa.chunked_array([coded.dictionary]), column.dtype, column.categories)
            codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
            none = np.append(cells.mask_of(read.values.is_null()), True)
            missing, faults = none[codes], [(fault.phrase, np.append(fault.rows, False)[codes]) for fault in read.faults]
            codes = np.where(missing, -1, codes)
            texts = ["" if text is None else text for text in read.values.to_pylist()]
            known = np.array([not column.categories or text in column.categories for text in texts] + [True], dtype=np.bool_)
            outside = ~known[codes]
            values = Coded(codes, texts)  # type: ignore[assignment]  # one or the other
        faulty = np.zeros(len(missing), dtype=np.bool_)
        for _, rows in faults:
            faulty |= rows
        if column.on_unknown == "missing":
            unfit, wrong = faulty | outside, []
            values = _without(values, unfit)
            seen[f"{_UNFIT}{column.name}"] += int(unfit.sum())
        else:
            unfit, wrong = faulty, [*faults, *([(_bound(column), outside)] if outside.any() else [])]
        if column.nullable or column.name in self._optional:
            seen[f"{_MISSING}{column.name}"] += int((missing | (unfit if column.on_unknown == "missing" else False)).sum())
        elif (null := missing & ~unfit).any():
            wrong.append(("null where the project allows none", null))
        return values, [self._problem(column.name, phrase, rows, raw, keys) for phrase, rows in wrong if rows.any()]

    def _numbers(self, raw: pa.ChunkedArray, column: Column) -> cells.Cells:
        if column.dtype is DType.DATE:
            return typed_dates(raw, column.of_date, self._as_of)
        return cells.typed(raw, column.dtype, column.categories)

    def _problem(self, column: str, phrase: str, rows: Mask, raw: pa.Array, keys: Any) -> Problem:
        at = np.flatnonzero(rows)
        written = raw.take(pa.array(at)).to_pylist()
        samples = tuple("(empty)" if key is None else str(key) for key in keys[at[:SAMPLES]])
        text = counted(len(at), f"value is {phrase}", f"values are {phrase}")
        shown = () if phrase.startswith("null") else clipped(written)
        return Problem(self._name, column, text, len(at), samples, shown, tallied(written))

    def _refuse(self, problems: Sequence[Problem], start: int) -> None:
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            where = f" (in the batch of rows from {start + 1:,} on)" if start else ""
            message = f"{problems[0].sentence(self._project.entity)}{more}{where}"
            raise DataError(message)


def _outside(values: Any, column: Column) -> Mask:
    if column.range is None:
        return np.zeros(len(values), dtype=np.bool_)
    low, high = column.range
    return np.asarray((values < low) | (values > high), dtype=np.bool_)


def _bound(column: Column) -> str:
    if column.range is not None:
        return f"outside {column.range[0]:g} to {column.range[1]:g}"
    return f"none of {', '.join(column.categories or ())}"


def _without(values: Any, rows: Mask) -> Any:
    """The column with these cells missing."""
    if isinstance(values, Coded):
        return Coded(np.where(rows, -1, values.codes), values.values)
    return np.where(rows, np.nan, values)


def _coded(raw: pa.Array, name: str, column: str) -> pa.DictionaryArray:
    """Cells as codes; a file cannot make them large. Raises DataError where a cell is longer than any category."""
    coded = raw if pa.types.is_dictionary(raw.type) else raw.dictionary_encode()
    if _is_text(coded.type.value_type):
        longest = pc.max(pc.binary_length(coded.dictionary)).as_py() or 0
        if longest > LONGEST_CELL:
            message = f"{name}.{column}: a cell has {longest:,} bytes, more than the {LONGEST_CELL:,} that a category may have"
            raise DataError(message)
    return coded


def spelt(raw: pa.Array, name: str, column: str, most: int) -> pa.Array:
    """Cells without a dictionary. Raises DataError where a text is longer than any key or number, before it is spelt out."""
    values = raw.dictionary if pa.types.is_dictionary(raw.type) else raw
    if _is_text(values.type):
        longest = pc.max(pc.binary_length(values)).as_py() or 0
        if longest > most:
            message = f"{name}.{column}: a cell has {longest:,} bytes, more than the {most:,} that a key or a number may have"
            raise DataError(message)
    return raw.dictionary_decode() if pa.types.is_dictionary(raw.type) else raw


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """In one piece."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    )
