"""What a task has measured of a candidate on held-out rows, in the form in which the gate asks about it. Of any task."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ratchet.core.decision import Reason, Verdict, check
from ratchet.core.estimate import Interval, MetricName, Paired


class Asked(StrEnum):
    """What a guard's bound is held against."""

    FIGURE = "figure"  # the candidate's figure, also of a first model
    INCREASE = "increase"  # the candidate's figure less the champion's; nothing is asked of a first model


@dataclass(frozen=True, slots=True)
class Guard:
    """One inequality beside that of the primary metric, as `holdout rows 1400 >= 200`.

    `text` names it in the reason; `key` names its figures in storage, empty where they are another's. `promotes_first` marks the
    one by which a first model is promoted: the headline of that decision.
    """

    text: str
    candidate: float
    op: str
    bound: float
    asked: Asked = Asked.FIGURE
    champion: float | None = None
    otherwise: Verdict = Verdict.FAIL
    key: str = ""
    promotes_first: bool = False

    @property
    def reason(self) -> Reason | None:
        """The inequality as it came out; None when it asks for an increase and there is no champion."""
        if self.asked is Asked.FIGURE:
            return check(self.text, self.candidate, self.op, self.bound, self.otherwise)
        if self.champion is None:
            return None
        return check(self.text, self.candidate - self.champion, self.op, self.bound, self.otherwise)


@dataclass(frozen=True, slots=True)
class SliceComparison:
    """One group: `contract_type = One year`. `paired` is None when the group is too small to tell."""

    name: str
    value: str
    rows: int
    counts: Mapping[str, int]
    paired: Paired | None

    @property
    def label(self) -> str:
        """How reasons and reports name the group."""
        return f"{self.name} = {self.value}"


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured on the holdout rows of one snapshot.

    `primary` is the candidate's figure of `metric` with its own interval; `paired` and `slices` are there when there is a champion.
    `enough` says whether the rows can carry a verdict, and `guards` what else is asked. `counts` are the rows of each kind that the
    task counts by itself (`{"positive": 340}`), by a word for people. `attempt` counts from 1 the candidates tried on this holdout;
    `confidence` is the one that the intervals have.
    """

    metric: MetricName
    rows: int
    primary: Interval
    attempt: int
    confidence: float
    enough: Sequence[Guard]
    guards: Sequence[Guard]
    counts: Mapping[str, int] = field(default_factory=dict)
    paired: Paired | None = None
    slices: Sequence[SliceComparison] = ()

    @property
    def floor(self) -> float:
        """The bound that a first model is promoted by; NaN where the task has none."""
        return next((guard.bound for guard in self.guards if guard.promotes_first), math.nan)

    @property
    def compared(self) -> list[Guard]:
        """The guards that hold the candidate against the champion."""
        return [guard for guard in self.guards if guard.asked is Asked.INCREASE]
