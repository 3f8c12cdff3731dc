"""What one column of unknown data held, over all the snapshots that were read: facts, no judgement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from ratchet.core.schema import DType
from ratchet.sources import cells
from ratchet.sources.dates import typed_dates
from ratchet.sources.entity_keys import entity_keys
from ratchet.sources.guess.written import number_signs, other_dates, words_for_nothing

MOST_VALUES = 100  # categories of one column, as many as training takes
ORDER = (DType.BOOL, DType.INT, DType.FLOAT, DType.DATE)  # the narrowest type that fits is taken
_PROBE = 1000  # cells that are looked at first
_SOME_DAY = date(2000, 1, 1)
_TWO = 2
_BAD = 4  # values shown of those that do not fit


@dataclass(slots=True)
class Fit:
    """How well cells are of a type: the largest share of a snapshot's cells that are not, and some of those."""

    faulty: float = 0.0
    bad: set[str] = field(default_factory=set)
    low: float = float("inf")
    high: float = float("-inf")


@dataclass(slots=True)
class Seen:
    """A column.

    Args:
        table: the table's file without its ending.
        header: as the file has it.
        position: of the column in its table, from 1.
        typed: whether the file has types of its own, as Parquet has.
        index: whether pandas says that it is a frame's index.
    """

    table: str
    header: str
    position: int
    typed: bool = False
    index: bool = False
    kind: str = ""  # the file's type
    coded: bool = False  # text or categories by the file's own type
    snapshots: list[str] = field(default_factory=list)
    rows: int = 0  # of all snapshots
    fewest: int = 0  # rows of the smallest one
    empty: float = 0.0  # largest share of a snapshot
    all_empty: str = ""  # a snapshot in which every cell is
    fits: dict[DType, Fit] = field(default_factory=lambda: {dtype: Fit() for dtype in ORDER})
    no_text: bool = False  # nor can its cells be categories
    texts: set[str] = field(default_factory=set)  # values as text, of at most one more than MOST_VALUES
    counts: Counter[str] = field(default_factory=Counter)  # how often each is there, where a snapshot has no more than two
    longest: int = 0  # characters of one of them
    distinct: int = 0  # largest number of different values in a snapshot
    every_row: bool = True  # whether in each snapshot every row has another value
    run: bool = True  # whether these are whole numbers without a gap
    same: bool = True  # whether in each snapshot every row has the same one
    words: Counter[str] = field(default_factory=Counter)  # that were read as empty
    signs: str | None = None  # of numbers written for people
    other_dates: str | None = None  # one of the cells, where they are dates that are not ISO
    example: str = ""
    no_key: str = ""  # why it is not the entity's key

    def add(self, column: pa.ChunkedArray, snapshot: str) -> None:
        """Look at the column of one more snapshot."""
        raw = cells.plain(column)
        rows = len(raw)
        self.fewest = rows if not self.snapshots else min(self.fewest, rows)
        self.snapshots.append(snapshot)
        self.rows += rows
        self.kind = str(column.type)
        text = pa.types.is_string(raw.type)
        self.coded = self.coded or (self.typed and text)
        if pa.types.is_nested(raw.type):
            self.fits, self.no_text, self.no_key = {}, True, f"is of type {column.type}"
            return
        self._texts(raw, snapshot, text=text)
        for dtype in list(self.fits):
            self._fit(raw, dtype)
        if self.other_dates != "":
            here = other_dates(raw)
            self.other_dates = self.other_dates if here is None else here and (self.other_dates or here)
        if text:
            self.words.update(words_for_nothing(raw))
            signs = number_signs(raw) if self.signs != "" else ""
            self.signs = " ".join(dict.fromkeys(f"{self.signs or ''} {signs}".split())) if signs else ""
        if not self.no_key:
            self.no_key = self._why_no_key(raw)

    def _texts(self, raw: pa.Array, snapshot: str, *, text: bool) -> None:
        read = cells.typed(raw, DType.CATEGORY)
        # numbers with a fraction are no codes, and yet their number counts
        values = _there(raw) if read.faults else read.values.drop_null()
        self.no_text = self.no_text or bool(read.faults)
        empty = len(raw) - len(values)
        if empty == len(raw):
            self.all_empty = self.all_empty or snapshot
        self.empty = max(self.empty, empty / max(1, len(raw)))
        unique = pc.unique(values)
        self.distinct = max(self.distinct, len(unique))
        self.every_row = self.every_row and len(unique) == len(raw)
        self.same = self.same and len(unique) <= 1
        if not read.faults and len(self.texts) <= MOST_VALUES:
            some = unique.slice(0, MOST_VALUES + 1)
            self.texts.update(some.to_pylist())
            if len(unique) <= _TWO:
                self.counts.update({item["values"]: item["counts"] for item in pc.value_counts(values).to_pylist()})
            self.longest = max(self.longest, pc.max(pc.utf8_length(some)).as_py() or 0)
        if text and not self.example and len(values):
            self.example = values[0].as_py()

    def _fit(self, raw: pa.Array, dtype: DType) -> None:
        for part in (raw.slice(0, _PROBE), raw):  # most types are out of the question after some cells
            read = typed_dates(part, "days", _SOME_DAY) if dtype is DType.DATE else cells.typed(part, dtype)
            faulty = read.faulty
            there = len(part) - read.values.null_count + int(faulty.sum())
            share = float(faulty.sum()) / max(1, there)
            if share > 0.5:  # noqa: PLR2004 - of the other kind
                del self.fits[dtype]
                return
            if len(part) == len(raw):
                break
        fit = self.fits[dtype]
        fit.faulty = max(fit.faulty, share)
        if faulty.any() and len(fit.bad) < _BAD:
            fit.bad |= set(map(str, pc.unique(raw.filter(pa.array(faulty))).slice(0, _BAD).to_pylist()))
        if dtype in {DType.INT, DType.FLOAT} and read.values.null_count < len(read.values):
            low, high = pc.min_max(read.values).as_py().values()
            fit.low, fit.high = min(fit.low, low), max(fit.high, high)
            if dtype is DType.INT:
                self.run = self.run and high - low + 1 == len(raw)

    def _why_no_key(self, raw: pa.Array) -> str:
        """The reason why no key, as the end of a sentence; empty when it may be one."""
        head = raw.slice(0, _PROBE)
        if len(head) and pc.count_distinct(head).as_py() * 2 < len(head):
            return self._repeats(head)
        keys = entity_keys(raw)
        if keys.faults:
            fault = keys.faults[0]
            example = raw.filter(pa.array(fault.rows))[0].as_py()
            return f"has values that are {fault.phrase}, as {example!r}"
        if keys.texts.null_count:
            return f"is empty in {keys.texts.null_count:,} rows"
        return "" if pc.count_distinct(keys.texts).as_py() == len(raw) else self._repeats(keys.texts)

    def _repeats(self, values: pa.Array) -> str:
        counts = pc.value_counts(values)
        again = counts.filter(pc.greater(counts.field("counts"), 1))
        first = again[0]["values"].as_py() if len(again) else None
        return f"repeats: {len(again):,} of its values stand in more than one row, as {first!r}"


def _there(raw: pa.Array) -> pa.Array:
    values = raw.drop_null()
    return values.filter(pc.invert(pc.is_nan(values))) if pa.types.is_floating(values.type) else values


def absent(seen: Seen, snapshots: Sequence[str]) -> list[str]:
    """Those of the snapshots that have the table, and not this column."""
    return [name for name in snapshots if name not in seen.snapshots]
