"""The gate: from measurements on the holdout and a policy to a decision. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ratchet.core.decision import Decision, Reason, Verdict, check, decide, number
from ratchet.core.estimate import Interval, Paired
from ratchet.core.measurement import Guard, Measurement, SliceComparison
from ratchet.core.policy import GatePolicy
from ratchet.core.schema import Provenance


def confidence_at(attempt: int, confidence: float) -> float:
    """The two-sided confidence for the k-th candidate on one holdout: alpha_k = alpha / k^2.

    Alpha spending: the chances of a false promotion over all tries together stay below pi^2 / 6 = 1.64 times the first try's
    (Bonferroni with the weights of Foster and Stine's alpha investing, 2008), however often one tries.
    """
    return 1 - (1 - confidence) / attempt**2


def should_promote(new: float, production: float, delta: float = 0.01) -> bool:
    """The original lab's rule, kept for comparison and as `gate: simple`: better by at least delta, no doubt considered.

    Of a metric of which more is better.
    """
    return new >= production + delta


def comparable(who: str, trained: Provenance | None, salt: str, share: float) -> Reason:
    """UNKNOWN unless the version's tags prove that it never saw a row of the holdout.

    A version trained with the same salt and at least the same share left out at least these entities.

    Args:
        who: `champion` or `candidate`, for the reason.
        trained: what the version's tags say.
        salt: of the holdout that is compared on.
        share: of the same.
    """
    if trained is None:
        return Reason(Verdict.UNKNOWN, f"the {who}'s tags do not say what it was trained on")
    if trained.holdout_salt != salt:
        return Reason(Verdict.UNKNOWN, f"the {who} left out another holdout (salt {trained.holdout_salt!r}, now {salt!r})")
    if trained.holdout_share < share:
        seen = f"{number(trained.holdout_share)} < {number(share)}"
        return Reason(Verdict.UNKNOWN, f"the {who}'s holdout share {seen}: it saw part of the holdout")
    return Reason(Verdict.PASS, f"the {who} never saw the holdout (share {number(trained.holdout_share)} >= {number(share)})")


def judge(measured: Measurement, policy: GatePolicy, provenance: Sequence[Reason] = ()) -> Decision:
    """Decide whether the candidate replaces the champion.

    Args:
        measured: the figures on the holdout.
        policy: the bounds.
        provenance: the outcomes of `comparable` for the candidate and, where there is one, the champion.

    Returns:
        PASS when every reason holds; UNKNOWN when the figures cannot carry a verdict.
    """
    enough = [*_asked(measured.enough), *provenance]
    if any(reason.verdict is Verdict.UNKNOWN for reason in enough):
        return decide(enough)
    paired = measured.paired
    if paired is None:
        first = Reason(Verdict.PASS, "there is no champion: floor only", headline=True)
        limits = [limit.reason for limit in measured.limits]
        return decide([*enough, first, *_asked(measured.guards, first_model=True), *limits])
    if policy.kind == "simple":
        better = _simply_better(paired, policy.min_delta, more_is_better=measured.metric.more_is_better)
        text = f"delta {number(paired.delta.value)} {'>=' if better else '<'} {number(policy.min_delta)} (gate: simple)"
        return decide([*enough, Reason(Verdict.PASS if better else Verdict.FAIL, text, headline=True)])
    percent = f"{measured.confidence:.2%}".replace(".00%", "%")
    return decide(
        [
            *enough,
            replace(check("delta", paired.delta.value, ">", policy.min_delta), headline=True),
            replace(check(f"lower end of delta at {percent} (try {measured.attempt})", paired.delta.low, ">", 0.0), headline=True),
            *_asked(measured.guards),
            *(limit.reason for limit in measured.limits),
            *(no_worse(group.label, group.paired.delta, policy.slice_margin) for group in measured.slices if group.paired),
            *_limits_of(measured.slices),
        ]
    )


def _asked(guards: Sequence[Guard], *, first_model: bool = False) -> list[Reason]:
    reasons = ((guard, guard.reason) for guard in guards)
    return [replace(reason, headline=first_model and guard.promotes_first) for guard, reason in reasons if reason]


def _limits_of(groups: Sequence[SliceComparison]) -> list[Reason]:
    """What else the groups may not be off by: each one that is, and in one line how many are not."""
    asked = [(group.label, limit) for group in groups for limit in group.limits]
    beyond = [(label, limit.reason) for label, limit in asked if not limit.within]
    told = [replace(reason, text=f"{label}: {reason.text}") for label, reason in beyond]
    if len(beyond) < len(asked):
        names = " and ".join(dict.fromkeys(limit.text for _, limit in asked))
        told.append(Reason(Verdict.PASS, f"within groups: {len(asked) - len(beyond)} of {len(asked)} within bounds, {names}"))
    return told


def _simply_better(paired: Paired, delta: float, *, more_is_better: bool) -> bool:
    new, production = paired.candidate, paired.champion
    return should_promote(new, production, delta) if more_is_better else should_promote(-new, -production, delta)


def no_worse(group: str, delta: Interval, margin: float) -> Reason:
    """FAIL when the candidate is worse for the group beyond the margin and beyond doubt.

    That is the promotion rule mirrored: the loss exceeds the margin and the whole interval lies below zero. Non-inferiority proper
    (an interval wholly above -margin) would refuse almost every candidate over groups of some hundred rows.
    """
    bound = number(-margin)
    if delta.value >= -margin:
        return Reason(Verdict.PASS, f"{group}: delta {number(delta.value)} >= {bound}")
    worse = f"{group}: delta {number(delta.value)} < {bound}"
    if delta.high < 0:
        return Reason(Verdict.FAIL, f"{worse} and its upper end {number(delta.high)} < 0")
    return Reason(Verdict.PASS, f"{worse}, but not beyond doubt: upper end {number(delta.high)} >= 0")
