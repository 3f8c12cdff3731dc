"""Both versions' figures on the held-out rows, and what the gate asks of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ratchet.core.decision import Verdict
from ratchet.core.estimate import Interval, MetricName, Paired, Scores
from ratchet.core.measurement import Asked, Guard, Measurement, SliceComparison
from ratchet.core.policy import GatePolicy
from ratchet.tasks.binary.auc import Labels, Ranked, auc_interval, compare
from ratchet.tasks.binary.brier import brier
from ratchet.tasks.binary.slices import POSITIVE, compare_slices

CHANCE = 0.5
METRIC = MetricName("auc", "AUC", neutral=CHANCE, neutral_name="chance", no_interval="a class has fewer than two rows")
BRIER = "brier"


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; `paired`, `champion_brier` and `slices` are there when there is a champion."""

    rows: int
    positives: int
    candidate: Interval
    candidate_brier: float
    attempt: int
    confidence: float
    paired: Paired | None = None
    champion_brier: float | None = None
    slices: Sequence[SliceComparison] = ()

    def under(self, policy: GatePolicy) -> Measurement:
        """The figures as the gate asks about them."""
        return Measurement(
            metric=METRIC,
            rows=self.rows,
            primary=self.candidate,
            attempt=self.attempt,
            confidence=self.confidence,
            enough=self._enough(policy),
            guards=self._guards(policy),
            counts={POSITIVE: self.positives},
            paired=self.paired,
            slices=self.slices,
        )

    def _enough(self, policy: GatePolicy) -> tuple[Guard, ...]:
        fewest = min(self.positives, self.rows - self.positives)
        return (
            Guard("holdout rows", self.rows, ">=", policy.min_rows, otherwise=Verdict.UNKNOWN),
            Guard("rows of the rarer class", fewest, ">=", policy.min_per_class, otherwise=Verdict.UNKNOWN),
        )

    def _guards(self, policy: GatePolicy) -> tuple[Guard, ...]:
        """Floor and leakage alarm, which hold for a first model too; then calibration against the champion's."""
        return (
            Guard("candidate AUC", self.candidate.value, ">", policy.floor_auc, promotes_first=True),
            Guard("lower end of candidate AUC", self.candidate.low, ">", CHANCE),
            Guard("candidate AUC (leakage alarm)", self.candidate.value, "<", policy.leakage_auc),
            Guard(
                "Brier score's increase",
                self.candidate_brier,
                "<=",
                policy.brier_margin,
                asked=Asked.INCREASE,
                champion=self.champion_brier,
                key=BRIER,
            ),
        )


def measure(
    policy: GatePolicy,
    labels: Labels,
    slices: Mapping[str, NDArray[Any]],
    first: Scores,
    second: Scores | None,
    *,
    attempt: int,
    confidence: float,
) -> Figures:
    """Measure `first` (the candidate's scores) and, where the champion may be compared with, `second`."""
    candidate = Ranked.of(first)
    rows, positives = len(labels), int(labels.sum())
    alone = auc_interval(labels, candidate, confidence)
    if second is None:
        return Figures(rows, positives, alone, brier(labels, first), attempt, confidence)
    champion = Ranked.of(second)
    return Figures(
        rows,
        positives,
        alone,
        brier(labels, first),
        attempt,
        confidence,
        paired=compare(labels, candidate, champion, confidence),
        champion_brier=brier(labels, second),
        slices=compare_slices(
            slices,
            labels,
            candidate,
            champion,
            confidence=policy.confidence,  # not the try's: there certainty is needed to promote, here to veto
            min_rows=policy.slice_min_rows,
            min_per_class=policy.slice_min_per_class,
        ),
    )
