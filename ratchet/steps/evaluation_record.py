"""What the ledger and the log keep of an evaluation."""

from __future__ import annotations

import math
from collections.abc import Callable

from ratchet.core.decision import Decision, Verdict
from ratchet.core.estimate import Estimate, Interval
from ratchet.core.events import Gated, Proof
from ratchet.core.measurement import Measurement
from ratchet.core.schema import ModelVersion, Snapshot
from ratchet.project.file import Project

_UNKNOWN = Interval(math.nan, math.nan, math.nan)


def gated(
    project: Project,
    snapshot: Snapshot,
    version: ModelVersion,
    champion: ModelVersion | None,
    decision: Decision,
    measured: Measurement,
    *,
    proof: Proof,
    lasting: Estimate | None,
    report: str,
    run_id: str,
) -> Gated:
    """The event of the decision. Figures that could not be measured are None."""
    paired = measured.paired
    delta = paired.delta if paired else _UNKNOWN
    return Gated(
        snapshot=snapshot.id,
        snapshot_hash=snapshot.hash,
        features_hash=snapshot.features_hash,
        project_hash=project.hash,
        candidate=version.number,
        candidate_digest=version.digest,
        champion=champion.number if champion else None,
        verdict=decision.verdict,
        reasons=tuple(decision.texts),
        decisive=tuple(decision.decisive),
        rows=measured.rows,
        attempt=measured.attempt,
        confidence=measured.confidence,
        metric=measured.metric.key,
        candidate_value=_finite(measured.primary.value),
        champion_value=_finite(paired.champion) if paired else None,
        delta=_finite(delta.value),
        delta_low=_finite(delta.low),
        delta_high=_finite(delta.high),
        report=report,
        run_id=run_id,
        proof=proof,
        out_of_time=_finite(lasting.value) if lasting else None,
        out_of_time_se=_finite(lasting.se) if lasting else None,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def log(
    say: Callable[[str], None],
    snapshot: Snapshot,
    version: ModelVersion,
    champion: ModelVersion | None,
    decision: Decision,
    measured: Measurement,
) -> None:
    """Say the log lines: comparison, decisive reasons, and the end where the promote step does not say it."""
    paired, key = measured.paired, measured.metric.key
    prod, delta = (f"{paired.champion:.3f}", f"{paired.delta.value:+.3f}") if paired else ("none", "none")
    say(f"[COMPARE] candidate_{key}={measured.primary.value:.3f} vs prod_{key}={prod} (delta={delta})")
    for text in decision.decisive:
        say(f"[GATE] {decision.verdict}: {text}")
    if decision.passed:
        return  # the promote step says how it ended
    outcome = "skipped" if decision.verdict is Verdict.FAIL else "unknown"
    say(f"[DECISION] {outcome}")
    if champion is None and (way := _way_on(decision, version)):
        say(f"[WAY] nothing serves yet: {way}")
    say(
        f"[SUMMARY] as_of={snapshot.as_of} cand_v={version.number} cand_{key}={measured.primary.value:.3f} "
        f"prod_v={champion.number if champion else 'none'} prod_{key}={prod} -> {outcome}"
    )


def _way_on(decision: Decision, version: ModelVersion) -> str:
    """What a person can do for a first model that was not promoted."""
    if decision.verdict is Verdict.UNKNOWN:
        return (
            f"`ratchet approve {version.number} --without-comparison` puts this version into production; "
            "more rows, a larger holdout.share or lower minima under policy.gate let the next run tell"
        )
    if any("leakage alarm" in text for text in decision.decisive):
        return "leave out the feature that knows the label, or say by policy.gate.leakage_auc that none does"
    return ""
