"""Join late labels to the answers that were given, and measure how each version does on them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ratchet.core.errors import DataError
from ratchet.core.live import live_performance
from ratchet.core.schema import Columns, Snapshot, features_hash
from ratchet.estimators.encoding import row_of
from ratchet.ledger.port import Ledger
from ratchet.project.file import Project
from ratchet.registry.port import Registry
from ratchet.requests.port import JoinReport, RequestLog
from ratchet.snapshots.port import SnapshotStore

LIVE = "live"


@dataclass(frozen=True, slots=True)
class Labelled:
    """What became of the labels, and each version's figures as they were recorded, by version."""

    report: JoinReport
    versions: list[Mapping[str, Any]]


def run(project: Project, registry: Registry, ledger: Ledger, requests: RequestLog, labels: Columns) -> Labelled:
    """Join `labels` (columns as `RequestLog.join` takes them), then record the live figures of every version that has labels."""
    report = requests.join(labels)
    versions = _measured(project, registry, requests)
    for figures in versions:
        ledger.append(LIVE, figures)
    return Labelled(report, versions)


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


def _measured(project: Project, registry: Registry, requests: RequestLog) -> list[Mapping[str, Any]]:
    """One row a version: live AUC on held-out entities with its interval (None while a class is missing), and its holdout AUC."""
    known = {version.number: version for version in registry.versions()}
    holdout, policy = project.holdout, project.policy.gate
    rows: list[Mapping[str, Any]] = []
    for number, answers in sorted(requests.labelled().items()):
        live = live_performance(answers, holdout.salt, holdout.share, policy.confidence)
        figures = {"auc": live.auc.value, "low": live.auc.low, "high": live.auc.high}
        expected = known[number].metrics.get("holdout_auc") if number in known else None
        rows.append(
            {
                "version": number,
                "labelled": len(answers.labels),
                "rows": live.rows,
                "positives": live.positives,
                **{name: None if math.isnan(value) else round(value, 6) for name, value in figures.items()},
                "holdout_auc": round(expected, 6) if expected is not None else None,
            }
        )
    return rows
