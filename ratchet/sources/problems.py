"""What is wrong with a snapshot's tables, in the words that people read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ratchet.core.errors import DataError

SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Lesson:
    """The key of ratchet.yaml by which a finding would be none.

    `values` are: categories that are new; the lowest and the highest number; a share of rows, for `on_unknown`,
    `max_unknown_share` and `max_null_share`; nothing for the others. `optional` is of a table, `strangers` of the label, the rest
    of a column.
    """

    key: Literal["categories", "range", "nullable", "max_null_share", "on_unknown", "max_unknown_share", "optional", "strangers"]
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding in one column (or in the whole table, then `column` is empty).

    `rows` is the number of rows concerned (0 when the finding is not about rows), `samples` are up to three of their keys,
    or row numbers of the file where there is no key to be had; `values` are the cells of those rows, where they tell something,
    and `tally` the most frequent of all cells concerned with their number; `hint` is a rule that one may not know, or a way on;
    `lesson` is what the project would have to say for it to be fine, where there is such a thing.
    """

    table: str
    column: str
    problem: str
    rows: int = 0
    samples: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    tally: tuple[tuple[str, int], ...] = ()
    hint: str = ""
    lesson: Lesson | None = None

    def sentence(self, entity: str) -> str:
        """`payments_agg_90d.failed_payments_90d: 2 values are not int, as for user_id 7590-VHVEG, 5575-GNVDE: 'abc', '?'`."""
        where = f"{self.table}.{self.column}" if self.column else self.table
        text = f"{where}: {self.problem}"
        if self.samples:
            text += f", as for {entity} {', '.join(self.samples)}"
        if self.values:
            text += f": {', '.join(map(repr, dict.fromkeys(self.values)))}"
        return f"{text} ({self.hint})" if self.hint else text


class TableError(DataError):
    """A table that cannot be read at all; carries the problem so that a check can go on with the other tables."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.sentence(""))
        self.problem = problem


def counted(rows: int, singular: str, plural: str) -> str:
    """`1 value is not int`, `1,526 values are not int`: the count with the phrase that fits it."""
    return f"{rows:,} {singular if rows == 1 else plural}"


def tallied(values: Sequence[object], most: int = 5, width: int = 40) -> tuple[tuple[str, int], ...]:
    """The most frequent cells as text, with how often each is there."""
    counts = Counter(str(value) for value in values)
    return tuple((shortened(text, width), times) for text, times in counts.most_common(most))


def clipped(values: Sequence[object], width: int = 40) -> tuple[str, ...]:
    """Up to three cells as text, long ones cut."""
    return tuple(shortened(str(value), width) for value in values[:SAMPLES])


def shortened(text: str, width: int = 40) -> str:
    """A long text cut."""
    return text if len(text) <= width else f"{text[:width]}…"
