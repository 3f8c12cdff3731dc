"""How the chance of a false promotion is spent over a year. Pure.

All earlier tries of the model count, whatever the holdout's content: a replaced snapshot or a changed cell gives no fresh count.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from ratchet.core.policy import GatePolicy

_AT_HAND = 0.5  # of the yearly figure, the most that is ever at hand at once; the rest comes back over the year
_A_TRY = 0.6  # of what is at hand
_DAYS = 365
YEAR = timedelta(days=_DAYS)


def confidence_of(tries: Sequence[date], today: date, policy: GatePolicy) -> float:
    """The two-sided confidence of the next try's interval: by half of the year's budget, and never below `policy.confidence`.

    The other half is for versions whose months add up.
    """
    return max(policy.confidence, 1 - 2 * alpha_of(tries, today, policy.false_promotions_a_year / 2))


def alpha_of(tries: Sequence[date], today: date, yearly: float) -> float:
    """The one-sided alpha of the next try.

    At first half of the yearly figure is at hand. Each try spends 0.6 of what is there, and day by day the other half comes back,
    up to that bound. So whatever is tried, and however often, any 365 days spend at most half and what came back meanwhile:
    together no more than `yearly`. The first try has 0.3 of it (0.006 of 0.02, z = 2.51 where the two-sided 98 % has 2.33),
    monthly tries in the long run a twenty-fourth each (0.0008, z = 3.14).

    Args:
        tries: the dates of all earlier ones, in any order, a date once a try; those of more than a year ago hardly matter.
        today: of the next; tries dated later count as of today.
        yearly: the chance of a false promotion in any year, 0 to 1.
    """
    most = _AT_HAND * yearly
    back = (yearly - most) / _DAYS
    at_hand, before = most, None
    for day in [*sorted(min(day, today) for day in tries), today]:
        if before is not None:
            at_hand = min(most, at_hand * (1 - _A_TRY) + back * (day - before).days)
        before = day
    return _A_TRY * at_hand
