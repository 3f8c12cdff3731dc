"""What the ledger and the log keep of an evaluation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ratchet.core.decision import Decision, Verdict
from ratchet.core.measurement import Measurement
from ratchet.core.schema import ModelVersion, Snapshot
from ratchet.project.file import Project


def ledger_body(
    project: Project,
    snapshot: Snapshot,
    version: ModelVersion,
    champion: ModelVersion | None,
    decision: Decision,
    measured: Measurement,
) -> dict[str, Any]:
    """The ledger's record of the decision, JSON types only."""
    paired, key = measured.paired, measured.metric.key
    figures = {
        f"candidate_{key}": measured.primary.value,
        f"champion_{key}": paired.champion if paired else None,
        "delta": paired.delta.value if paired else None,
        "delta_low": paired.delta.low if paired else None,
        "delta_high": paired.delta.high if paired else None,
    }
    return {
        "snapshot": snapshot.id,
        "snapshot_hash": snapshot.hash,
        "features_hash": snapshot.features_hash,
        "project_hash": project.hash,
        "candidate": version.number,
        "candidate_digest": version.digest,
        "champion": champion.number if champion else None,
        "verdict": decision.verdict.value,
        "reasons": decision.texts,
        "decisive": decision.decisive,
        "rows": measured.rows,
        "attempt": measured.attempt,
        "confidence": measured.confidence,
        **{name: value if value is None or math.isfinite(value) else None for name, value in figures.items()},
    }


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
    say(
        f"[SUMMARY] as_of={snapshot.as_of} cand_v={version.number} cand_{key}={measured.primary.value:.3f} "
        f"prod_v={champion.number if champion else 'none'} prod_{key}={prod} -> {outcome}"
    )
