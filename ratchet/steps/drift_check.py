"""Compare the newest snapshot with what the champion was trained on, and decide whether a candidate is wanted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from ratchet.core.decision import Verdict
from ratchet.core.events import Triggered
from ratchet.core.history import History
from ratchet.core.row_groups import ROWS_PER_POD
from ratchet.core.schema import ModelVersion, Snapshot
from ratchet.core.trigger import Asked, Circumstances, Trigger, Wish, decide_trigger
from ratchet.drift.verdict import Drift
from ratchet.estimators import bundle as bundles
from ratchet.ledger.journal import Journal
from ratchet.project.file import Project
from ratchet.promotion.champion import champion_of, legible
from ratchet.registry.port import Registry
from ratchet.reports.port import DriftReporter, Reports
from ratchet.requests.port import RequestLog
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps.parts.judged import newest_labelled
from ratchet.steps.parts.looks import trained_on
from ratchet.steps.parts.outcome import live_fall, offer, performance
from ratchet.steps.parts.sampling import sample
from ratchet.steps.parts.snapshot_drift import event_of, features_changed, measure
from ratchet.steps.parts.snapshot_parts import Parts, gather

_REPORT_ROWS = 10_000  # of each side in Evidently's report


@dataclass(frozen=True, slots=True)
class Checked:
    """The trigger, the drift behind it (None without a champion), the snapshot to judge a candidate on, and Evidently's report."""

    trigger: Trigger
    drift: Drift | None
    judged: Snapshot
    report_html: str
    report: str

    @property
    def facts(self) -> dict[str, str]:
        """What names the snapshot to judge on, and the version that is offered, as text: for the metadata of an artifact."""
        return {**self.judged.facts, "offered": str(self.trigger.candidate or "")}


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
    champion, history = champion_of(registry, journal), legible(journal.trusted())
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
    judged = newest_labelled(store, snapshot)
    trigger = decide_trigger(
        Circumstances(
            champion=champion.number if champion else None,
            today=snapshot.as_of,
            judged=judged.as_of if judged else None,
            drift=found.decision if found else None,
            decided=_decided(journal, project, judged, champion) if judged else "",
            changed=changed,
            age_days=_age(champion, snapshot),
            max_age_days=project.policy.max_age_days,
            performance=performance(project, history, champion, judged),
            live=live_fall(project, store, requests, champion),
            waiting=_waiting(history, champion),
            offer=offer(project, history, champion, judged),
            retrain=project.policy.retrain,
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
            judged=judged.id if judged else "",
            wishes=tuple(wish.value for wish in trigger.wishes),
            waits=tuple(wish.value for wish in trigger.waits),
            candidate=trigger.candidate,
        )
    )
    if found:
        for test in found.tests:
            if test.drifted:
                say(f"[DRIFT] {test.reason}")
    say(trigger.line)
    return Checked(trigger, found, judged or snapshot, html, report)


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
    entry = legible(journal.trusted(), gates=True).decided(snapshot.hash, champion.number if champion else None, project.hash)
    if entry is None:
        return ""
    said = f"{entry.event.verdict} for version {entry.event.candidate} (ledger {entry.seq})"
    return f"decided already on this snapshot: {said}; --force tries again"


def _age(champion: ModelVersion | None, snapshot: Snapshot) -> int:
    trained = trained_on(champion) if champion else None
    return (snapshot.as_of - trained).days if trained else 0


def _waiting(history: History, champion: ModelVersion | None) -> list[Asked]:
    """The wishes of earlier runs; one that another release has named is left out."""
    wishes = history.wishes(champion.number if champion else None)
    return [Asked(Wish(item.name), item.text, item.since) for item in wishes if item.name in set(Wish)]
