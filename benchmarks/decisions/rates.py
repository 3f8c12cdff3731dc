"""A rate with the interval that its number of draws allows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` of `draws`, at least one draw."""

    count: int
    draws: int

    @property
    def value(self) -> float:
        """The share, 0 to 1."""
        return self.count / self.draws

    def wilson(self, confidence: float = 0.95) -> tuple[float, float]:
        """Two-sided score interval (Wilson 1927, JASA 22:209); it is sound at 0 and at all of the draws too."""
        z = NormalDist().inv_cdf(0.5 + confidence / 2)
        spread = z * math.sqrt(self.value * (1 - self.value) / self.draws + (z / self.draws) ** 2 / 4)
        middle, scale = self.value + z**2 / self.draws / 2, 1 + z**2 / self.draws
        return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)

    def to_dict(self) -> dict[str, float | int]:
        """The rate and its 95 % interval, with four digits behind the point."""
        low, high = self.wilson()
        return {
            "count": self.count,
            "draws": self.draws,
            "rate": round(self.value, 4),
            "low": round(low, 4),
            "high": round(high, 4),
        }

    def __str__(self) -> str:
        """`0.8 % (0.6-1.0, n=10,000)`."""
        low, high = self.wilson()
        return f"{100 * self.value:.1f} % ({100 * low:.1f}-{100 * high:.1f}, n={self.draws:,})"
