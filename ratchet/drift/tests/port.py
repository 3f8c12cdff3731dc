"""What a drift test is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ratchet.drift.histogram import FeatureProfile

Aspect = Literal["value", "missing"]


class Effects(Protocol):
    """Where a threshold is taken from: the figures of `policy.drift` that are effects."""

    @property
    def number_effect(self) -> float:
        """Of numbers."""
        ...

    @property
    def category_effect(self) -> float:
        """Of categories."""
        ...

    @property
    def rate_effect(self) -> float:
        """Of the share of rows that have one value."""
        ...

    @property
    def unseen_effect(self) -> float:
        """Of the share of rows with a value that the reference does not know."""
        ...


Threshold = Callable[[Effects], float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a test found: the rows that it compared on either side, and effect and p-value, both None when a side has no rows.

    `further` has other effects of the same difference, by measure. Any of them that matters is as good as `effect`: there is one
    question whether the difference is an accident, and several in which way it may matter, so they share the p-value.
    """

    reference_rows: int
    current_rows: int
    effect: float | None
    p: float | None
    further: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Further:
    """An effect beside a test's first one: its title in the report, and its threshold."""

    title: str
    threshold: Threshold


@dataclass(frozen=True, slots=True)
class DriftTest:
    """One test of a feature.

    Args:
        aspect: `value` when it compares the rows that have a value, `missing` when it compares how many have one.
        measure: the effect's name in reasons and records; with the aspect it names the test.
        title: the effect's name in the report.
        threshold: the effect from which on a difference matters.
        compare: the test itself, of reference and current histogram; None where it does not apply (another type, nothing missing).
        further: the measures that `Comparison.further` may have.
    """

    aspect: Aspect
    measure: str
    title: str
    threshold: Threshold
    compare: Callable[[FeatureProfile, FeatureProfile], Comparison | None]
    further: Mapping[str, Further] = field(default_factory=dict)
