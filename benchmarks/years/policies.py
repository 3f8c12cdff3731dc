"""What may serve, policy by policy: each carries a champion through a history's months."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.years import ours
from benchmarks.years.months import History, Model
from benchmarks.years.ours import Served
from benchmarks.years.worlds import MONTHS
from ratchet.core.gate import should_promote
from ratchet.core.policy import GatePolicy
from ratchet.core.seen import Move, Rule

ASKED = "Ratchet, by default"  # one recipe, made when the champion's months ask for it
OURS, NEVER, LAB, TFX = "Ratchet's rule", "never", "lab: point >= 0.01", "TFX: point >= 1 %"
IN_TIME, EVIDENTLY = "in time alone: DeLong 98 %", "Evidently-triggered, point better"
FIXED = (NEVER, *(f"always, {months} months" for months in range(1, 7)))  # the first of them is `always`

Policy = Callable[[History], Served]
Asks = Callable[[History, Model, Model, int], bool]  # whether the candidate replaces the champion in that month

_GATE = GatePolicy()
_Z = 2.3263478740408408  # of the gate's two-sided 98 %
_MOVED = (
    0.1  # standard deviations: Evidently's threshold of the normalised Wasserstein distance, which is the shift of a normal's mean
)


def _by(asks: Asks, months: int = 1) -> Policy:
    def play(history: History) -> Served:
        served = Served([(0, 1)])
        for month in range(1, MONTHS + 1):
            candidate, champion = (month, months), served.models[-1]
            if asks(history, candidate, champion, month):
                served.moves.append((month, Move.PROMOTE, candidate))
                champion = candidate
            served.models.append(champion)
        return served

    return play


def _values(history: History, candidate: Model, champion: Model, month: int) -> tuple[float, float]:
    return history.figure(candidate, month).value, history.figure(champion, month).value


def _tfx(history: History, candidate: Model, champion: Model, month: int) -> bool:
    new, old = _values(history, candidate, champion, month)
    return new - old >= 0.01 * old


def _gate(history: History, candidate: Model, champion: Model, month: int) -> bool:
    gain = history.paired(candidate, champion, month)
    return gain.delta > _GATE.min_delta and gain.delta - _Z * gain.se > 0


def _drifted(history: History, candidate: Model, champion: Model, month: int) -> bool:
    moved = np.abs(history.means[month] - history.means[champion[0]])
    new, old = _values(history, candidate, champion, month)
    return bool((moved >= _MOVED).any()) and new > old


POLICIES: dict[str, Policy] = {
    OURS: ours.play,
    ASKED: partial(ours.play, rule=Rule(), recipes=(1,), asked=True),
    NEVER: _by(lambda *_: False),
    **{name: _by(lambda *_: True, months) for months, name in enumerate(FIXED[1:], start=1)},
    LAB: _by(lambda *what: should_promote(*_values(*what))),
    TFX: _by(_tfx),
    IN_TIME: _by(_gate),
    EVIDENTLY: _by(_drifted),
}
