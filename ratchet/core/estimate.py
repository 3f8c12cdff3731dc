"""A measured figure: what it is called, its confidence interval, and two versions' figures on the same rows. Of any metric."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[Any]  # one a row; what a label is, the task knows
Scores = NDArray[np.float64]  # likewise, of a version's answers
Clusters = NDArray[np.int64]  # one a row, counted from 0: rows of one number hang together (a household, a day), others do not


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its two-sided confidence interval; NaN where it could not be measured."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, or the difference of two on the same rows, with its standard error; NaN where it could not be measured."""

    value: float
    se: float

    def interval(self, confidence: float) -> Interval:
        """The two-sided normal interval at that confidence."""
        half = NormalDist().inv_cdf(0.5 + confidence / 2) * self.se
        return Interval(self.value, self.value - half, self.value + half)


@dataclass(frozen=True, slots=True)
class Paired:
    """Two models' figures on the same rows and the interval of the candidate's gain, above 0 when it is better."""

    candidate: float
    champion: float
    delta: Interval


@dataclass(frozen=True, slots=True)
class Scale:
    """What counts as much of a metric, in its own unit: measured by whoever adds the metric (see docs/explanation/decisions.md).

    `winners_curse` is by how much the figure that a version was chosen by is too good. A gain over months of less than `min_gain`
    is not worth a move. A fall of `broken_by` says that only the newest month tells how things are now; of `broken_at_first`
    likewise, against the month that chose the version alone, for nothing shows yet how much months differ.
    """

    winners_curse: float
    min_gain: float
    broken_by: float
    broken_at_first: float


@dataclass(frozen=True, slots=True)
class MetricName:
    """A task's primary metric.

    `key` names it in storage (`holdout_<key>` in MLflow, `candidate_<key>=` in the log), `label` for people. `neutral` is
    the figure of a model that knows nothing, `neutral_name` what that is called; `no_interval` says why there may be none; `scale`
    says what counts as much of it.
    """

    key: str
    label: str
    neutral: float
    neutral_name: str
    no_interval: str
    scale: Scale
    more_is_better: bool = True

    @property
    def cross_validated(self) -> str:
        """What MLflow calls the mean over the folds of the training rows."""
        return f"cv_{self.key}"

    @property
    def held_out(self) -> tuple[str, str, str]:
        """What MLflow calls the figure on the holdout of the version's own snapshot and the ends of its interval."""
        return (f"holdout_{self.key}", f"holdout_{self.key}_low", f"holdout_{self.key}_high")

    @property
    def measured(self) -> tuple[str, str, str]:
        """Likewise of the figure on the newest labelled snapshot since."""
        return (f"measured_{self.key}", f"measured_{self.key}_low", f"measured_{self.key}_high")

    @property
    def sign(self) -> int:
        """1 where more is better, else -1."""
        return 1 if self.more_is_better else -1

    def unchosen(self, first: Estimate) -> Estimate:
        """The figure that a version was chosen by, less what it is too good by for that."""
        return Estimate(first.value - self.sign * self.scale.winners_curse, first.se)

    def promised(self, metrics: Mapping[str, float]) -> Interval:
        """The figure on its own holdout that a version was registered with; NaN where it has none."""
        return Interval(*(metrics.get(name, math.nan) for name in self.held_out))

    def fell(self, now: Interval, promised: Interval) -> bool:
        """Whether a version is worse now than it promised, beyond doubt: the intervals lie apart, on the worse side."""
        return now.high < promised.low if self.more_is_better else now.low > promised.high
