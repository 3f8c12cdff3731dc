"""What a task has measured of a candidate on held-out rows, in the form in which the gate asks about it. Of any task."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ratchet.core.decision import Reason, Verdict, check, number
from ratchet.core.estimate import Interval, MetricName, Paired


class Asked(StrEnum):
    """What a guard's bound is held against."""

    FIGURE = "figure"  # the candidate's figure, also of a first model
    INCREASE = "increase"  # the candidate's figure less the champion's; nothing is asked of a first model


@dataclass(frozen=True, slots=True)
class Guard:
    """One inequality beside that of the primary metric, as `holdout rows 1400 >= 200`.

    `text` names it in the reason; `key` names its figures in storage, empty where they are another's. `promotes_first` marks the
    one by which a first model is promoted: the headline of that decision. `way_on` says what can be done where it does not hold.
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
    way_on: str = ""

    @property
    def reason(self) -> Reason | None:
        """The inequality as it came out; None when it asks for an increase and there is no champion."""
        if self.asked is Asked.INCREASE and self.champion is None:
            return None
        value = self.candidate - (self.champion or 0.0) if self.asked is Asked.INCREASE else self.candidate
        found = check(self.text, value, self.op, self.bound, self.otherwise)
        return found if found.verdict is Verdict.PASS or not self.way_on else replace(found, text=f"{found.text}: {self.way_on}")


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure with its interval that may not be off beyond doubt: outside `low` to `high`, and the whole interval past `neutral`.

    That is the promotion rule mirrored, as for groups: who may veto must be as sure as who may promote. `low` is minus infinity
    where only too much is asked about. `excuse` says why it is no veto even so: the champion does no better.
    """

    text: str
    figure: Interval
    low: float
    high: float
    neutral: float
    excuse: str = ""

    @property
    def within(self) -> bool:
        """Whether the figure itself is inside."""
        return self.low <= self.figure.value <= self.high

    @property
    def reason(self) -> Reason:
        """What came out; UNKNOWN where there is no figure."""
        value = self.figure.value
        if math.isnan(value):
            return Reason(Verdict.UNKNOWN, f"{self.text} could not be measured")
        found, bound = f"{self.text} {number(value)}", self.high if value > self.high else self.low
        if self.within:
            inside = f"<= {number(self.high)}" if math.isinf(self.low) else f"within {number(self.low)} to {number(self.high)}"
            return Reason(Verdict.PASS, f"{found} {inside}")
        end, name = (self.figure.low, "lower") if value > self.high else (self.figure.high, "upper")
        off = f"{found} {'>' if value > self.high else '<'} {number(bound)}"
        sure = end > self.neutral if value > self.high else end < self.neutral
        if not sure:  # nor where there is no interval
            return Reason(Verdict.PASS, f"{off}, but not beyond doubt: {name} end {number(end)}")
        if self.excuse:
            return Reason(Verdict.PASS, f"{off}, but {self.excuse}")
        return Reason(
            Verdict.FAIL, f"{off} and its {name} end {number(end)} {'>' if value > self.high else '<'} {number(self.neutral)}"
        )


@dataclass(frozen=True, slots=True)
class SliceComparison:
    """One group: `contract_type = One year`. `paired` is None when the group is too small to be judged alone.

    `among` then names the group of all the small ones that it is judged with; empty when these are too few as well. `limits` are
    what else the group may not be off by.
    """

    name: str
    value: str
    rows: int
    counts: Mapping[str, int]
    paired: Paired | None
    among: str = ""
    limits: Sequence[Limit] = ()

    @property
    def label(self) -> str:
        """How reasons and reports name the group."""
        return f"{self.name} = {self.value}"


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured on the holdout rows of one snapshot.

    `primary` is the candidate's figure of `metric` with its own interval; `paired` and `slices` are there when there is a champion.
    `enough` says whether the rows can carry a verdict, `guards` and `limits` what else is asked. `counts` are the rows of each kind
    that the task counts by itself (`{"positive": 340}`), by a word for people. `attempt` counts from 1 the candidates tried on this
    holdout; `confidence` is the one that the intervals have.
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
    limits: Sequence[Limit] = ()

    @property
    def floor(self) -> float:
        """The bound that a first model is promoted by; NaN where the task has none."""
        return next((guard.bound for guard in self.guards if guard.promotes_first), math.nan)

    @property
    def compared(self) -> list[Guard]:
        """The guards that hold the candidate against the champion."""
        return [guard for guard in self.guards if guard.asked is Asked.INCREASE]
