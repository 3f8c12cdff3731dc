"""Drift of a snapshot against what a version remembers of its training snapshot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from ratchet.core.decision import Decision, Reason
from ratchet.core.errors import DataError
from ratchet.core.events import DriftFound, DriftTest
from ratchet.core.schema import Snapshot, take
from ratchet.drift.profile import Profile, merge, profile
from ratchet.drift.reference import PREDICTION, Reference
from ratchet.drift.verdict import Drift, FeatureDrift, drift, feature_drift, label_drift
from ratchet.estimators.bundle import Bundle
from ratchet.project.file import Project
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps.parts.held_rows import held_rows, needed
from ratchet.tasks.catalogue import task_of

_PIECE = 200_000  # rows in memory at a time; two of the store's row groups


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


def remembered(project: Project, profile_text: str) -> Reference:
    """What a version's profile tells, its codes spelled as snapshots are read: an older release kept `3.0` for `3`."""
    reference = Reference.from_json(profile_text)
    return replace(reference, features=reference.features.respelled(project.declared))


def count(project: Project, store: SnapshotStore, champion: Bundle, snapshot: Snapshot, rows: range) -> Reference:
    """Profile a stretch of the snapshot's rows, and the champion's answers for the held-out entities among them.

    Read and counted in pieces, so that the memory does not grow with the stretch. A profile merges exactly and the scorer answers
    row by row: whatever the pieces and whoever counts them, the sum is the same to the bit. Labels are not counted.

    Raises DataError when ratchet.yaml's features are no longer the champion's.
    """
    if changed := features_changed(project, champion):
        message = f"version and ratchet.yaml cannot be compared: {changed}; train a new version"
        raise DataError(message)
    names = list(dict.fromkeys([*needed(project), *(feature.name for feature in project.inputs)]))
    features, predictions = Profile.empty(project.inputs), Profile.empty(PREDICTION)
    for piece in _pieces(rows):
        columns = store.columns(snapshot, names, piece)
        kept = np.flatnonzero(held_rows(project, columns))
        features = merge(features, profile(project.inputs, columns))
        if len(kept):
            predictions = merge(predictions, profile(PREDICTION, {"prediction": champion.scorer.batch(take(columns, kept))}))
    return Reference(features, predictions)


def measure(
    project: Project, store: SnapshotStore, champion: Bundle, snapshot: Snapshot, counted: Reference | None = None
) -> SnapshotDrift:
    """Measure features, each weighed by its influence on the champion's score, and label and predictions, which are reported.

    Predictions are compared on held-out entities on both sides, because a model is surer of rows that it was trained on.
    `counted` is `count` of all rows, where others have done that already.
    Raises DataError when ratchet.yaml's features are no longer the champion's.
    """
    policy = project.policy.drift
    reference = remembered(project, champion.profile)
    current = counted or count(project, store, champion, snapshot, range(snapshot.rows))
    informative: list[FeatureDrift] = []
    if current.predictions.rows:
        informative.extend(feature_drift(reference.predictions, current.predictions, policy))
    if snapshot.labelled and any(reference.labels.values()):
        task, labels = task_of(project), Counter[str]()
        for piece in _pieces(range(snapshot.labelled_rows)):
            labels.update(task.label_counts(store.labels(snapshot, piece)["label"]))
        informative.append(label_drift(reference.labels, labels, policy))
    judged = drift(reference.features, current.features, policy, informative, reference.influence)
    return SnapshotDrift(judged, reference.features, current.features)


def event_of(found: Drift) -> DriftFound:
    """The drift as the trigger's event keeps it."""
    return DriftFound(
        verdict=found.decision.verdict,
        drift_share=found.drift_share,
        reasons=tuple(found.decision.texts),
        drifted=tuple(found.drifted),
        reference_rows=found.reference_rows,
        current_rows=found.current_rows,
        tests=tuple(DriftTest(**_fields(test)) for test in found.tests),
        informative=tuple(DriftTest(**_fields(test)) for test in found.informative),
    )


def drift_of(event: DriftFound) -> Drift:
    """The drift that an event of this release was made of: the inverse of `event_of`."""
    tests, informative = ([FeatureDrift(**_fields(test)) for test in part] for part in (event.tests, event.informative))
    reasons = (Reason(event.verdict, event.headline), *(Reason(test.verdict, test.reason) for test in tests))
    decision = Decision(event.verdict, reasons)
    return Drift(decision, event.drift_share, tuple(tests), event.reference_rows, event.current_rows, tuple(informative))


def _fields(test: FeatureDrift | DriftTest) -> dict[str, Any]:
    """A test's values by name."""
    return {field.name: getattr(test, field.name) for field in fields(test)}


def _pieces(rows: range) -> Iterator[range]:
    for start in range(rows.start, rows.stop, _PIECE):
        yield range(start, min(start + _PIECE, rows.stop))
