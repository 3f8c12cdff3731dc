"""How far a test of drift is beyond its threshold."""

from __future__ import annotations

from dataclasses import dataclass

_LEAST = 1e-9  # a threshold of 0 is divided by it


@dataclass(frozen=True, slots=True)
class Figure:
    """One effect of a test beside the threshold from which on it matters; `effect` is None when a side has no rows."""

    measure: str
    effect: float | None
    threshold: float

    @property
    def severity(self) -> float | None:
        """Effect over threshold; None without an effect."""
        return severity(self.effect, self.threshold)


def severity(effect: float | None, threshold: float) -> float | None:
    """Effect over threshold; None without an effect."""
    return None if effect is None else effect / max(threshold, _LEAST)


def decisive(first: Figure, further: tuple[Figure, ...]) -> Figure:
    """The figure that a test is judged by: its first one where that matters or nothing does, else the one furthest beyond."""
    if first.effect is None or first.effect >= first.threshold:
        return first
    beyond = [item for item in further if item.effect is not None and item.effect >= item.threshold]
    return max(beyond, key=lambda item: item.severity or 0.0, default=first)
