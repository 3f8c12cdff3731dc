"""What the rule looks at on a newly labelled month, and what it may answer. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ratchet.core.decision import Reason
from ratchet.core.estimate import MetricName
from ratchet.core.evidence import Look, PairedLook

_BEYOND_DOUBT = 3
_CONFIRMED = 1.645  # standard errors: 5 % one-sided, in time and a month later


@dataclass(frozen=True, slots=True)
class Rule:
    """The figures of the rule.

    `yearly` is what false promotions a year may come to. Half is spent try by try on wins in time, half is the alpha of evidence.
    """

    min_delta: float = 0.01  # in time
    min_months: int = 4  # over which a gain counts: fewer do not show how much months differ
    yearly: float = 0.02
    out_alpha: float = 0.2  # out of time, of a candidate that wins in time as well
    fall_alpha: float = 0.001  # one look, one-sided
    sink_alpha: float = 0.05  # a year
    back_alpha: float = 0.05  # the previous version comes back: an error costs little, for it is as good or nearly


@dataclass(frozen=True, slots=True)
class RecipeLooks:
    """What a recipe has to show: its newest candidate on the month that it knows, and what was made without the judged month."""

    name: str
    months: int  # that it is made of
    in_time: PairedLook  # against the champion
    out_of_time: Sequence[PairedLook]  # likewise, in the order of time


@dataclass(frozen=True, slots=True)
class Claim:
    """What a candidate won by in time, and by how much it was better a month later against the same version."""

    claimed: PairedLook
    came_true: PairedLook

    @property
    def too_good_by(self) -> float:
        """How much of the claim was the month's own; 0 unless beyond doubt (three standard errors, for many months are asked)."""
        much = self.claimed.delta - self.came_true.delta
        return much if much > _BEYOND_DOUBT * math.hypot(self.claimed.se, self.came_true.se) else 0.0

    @property
    def is_proven(self) -> bool:
        """Whether it won, and a later month that the candidate did not know says the same."""
        return all(look.delta > _CONFIRMED * look.se for look in (self.claimed, self.came_true))


@dataclass(frozen=True, slots=True)
class Seen:
    """All that the rule looks at, on the newest labelled month.

    `metric` is what the champion's figures are of; differences are above 0 when better, whatever the metric.
    `champion` are its months after `first`, which chose it. `challengers` are refused candidates by name, against the champion, on
    months after their own. `probation` is the previous version against the champion on this month, None when nothing is on
    probation. `claims` are all there are on record, of any champion. `tries` are the dates of earlier months on which a candidate
    was tried in time, whatever came of it.
    """

    metric: MetricName
    today: date
    champion: Sequence[Look]
    first: Look | None
    recipes: Sequence[RecipeLooks]
    challengers: Sequence[tuple[str, Sequence[PairedLook]]] = ()
    probation: PairedLook | None = None
    claims: Sequence[Claim] = ()
    tries: Sequence[date] = ()


class Move(StrEnum):
    """What is done."""

    KEEP = "KEEP"
    TAKE_BACK = "TAKE_BACK"  # the previous version comes back
    AT_ONCE = "AT_ONCE"  # the recipe's newest candidate, on probation
    PROMOTE = "PROMOTE"  # the recipe's newest candidate, or the challenger, on the evidence of months


@dataclass(frozen=True, slots=True)
class Next:
    """A move, whom it concerns, and why. `wishes` say why a candidate is wanted at all, whatever came of it.

    `alone` says that months which a recipe or challenger had not seen prove it by themselves: it need not win in time as well.
    """

    move: Move
    name: str = ""
    reasons: tuple[Reason, ...] = ()
    wishes: tuple[Reason, ...] = ()
    alone: bool = False
