"""How many answers each version gave, over time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_WIDTHS = (1.0, 5.0, 15.0, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 6 * _HOUR, _DAY, 7 * _DAY, 30 * _DAY)


@dataclass(frozen=True, slots=True)
class Volume:
    """Answers counted in slots of equal width.

    Slot i begins `i * width` seconds after `start` (seconds since the epoch, a multiple of `width`). Every version's list has
    `slots` counts.
    """

    start: float = 0.0
    width: float = 1.0
    slots: int = 0
    counts: Mapping[int, list[int]] = field(default_factory=dict)

    def total(self, version: int) -> int:
        """All answers of one version."""
        return sum(self.counts.get(version, []))


def empty_volume(first: float, last: float, most: int) -> Volume:
    """Slots, at most `most` where the widest allows it, that hold every moment from `first` to `last`."""
    fitting = (width for width in _WIDTHS if _slots(first, last, width) <= most)
    width = next(fitting, _WIDTHS[-1])
    return Volume(math.floor(first / width) * width, width, _slots(first, last, width))


def _slots(first: float, last: float, width: float) -> int:
    return math.floor(last / width) - math.floor(first / width) + 1
