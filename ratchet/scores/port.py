"""What `ratchet score` reads and writes.

Every method raises `Unavailable` when its backend cannot be reached: an unreachable backend is never an empty answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from numpy.typing import NDArray

from ratchet.core.schema import Columns, Scored

BATCH = 100_000  # rows that are read and scored at once
MODEL_VERSION, AS_OF = "model_version", "as_of"  # columns beside the entity and what the task's answers say


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Rows that fit the project: keys in their one spelling (str objects, shape (n,)), and the columns that were asked for.

    `seen` counts what can be judged over all rows alone, as cells that are missing; the names are the source's own.
    """

    keys: NDArray[Any]
    columns: Scored
    seen: Counter[str] = field(default_factory=Counter)


Read = Callable[[], Batch]
"""A batch that is checked when it is asked for, in any thread; raises DataError with what does not fit."""


class Rows(Protocol):
    """What is scored, in an order that does not change while its `identity` does not."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        ...

    @property
    def as_of(self) -> date:
        """The date that the rows describe."""
        ...

    @property
    def total(self) -> int | None:
        """Rows in all, None where that is not known beforehand."""
        ...

    @property
    def proven(self) -> bool:
        """Whether each entity is known to be there once."""
        ...

    def identity(self) -> str:
        """A digest of the content; empty where there is none to be had, and a run that was broken off starts anew."""
        ...

    def batches(self, features: Sequence[str], start: int) -> Iterator[Read]:
        """The rows from number `start` on, BATCH at a time. Raises DataError where a feature has no column."""
        ...

    def judged(self, seen: Mapping[str, int], rows: int) -> list[str]:
        """What is to be said of all `rows` rows once they are read. Raises DataError where the project does not allow it."""
        ...


@dataclass(frozen=True, slots=True)
class Done:
    """What a run before this one has left of the same scores."""

    rows: int = 0
    seen: Counter[str] = field(default_factory=Counter)


class Target(Protocol):
    """Where scores go: nothing of them is to be seen there before `publish`, and all of them afterwards."""

    @property
    def place(self) -> str:
        """It, without what may be secret."""
        ...

    def begin(self, made_of: Mapping[str, Any], *, resume: bool) -> Done:
        """Take up what is kept of the same `made_of`, or start anew; nobody else writes there until `close`.

        Raises LockHeld where somebody does.
        """
        ...

    def keep(self, columns: Columns, seen: Mapping[str, int]) -> None:
        """Keep the next rows, with what was seen up to them."""
        ...

    def kept_keys(self) -> Iterator[NDArray[Any]]:
        """The keys of the rows that are kept, a part at a time."""
        ...

    def publish(self) -> None:
        """Put what is kept in the place of what was there, at once, and forget what is kept."""
        ...

    def forget(self) -> None:
        """Throw away what is kept: it is of rows that were refused."""
        ...

    def close(self) -> None:
        """Let others write."""
        ...
