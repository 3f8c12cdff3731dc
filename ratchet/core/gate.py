"""The gate: from measurements on the holdout and a policy to a decision. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ratchet.core.decision import Decision, Reason, Verdict, check, decide, number
from ratchet.core.estimate import Estimate, Interval, Paired
from ratchet.core.measurement import Guard, Measurement, SliceComparison
from ratchet.core.policy import GatePolicy
from ratchet.core.schema import Provenance

_WAY_ON = "`ratchet approve VERSION --without-comparison` is the way on"
_OUT_OF_TIME = 0.80  # two-sided confidence; the in-time interval has the whole of the year's budget already


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


def untouched(who: str, seen: int, told: int) -> Reason | None:
    """UNKNOWN where held-out rows are among those that a version was trained on, whatever its tags say; None where none is.

    Args:
        who: as above.
        seen: held-out keys that the version was trained on.
        told: held-out keys of which that is known.
    """
    if not seen:
        return None
    text = f"the {who} was trained on {seen} of {told} held-out entities: were keys spelled otherwise then? {_WAY_ON}"
    return Reason(Verdict.UNKNOWN, text)


def spelled_otherwise(who: str, key: str, now: str) -> Reason:
    """UNKNOWN: the version was trained when a key was kept in another spelling, by which others were held out."""
    return Reason(
        Verdict.UNKNOWN, f"the {who} was trained when the key {now!r} was kept as {key!r}: others were held out then; {_WAY_ON}"
    )


def better_beyond_doubt(delta: Estimate, confidence: float, who: str) -> Reason:
    """PASS when a version's gain on the same rows is above 0 with its whole two-sided interval."""
    found = delta.interval(confidence)
    percent = f"{confidence:.2%}".replace(".00%", "%")
    shown = check(f"lower end of its gain at {percent}", found.low, ">", 0.0)
    return replace(shown, text=f"{who} is better by {number(delta.value)}, {shown.text}", headline=True)


def out_of_time(delta: Estimate | None) -> Reason:
    """Whether the recipe, made without the judged month, beats the champion on it too: PASS above 0 beyond fair doubt.

    A candidate knows the month that it is judged on: what was peculiar to that month helps it there and nowhere else. One whose
    recipe gains nothing on a month that it has not seen would gain nothing on the next.

    Args:
        delta: the recipe's gain on the champion; None where no earlier month has labels, which proves nothing.
    """
    if delta is None:
        return Reason(Verdict.FAIL, "no earlier labelled month to make the recipe on: nothing shows that the gain lasts")
    return replace(check("lower end of delta out of time", delta.interval(_OUT_OF_TIME).low, ">", 0.0), headline=True)


def judge(
    measured: Measurement,
    policy: GatePolicy,
    provenance: Sequence[Reason] = (),
    *,
    proven: Reason | None = None,
    lasting: Callable[[], Reason] | None = None,
) -> Decision:
    """Decide whether the candidate replaces the champion.

    Args:
        measured: the figures on the holdout.
        policy: the bounds.
        provenance: the outcomes of `comparable` for the candidate and, where there is one, the champion.
        proven: what shows that the candidate is the better one where the judged month alone does not have to: several months.
        lasting: what shows that a gain lasts beyond the judged month; asked only where all else holds: it may cost a training.

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
    asked = decide(
        [
            *enough,
            *([proven] if proven else _better(measured, paired, policy)),
            *_asked(measured.guards),
            *(limit.reason for limit in measured.limits),
            *(no_worse(group.label, group.paired.delta, policy.slice_margin) for group in measured.slices if group.paired),
        ]
    )
    if asked.passed:  # a candidate that ranks no better has a dozen lines less to say
        asked = decide([*asked.reasons, *_limits_of(measured.slices)])
    return decide([*asked.reasons, lasting()]) if asked.passed and lasting is not None else asked


def _better(measured: Measurement, paired: Paired, policy: GatePolicy) -> list[Reason]:
    percent = f"{measured.confidence:.2%}".replace(".00%", "%")
    return [
        replace(check("delta", paired.delta.value, ">", policy.min_delta), headline=True),
        replace(check(f"lower end of delta at {percent} (try {measured.attempt})", paired.delta.low, ">", 0.0), headline=True),
    ]


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
