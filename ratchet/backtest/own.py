"""The project's own policy: the very steps of the pipeline, one stored snapshot after another, over ports in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path as Folder

from ratchet.backtest.memory import MemoryLedger, MemoryRegistry
from ratchet.backtest.nowhere import Counts, NoDriftReport, NoLock, NoPods, NoRequests
from ratchet.backtest.path import Path, Served, Step
from ratchet.backtest.replayed import ReplayedSnapshots, SnapshotFeatures
from ratchet.backtest.table import ScoreTable
from ratchet.backtest.timeline import Timeline
from ratchet.core.errors import DataError
from ratchet.core.events import day_of
from ratchet.core.schema import ModelVersion, Snapshot
from ratchet.core.trigger import Action
from ratchet.estimators import bundle as bundles
from ratchet.ledger.journal import Journal
from ratchet.project.file import Project
from ratchet.promotion.champion import PRODUCTION
from ratchet.promotion.plan import Plan
from ratchet.promotion.production import Production
from ratchet.promotion.stages.alias import Alias
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps import drift_check, evaluate, measure, promote, train
from ratchet.steps.parts.holdout import Holdout

ALIAS_ALONE = Plan((Alias(),))  # nothing serves in a replay, so the stages that look at what serves have nothing to look at


@dataclass(slots=True)
class Ports:
    """What the steps act on in a replay."""

    store: ReplayedSnapshots
    features: SnapshotFeatures
    registry: MemoryRegistry
    journal: Journal
    say: Callable[[str], None]
    reports: Counts = field(default_factory=Counts)
    rollout: NoPods = field(default_factory=NoPods)

    @property
    def production(self) -> Production:
        """What a promotion acts on."""
        return Production(self.registry, self.journal, NoLock(), self.rollout, 0.0, self.say, ALIAS_ALONE)

    @property
    def champion(self) -> ModelVersion | None:
        """The version in production."""
        return self.registry.alias(PRODUCTION)


def replay(
    project: Project,
    store: SnapshotStore,
    timeline: Timeline,
    held: Callable[[Snapshot], Holdout],
    table: ScoreTable,
    folder: Folder,
    advance: Callable[[int], None],
) -> Path:
    """The way that the project takes, from its first labels on; its versions are scored into the table.

    Args:
        project: a candidate that would wait for approval counts as approved.
        store: only read.
        timeline: the snapshots as they come.
        held: the held-out rows of a snapshot.
        table: takes the scores of each version on the months that it served, and of the one before it on the first of them.
        folder: for the bundles of versions; empty.
        advance: is called with 1 after each snapshot.
    """
    project = project.model_copy(update={"policy": project.policy.model_copy(update={"approval": "auto"})})
    seen = ReplayedSnapshots(store, timeline)
    journal = Journal(MemoryLedger("backtest"), project.model)
    ports = Ports(seen, SnapshotFeatures(project, seen), MemoryRegistry(folder), journal, lambda _: None)
    path, to_score = Path(), set[int]()
    for at, whole in enumerate(timeline.snapshots):
        champion = ports.champion
        if champion is not None:
            path.serving[whole.as_of] = _served(champion)
            to_score.add(champion.number)
        if whole.labelled and to_score:
            rows = held(whole)
            for number in to_score:
                version = ports.registry.version(number)
                table.put(
                    _served(version).name, whole.as_of, bundles.read(ports.registry.bundle(version)).scorer.batch(rows.columns)
                )
            to_score.clear()
        snapshot = seen.come(at)
        try:
            run_once(project, ports, snapshot, f"replay of {snapshot.as_of}")
        except DataError as error:  # as in life: the run fails, and what serves goes on serving
            path.notes.append(f"the run on {snapshot.as_of} fails: {error}")
        ports.reports.forget()
        now = ports.champion
        if now is not None and (champion is None or now.number != champion.number):  # what was noted of it makes it no other
            path.steps.append(Step(snapshot.as_of, _served(now), _served(champion) if champion else None, _why(ports)))
            if champion is not None:
                to_score.add(champion.number)
        advance(1)
    return path


def run_once(project: Project, ports: Ports, snapshot: Snapshot, run_id: str) -> None:
    """What the pipeline does when a snapshot has come (pipelines/continuous_training.py): its steps, and what they branch by."""
    common = (project, ports.store, ports.registry, ports.journal)
    measure.run(*common, snapshot, run_id=run_id, say=ports.say)
    checked = drift_check.run(*common, NoRequests(), NoDriftReport, ports.reports, snapshot, run_id=run_id, say=ports.say)
    if checked.trigger.action is not Action.RETRAIN:
        return
    version = train.run(
        project,
        ports.store,
        ports.features,
        ports.registry,
        ports.journal,
        checked.judged,
        offered=checked.trigger.candidate,
        run_id=run_id,
        say=ports.say,
    )
    judged = evaluate.run(*common, ports.reports, checked.judged, version.number, run_id=run_id, say=ports.say)
    if judged.decision.passed:
        promote.run(project, ports.production, version.number, run_id=run_id)


def _served(version: ModelVersion) -> Served:
    days = (day_of(item) for item in (version.provenance.snapshot_ids if version.provenance else ()))
    return Served(f"version {version.number}", tuple(day for day in days if day is not None))


def _why(ports: Ports) -> str:
    moved = ports.journal.history().champion
    return "; ".join(moved.event.reasons) if moved else ""
