"""What the gate gets: both versions' figures on the held-out rows of one snapshot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.budget import YEAR, confidence_of
from ratchet.core.decision import Reason, Verdict
from ratchet.core.estimate import Labels, Scores
from ratchet.core.gate import comparable
from ratchet.core.holdout import held_out
from ratchet.core.measurement import Measurement
from ratchet.core.policy import GatePolicy
from ratchet.core.schema import Columns, ModelVersion, Snapshot, take
from ratchet.estimators.bundle import Bundle
from ratchet.project.file import Project
from ratchet.snapshots.port import SnapshotStore
from ratchet.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Holdout:
    """The held-out, labelled rows of one snapshot: entities, features, labels and slice values in one order."""

    snapshot: Snapshot
    entities: NDArray[Any]
    columns: Columns
    labels: Labels
    slices: Columns


def read_holdout(project: Project, store: SnapshotStore, snapshot: Snapshot) -> Holdout:
    """The held-out rows of `snapshot` that have labels.

    Features come from the snapshot itself: at its own date that is what the feature store's point-in-time join gives (a test holds
    the two together), without a join over the whole history.
    """
    labelled = store.labels(snapshot)
    labelled = take(labelled, np.flatnonzero(held_out(project.holdout.salt, project.holdout.share, labelled["entity"])))
    entities = labelled["entity"]
    names = [column.name for column in project.slices]
    everyone = store.columns(snapshot, [project.entity, *(feature.name for feature in project.inputs), *names])
    position = {entity: index for index, entity in enumerate(everyone[project.entity])}
    at = np.array([position[entity] for entity in entities], dtype=np.int64)
    groups = {name: _group_names(everyone[name][at]) for name in names}
    columns = take({feature.name: everyone[feature.name] for feature in project.inputs}, at)
    return Holdout(snapshot, entities, columns, labelled["label"], groups)


def _group_names(values: NDArray[Any]) -> NDArray[Any]:
    """Slice values as text: a bool's 1.0 is `true`."""
    if values.dtype.kind != "f":
        return values
    texts = [None if math.isnan(value) else {0.0: "false", 1.0: "true"}.get(value, f"{value:g}") for value in values]
    return np.array(texts, dtype=object)


def champion_scores(
    project: Project, champion: ModelVersion | None, bundle: Bundle | None, held: Holdout
) -> tuple[Reason | None, Scores | None]:
    """Whether the champion may be compared with, and its scores when it may."""
    if champion is None or bundle is None:
        return None, None
    gone = [feature.name for feature in bundle.features if feature not in project.inputs]
    if gone:
        return Reason(Verdict.UNKNOWN, f"the champion needs {', '.join(gone)}, which ratchet.yaml no longer has as it had"), None
    reason = comparable("champion", champion.provenance, project.holdout.salt, project.holdout.share)
    return reason, bundle.scorer.batch(held.columns) if reason.verdict is Verdict.PASS else None


def measure(
    task: Task, policy: GatePolicy, held: Holdout, first: Scores, second: Scores | None, tries: Sequence[date] = ()
) -> Measurement:
    """Measure `first` (the candidate's scores) and, where the champion may be compared with, `second`.

    The intervals have the confidence that the year's budget leaves after earlier comparisons on snapshots of these dates.
    """
    today = held.snapshot.as_of
    attempt = 1 + sum(today - YEAR < day <= today for day in tries)
    confidence = confidence_of(tries, today, policy)
    return task.measure(policy, held.labels, held.slices, first, second, attempt=attempt, confidence=confidence)
