"""The gate: from measurements on the holdout and a policy to a decision. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ratchet.core.auc import Interval, Paired
from ratchet.core.decision import Decision, Reason, Verdict, check, decide, number
from ratchet.core.policy import GatePolicy
from ratchet.core.schema import Provenance
from ratchet.core.slices import SliceComparison, no_worse


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the evaluation measured on the holdout rows of one snapshot.

    `candidate` is the candidate's AUC with its own interval; `paired`, `champion_brier` and `slices` are there when there is a
    champion. `attempt` counts from 1 the candidates tried on this holdout; `confidence` is the one that the intervals have.
    """

    rows: int
    positives: int
    candidate: Interval
    candidate_brier: float
    attempt: int
    confidence: float
    paired: Paired | None = None
    champion_brier: float = 0.0
    slices: Sequence[SliceComparison] = ()


def confidence_at(attempt: int, confidence: float) -> float:
    """The two-sided confidence for the k-th candidate on one holdout: alpha_k = alpha / k^2.

    Alpha spending: the chances of a false promotion over all tries together stay below pi^2 / 6 = 1.64 times the first try's
    (Bonferroni with the weights of Foster and Stine's alpha investing, 2008), however often one tries.
    """
    return 1 - (1 - confidence) / attempt**2


def should_promote(new_auc: float, prod_auc: float, delta: float = 0.01) -> bool:
    """The original lab's rule, kept for comparison and as `gate: simple`: better by at least delta, no doubt considered."""
    return new_auc >= prod_auc + delta


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


def _enough(measured: Measurement, policy: GatePolicy) -> list[Reason]:
    fewest = min(measured.positives, measured.rows - measured.positives)
    return [
        check("holdout rows", measured.rows, ">=", policy.min_rows, otherwise=Verdict.UNKNOWN),
        check("rows of the rarer class", fewest, ">=", policy.min_per_class, otherwise=Verdict.UNKNOWN),
    ]


def _sound(measured: Measurement, policy: GatePolicy) -> list[Reason]:
    """Floor and leakage alarm: what holds for a first model too."""
    return [
        check("candidate AUC", measured.candidate.value, ">", policy.floor_auc),
        check("lower end of candidate AUC", measured.candidate.low, ">", 0.5),
        check("candidate AUC (leakage alarm)", measured.candidate.value, "<", policy.leakage_auc),
    ]


def judge(measured: Measurement, policy: GatePolicy, provenance: Sequence[Reason] = ()) -> Decision:
    """Decide whether the candidate replaces the champion.

    Args:
        measured: the figures on the holdout.
        policy: the bounds.
        provenance: the outcomes of `comparable` for the candidate and, where there is one, the champion.

    Returns:
        PASS when every reason holds; UNKNOWN when the figures cannot carry a verdict.
    """
    enough = [*_enough(measured, policy), *provenance]
    if any(reason.verdict is Verdict.UNKNOWN for reason in enough):
        return decide(enough)
    paired = measured.paired
    if paired is None:
        first = Reason(Verdict.PASS, "there is no champion: floor only", headline=True)
        floor, *others = _sound(measured, policy)
        return decide([*enough, first, replace(floor, headline=True), *others])
    if policy.kind == "simple":
        better = should_promote(paired.candidate, paired.champion, policy.min_delta)
        text = f"delta {number(paired.delta.value)} {'>=' if better else '<'} {number(policy.min_delta)} (gate: simple)"
        return decide([*enough, Reason(Verdict.PASS if better else Verdict.FAIL, text, headline=True)])
    percent = f"{measured.confidence:.2%}".replace(".00%", "%")
    return decide(
        [
            *enough,
            replace(check("delta", paired.delta.value, ">", policy.min_delta), headline=True),
            replace(check(f"lower end of delta at {percent} (try {measured.attempt})", paired.delta.low, ">", 0.0), headline=True),
            *_sound(measured, policy),
            check("Brier score's increase", measured.candidate_brier - measured.champion_brier, "<=", policy.brier_margin),
            *(no_worse(group.label, group.paired.delta, policy.slice_margin) for group in measured.slices if group.paired),
        ]
    )
