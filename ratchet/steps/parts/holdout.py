"""What the gate gets: both versions' figures on the held-out rows of one snapshot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.budget import YEAR, confidence_of
from ratchet.core.copies import copied
from ratchet.core.decision import Reason, Verdict, check
from ratchet.core.entity_key import spelled
from ratchet.core.estimate import Clusters, Labels, Scores
from ratchet.core.gate import comparable, spelled_otherwise, untouched
from ratchet.core.measurement import Measurement
from ratchet.core.policy import GatePolicy
from ratchet.core.schema import Columns, ModelVersion, Snapshot, take
from ratchet.drift.reference import trained_keys
from ratchet.estimators.bundle import Bundle
from ratchet.project.file import Project
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps.parts.held_rows import clusters, held_by, keys, needed
from ratchet.steps.parts.judged import labelled_until
from ratchet.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Holdout:
    """The held-out, labelled rows of one snapshot, or of several: entities, features, labels and slice values in one order.

    `groups` are the numbers of what the rows hang together by, None where each is one of its own. `copied` counts the rows whose
    features and label a training row of the same snapshot has too. `oldest` is the date of the oldest snapshot, where it is not
    that of `snapshot`. `keys` are what the rows are held out by, where that is not the entity.
    """

    snapshot: Snapshot
    entities: NDArray[Any]
    columns: Columns
    labels: Labels
    slices: Columns
    groups: Clusters | None = None
    copied: int = 0
    oldest: date | None = None
    keys: NDArray[Any] | None = None

    @property
    def since(self) -> date:
        """The date of the oldest rows."""
        return self.oldest or self.snapshot.as_of

    @property
    def copies_said(self) -> str:
        """A sentence on the copies."""
        return f"{self.copied} of {len(self.labels)} held-out rows are exact copies of training rows, features and label"


def judged_holdout(project: Project, store: SnapshotStore, snapshot: Snapshot) -> Holdout:
    """What a candidate is judged on: the held-out rows of `snapshot`, and of labelled ones before it as `policy.gate.pool` asks.

    An entity counts once, by its newest row, so that the rows are as independent as those of one snapshot.
    """
    before = [item for item in labelled_until(store, snapshot) if item.as_of < snapshot.as_of]
    parts = [_read(project, store, item) for item in [snapshot, *before[::-1][: project.policy.gate.pool - 1]]]
    seen: set[str] = set()
    kept = []
    for part in parts:
        new = np.flatnonzero([entity not in seen for entity in part.held.entities.tolist()])
        seen.update(part.held.entities.tolist())
        kept.append(part.rows(new))
    return _together(project, kept)


def read_holdout(project: Project, store: SnapshotStore, snapshot: Snapshot) -> Holdout:
    """The held-out rows of `snapshot` that have labels.

    Features come from the snapshot itself: at its own date that is what the feature store's point-in-time join gives (a test holds
    the two together), without a join over the whole history.
    """
    return _together(project, [_read(project, store, snapshot)])


@dataclass(frozen=True, slots=True)
class _Part:
    """One snapshot's held-out rows, what each is held out by, and which are copies."""

    held: Holdout
    keys: NDArray[Any]
    copies: NDArray[np.bool_]

    def rows(self, index: NDArray[Any]) -> _Part:
        held = self.held
        columns, slices = take(held.columns, index), take(held.slices, index)
        rows = Holdout(held.snapshot, held.entities[index], columns, held.labels[index], slices)
        return _Part(rows, self.keys[index], self.copies[index])


def _read(project: Project, store: SnapshotStore, snapshot: Snapshot) -> _Part:
    labelled = store.labels(snapshot)
    inputs, names = [feature.name for feature in project.inputs], [column.name for column in project.slices]
    everyone = store.columns(snapshot, list(dict.fromkeys([*needed(project), *inputs, *names])))
    position = {entity: index for index, entity in enumerate(everyone[project.entity])}
    everyone = take(everyone, np.array([position[entity] for entity in labelled["entity"]], dtype=np.int64))
    those = keys(project, everyone)
    inside = held_by(project, those)
    at = np.flatnonzero(inside)
    columns = {name: everyone[name] for name in inputs}
    slices = {name: _group_names(everyone[name][at]) for name in names}
    held = Holdout(snapshot, labelled["entity"][at], take(columns, at), labelled["label"][at], slices)
    return _Part(held, those[at], copied(columns, labelled["label"], inside)[at])


def _together(project: Project, parts: Sequence[_Part]) -> Holdout:
    """The first snapshot's rows, then those of the others."""
    first, every = parts[0].held, [part.held for part in parts]
    return Holdout(
        first.snapshot,
        np.concatenate([held.entities for held in every]),
        {name: np.concatenate([held.columns[name] for held in every]) for name in first.columns},
        np.concatenate([held.labels for held in every]),
        {name: np.concatenate([held.slices[name] for held in every]) for name in first.slices},
        clusters(project, np.concatenate([part.keys for part in parts])),
        sum(int(part.copies.sum()) for part in parts),
        every[-1].snapshot.as_of,
        np.concatenate([part.keys for part in parts]),
    )


def copies(policy: GatePolicy, held: Holdout) -> list[Reason]:
    """What the copies make of the comparison: UNKNOWN beyond the policy's share, and nothing to say where there are none."""
    if not held.copied:
        return []
    found = check(
        "share of held-out rows that are copies of training rows",
        held.copied / len(held.labels),
        "<=",
        policy.max_copied_share,
        Verdict.UNKNOWN,
    )
    if found.verdict is Verdict.PASS:
        return [found]
    return [replace(found, text=f"{found.text}: take them out of the data, or name what they hang together by as holdout.group")]


def _group_names(values: NDArray[Any]) -> NDArray[Any]:
    """Slice values as text: a bool's 1.0 is `true`."""
    if values.dtype.kind != "f":
        return values
    texts = [None if math.isnan(value) else {0.0: "false", 1.0: "true"}.get(value, f"{value:g}") for value in values]
    return np.array(texts, dtype=object)


def never_saw(project: Project, who: str, version: ModelVersion, bundle: Bundle, held: Holdout) -> Reason:
    """Whether the version never saw a held-out row: by its tags, and by the keys that its training wrote down.

    Releases that wrote down none left golden rows, which show how keys were kept then.
    """
    reason = comparable(who, version.provenance, project.holdout.identity, project.holdout.share)
    if reason.verdict is not Verdict.PASS:
        return reason
    trained = trained_keys(bundle.profile)
    if trained is not None:
        those = held.entities if held.keys is None else held.keys
        return untouched(who, *trained.seen(those.tolist())) or reason
    odd = next((row.entity for row in bundle.golden if spelled(row.entity) != row.entity), None)
    return reason if odd is None else spelled_otherwise(who, odd, spelled(odd))


def champion_scores(
    project: Project, champion: ModelVersion | None, bundle: Bundle | None, held: Holdout
) -> tuple[Reason | None, Scores | None]:
    """Whether the champion may be compared with, and its scores when it may."""
    if champion is None or bundle is None:
        return None, None
    gone = [feature.name for feature in bundle.features if feature not in project.inputs]
    if gone:
        return Reason(Verdict.UNKNOWN, f"the champion needs {', '.join(gone)}, which ratchet.yaml no longer has as it had"), None
    reason = never_saw(project, "champion", champion, bundle, held)
    return reason, bundle.scorer.batch(held.columns) if reason.verdict is Verdict.PASS else None


def measure(
    task: Task,
    policy: GatePolicy,
    held: Holdout,
    first: Scores,
    second: Scores | None,
    tries: Sequence[date] = (),
    proven: Sequence[date] = (),
) -> Measurement:
    """Measure `first` (the candidate's scores) and, where the champion may be compared with, `second`.

    The intervals have the confidence that the year's budget leaves after earlier comparisons on snapshots of these dates
    and wins that later labels proved.
    """
    today = held.snapshot.as_of
    attempt = 1 + sum(today - YEAR < day <= today for day in tries)
    confidence = confidence_of(tries, today, policy, proven)
    how = (policy, held.labels, held.slices, first, second)
    return task.measure(*how, attempt=attempt, confidence=confidence, groups=held.groups)
