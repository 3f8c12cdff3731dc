"""How far a test of drift is beyond its threshold."""

from __future__ import annotations

_LEAST = 1e-9  # a threshold of 0 is divided by it


def severity(effect: float | None, threshold: float) -> float | None:
    """Effect over threshold; None without an effect."""
    return None if effect is None else effect / max(threshold, _LEAST)
