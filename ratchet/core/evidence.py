"""What months of figures prove together: a champion that fell or sinks, a challenger that is ahead. Pure.

A month's figure is off for two reasons: its rows are few (the standard error), and the month itself is another one (the spread of
months, which no number of rows shrinks). Both count here. Entities that return make the errors of two months go together; what
that takes from the worth of a further month is the `correlation` of `ahead`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist

import numpy as np

from ratchet.core.decision import Reason, Verdict, number
from ratchet.core.estimate import Estimate, MetricName
from ratchet.core.months import mean_of, mixture_width, spread_of

CORRELATION = 0.05  # of the errors of two months' differences; see `ahead`
_SPANS = (2, 3, 6)  # months that `sinks` holds against all before them
_LOOKS_A_YEAR = 12


@dataclass(frozen=True, slots=True)
class Look:
    """One version's figure on the held-out rows of one labelled snapshot, with its standard error."""

    as_of: date
    value: float
    se: float
    rows: int

    @property
    def estimate(self) -> Estimate:
        """The figure alone."""
        return Estimate(self.value, self.se)


@dataclass(frozen=True, slots=True)
class PairedLook:
    """By how much the first of two versions is the better on the same held-out rows of one snapshot, with its standard error."""

    as_of: date
    delta: float
    se: float
    rows: int


def ahead(
    looks: Sequence[PairedLook], alpha: float, margin: float = 0.0, *, correlation: float = CORRELATION, months_sd: float = 0.0
) -> Reason:
    """Whether a version is better than another by more than the margin, judged each month anew as months come in.

    The lower end of a confidence sequence, by the one-sided normal mixture (Howard, Ramdas, McAuliffe and Sekhon 2021, Annals of
    Statistics 49:1055; asymptotic as in Waudby-Smith and Ramdas, arXiv:2103.06476): however often one looks and whenever one stops,
    the chance that it ever lies above the true gain is at most `alpha`. Months enter with their whole covariance, which keeps that
    true where the same entities return.

    Args:
        looks: in the order of time, one a month.
        alpha: one-sided, over the whole life of the pair.
        margin: what the gain must exceed.
        correlation: of the errors of two months' differences, 0 to below 1. Where each month brings new labels it is small even for
            entities that score alike for ever, because what a score wins on a positive it loses on a negative.
        months_sd: the spread of months that is known from elsewhere; the larger of it and the looks' own counts.

    Returns:
        PASS when the lower end is above the margin, UNKNOWN without a look that could be measured.
    """
    found = gain_over(looks, alpha, correlation=correlation, months_sd=months_sd)
    if found is None:
        return Reason(Verdict.UNKNOWN, "no month on which both versions were measured")
    over = f"over {found.months} months" if found.months > 1 else "in one month"
    holds = found.low > margin
    end = f"lower end {number(found.low)} {'>' if holds else '<='} {number(margin)}"
    text = f"better {over} by {number(found.gain)}, {end} (always valid, alpha {number(alpha)})"
    return Reason(Verdict.PASS if holds else Verdict.FAIL, text, headline=True)


@dataclass(frozen=True, slots=True)
class Gain:
    """By how much a version is the better over some months, and the lower end that holds at all times."""

    gain: float
    low: float
    months: int


def gain_over(
    looks: Sequence[PairedLook], alpha: float, *, correlation: float = CORRELATION, months_sd: float = 0.0
) -> Gain | None:
    """The figures of `ahead`, None without a look that could be measured."""
    seen = [look for look in looks if math.isfinite(look.delta) and look.se > 0]
    if not seen:
        return None
    deltas, errors = np.array([look.delta for look in seen]), np.array([look.se for look in seen])
    within = math.sqrt(1 - correlation)
    spread = max(months_sd, spread_of([Estimate(look.delta, within * look.se) for look in seen]))
    covariance = np.diag((within * errors) ** 2 + spread**2) + correlation * np.outer(errors, errors)
    weights = np.linalg.solve(covariance, np.ones(len(seen)))
    precision = float(weights.sum())
    gain = float(weights @ deltas) / precision
    return Gain(gain, gain - mixture_width(precision, alpha), len(seen))


def fell(looks: Sequence[Look], first: Look | None, alpha: float, metric: MetricName) -> Reason:
    """Whether a version's newest figure lies below its own earlier ones beyond doubt.

    Args:
        looks: the version's months after the one that it was promoted on, in the order of time.
        first: the month that chose it. Its figure is too good, for it was chosen by it: it is the bar only until there is an own
            later month, less what that is (`MetricName.unchosen`).
        alpha: one-sided, of this look.
        metric: of which the figures are.

    Returns:
        PASS when it fell, FAIL when it did not or not beyond doubt, UNKNOWN without two months to compare.
    """
    seen, first = _usable(looks), next(iter(_usable([first] if first else [])), None)
    if not seen or (len(seen) == 1 and first is None):
        return Reason(Verdict.UNKNOWN, f"no earlier month to hold the {metric.label} against")
    last = seen[-1]
    earlier = [look.estimate for look in seen[:-1]]
    if not earlier and first is not None:
        earlier = [metric.unchosen(first.estimate)]
    spread = spread_of(earlier)
    bar = mean_of(earlier, spread)
    return _below(
        f"{metric.label} of {last.as_of:%Y-%m}", Estimate(last.value, math.hypot(last.se, spread)), bar, alpha, sign=metric.sign
    )


def sinks(looks: Sequence[Look], first: Look | None, alpha: float, metric: MetricName) -> Reason:
    """Whether a version's last 2, 3 or 6 months together lie below all before them: falls too small for one look.

    Args:
        looks: as in `fell`.
        first: as in `fell`; it counts among the earlier months, less what it is too good by.
        alpha: one-sided, over a year of monthly looks; each look and each span of months gets an equal part (Bonferroni).
        metric: of which the figures are.

    Returns:
        PASS when it sinks, with the span that shows it most clearly; UNKNOWN with fewer than three months.
    """
    chosen_by = [metric.unchosen(look.estimate) for look in _usable([first] if first else [])]
    figures = [*chosen_by, *(look.estimate for look in _usable(looks))]
    spans = [span for span in _SPANS if span < len(figures)]
    if not spans:
        return Reason(Verdict.UNKNOWN, f"too few months to see whether the {metric.label} sinks")
    part = alpha / _LOOKS_A_YEAR / len(_SPANS)

    def shown(span: int) -> tuple[float, Reason]:
        spread = spread_of(figures[:-span])
        now, bar = mean_of(figures[-span:], spread), mean_of(figures[:-span], spread)
        fall = metric.sign * (bar.value - now.value) / math.hypot(bar.se, now.se)
        return fall, _below(f"{metric.label} of the last {span} months", now, bar, part, sign=metric.sign)

    return max((shown(span) for span in spans), key=lambda item: item[0])[1]


def differs(now: Estimate, before: Estimate, alpha: float, metric: MetricName, label: str) -> Reason:
    """Whether a figure is worse than another, independent one beyond doubt: one test of their difference.

    Two intervals that must not overlap ask for up to 1.4 times the difference that this one asks for.

    Args:
        now: such as the figure of the last months' answers.
        before: such as the figure that the version was promoted with.
        alpha: one-sided.
        metric: of which the figures are.
        label: what `now` is called.

    Returns:
        PASS when it is worse, UNKNOWN where either could not be measured.
    """
    if not all(math.isfinite(item) for item in (now.value, now.se, before.value, before.se)):
        return Reason(Verdict.UNKNOWN, f"{label} could not be measured")
    return _below(label, now, before, alpha, sign=metric.sign)


def _usable(looks: Sequence[Look]) -> list[Look]:
    """Those with a figure and its error: a perfect figure has an error of 0, which would outweigh all other months."""
    return [look for look in looks if math.isfinite(look.value) and look.se > 0]


def _below(name: str, now: Estimate, bar: Estimate, alpha: float, *, sign: int) -> Reason:
    """PASS when `now` is worse than `bar` beyond doubt, with the inequality that says so."""
    fall = sign * (bar.value - now.value)
    low = fall - NormalDist().inv_cdf(1 - alpha) * math.hypot(now.se, bar.se)
    worse = "below" if (fall >= 0) == (sign > 0) else "above"
    text = f"{name} {number(now.value)} is {number(abs(fall))} {worse} {number(bar.value)}, lower end of the fall {number(low)}"
    return Reason(Verdict.PASS if low > 0 else Verdict.FAIL, f"{text} {'>' if low > 0 else '<='} 0")
