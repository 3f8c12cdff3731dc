"""Reports as the steps need them.

Every method raises `Unavailable` when its backend cannot be reached: an unreachable backend is never an empty answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ratchet.core.schema import Columns, Feature


class DriftReporter(Protocol):
    """A report on drift for people."""

    def drift_report(
        self,
        features: Sequence[Feature],
        reference: Columns,
        current: Columns,
        name: str,
        *,
        number_effect: float,
        category_effect: float,
        drift_share: float,
        verdict: Sequence[str],
    ) -> tuple[str, dict[str, float]]:
        """HTML, and the effect size of each feature that could be computed. `verdict` is ours: a headline, then sentences."""
        ...


class Reports(Protocol):
    """Where reports for people go, and what tasks leave for each other."""

    def save(self, name: str, content: str) -> str:
        """Store an HTML or JSON document; returns where it is."""
        ...

    def load(self, name: str) -> str | None:
        """The document that was saved under the name, None when there is none."""
        ...
