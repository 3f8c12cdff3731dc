"""What the newest labels say of production, for the first screen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ratchet.apps.wording import interval_of
from ratchet.core.estimate import MetricName
from ratchet.core.history import History
from ratchet.steps.parts.standing import Standing


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that a person should know. `commands` in backticks; `page` shows more, empty when none does."""

    text: str
    page: str = ""


def concerns(seen: Standing, history: History, champion: int | None) -> Iterator[Attention]:
    """A champion that fell, wishes that wait for labels, and a version that still has to stand its first month."""
    if seen.fallen:
        yield Attention(f"Version {champion} does worse than it did, beyond doubt: {seen.fallen}.", "/performance")
    for wish in seen.waiting:
        yield Attention(f"A new model is wanted since {wish.since} and waits for labels: {wish.text}.", "/history?kind=trigger")
    if seen.probation and champion is not None:
        back = f"version {history.previous} comes back by itself if the next labels show that it is better"
        yield Attention(f"Version {champion} is on probation: {back}.", "/performance")


def figure(seen: Standing, metric: MetricName) -> Iterator[tuple[str, str, str]]:
    """The champion's newest figure with its date and interval; before labels have come the one at training, which says so."""
    if seen.champion is not None:
        value = interval_of(seen.champion)
        between = f"{value.low:.3f} to {value.high:.3f}, " if math.isfinite(value.low + value.high) else ""
        known = f"{value.value:.3f}" if math.isfinite(value.value) else "not measurable"
        yield f"{metric.label} on {seen.champion.as_of}", known, f"{between}{seen.champion.rows:,} held-out rows"
    elif seen.training is not None and math.isfinite(seen.training[0].value):
        value, day = seen.training
        between = f"{value.low:.3f} to {value.high:.3f}; " if math.isfinite(value.low + value.high) else ""
        yield f"{metric.label} at training, on {day}", f"{value.value:.3f}", f"{between}no later labels yet"
