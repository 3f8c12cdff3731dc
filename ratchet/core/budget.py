"""How the chance of a false promotion is spent over a year. Pure.

All earlier tries of the model count, whatever the holdout's content: a replaced snapshot or a changed cell gives no fresh count.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from ratchet.core.policy import GatePolicy

_AT_HAND = 0.5  # of the yearly figure, the most that is ever at hand at once; the rest comes back over the year
_A_TRY = 0.6  # of what is at hand
_PAYS_IN = 2  # times the yearly figure, of a win that came true
_DAYS = 365
YEAR = timedelta(days=_DAYS)


def confidence_of(tries: Sequence[date], today: date, policy: GatePolicy, proven: Sequence[date] = ()) -> float:
    """The two-sided confidence of the next try's interval: by half of the year's budget, and never below `policy.confidence`.

    The other half is for versions whose months add up. `proven` as in `alpha_of`.
    """
    return max(policy.confidence, 1 - 2 * alpha_of(tries, today, policy.false_promotions_a_year / 2, proven))


def alpha_of(tries: Sequence[date], today: date, yearly: float, proven: Sequence[date] = ()) -> float:
    """The one-sided alpha of the next try.

    At first half of the yearly figure is at hand. Each try spends 0.6 of what is there, and day by day the other half comes back,
    up to that bound. So whatever is tried, and however often, any 365 days spend at most half and what came back meanwhile:
    together no more than `yearly`. The first try has 0.3 of it (0.006 of 0.02, z = 2.51 where the two-sided 98 % has 2.33),
    monthly tries in the long run a twenty-fourth each (0.0008, z = 3.14).

    A win that came true pays in: where the truth moves on, what is better now is found by asking less. Over the year after it,
    twice the yearly figure comes in day by day, and as much more may be at hand. Where nothing is ever better nothing is paid
    in, so the bound above holds; where some wins are real, it bounds the share of promotions that are false (alpha-investing:
    Foster and Stine 2008, J. R. Stat. Soc. B 70:429; Javanmard and Montanari 2018, Annals of Statistics 46:526).

    Args:
        tries: the dates of all earlier ones, in any order, a date once a try; those of more than a year ago hardly matter.
        today: of the next; tries dated later count as of today.
        yearly: the chance of a false promotion in any year, 0 to 1.
        proven: the dates on which labels of a later month confirmed an earlier win beyond doubt.

    Returns:
        The alpha, at most `yearly`.
    """
    most = _AT_HAND * yearly
    at_hand, before = most, None
    for day in [*sorted(min(day, today) for day in tries), today]:
        if before is not None:
            paying = sum(since <= day < since + YEAR for since in proven)
            days = (1 - _AT_HAND) * (day - before).days + _PAYS_IN * sum(_overlap(before, day, since) for since in proven)
            at_hand = min(most + paying * _PAYS_IN * yearly, at_hand * (1 - _A_TRY) + yearly * days / _DAYS)
        before = day
    return min(_A_TRY * at_hand, yearly)


def _overlap(start: date, end: date, since: date) -> int:
    """How many days of the year after `since` lie between the two."""
    return max(0, (min(end, since + YEAR) - max(start, since)).days)
