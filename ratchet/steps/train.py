"""Make a candidate from the newest labelled snapshots, never from a held-out entity."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.errors import DataError
from ratchet.core.estimate import Labels
from ratchet.core.events import Trained
from ratchet.core.schema import Columns, ModelVersion, Provenance, Snapshot, take
from ratchet.core.trained_keys import TrainedKeys
from ratchet.drift.profile import profile
from ratchet.drift.reference import PREDICTION, Reference
from ratchet.estimators import bundle as bundles
from ratchet.estimators import frames, search
from ratchet.estimators.catalogue import estimator
from ratchet.estimators.estimator import Scorer
from ratchet.estimators.influence import influence
from ratchet.features.port import FeatureStore
from ratchet.ledger.journal import Journal
from ratchet.project.file import Project
from ratchet.promotion.champion import champion_of
from ratchet.registry.port import NewVersion, Registry
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps.parts.held_rows import clusters, held_by, held_rows, keys, needed
from ratchet.steps.parts.holdout import champion_scores, judged_holdout
from ratchet.steps.parts.recipes import decide
from ratchet.tasks.catalogue import task_of


def newest_labelled(store: SnapshotStore, until: Snapshot, count: int) -> list[Snapshot]:
    """The `count` newest labelled snapshots up to `until`, oldest first. Raises DataError when there is none."""
    found = [item for item in store.snapshots() if item.labelled and item.as_of <= until.as_of][-count:]
    if not found:
        message = f"no snapshot up to {until.as_of} has labels: ingest the labels of {until.name} first"
        raise DataError(message)
    return found


def refuse_held_out(project: Project, entities: Sequence[str] | NDArray[np.object_]) -> None:
    """Raise DataError when a training row is in the holdout: the comparison on it would prove nothing.

    Args:
        project: says who is held out.
        entities: what the rows are held out by: their entities, or where the project has groups, these.
    """
    inside = held_by(project, entities)
    if inside.any():
        example = entities[int(np.argmax(inside))]
        message = f"{int(inside.sum())} of {len(entities)} training rows are held out, as {example}: nothing was trained"
        raise DataError(message)


def run(
    project: Project,
    store: SnapshotStore,
    features: FeatureStore,
    registry: Registry,
    journal: Journal,
    snapshot: Snapshot,
    *,
    force: bool = False,
    offered: int | None = None,
    run_id: str = "",
    say: Callable[[str], None] = print,
) -> ModelVersion:
    """Make a version by each of the project's recipes, and say which the gate is to judge. One that is offered is taken as it is.

    The first is that of the recipe which the rule of months would promote, or let go at once, were it to pass. All are on record:
    what each was worth on the next labelled month is what the rule goes by.
    """
    if offered is not None:
        say(f"[TRAIN] version {offered} is offered: nothing is trained")
        return registry.version(offered)
    made: dict[int, ModelVersion] = {}
    for months in project.training.recipes:
        window = newest_labelled(store, snapshot, months)
        if made and len(window) < months and len(window) <= max(made):
            break  # no more months are stored: it would be the one before once more
        made[months] = _make(project, store, features, registry, window, force=force, run_id=run_id, say=say)
    newest = newest_labelled(store, snapshot, 1)[0]
    for months, version in made.items():
        if journal.history().recipes(newest.id).get(months) != version.number:
            journal.append(Trained(snapshot=newest.id, version=version.number, months=months, run_id=run_id))
    return next(iter(made.values())) if len(made) == 1 else _chosen(project, store, registry, journal, newest, made)


def _chosen(
    project: Project,
    store: SnapshotStore,
    registry: Registry,
    journal: Journal,
    snapshot: Snapshot,
    made: Mapping[int, ModelVersion],
) -> ModelVersion:
    champion, own = champion_of(registry, journal), made.get(project.training.window)
    first = own or next(iter(made.values()))
    if champion is None:
        return first
    held = judged_holdout(project, store, snapshot)
    scores = champion_scores(project, champion, bundles.read(registry.bundle(champion)), held)[1]
    if scores is None:
        return first
    chosen, names = decide(project, registry, journal.history(), champion, held, scores)
    return registry.version(names[chosen.name]) if chosen.name in names else first


def _make(
    project: Project,
    store: SnapshotStore,
    features: FeatureStore,
    registry: Registry,
    window: Sequence[Snapshot],
    *,
    force: bool,
    run_id: str,
    say: Callable[[str], None],
) -> ModelVersion:
    """Train, prove that the fast scorer answers as the pipeline does, and register.

    Training is deterministic, so a version of the same snapshots and project is taken again, unless `force`: a run
    that repeats a failed one neither fills the registry nor counts as a further try.
    """
    same = None if force else _made_before(registry, project, window)
    if same is not None:
        say(f"[TRAIN] version {same.number} was trained on {', '.join(item.id for item in window)} by this project: taken again")
        return same
    entities, together, columns, labels = _training_rows(project, store, features, window)
    refuse_held_out(project, together)
    task = task_of(project)
    say(f"[TRAIN] {len(entities)} rows of {', '.join(item.id for item in window)}")
    how = {"folds": project.training.folds, "seed": project.training.seed}
    wanted = project.training.grids
    trained = search.train(project.inputs, columns, labels, together, objective=task.objective, grid=wanted, **how)
    made_by = estimator(trained.model)
    scorer = made_by.scorer(trained.pipeline, project.inputs, columns)
    example = frames.frame(project.inputs, take(columns, np.arange(min(5, len(entities)))))
    with tempfile.TemporaryDirectory(prefix="ratchet-train-") as folder:
        trained_on = TrainedKeys.of(together.tolist())
        metrics = _write_bundle(Path(folder), project, store, window[-1], scorer, entities, columns, trained_on)
        version = registry.register(
            NewVersion(
                bundle=Path(folder),
                pipeline=trained.pipeline,
                example=example,
                answers=made_by.answers(trained.pipeline, example),
                provenance=Provenance(
                    snapshot_ids=tuple(item.id for item in window),
                    snapshot_hash=window[-1].hash,
                    holdout_salt=project.holdout.identity,
                    holdout_share=project.holdout.share,
                    project_hash=project.hash,
                    seed=project.training.seed,
                    train_rows=len(entities),
                    prepare=project.prepare_digest,
                ),
                params={"model": trained.model, **trained.params, "run_id": run_id},
                metrics={task.metric.cross_validated: trained.cv_mean, "cv_std": trained.cv_std, **metrics},
            )
        )
    say(f"[TRAIN] version {version.number}: {trained.model} {trained.params} {task.metric.cross_validated}={trained.cv_mean:.3f}")
    return version


def _made_before(registry: Registry, project: Project, window: Sequence[Snapshot]) -> ModelVersion | None:
    """The newest version of the same snapshots, holdout, project and seed."""
    wanted = (
        tuple(item.id for item in window),
        window[-1].hash,
        project.holdout.identity,
        project.holdout.share,
        project.hash,
        project.training.seed,
    )
    for version in reversed(registry.versions()):
        made = version.provenance
        if made is not None and wanted == (
            made.snapshot_ids,
            made.snapshot_hash,
            made.holdout_salt,
            made.holdout_share,
            made.project_hash,
            made.seed,
        ):
            return version
    return None


def _training_rows(
    project: Project, store: SnapshotStore, features: FeatureStore, window: Sequence[Snapshot]
) -> tuple[NDArray[np.object_], NDArray[np.object_], Columns, Labels]:
    """Entities, what they hang together by, features and labels of all snapshots of the window, less the holdout."""
    parts = []
    for snapshot in window:
        labelled = store.labels(snapshot)
        together = _keys_of(project, store, snapshot, labelled["entity"])
        kept = np.flatnonzero(~held_by(project, together))
        labelled, together = take(labelled, kept), together[kept]
        parts.append((labelled["entity"], features.training_set(snapshot.as_of, labelled["entity"]), labelled["label"], together))
    entities = np.concatenate([part[0] for part in parts])
    columns = {feature.name: np.concatenate([part[1][feature.name] for part in parts]) for feature in project.inputs}
    return entities, np.concatenate([part[3] for part in parts]), columns, np.concatenate([part[2] for part in parts])


def _keys_of(project: Project, store: SnapshotStore, snapshot: Snapshot, entities: NDArray[Any]) -> NDArray[Any]:
    """What the entities are held out by, in their order."""
    if not project.holdout.group:
        return entities
    columns = store.columns(snapshot, needed(project))
    known = dict(zip(columns[project.entity].tolist(), keys(project, columns).tolist(), strict=True))
    return np.array([known[entity] for entity in entities.tolist()], dtype=object)


def _write_bundle(
    folder: Path,
    project: Project,
    store: SnapshotStore,
    snapshot: Snapshot,
    scorer: Scorer,
    entities: NDArray[np.object_],
    columns: Columns,
    trained_on: TrainedKeys,
) -> dict[str, float]:
    """Write what later comparisons and serving need; returns the figure on that snapshot's holdout and its interval."""
    names = dict.fromkeys([*needed(project), *(feature.name for feature in project.inputs)])
    everyone = store.columns(snapshot, list(names))
    labelled = store.labels(snapshot)
    held = np.flatnonzero(held_rows(project, everyone))
    predictions = scorer.batch(take(everyone, held))
    reference = Reference(
        features=profile(project.inputs, everyone),
        predictions=profile(PREDICTION, {"prediction": predictions}),
        labels=task_of(project).label_counts(labelled["label"]),
        influence=influence(scorer, everyone, seed=project.training.seed),
        trained=trained_on,
    )
    seed, count = project.training.seed, project.serving.golden_rows
    bundles.write(
        folder,
        bundles.Bundle(
            model=project.model,
            scorer=scorer,
            golden=bundles.golden_rows(project.inputs, columns, entities, scorer, count=count, seed=seed),
            profile=reference.to_json(),
            typical=bundles.typical(project.inputs, columns),
        ),
    )
    known = dict(zip(labelled["entity"], labelled["label"], strict=True))
    scored = [
        (known[entity], score, key)
        for entity, score, key in zip(everyone[project.entity][held], predictions, keys(project, everyone)[held], strict=True)
        if entity in known
    ]
    labels = np.array([label for label, _, _ in scored], dtype=labelled["label"].dtype)
    groups = clusters(project, np.array([key for _, _, key in scored], dtype=object))
    task = task_of(project)
    found = task.estimate(labels, np.array([score for _, score, _ in scored]), project.policy.gate.confidence, groups)
    figures = zip(task.metric.held_out, (found.value, found.low, found.high), strict=True)
    return {name: value for name, value in figures if np.isfinite(value)}
