"""What a drift test is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a test found: the rows that it compared on either side, and effect and p-value, both None when a side has no rows."""

    reference_rows: int
    current_rows: int
    effect: float | None
    p: float | None


@dataclass(frozen=True, slots=True)
class DriftTest:
    """One test of a feature.

    Args:
        aspect: `value` when it compares the rows that have a value, `missing` when it compares how many have one.
        measure: the effect's name in reasons and records; with the aspect it names the test.
        title: the effect's name in the report.
        threshold: the effect from which on a difference matters.
        compare: the test itself, of reference and current histogram; None where it does not apply (another type, nothing missing).
    """

    aspect: Aspect
    measure: str
    title: str
    threshold: Callable[[Effects], float]
    compare: Callable[[FeatureProfile, FeatureProfile], Comparison | None]
