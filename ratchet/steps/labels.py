"""Join late labels to the answers that were given, and measure how each version does on them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ratchet.core.errors import DataError
from ratchet.core.events import LiveMeasured
from ratchet.core.label import read_labels
from ratchet.core.schema import Columns, Snapshot, features_hash
from ratchet.estimators.plain.encoding import row_of
from ratchet.ledger.journal import Journal
from ratchet.project.file import Project
from ratchet.registry.port import Registry
from ratchet.requests.port import JoinReport, RequestLog
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps.parts.held_rows import held_answers
from ratchet.tasks.catalogue import task_of


@dataclass(frozen=True, slots=True)
class Labelled:
    """What became of the labels, and each version's figures as they were recorded, by version."""

    report: JoinReport
    versions: list[LiveMeasured]


def run(
    project: Project,
    registry: Registry,
    journal: Journal,
    requests: RequestLog,
    labels: Columns,
    store: SnapshotStore | None = None,
) -> Labelled:
    """Join `labels`, then record the live figures of every version that has labels.

    The columns are those of `RequestLog.join`, the labels themselves text or any values that the task can read. Raises DataError.
    `store` says which group an entity belongs to, where the project holds groups out.
    """
    if "label" in labels:
        labels = {**labels, "label": read_labels(task_of(project).label, labels["label"])}
    report = requests.join(labels)
    return Labelled(report, [journal.append(measured).event for measured in _measured(project, registry, requests, store)])


def labels_of(project: Project, store: SnapshotStore, snapshot: Snapshot) -> Columns:
    """The snapshot's labels, each about answers to that snapshot's features: another month's answers have another label.

    Raises DataError when it has none yet.
    """
    if not snapshot.labelled:
        message = f"snapshot {snapshot.name} has no labels yet: ingest them first"
        raise DataError(message)
    labels, inputs = store.labels(snapshot), project.inputs
    columns = store.columns(snapshot, [project.entity, *(feature.name for feature in inputs)])
    position = {entity: index for index, entity in enumerate(columns[project.entity])}
    rows = (row_of(inputs, columns, position[entity]) for entity in labels["entity"])
    return {**labels, "features_hash": np.array([features_hash(row) for row in rows], dtype=object)}


def _measured(project: Project, registry: Registry, requests: RequestLog, store: SnapshotStore | None) -> list[LiveMeasured]:
    """Each version's live figure on held-out entities with its interval (None where unknown), and that on its own holdout."""
    known = {version.number: version for version in registry.versions()}
    task, policy = task_of(project), project.policy.gate
    found = []
    for number, answers in sorted(requests.labelled().items()):
        live = task.live(held_answers(project, store, answers), policy.confidence)
        promised = task.metric.promised(known[number].metrics if number in known else {})
        found.append(
            LiveMeasured(
                version=number,
                labelled=len(answers.labels),
                rows=live.rows,
                counts=live.counts,
                metric=task.metric.key,
                value=_rounded(live.figure.value),
                low=_rounded(live.figure.low),
                high=_rounded(live.figure.high),
                promised=_rounded(promised.value),
            )
        )
    return found


def _rounded(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
