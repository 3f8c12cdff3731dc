"""Compare a snapshot with what the champion was trained on, and decide whether to retrain."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ratchet.core.decision import Verdict
from ratchet.core.events import Triggered
from ratchet.core.live import Live
from ratchet.core.row_groups import ROWS_PER_POD
from ratchet.core.schema import ModelVersion, Snapshot
from ratchet.core.trigger import Circumstances, Trigger, decide_trigger
from ratchet.drift.verdict import Drift
from ratchet.estimators import bundle as bundles
from ratchet.ledger.journal import Journal
from ratchet.project.file import Project
from ratchet.promotion.champion import champion_of, legible
from ratchet.registry.port import Registry
from ratchet.reports.port import DriftReporter, Reports
from ratchet.requests.port import RequestLog
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps.parts.held_rows import held_answers
from ratchet.steps.parts.sampling import sample
from ratchet.steps.parts.snapshot_drift import event_of, features_changed, measure
from ratchet.steps.parts.snapshot_parts import Parts, gather
from ratchet.tasks.catalogue import task_of
from ratchet.tasks.task import Task

_REPORT_ROWS = 10_000  # of each side in Evidently's report


@dataclass(frozen=True, slots=True)
class Checked:
    """The trigger, the drift behind it (None without a champion) and Evidently's report."""

    trigger: Trigger
    drift: Drift | None
    report_html: str
    report: str


def run(
    project: Project,
    store: SnapshotStore,
    registry: Registry,
    journal: Journal,
    requests: RequestLog,
    reporter: Callable[[], DriftReporter],
    reports: Reports,
    snapshot: Snapshot,
    *,
    force: bool = False,
    run_id: str = "",
    rows_per_pod: int = ROWS_PER_POD,
    say: Callable[[str], None] = print,
) -> Checked:
    """Decide and record. Raises Unavailable when a store cannot be reached: that is never "no champion".

    `reporter` is a factory, because Evidently takes seconds to import and a first month has nothing to report.
    """
    task, champion = task_of(project), champion_of(registry, journal)
    found, changed, html, report = None, "", "", ""
    if champion is not None:
        bundle = bundles.read(registry.bundle(champion))
        changed = features_changed(project, bundle)
        if not changed:
            parts = Parts(reports, project, snapshot, champion)
            counted = gather(store, bundle, parts, rows_per_pod, say)
            parts.save(parts.whole, counted)  # for `evaluate`, which draws it
            found = measure(project, store, bundle, snapshot, counted).drift
        html, report = _report(project, store, champion, snapshot, _verdict(found), reporter(), reports)
    trigger = decide_trigger(
        Circumstances(
            champion=champion.number if champion else None,
            drift=found.decision if found else None,
            labelled=snapshot.labelled,
            metric=task.metric,
            decided=_decided(journal, project, snapshot, champion),
            changed=changed,
            age_days=_age(champion, snapshot),
            max_age_days=project.policy.max_age_days,
            live=_live(champion, requests, project, store, task),
            promised=task.metric.promised(champion.metrics) if champion else None,
            forced=force,
        )
    )
    journal.append(
        Triggered(
            snapshot=snapshot.id,
            snapshot_hash=snapshot.hash,
            champion=champion.number if champion else None,
            action=trigger.action,
            reasons=trigger.reasons,
            drift=event_of(found) if found else None,
            report=report,
            run_id=run_id,
        )
    )
    if found:
        for test in found.tests:
            if test.drifted:
                say(f"[DRIFT] {test.reason}")
    say(trigger.line)
    return Checked(trigger, found, html, report)


def _report(
    project: Project,
    store: SnapshotStore,
    champion: ModelVersion,
    snapshot: Snapshot,
    verdict: tuple[str, ...],
    reporter: DriftReporter,
    reports: Reports,
) -> tuple[str, str]:
    """Evidently's report, while the champion's training snapshot is still stored; drift itself needs only its profile."""
    if champion.provenance is None:
        return "", ""
    reference = next((item for item in store.snapshots() if item.id == champion.provenance.snapshot_ids[-1]), None)
    if reference is None or reference == snapshot:
        return "", ""
    names = [feature.name for feature in project.inputs]
    name = f"drift_{reference.as_of}_vs_{snapshot.as_of}"
    before, after = sample(store, reference, names, _REPORT_ROWS), sample(store, snapshot, names, _REPORT_ROWS)
    policy = project.policy.drift
    html, figures = reporter.drift_report(
        project.inputs,
        before,
        after,
        name,
        number_effect=policy.number_effect,
        category_effect=policy.category_effect,
        drift_share=policy.drift_share,
        verdict=(*verdict, f"Snapshot {snapshot.as_of} against {reference.as_of}, which version {champion.number} was trained on."),
    )
    reports.save(f"{name}.json", json.dumps(figures, indent=1, sort_keys=True))
    return html, reports.save(f"{name}.html", html)


def _verdict(found: Drift | None) -> tuple[str, ...]:
    """Our decision for the report's first screen: a headline, then a sentence."""
    if found is None:
        return ("Not judged: the features have changed", "Ratchet compares no profiles of different features.")
    features = len({test.feature for test in found.tests})
    headline = {
        Verdict.PASS: f"{len(found.drifted)} of {features} features have drifted",
        Verdict.FAIL: "No drift that matters",
        Verdict.UNKNOWN: "Too few rows to tell",
    }[found.decision.verdict]
    names = f": {', '.join(found.drifted)}" if found.drifted else ""
    return headline, f"Ratchet's decision, by effect and corrected p-value: {found.decision.texts[0]}{names}."


def _decided(journal: Journal, project: Project, snapshot: Snapshot, champion: ModelVersion | None) -> str:
    """A sentence on an earlier decision on the same question; a PASS counts once it was carried out or waits for approval.

    Where its promotion failed or its run died, the next run tries it again with the same candidate.
    """
    entry = legible(journal.history(), gates=True).decided(snapshot.hash, champion.number if champion else None, project.hash)
    if entry is None:
        return ""
    said = f"{entry.event.verdict} for version {entry.event.candidate} (ledger {entry.seq})"
    return f"decided already on this snapshot: {said}; --force tries again"


def _age(champion: ModelVersion | None, snapshot: Snapshot) -> int:
    if champion is None or champion.provenance is None:
        return 0
    trained = max(item.split("@")[0] for item in champion.provenance.snapshot_ids)
    return int((np.datetime64(snapshot.as_of) - np.datetime64(trained)).astype(int))


def _live(champion: ModelVersion | None, requests: RequestLog, project: Project, store: SnapshotStore, task: Task) -> Live | None:
    """The champion's live performance, once it can be measured and there is something to hold it against."""
    if champion is None or not np.isfinite(task.metric.promised(champion.metrics).low):
        return None
    answers = requests.labelled(champion.number).get(champion.number)
    if answers is None:
        return None
    live = task.live(held_answers(project, store, answers), project.policy.gate.confidence)
    return live if live.enough else None
