"""Both versions' figures on the held-out rows, and what the gate asks of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.decision import Verdict
from ratchet.core.estimate import Clusters, Interval, MetricName, Paired, Scale, Scores
from ratchet.core.measurement import Asked, Guard, Limit, Measurement, SliceComparison
from ratchet.core.policy import GatePolicy
from ratchet.tasks.binary.auc import Pair, auc_interval
from ratchet.tasks.binary.brier import brier
from ratchet.tasks.binary.calibration import Calibration
from ratchet.tasks.binary.ranking import Labels, Ranked
from ratchet.tasks.binary.slices import POSITIVE, compare_slices

CHANCE = 0.5
# by the twelve simulated worlds of benchmarks/years; the winner's curse there is .010 to .018
SCALE = Scale(winners_curse=0.015, min_gain=0.003, broken_by=0.05, broken_at_first=0.25)
METRIC = MetricName("auc", "AUC", neutral=CHANCE, neutral_name="chance", no_interval="a class has fewer than two rows", scale=SCALE)
BRIER = "brier"
_LEAP = 4  # a champion's distance from 1 may become so many times less before it looks like a leak
_MORE_ROWS = "raise holdout.share (a new holdout), lower policy.gate.{}, or pool months: policy.gate.pool"


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; `paired`, `champion_brier` and `slices` are there when there is a champion.

    `fewest_clusters` counts the clusters of the class that stands in fewer, where rows hang together.
    """

    rows: int
    positives: int
    candidate: Interval
    candidate_brier: float
    attempt: int
    confidence: float
    paired: Paired | None = None
    champion_brier: float | None = None
    slices: Sequence[SliceComparison] = ()
    limits: Sequence[Limit] = ()
    fewest_clusters: int | None = None

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
            limits=self.limits,
        )

    def _enough(self, policy: GatePolicy) -> tuple[Guard, ...]:
        fewest = min(self.positives, self.rows - self.positives)
        counts = [("holdout rows", self.rows, "min_rows"), ("rows of the rarer class", fewest, "min_per_class")]
        if self.fewest_clusters is not None:  # rows of one household are one household's word
            counts.append(("groups of the rarer class", self.fewest_clusters, "min_per_class"))
        return tuple(
            Guard(text, count, ">=", getattr(policy, key), otherwise=Verdict.UNKNOWN, way_on=_MORE_ROWS.format(key))
            for text, count, key in counts
        )

    def _guards(self, policy: GatePolicy) -> tuple[Guard, ...]:
        """Floor and leakage alarm, which hold for a first model too; then calibration against the champion's."""
        return (
            Guard("candidate AUC", self.candidate.value, ">", policy.floor_auc, promotes_first=True),
            Guard("lower end of candidate AUC", self.candidate.low, ">", CHANCE),
            Guard("candidate AUC (leakage alarm)", self.candidate.value, "<", self._leaked_from(policy)),
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

    def _leaked_from(self, policy: GatePolicy) -> float:
        """The AUC that only a leak of the label explains.

        Beside a champion it is a leap: one that is right in 98.5 % of pairs may become right in 99.1 % by work, and would never be
        replaced under a bound of 99 %. A first model, and one beside a champion that is far below, has the policy's bound.
        """
        if self.paired is None or math.isnan(self.paired.champion):
            return policy.leakage_auc
        return max(policy.leakage_auc, 1 - (1 - self.paired.champion) / _LEAP)


def measure(
    policy: GatePolicy,
    labels: Labels,
    slices: Mapping[str, NDArray[Any]],
    first: Scores,
    second: Scores | None,
    *,
    attempt: int,
    confidence: float,
    clusters: Clusters | None = None,
) -> Figures:
    """Measure `first` (the candidate's scores) and, where the champion may be compared with, `second`."""
    candidate = Ranked.of(labels, first)
    calibration = Calibration.of(policy, labels, first, second, clusters)
    alone = Figures(
        len(labels),
        int(labels.sum()),
        auc_interval(labels, candidate, confidence, clusters),
        brier(labels, first),
        attempt,
        confidence,
        limits=calibration.limits(policy.confidence),  # not the try's: there certainty is needed to promote, here to veto
        fewest_clusters=None if clusters is None else min(len(np.unique(clusters[labels == label])) for label in (0, 1)),
    )
    if second is None:
        return alone
    pair = Pair.of(labels, candidate, second)
    return replace(
        alone,
        paired=pair.compare(confidence, clusters),
        champion_brier=brier(labels, second),
        slices=compare_slices(
            slices,
            labels,
            pair,
            confidence=policy.confidence,
            min_rows=policy.slice_min_rows,
            min_per_class=policy.slice_min_per_class,
            clusters=clusters,
            calibration=calibration,
        ),
    )
