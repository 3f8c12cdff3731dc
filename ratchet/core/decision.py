"""Verdicts and the reasons for them: a reason is an inequality with its numbers."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_NEGATED = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}
_BARE_FROM = 10  # whole numbers from here on are counts and are shown without decimals
_TINY = 0.001  # what three decimals would round away is shown as a power of ten


class Verdict(StrEnum):
    """Only PASS acts; UNKNOWN never does, and is never squeezed into one of the others."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Reason:
    """One inequality that was asked, as it came out: `delta 0.144 > 0.010`.

    `headline` marks what a PASS is explained by: all reasons of a PASS hold, and few of them are why.
    """

    verdict: Verdict
    text: str
    headline: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with every reason that led to it, in the order in which they were asked."""

    verdict: Verdict
    reasons: tuple[Reason, ...]

    @property
    def passed(self) -> bool:
        """Whether the decision may act."""
        return self.verdict is Verdict.PASS

    @property
    def texts(self) -> list[str]:
        """The reasons' texts."""
        return [reason.text for reason in self.reasons]

    @property
    def decisive(self) -> list[str]:
        """The texts that carry the verdict: on FAIL and UNKNOWN the reasons of that kind, on PASS those marked as its headline."""
        carrying = [reason for reason in self.reasons if reason.verdict is self.verdict]
        marked = [reason for reason in carrying if reason.headline]
        return [reason.text for reason in (marked if self.passed and marked else carrying)]


def number(value: float) -> str:
    """Render a figure for a reason: integers bare, the rest with three decimals (more when tiny)."""
    if isinstance(value, int) or (math.isfinite(value) and float(value).is_integer() and abs(value) >= _BARE_FROM):
        return f"{value:.0f}"
    return f"{value:.3f}" if value == 0 or abs(value) >= _TINY else f"{value:.1e}"


def check(name: str, value: float, op: str, bound: float, otherwise: Verdict = Verdict.FAIL) -> Reason:
    """Ask one inequality.

    Args:
        name: what is measured.
        value: the measurement; not a number counts as UNKNOWN.
        op: one of `>`, `>=`, `<`, `<=`.
        bound: the policy's figure.
        otherwise: the verdict when the inequality does not hold.

    Returns:
        PASS with `name value op bound`, or `otherwise` with the negated inequality, which then holds.
    """
    if math.isnan(value):
        return Reason(Verdict.UNKNOWN, f"{name} could not be measured")
    holds = _OPERATORS[op](value, bound)
    shown, limit = number(value), number(bound)
    if shown == limit and value != bound:
        shown, limit = f"{value:.9g}", f"{bound:.9g}"  # `0.100 < 0.100` would be no reason
    if holds:
        return Reason(Verdict.PASS, f"{name} {shown} {op} {limit}")
    return Reason(otherwise, f"{name} {shown} {_NEGATED[op]} {limit}")


def decide(reasons: Iterable[Reason]) -> Decision:
    """Fold reasons into a decision: any UNKNOWN makes it UNKNOWN, else any FAIL makes it FAIL.

    UNKNOWN outranks FAIL because a failed inequality on figures that cannot be trusted proves nothing.
    No reason at all is UNKNOWN: nothing was shown.
    """
    asked = tuple(reasons)
    verdicts = {reason.verdict for reason in asked}
    for verdict in (Verdict.UNKNOWN, Verdict.FAIL):
        if verdict in verdicts or not asked:
            return Decision(verdict, asked)
    return Decision(Verdict.PASS, asked)
