"""A large snapshot counted by many tasks: who counts which rows, and where the counts wait until they are merged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from ratchet.core.errors import ArtifactError
from ratchet.core.history import History
from ratchet.core.row_groups import label_of, row_groups
from ratchet.core.schema import ModelVersion, Snapshot
from ratchet.drift.profile import merge
from ratchet.drift.reference import Reference
from ratchet.estimators.bundle import Bundle
from ratchet.project.file import Project
from ratchet.reports.port import Reports
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps.parts.snapshot_drift import SnapshotDrift, count, drift_of, remembered

_FORMAT = 3  # 2: codes counted as they were stored


@dataclass(frozen=True, slots=True)
class Parts:
    """The counts of one snapshot for one champion. Their names tell all that they depend on: what is found fits."""

    reports: Reports
    project: Project
    snapshot: Snapshot
    champion: ModelVersion

    def save(self, rows: range, counted: Reference) -> str:
        """Store the count of some rows; returns where it is."""
        return self.reports.save(self._name(rows), counted.to_json())

    def load(self, rows: range) -> Reference | None:
        """The stored count of these rows. None when there is none, or when it is damaged: it can be counted again."""
        text = self.reports.load(self._name(rows))
        try:
            return Reference.from_json(text) if text else None
        except ArtifactError:
            return None

    @property
    def whole(self) -> range:
        """All rows of the snapshot."""
        return range(self.snapshot.rows)

    def _name(self, rows: range) -> str:
        inputs = [[feature.name, feature.dtype.value] for feature in self.project.inputs]
        facts = [_FORMAT, self.snapshot.features_hash, self.champion.digest, inputs]
        facts += [self.project.entity, self.project.holdout.identity, self.project.holdout.share]
        key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
        return f"profile_{self.snapshot.as_of}_{key}_{label_of(rows)}.json"


def gather(store: SnapshotStore, bundle: Bundle, parts: Parts, per_pod: int, say: Callable[[str], None]) -> Reference:
    """The count of all rows: of those that other tasks have counted, their counts; of the others, counted here."""
    groups = row_groups(parts.snapshot.rows, per_pod)
    if len(groups) == 1:
        return count(parts.project, store, bundle, parts.snapshot, groups[0])
    found = [parts.load(rows) for rows in groups]
    say(f"[PROFILE] {sum(part is not None for part in found)} of {len(groups)} groups of rows were counted by other tasks")
    every = [part or count(parts.project, store, bundle, parts.snapshot, rows) for rows, part in zip(groups, found, strict=True)]
    features, predictions = (merge(*(getattr(part, name) for part in every)) for name in ("features", "predictions"))
    return Reference(features, predictions)


def found_in_run(history: History, run_id: str, parts: Parts, bundle: Bundle) -> SnapshotDrift | None:
    """The drift that the same run's trigger rests on, so that a snapshot is measured once a run.

    Verdict and tests are the trigger's event, the profile is the count that was kept. None when either is not there, or the run has
    no id: any earlier run without one would look like the same.
    """
    trigger = history.trigger_on(parts.snapshot.id) if run_id else None
    if trigger is None or trigger.event.drift is None:
        return None
    if (trigger.event.run_id, trigger.event.champion) != (run_id, parts.champion.number):
        return None
    counted = parts.load(parts.whole)
    if counted is None:
        return None
    return SnapshotDrift(drift_of(trigger.event.drift), remembered(parts.project, bundle.profile).features, counted.features)
