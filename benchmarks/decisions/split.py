"""`python -m benchmarks.decisions.split`: what another split of the year's budget between tries and months would find.

Half of `policy.gate.false_promotions_a_year` is for wins in time, the other half for versions whose months add up, each pair of
versions by itself. Printed is what either finds by the tries' part of the whole, on the same draws, and what months would find if
their half were divided among the pairs of a year. Takes a minute of one core.
"""

from __future__ import annotations

import math
from datetime import date
from statistics import NormalDist

import numpy as np

from benchmarks.decisions.plan import CLAIMED_ROWS
from benchmarks.decisions.promotion_rules import measured
from benchmarks.decisions.rates import Rate
from benchmarks.decisions.scores import CHAMPION_AUC, POSITIVES, draw, holdout, separation
from ratchet.core.budget import alpha_of
from ratchet.core.decision import Reason, Verdict
from ratchet.core.evidence import PairedLook, gain_over
from ratchet.core.gate import judge
from ratchet.core.policy import GatePolicy
from ratchet.tasks.binary.auc import difference

SEED, LOOKS, HISTORIES, MONTHS = 16, 4_000, 800, 6
FOR_TRIES = (0.5, 0.6, 0.7, 1.0)  # parts of the year's figure
PAIRS = (1, 3, 5, 17)  # one; challengers that are kept; windows; those and a new challenger a month
LIKE = 0.8  # correlation of two models' scores within a class, and of one user's scores in two months
_POLICY = GatePolicy()
_OTHERS_ALONE = Reason(Verdict.PASS, "not asked here")


def looks(rng: np.random.Generator, gain: float, correlation: float) -> list[tuple[float, bool]]:
    """For each look the delta in standard errors, and whether all the gate's other reasons hold and the delta is large enough."""
    found = []
    for _ in range(LOOKS):
        labels, (champion, candidate) = draw(rng, CLAIMED_ROWS, (CHAMPION_AUC, CHAMPION_AUC + gain), correlation)
        measurement = measured(holdout(rng, labels), candidate, champion, 1)
        assert measurement.paired
        delta = measurement.paired.delta
        error = (delta.high - delta.value) / NormalDist().inv_cdf(0.5 + measurement.confidence / 2)
        others = judge(measurement, _POLICY, proven=_OTHERS_ALONE).passed and delta.value > _POLICY.min_delta
        found.append((delta.value / error, others))
    return found


def history(rng: np.random.Generator, gain: float) -> list[PairedLook]:
    """Months of two models over users who return."""
    apart = [separation(CHAMPION_AUC + gain), separation(CHAMPION_AUC)]
    noise, months = rng.standard_normal((3, CLAIMED_ROWS)), []
    for month in range(1, MONTHS + 1):
        noise = LIKE * noise + math.sqrt(1 - LIKE**2) * rng.standard_normal(noise.shape)
        labels = (rng.random(CLAIMED_ROWS) < POSITIVES).astype(np.int8)
        scores = [
            a * labels + math.sqrt(LIKE) * noise[0] + math.sqrt(1 - LIKE) * own for a, own in zip(apart, noise[1:], strict=True)
        ]
        delta = difference(labels, scores[0], scores[1])
        months.append(PairedLook(date(2024, month, 28), delta.value, delta.se, CLAIMED_ROWS))
    return months


def ahead_at(months: list[PairedLook], alpha: float) -> bool:
    """Whether the first is ahead after any of the months."""
    gains = (gain_over(months[:seen], alpha) for seen in range(1, len(months) + 1))
    return any(gain is not None and gain.low > 0 for gain in gains)


def main() -> None:
    """Print both tables."""
    yearly, rng = _POLICY.false_promotions_a_year, np.random.default_rng(SEED)
    one_look, histories = looks(rng, 0.05, 0.7), [history(rng, 0.02) for _ in range(HISTORIES)]
    print(f"{sum(not others for _, others in one_look)} of {LOOKS} looks are refused for another reason than the lower end")
    for part in FOR_TRIES:
        alpha = alpha_of((), date(2024, 1, 31), part * yearly)
        z = NormalDist().inv_cdf(1 - alpha)
        found = Rate(sum(others and delta > z for delta, others in one_look), LOOKS)
        rest = (1 - part) * yearly
        months = Rate(sum(ahead_at(each, rest) for each in histories), HISTORIES) if rest else "-"
        print(f"{part:.0%} for tries: z {z:.2f} finds .05 at .7 in {found}; months find .02 at {LIKE} in {months}")
    for pairs in PAIRS:
        months = Rate(sum(ahead_at(each, yearly / 2 / pairs) for each in histories), HISTORIES)
        print(f"half for months, divided among {pairs} pairs: {months}")


if __name__ == "__main__":
    main()
