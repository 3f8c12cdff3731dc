"""A recipe carried out on stored months, apart from registry and feature store: what would the project have made of these?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ratchet.core.estimate import Scores
from ratchet.core.schema import Snapshot, take
from ratchet.estimators import search
from ratchet.estimators.catalogue import estimator
from ratchet.estimators.estimator import Scorer
from ratchet.project.file import Project
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps.parts.held_rows import held_by, keys, needed
from ratchet.steps.parts.holdout import Holdout
from ratchet.steps.parts.judged import labelled_until
from ratchet.tasks.catalogue import task_of


def scores_without(project: Project, store: SnapshotStore, judged: Snapshot, held: Holdout, months: int) -> Scores | None:
    """The scores, on the judged month's held-out rows, of what the project makes of so many labelled snapshots before it.

    None where no earlier snapshot has labels.
    """
    window = [item for item in labelled_until(store, judged) if item.as_of < held.since][-months:]
    return made_of(project, store, window).batch(held.columns) if window else None


def made_of(project: Project, store: SnapshotStore, window: Sequence[Snapshot]) -> Scorer:
    """What the project makes of these labelled snapshots, one at least.

    Trained as a candidate is, by the same search and never on a held-out entity, and kept nowhere. Features are the snapshots' own,
    which at their dates are what the feature store gives. Raises DataError when nothing can be learnt from the rows.
    """
    names = [feature.name for feature in project.inputs]
    together, columns, labels = [], [], []
    for snapshot in window:
        labelled = store.labels(snapshot)
        everyone = store.columns(snapshot, list(dict.fromkeys([*needed(project), *names])))
        position = {entity: index for index, entity in enumerate(everyone[project.entity])}
        everyone = take(everyone, np.array([position[entity] for entity in labelled["entity"]], dtype=np.int64))
        those = keys(project, everyone)
        kept = ~held_by(project, those)
        together.append(those[kept])
        labels.append(labelled["label"][kept])
        columns.append({name: everyone[name][kept] for name in names})
    rows = {name: np.concatenate([part[name] for part in columns]) for name in names}
    made = search.train(
        project.inputs,
        rows,
        np.concatenate(labels),
        np.concatenate(together),
        objective=task_of(project).objective,
        grid=project.training.grids,
        folds=project.training.folds,
        seed=project.training.seed,
    )
    return estimator(made.model).scorer(made.pipeline, project.inputs, rows)
