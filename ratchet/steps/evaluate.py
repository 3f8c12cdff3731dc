"""Compare candidate and champion on rows that neither has seen, and let the gate decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ratchet.core.decision import Decision
from ratchet.core.estimate import Scores
from ratchet.core.gate import judge
from ratchet.core.history import History
from ratchet.core.measurement import Measurement
from ratchet.core.row_groups import ROWS_PER_POD
from ratchet.core.rule import proven
from ratchet.core.schema import ModelVersion, Snapshot
from ratchet.estimators import bundle as bundles
from ratchet.ledger.journal import Journal
from ratchet.project.file import Project
from ratchet.promotion.champion import champion_of, legible
from ratchet.registry.port import Registry
from ratchet.reports.html.report import ReportContent, decision_report
from ratchet.reports.port import Reports
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps.evaluation_record import gated, log
from ratchet.steps.parts import snapshot_drift as drift
from ratchet.steps.parts.case import Case, offered_by
from ratchet.steps.parts.holdout import Holdout, champion_scores, copies, judged_holdout, measure, never_saw
from ratchet.steps.parts.notes import note_decision
from ratchet.steps.parts.recipes import claims_of
from ratchet.steps.parts.snapshot_drift import SnapshotDrift
from ratchet.steps.parts.snapshot_parts import Parts, found_in_run, gather
from ratchet.tasks.catalogue import task_of
from ratchet.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The gate's decision, what it rests on, and the report."""

    task: Task
    decision: Decision
    measured: Measurement
    holdout: Holdout
    candidate: Scores
    report_html: str
    report: str

    @property
    def figures(self) -> dict[str, float]:
        """The measured figures by name: for an artifact that shows them."""
        key, compared = self.measured.metric.key, self.measured.compared
        found = {f"candidate_{key}": self.measured.primary.value, **{f"candidate_{item.key}": item.candidate for item in compared}}
        if self.measured.paired:
            champions = {f"champion_{item.key}": item.champion for item in compared if item.champion is not None}
            found |= {f"{key}_delta": self.measured.paired.delta.value, **champions}
        return {**found, "holdout_rows": float(self.measured.rows), "attempt": float(self.measured.attempt)}

    @property
    def curve(self) -> NDArray[np.float64]:
        """The candidate's curve on the holdout, as the task draws it: points, shape (k, 2)."""
        return self.task.curve(self.holdout.labels, self.candidate)


def run(
    project: Project,
    store: SnapshotStore,
    registry: Registry,
    journal: Journal,
    reports: Reports,
    snapshot: Snapshot,
    candidate: int,
    *,
    run_id: str = "",
    actor: str = "",
    rows_per_pod: int = ROWS_PER_POD,
    say: Callable[[str], None] = print,
) -> Evaluated:
    """Judge version `candidate` and record the decision. A store that cannot be reached raises: it is never "no champion"."""
    version = registry.version(candidate)
    champion, history = champion_of(registry, journal), legible(journal.trusted(), gates=True)
    held = judged_holdout(project, store, snapshot)
    if held.copied:
        say(f"[HOLDOUT] {held.copies_said}")
    own = bundles.read(registry.bundle(version))
    first = own.scorer.batch(held.columns)
    other = bundles.read(registry.bundle(champion)) if champion else None
    reason, second = champion_scores(project, champion, other, held)
    task, policy = task_of(project), project.policy.gate
    tries = history.tries(snapshot.features_hash, candidate) if champion else ()
    measured = measure(task, policy, held, first, second, tries, proven(claims_of(history)))
    seen = [never_saw(project, "candidate", version, own, held), *([reason] if reason else []), *copies(policy, held)]
    offered = offered_by(history, run_id, candidate, champion)
    case = Case(project, store, registry, history, champion, candidate, held, second, offered)
    decision = judge(measured, policy, seen, proven=case.proven, lasting=case.lasting if champion and offered is None else None)
    moved, day = None, snapshot.as_of.isoformat()
    if champion and other and not drift.features_changed(project, other):
        moved, day = _drift(project, store, reports, history, champion, other, snapshot, run_id, rows_per_pod, say)
    content = ReportContent(
        task=task,
        model=project.model,
        snapshot=snapshot,
        candidate=candidate,
        champion=champion.number if champion else None,
        decision=decision,
        policy=policy,
        measurement=measured,
        labels=held.labels,
        candidate_scores=first,
        champion_scores=second,
        decided_at=datetime.now(UTC),
        decided_by=actor,
        project_hash=project.hash,
        holdout_salt=project.holdout.identity,
        holdout_share=project.holdout.share,
        run_id=run_id,
        manual=project.policy.approval == "manual",
        training={name: value for name, value in version.metrics.items() if name not in task.metric.measured},
        drift=moved.drift if moved else None,
        reference=moved.reference if moved else None,
        current=moved.current if moved else None,
        reference_name=_trained_on(champion),
        current_name=day,
        drift_report=f"drift_{_trained_on(champion)}_vs_{day}.html" if moved else "",
        proof=case.kind,
        out_of_time=case.gain,
    )
    html = decision_report(content)
    report = reports.save(f"decision_v{candidate}_on_{snapshot.as_of}.html", html)
    event = gated(
        project,
        snapshot,
        version,
        champion,
        decision,
        measured,
        proof=case.kind,
        lasting=case.gain,
        report=report,
        run_id=run_id,
    )
    journal.append(event)
    note_decision(registry, event)
    log(say, snapshot, version, champion, decision, measured)
    return Evaluated(task, decision, measured, held, first, html, report)


def _trained_on(champion: ModelVersion | None) -> str:
    """The date of the champion's training snapshot; empty when its tags do not say."""
    return champion.provenance.snapshot_ids[-1].split("@")[0] if champion and champion.provenance else ""


def _drift(
    project: Project,
    store: SnapshotStore,
    reports: Reports,
    history: History,
    champion: ModelVersion,
    bundle: bundles.Bundle,
    judged: Snapshot,
    run_id: str,
    rows_per_pod: int,
    say: Callable[[str], None],
) -> tuple[SnapshotDrift, str]:
    """The drift to draw, and its date: what the run's trigger found on the newest snapshot, else that of the judged one."""
    run = history.run(run_id) if run_id else None
    wanted = run.trigger.event.snapshot if run and run.trigger else ""
    for newest in (item for item in store.snapshots() if item.id == wanted):
        found = found_in_run(history, run_id, Parts(reports, project, newest, champion), bundle)
        if found is not None:
            return found, newest.as_of.isoformat()
    parts = Parts(reports, project, judged, champion)  # nobody has checked a snapshot in this run, or the count is gone
    return drift.measure(project, store, bundle, judged, gather(store, bundle, parts, rows_per_pod, say)), judged.as_of.isoformat()
