"""Labels as files write them: true and false, or a value that the project names as the positive one, and one other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ratchet.core.entity_key import code_of
from ratchet.core.schema import is_missing
from ratchet.sources.cells import NULLS, plain
from ratchet.sources.problems import shortened

TWO = 2
# YAML reads an unquoted `positive: Yes` as true: the file's word for it is any that YAML reads so
_WORDS = {"true": ("true", "yes", "on"), "false": ("false", "no", "off")}
# What a value may say that stands alone, without a positive one beside it: a plain no, or the opposite of a positive that is one.
# Any other word, above all another yes, may as well be the positive one in a spelling that ratchet.yaml does not know.
_OPPOSITES = (("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"), ("on", "off"), ("1", "0"))
_OPPOSITE = {word: other for pair in _OPPOSITES for word, other in (pair, pair[::-1])}
_NOES = frozenset((*(no for _, no in _OPPOSITES), "none", "never", "-1", "nein", "non", "nej", "nee", "nie", "não"))
_MANY = 1000  # distinct cells: so many spellings of two values nobody writes
_SHOWN = 5  # values of a column that has too many


@dataclass(frozen=True, slots=True)
class Positives:
    """Which of the values found are 1 and which 0.

    `labels` maps each spelling found to its label. `problem` says why they are none, and is empty where they are; `note` says what
    is odd about them.
    """

    labels: Mapping[str, int]
    problem: str = ""
    note: str = ""


def spelling(value: Any, positive: str) -> str | None:
    """A cell as it is compared: without blanks around, a whole number without a point, a truth value in small letters.

    None where it is empty or one of the spellings of null, unless it is the positive value.
    """
    if is_missing(value):
        return None
    text = str(value).strip()
    if text in NULLS and text != positive.strip():
        return None
    return text.lower() if text.lower() in _WORDS else code_of(text)


def positives(counts: Mapping[str, int], positive: str) -> Positives:
    """Tell the positive value from the other.

    Args:
        counts: the spellings found, with how often each is there.
        positive: as ratchet.yaml has it.
    """
    wanted = spelling(positive, positive) or positive
    hits = [text for text in counts if text == wanted] or [text for text in counts if text.lower() in _WORDS.get(wanted, ())]
    found = _told(counts, len(counts))
    if len(counts) > TWO:
        return Positives({}, _too_many(len(counts), counts))
    if not hits and (len(counts) == TWO or not all(_denies(text, wanted) for text in counts)):
        advice = f": write {positive!r} or 0" if len(counts) < TWO else ""
        return Positives({}, f"none is {positive!r}, which label.positive names; there are {found}{advice}")
    note = f"no label is {positive!r}, which label.positive names; there are {found}" if counts and not hits else ""
    return Positives({text: int(text in hits) for text in counts}, note=note)


def _denies(text: str, wanted: str) -> bool:
    """Whether a value that stands alone is plainly not the positive one."""
    low, positive = text.lower(), wanted.lower()
    if positive in _NOES:
        return low == _OPPOSITE.get(positive)
    return low in _NOES or low in {f"{no}{positive}" for no in ("not ", "no ", "non-", "not_", "no_")}


def typed_labels(column: pa.ChunkedArray, positive: str) -> tuple[pa.Array, Positives]:
    """A raw column as bool, null where no label has come yet or the values are none, and what was found in it."""
    cells = plain(column)
    if pa.types.is_nested(cells.type):
        return pa.nulls(len(cells), pa.bool_()), Positives({}, f"a label is text, a number or a truth value, and not {cells.type}")
    raw = cells.dictionary_encode()
    if len(raw.dictionary) > _MANY:  # a number or free text: a million values are not looked at one by one
        most = sorted(pc.value_counts(raw.indices.drop_null()).to_pylist(), key=lambda entry: -entry["counts"])[:_SHOWN]
        some = {str(raw.dictionary[entry["values"]].as_py()): entry["counts"] for entry in most}
        return pa.nulls(len(cells), pa.bool_()), Positives({}, _too_many(len(raw.dictionary), some))
    texts = [spelling(value, positive) for value in raw.dictionary.to_pylist()]
    counted: Counter[str] = Counter()
    for entry in pc.value_counts(raw.indices.drop_null()).to_pylist():
        if (text := texts[entry["values"]]) is not None:
            counted[text] += entry["counts"]
    read = positives(counted, positive)
    values = pa.array([None if text is None or read.problem else bool(read.labels[text]) for text in texts], pa.bool_())
    return values.take(raw.indices), read


def _too_many(distinct: int, counts: Mapping[str, int]) -> str:
    return f"a binary label has two values, and here are {distinct:,}: {_told(counts, distinct)}"


def _told(counts: Mapping[str, int], distinct: int) -> str:
    """The most frequent values with their counts, and how many others there are."""
    most = Counter(counts).most_common(_SHOWN)
    more = f" and {distinct - len(most):,} more" if distinct > len(most) else ""
    return ", ".join(f"{shortened(text)!r} ({times:,})" for text, times in most) + more
