"""Cells of the questions about promotions: one candidate, and twenty in a row on one snapshot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.decisions.promotion_rules import OURS, PEERS, measured, ours
from benchmarks.decisions.runner import Tally
from benchmarks.decisions.scores import CHAMPION_AUC, draw, holdout

TRIES = 20


@dataclass(frozen=True, slots=True)
class OneCandidate:
    """How often a candidate that is truly better by `gain` is promoted, as the `attempt`th on its snapshot."""

    rows: int
    gain: float
    correlation: float
    draws: int
    attempt: int = 1

    @property
    def rows_per_draw(self) -> int:
        """What a draw costs, in rows."""
        return self.rows

    def play(self, rng: np.random.Generator, numbers: range) -> Tally:
        """As many independent holdouts as `numbers` has."""
        tally = Tally()
        for _ in numbers:
            labels, (champion, candidate) = draw(rng, self.rows, (CHAMPION_AUC, CHAMPION_AUC + self.gain), self.correlation)
            measurement = measured(holdout(rng, labels), candidate, champion, self.attempt)
            tally.add(OURS, hit=ours(measurement))
            assert measurement.paired
            for name, rule in PEERS.items():
                tally.add(name, hit=rule(measurement.paired.candidate, measurement.paired.champion))
        return tally


@dataclass(frozen=True, slots=True)
class ManyCandidates:
    """How often at least one of TRIES equal candidates in a row is promoted on one holdout."""

    rows: int
    correlation: float
    draws: int

    @property
    def rows_per_draw(self) -> int:
        """What a draw costs, in rows."""
        return self.rows * TRIES

    def play(self, rng: np.random.Generator, numbers: range) -> Tally:
        """As many independent holdouts, each with its own candidates, as `numbers` has."""
        tally = Tally()
        for _ in numbers:
            labels, (champion, *candidates) = draw(rng, self.rows, [CHAMPION_AUC] * (1 + TRIES), self.correlation)
            held = holdout(rng, labels)
            promoted = dict.fromkeys([OURS, *PEERS], False)
            for attempt, candidate in enumerate(candidates, 1):
                measurement = measured(held, candidate, champion, attempt)
                promoted[OURS] |= ours(measurement)
                assert measurement.paired
                for name, rule in PEERS.items():
                    promoted[name] |= rule(measurement.paired.candidate, measurement.paired.champion)
            for name, hit in promoted.items():
                tally.add(name, hit=hit)
        return tally
