"""The binary task as the port that all others ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from ratchet.core.estimate import Clusters, Estimate, Interval, Labels, MetricName, Scores
from ratchet.core.live import LabelledAnswers, Live
from ratchet.core.measurement import Measurement
from ratchet.core.policy import GatePolicy
from ratchet.project.file import Serving
from ratchet.tasks.binary import live as live_auc
from ratchet.tasks.binary.answers import ProbabilityAnswers, score_in
from ratchet.tasks.binary.auc import auc_estimate, auc_interval, difference
from ratchet.tasks.binary.curves import roc
from ratchet.tasks.binary.expected import expected_auc
from ratchet.tasks.binary.figures import Curves, curves
from ratchet.tasks.binary.label import ZeroOrOne
from ratchet.tasks.binary.measure import METRIC, measure
from ratchet.tasks.binary.metrics import METRICS
from ratchet.tasks.binary.objective import RankObjective


class Binary:
    """Implements `ratchet.tasks.task.Task`."""

    name = "binary"
    metric: MetricName = METRIC
    metrics = METRICS
    label = ZeroOrOne()
    objective = RankObjective()
    templates = "ratchet.tasks.binary"

    def floor(self, policy: GatePolicy) -> float:
        """The AUC that every candidate must pass."""
        return policy.floor_auc

    def measure(
        self,
        policy: GatePolicy,
        labels: Labels,
        slices: Mapping[str, NDArray[Any]],
        candidate: Scores,
        champion: Scores | None,
        *,
        attempt: int,
        confidence: float,
        groups: Clusters | None = None,
    ) -> Measurement:
        """AUCs with DeLong's intervals, Brier scores, calibration, and the same within the slices' groups."""
        found = measure(policy, labels, slices, candidate, champion, attempt=attempt, confidence=confidence, clusters=groups)
        return found.under(policy)

    def estimate(self, labels: Labels, scores: Scores, confidence: float, groups: Clusters | None = None) -> Interval:
        """DeLong's interval of one AUC."""
        return auc_interval(labels, scores, confidence, groups)

    def figure(self, labels: Labels, scores: Scores, groups: Clusters | None = None) -> Estimate:
        """The AUC with DeLong's standard error."""
        return auc_estimate(labels, scores, groups)

    def difference(self, labels: Labels, first: Scores, second: Scores, groups: Clusters | None = None) -> Estimate:
        """The AUCs' difference with DeLong's standard error, which holds the covariance of the two."""
        return difference(labels, first, second, groups)

    def expected(self, scores: Scores) -> Estimate:
        """The AUC that the probabilities promise."""
        return expected_auc(scores)

    def live(self, answers: LabelledAnswers, confidence: float) -> Live:
        """The live AUC."""
        return live_auc.live(answers, confidence)

    def label_counts(self, labels: Labels) -> Mapping[str, int]:
        """The rows of label 0 and 1."""
        ones = int(labels.sum())
        return {"0": len(labels) - ones, "1": ones}

    def by_label(self, rows: int, counts: Mapping[str, int]) -> Mapping[str, int]:
        """The rows of label 1 and 0."""
        return live_auc.by_label(rows, counts)

    def enough(self, rows: int, counts: Mapping[str, int]) -> bool:
        """Whether both classes have enough rows."""
        return live_auc.enough(rows, counts)

    def curve(self, labels: Labels, scores: Scores) -> NDArray[Any]:
        """The ROC curve: false positive rate, true positive rate."""
        return roc(labels, scores)

    def answers(self, serving: Serving) -> ProbabilityAnswers:
        """A prediction at the project's threshold, and the probability."""
        return ProbabilityAnswers(serving.threshold)

    def score_in(self, answer: Mapping[str, Any]) -> float:
        """The probability."""
        return score_in(answer)

    def figures(
        self,
        measured: Measurement,
        labels: Labels,
        scores: Scores,
        champion_scores: Scores | None,
        candidate: int,
        champion: int | None,
        *,
        side: int,
    ) -> Curves:
        """ROC and calibration."""
        return curves(measured, labels, scores, champion_scores, candidate, champion, side)


BINARY = Binary()
