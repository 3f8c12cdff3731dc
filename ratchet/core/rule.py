"""What to do once a month's labels have come: take back, promote on evidence, promote at once, or keep. Pure.

A win on the month that a candidate was made of may be that month's own: a shock, a December. So a recipe has to win out of time,
made without the month that it is judged on. Such months add up: alone by an always-valid sequence, or more lightly where the newest
candidate wins in time as well. One thing goes first and proves itself afterwards: a candidate that wins in time by more than such
wins have ever been too good by. It is on probation until the next labels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from statistics import NormalDist, fmean

from ratchet.core.budget import alpha_of
from ratchet.core.decision import Reason, Verdict, check, number
from ratchet.core.estimate import Estimate
from ratchet.core.evidence import PairedLook, ahead, fell, gain_over, sinks
from ratchet.core.months import mean_of, spread_of
from ratchet.core.seen import Claim, Move, Next, RecipeLooks, Rule, Seen

Found = tuple[float, str, tuple[Reason, ...]]  # by how much at least, who, why


def next_move(seen: Seen, rule: Rule) -> Next:
    """Decide what follows from the newest labelled month.

    Args:
        seen: the figures.
        rule: the bounds.

    Returns:
        The first of these whose reasons all hold. The previous version comes back from probation. A recipe or challenger that is
        ahead over months is promoted, or a recipe that wins in time and out of time, the one with the most at the lower end. A
        candidate that wins in time goes at once. Else KEEP, with name and reasons of the candidate that would have gone at once.
    """
    months = (seen.champion, seen.first)
    wishes = (fell(*months, rule.fall_alpha, seen.metric), sinks(*months, rule.sink_alpha, seen.metric))
    if seen.probation is not None:
        back = _lower("the previous version", seen.probation, rule.back_alpha, 0.0)
        if back.verdict is Verdict.PASS:
            return Next(Move.TAKE_BACK, reasons=(back,), wishes=wishes)
    alpha = alpha_of(seen.tries, seen.today, rule.yearly / 2, proven(seen.claims))
    for alone, found in ((True, _ahead(seen, rule)), (False, _in_and_out_of_time(seen, rule, alpha))):
        if found:
            _, name, reasons = max(found)
            return Next(Move.PROMOTE, name, reasons, wishes, alone)
    if not seen.recipes:
        return Next(Move.KEEP, wishes=wishes)
    offer = _for_now(seen, wishes[0])
    reasons = _in_time(offer, rule, alpha, _doubt(seen.claims, rule))
    return Next(Move.AT_ONCE, offer.name, reasons, wishes) if _hold(reasons) else Next(Move.KEEP, offer.name, reasons, wishes)


def proven(claims: Sequence[Claim]) -> list[date]:
    """The dates on which labels confirmed a win in time."""
    return [claim.came_true.as_of for claim in claims if claim.is_proven]


def _doubt(claims: Sequence[Claim], rule: Rule) -> float:
    """What a win in time must exceed: the most that one was ever too good by, and more where few were.

    What won by less than would have been enough was no win: on the month that the truth turns, two versions that were alike come
    to differ, and that says nothing of wins.
    The next of such wins exceeds the largest of k with chance 1/(k + 1), so the largest alone is no bound while there are few: it
    counts (1 + 1/k) times.
    """
    too_good = [claim.too_good_by for claim in claims if claim.claimed.delta > rule.min_delta and claim.too_good_by > 0]
    return max(too_good) * (1 + 1 / len(too_good)) if too_good else 0.0


def _ahead(seen: Seen, rule: Rule) -> list[Found]:
    """Whoever is ahead over months by the evidence alone."""
    found: list[Found] = []
    alpha = rule.yearly / 2
    for name, looks in [*((offer.name, offer.out_of_time) for offer in seen.recipes), *seen.challengers]:
        gain = gain_over(looks, alpha)
        if gain is not None and gain.months >= rule.min_months:
            reasons = (ahead(looks, alpha), check(f"{name}: gain", gain.gain, ">", seen.metric.scale.min_gain))
            found += [(gain.low, name, reasons)] if _hold(reasons) else []
    return found


def _in_and_out_of_time(seen: Seen, rule: Rule, alpha: float) -> list[Found]:
    """The recipes whose newest candidate wins in time, and that win without the judged month, if with less certainty."""
    found: list[Found] = []
    for offer in seen.recipes:
        figures = [Estimate(look.delta, look.se) for look in offer.out_of_time if math.isfinite(look.delta) and look.se > 0]
        if len(figures) >= rule.min_months:
            over = mean_of(figures, spread_of(figures))
            low = over.value - NormalDist().inv_cdf(1 - rule.out_alpha) * over.se
            reasons = (
                *_in_time(offer, rule, alpha, 0.0),
                check(f"{offer.name} out of time, {len(figures)} months: gain", over.value, ">", seen.metric.scale.min_gain),
                check(f"its lower end at alpha {number(rule.out_alpha)}", low, ">", 0.0),
            )
            found += [(low, offer.name, reasons)] if _hold(reasons) else []
    return found


def _in_time(offer: RecipeLooks, rule: Rule, alpha: float, doubt: float) -> tuple[Reason, ...]:
    return (
        check(f"{offer.name} in time: delta", offer.in_time.delta, ">", rule.min_delta),
        _lower(f"{offer.name} in time", offer.in_time, alpha, doubt),
    )


def _for_now(seen: Seen, fallen: Reason) -> RecipeLooks:
    """The recipe that may go at once.

    The one of the fewest months where the champion is broken. Else the next one: half of it is older, so a month that passes
    does a fraction of the harm, and one that stays is learnt all the same.
    """
    newest, *others = sorted(seen.recipes, key=lambda offer: offer.months)
    *earlier, last = [look.value for look in seen.champion] or [0.0]
    by = seen.metric.scale.broken_by
    if not earlier and seen.first is not None:
        earlier, by = [seen.first.value], seen.metric.scale.broken_at_first
    broken = bool(earlier) and fallen.verdict is Verdict.PASS and abs(fmean(earlier) - last) > by
    return newest if broken or not others else others[0]


def _lower(name: str, look: PairedLook, alpha: float, bound: float) -> Reason:
    low = look.delta - NormalDist().inv_cdf(1 - alpha) * look.se
    return check(f"{name}: lower end of {number(look.delta)} at alpha {number(alpha)}", low, ">", bound)


def _hold(reasons: Sequence[Reason]) -> bool:
    return all(reason.verdict is Verdict.PASS for reason in reasons)
