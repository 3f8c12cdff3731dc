"""What to do once a month's labels have come: take back, promote at once, promote on evidence, or keep. Pure.

A win on the month that a candidate was made of may be that month's own: a shock, a December. So a recipe has to win out of time, made
without the month that it is judged on, and such months add up (`ahead`). One thing goes first and proves itself afterwards: a
candidate that wins in time by more than such wins have ever been too good by. It is on probation until the next labels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from statistics import NormalDist

from ratchet.core.budget import alpha_of
from ratchet.core.decision import Reason, Verdict, check, number
from ratchet.core.estimate import Estimate
from ratchet.core.evidence import Look, PairedLook, ahead, fell, gain_over, sinks
from ratchet.core.months import mean_of, spread_of


@dataclass(frozen=True, slots=True)
class Rule:
    """The figures of the rule. `yearly` is what false promotions of a year may come to; half is for those at once, half for evidence."""

    min_delta: float = 0.01  # in time
    min_gain: float = 0.005  # over months: smaller ones are not worth a move
    min_months: int = 3  # likewise: fewer do not show how much months differ
    yearly: float = 0.02
    out_alpha: float = 0.2  # out of time, of a candidate that wins in time as well
    fall_alpha: float = 0.001  # one look, one-sided
    sink_alpha: float = 0.05  # a year
    back_alpha: float = 0.05  # the previous version comes back: an error costs little, for it is as good or nearly
    broken_by: float = 0.05  # a fall beyond doubt by this much: only the newest month tells how things are now


@dataclass(frozen=True, slots=True)
class Offer:
    """What a recipe has to show: its newest candidate on the month that it knows, and made without it, months since the promotion."""

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
        """How much of the claim was the month's own; 0 where that is not beyond doubt."""
        much = self.claimed.delta - self.came_true.delta
        return much if much > 2 * math.hypot(self.claimed.se, self.came_true.se) else 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """All that the rule looks at, on the newest labelled month.

    `champion` are its months after `first`, which chose it. `challengers` are refused candidates by name, against the champion, on
    months after their own. `probation` is the previous version against the champion on this month, None when nothing is on
    probation. `claims` are all there are on record, of any champion; `tries` the dates of earlier promotions at once that were tried.
    """

    today: date
    champion: Sequence[Look]
    first: Look | None
    offers: Sequence[Offer]
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
    """A move, whom it concerns, and why. `wishes` say why a candidate is wanted at all, whatever came of it."""

    move: Move
    name: str = ""
    reasons: tuple[Reason, ...] = ()
    wishes: tuple[Reason, ...] = field(default=())


def next_move(seen: Seen, rule: Rule) -> Next:
    """Decide what follows from the newest labelled month.

    Args:
        seen: the figures.
        rule: the bounds.

    Returns:
        The first of these whose reasons all hold: the previous version comes back; a recipe or a challenger that is ahead over
        months is promoted, the one with the most gain; a candidate goes at once. Else KEEP, with the reasons of the best that was refused.
    """
    wishes = (fell(seen.champion, seen.first, rule.fall_alpha), sinks(seen.champion, seen.first, rule.sink_alpha))
    if seen.probation is not None:
        back = _lower("the previous version on this month", seen.probation, rule.back_alpha, 0.0)
        if back.verdict is Verdict.PASS:
            return Next(Move.TAKE_BACK, reasons=(back,), wishes=wishes)
    proven = _proven(seen, rule)
    if proven is not None:
        return Next(Move.PROMOTE, *proven, wishes=wishes)
    both = _in_and_out_of_time(seen, rule)
    if both is not None:
        return Next(Move.PROMOTE, *both, wishes=wishes)
    return _at_once(seen, rule, wishes)


def _in_and_out_of_time(seen: Seen, rule: Rule) -> tuple[str, tuple[Reason, ...]] | None:
    alpha = alpha_of(seen.tries, seen.today, rule.yearly / 2)
    found = []
    for offer in seen.offers:
        if len(offer.out_of_time) >= rule.min_months:
            figures = [Estimate(look.delta, look.se) for look in offer.out_of_time]
            over = mean_of(figures, spread_of(figures))
            low = over.value - NormalDist().inv_cdf(1 - rule.out_alpha) * over.se
            reasons = (
                check(f"{offer.name}: delta", offer.in_time.delta, ">", rule.min_delta),
                _lower(f"{offer.name} in time", offer.in_time, alpha, 0.0),
                check(f"{offer.name} out of time over {len(figures)} months: gain", over.value, ">", rule.min_gain),
                check(f"{offer.name} out of time: lower end", low, ">", 0.0),
            )
            if all(reason.verdict is Verdict.PASS for reason in reasons):
                found.append((low, offer.name, reasons))
    return max(found)[1:] if found else None


def _proven(seen: Seen, rule: Rule) -> tuple[str, tuple[Reason, ...]] | None:
    records = [(offer.name, offer.out_of_time) for offer in seen.offers] + list(seen.challengers)
    alpha = rule.yearly / 2
    found = []
    for name, looks in records:
        gain = gain_over(looks, alpha)
        if gain is not None and gain.months >= rule.min_months and gain.low > 0 and gain.gain > rule.min_gain:
            found.append((gain.low, name, (ahead(looks, alpha), check("gain", gain.gain, ">", rule.min_gain))))
    return max(found)[1:] if found else None


def _at_once(seen: Seen, rule: Rule, wishes: tuple[Reason, Reason]) -> Next:
    if not seen.offers:
        return Next(Move.KEEP, wishes=wishes)
    offer = _for_now(seen, rule, wishes[0])
    alpha = alpha_of(seen.tries, seen.today, rule.yearly / 2)
    doubt = max((claim.too_good_by for claim in seen.claims), default=0.0)
    reasons = (
        check(f"{offer.name}: delta", offer.in_time.delta, ">", rule.min_delta),
        _lower(f"{offer.name} in time", offer.in_time, alpha, doubt),
    )
    holds = all(reason.verdict is Verdict.PASS for reason in reasons)
    return Next(Move.AT_ONCE if holds else Move.KEEP, offer.name if holds else "", reasons, wishes)


def _for_now(seen: Seen, rule: Rule, fallen: Reason) -> Offer:
    """The recipe of the fewest months where the champion is broken, else the one of two: half new, so that a month that passes does half the harm."""
    ordered = sorted(seen.offers, key=lambda offer: offer.months)
    bar = _mean_look(seen)
    known = len(seen.champion) > 1
    broken = known and fallen.verdict is Verdict.PASS and bar - seen.champion[-1].value > rule.broken_by
    return ordered[0] if broken or len(ordered) == 1 else ordered[1]


def _mean_look(seen: Seen) -> float:
    earlier = [look.value for look in seen.champion[:-1]] or ([seen.first.value] if seen.first else [math.nan])
    return sum(earlier) / len(earlier)


def _mean(looks: Sequence[PairedLook]) -> float:
    return sum(look.delta for look in looks) / len(looks)


def _lower(name: str, look: PairedLook, alpha: float, bound: float) -> Reason:
    low = look.delta - NormalDist().inv_cdf(1 - alpha) * look.se
    return check(f"{name}: lower end of {number(look.delta)} at alpha {number(alpha)}", low, ">", bound)
