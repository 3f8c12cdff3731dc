"""What policies would have come to on stored months: figures, means and regret, as a backtest compares them. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from ratchet.core.estimate import Estimate, MetricName

OWN = "own"  # the name of the project's policy among the others
_FEW = 12  # months; below it a standard error from their spread is itself a guess
_UNKNOWN = Estimate(math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Promoted:
    """A version that takes production.

    `decided` is the date of the snapshot with which the decision came, `made_of` those of the version's training snapshots. `gain`
    is by how much it was better than the version before it on the next labelled month, `after`; unknown for a first model and where
    no later month is there.
    """

    decided: date
    version: str
    made_of: tuple[date, ...]
    why: str
    after: date | None = None
    gain: Estimate = _UNKNOWN


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one policy came to. `figures` has, by month, the figure of the version that was chosen before that month.

    `first` is the model that it began with, which counts as no promotion. `behind` is by how much the best fixed policy was better,
    by month, on the same rows; `notes` what went otherwise than planned.
    """

    name: str
    says: str
    first: Promoted | None
    promoted: tuple[Promoted, ...]
    figures: Mapping[date, Estimate]
    behind: Mapping[date, Estimate]
    notes: tuple[str, ...] = ()

    @property
    def mean(self) -> float:
        """The mean figure over its months; NaN where it has none."""
        known = [item.value for item in self.figures.values() if math.isfinite(item.value)]
        return float(np.mean(known)) if known else math.nan

    @property
    def regret(self) -> Estimate:
        """The mean of `behind`."""
        return mean_difference([item for item in self.behind.values() if math.isfinite(item.value)])

    def worst(self, *, more_is_better: bool) -> tuple[date, float] | None:
        """The month with the worst figure; None where it has none."""
        known = [(day, item.value) for day, item in self.figures.items() if math.isfinite(item.value)]
        if not known:
            return None
        return (min if more_is_better else max)(known, key=lambda item: item[1])


@dataclass(frozen=True, slots=True)
class Replay:
    """A backtest: what was replayed, and what each policy came to, the project's own last.

    `months` are those with a figure, `best` names the fixed policy with the best mean over them. `lag` says how many snapshots late
    labels came, `left_out` which snapshots could not be used, with the reason.
    """

    model: str
    metric: MetricName
    lag: int
    snapshots: tuple[date, ...]
    months: tuple[date, ...]
    rows: int  # held-out labelled rows of these months, together
    best: str
    outcomes: tuple[Outcome, ...]
    left_out: tuple[str, ...] = ()

    def outcome(self, name: str) -> Outcome:
        """What the policy of that name came to."""
        return next(item for item in self.outcomes if item.name == name)

    @property
    def caveats(self) -> tuple[str, ...]:
        """What the figures cannot carry, in sentences."""
        few = f"{len(self.months)} months are few: they show what the policies do, and hardly which of them is better."
        hindsight = (
            f"The best fixed policy ({self.best}) is picked after the fact, among {len(self.outcomes) - 1}: "
            "its mean is rather too good, and every regret too large."
        )
        again = (
            "Entities that are held out come back month after month, so months are not independent: the standard errors are rather "
            "too small. A difference below twice its standard error says nothing."
        )
        return (*([few] if len(self.months) < _FEW else []), hindsight, again)


def mean_difference(months: Sequence[Estimate]) -> Estimate:
    """The mean of paired differences by month, each with the standard error of its rows; unknown where there is none.

    Its standard error is the larger of two: that of the months' spread, which holds what months differ by beyond their rows, and
    that of the rows alone, which keeps a handful of months that happen to agree from looking certain.
    """
    if not months:
        return _UNKNOWN
    values, count = np.array([item.value for item in months]), len(months)
    by_rows = math.sqrt(sum(item.se**2 for item in months if math.isfinite(item.se))) / count
    by_months = float(values.std(ddof=1)) / math.sqrt(count) if count > 1 else 0.0
    return Estimate(float(values.mean()), max(by_rows, by_months))
