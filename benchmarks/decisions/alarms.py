"""Cells of the questions about drift: false alarms on quiet months, and shifts that are found."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from benchmarks.decisions.alarm_rules import OURS, SHARES, drifted_share, ours, preset, statistics
from benchmarks.decisions.months import Shift, Sources, features, month, shifted, sources
from benchmarks.decisions.returning import two_months
from benchmarks.decisions.runner import SEED, Tally
from ratchet.core.decision import Verdict
from ratchet.core.schema import Columns

UNKNOWN = "Ratchet: UNKNOWN"


@dataclass(frozen=True, slots=True)
class Month:
    """How often a month of `rows` raises an alarm beside a reference of `reference` rows; Evidently sees the first `peer_draws`.

    `returning` is the correlation of a user's values in both months, of a quiet one; 0: others each month.
    """

    rows: int
    reference: int
    features: int
    shift: Shift
    draws: int
    peer_draws: int
    returning: float = 0.0

    @property
    def rows_per_draw(self) -> int:
        """What a draw costs, in rows of fourteen features."""
        return max(1, (self.rows + self.reference) * self.features // 14)

    def play(self, rng: np.random.Generator, numbers: range) -> Tally:
        """As many pairs of months as `numbers` has."""
        tally, where = Tally(), sources(self.features, self.shift)
        named = features(where)
        for number in numbers:
            before, after = self._months(rng, where)
            verdict = ours(named, before, after)
            tally.add(OURS, hit=verdict is Verdict.PASS)
            tally.add(UNKNOWN, hit=verdict is Verdict.UNKNOWN)
            if number < self.peer_draws:
                share = drifted_share(statistics(named, before, after))
                for name, bound in SHARES.items():
                    tally.add(name, hit=share >= bound)
        return tally

    def _months(self, rng: np.random.Generator, where: Sources) -> tuple[Columns, Columns]:
        if self.returning:
            return two_months(rng, self.reference, self.rows, where, self.returning)
        before = month(rng, self.reference, where)
        return before, month(rng, self.rows, shifted(where, self.shift, rng))


def compare_with_preset(months: int) -> float:
    """The largest difference between a column's statistic and the whole preset's figure, over `months` months of each kind.

    Raises AssertionError when it is beyond rounding, or the preset counts other columns as drifted.
    """
    rng, worst, where = np.random.default_rng(SEED), 0.0, sources(5)
    named = features(where)
    for rows, reference in ((50, 7_000), (700, 700), (2_000, 7_000)):
        for _ in range(months):
            before, after = month(rng, reference, where), month(rng, rows, shifted(where, Shift.MODERATE, rng))
            single = statistics(named, before, after)
            whole, share = preset(named, before, after)
            assert single.keys() == whole.keys()
            assert math.isclose(share, drifted_share(single)), (share, single)
            worst = max([worst, *(abs(whole[name] - score) for name, (score, _) in single.items())])
    assert worst < 1e-9, f"Evidently's preset differs from its column statistics by {worst}"
    return worst
