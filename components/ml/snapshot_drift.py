"""Drift of a snapshot against what a version remembers of its training snapshot."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from components.core.drift import Drift, DriftPolicy, FeatureDrift, drift, feature_drift, label_drift
from components.core.holdout import held_out
from components.core.ports import SnapshotStore
from components.core.profile import Profile, profile
from components.core.schema import Snapshot, take
from components.ml.bundle import Bundle
from components.ml.reference import PREDICTION, Reference
from components.project import Project


@dataclass(frozen=True, slots=True)
class SnapshotDrift:
    """The drift and the two profiles that it was computed from."""

    drift: Drift
    reference: Profile
    current: Profile


def features_changed(project: Project, champion: Bundle) -> str:
    """How ratchet.yaml's features differ from the champion's; empty when they are the same, in whatever order."""
    ours, theirs = set(project.inputs), set(champion.features)
    if ours == theirs:
        return ""
    names = [f"+{item.name}" for item in sorted(ours - theirs, key=str)] + [
        f"-{item.name}" for item in sorted(theirs - ours, key=str)
    ]
    return f"features changed: {', '.join(names)}"


def measure(project: Project, store: SnapshotStore, champion: Bundle, snapshot: Snapshot) -> SnapshotDrift:
    """Measure features, and label and predictions, which are reported and do not count.

    Predictions are compared on held-out entities on both sides, because a model is surer of rows that it was trained on.
    Raises DataError when ratchet.yaml's features are no longer the champion's.
    """
    policy = DriftPolicy(**project.policy.drift.model_dump())
    reference = Reference.from_json(champion.profile)
    columns = store.columns(snapshot, [project.entity, *(feature.name for feature in project.inputs)])
    informative: list[FeatureDrift] = []
    kept = held_out(project.holdout.salt, project.holdout.share, columns[project.entity])
    current = profile(project.inputs, columns)
    judged = drift(reference.features, current, policy)  # before the scorer: it refuses other features than the champion's
    if kept.any():
        predictions = {"prediction": champion.scorer.batch(take(columns, np.flatnonzero(kept)))}
        informative.extend(feature_drift(reference.predictions, profile(PREDICTION, predictions), policy))
    if snapshot.labelled and reference.label_rows:
        labels = store.labels(snapshot)["label"]
        informative.append(label_drift(reference.label_positives, reference.label_rows, int(labels.sum()), len(labels), policy))
    return SnapshotDrift(replace(judged, informative=tuple(informative)), reference.features, current)
