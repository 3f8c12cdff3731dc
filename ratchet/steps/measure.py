"""Measure the champion, the version before it and the challengers on every labelled snapshot that they were not measured on yet."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ratchet.core.decision import number
from ratchet.core.errors import ArtifactError, DataError, NoSuchVersion
from ratchet.core.estimate import Estimate, Scores
from ratchet.core.events import Entry, Measured, Role
from ratchet.core.history import History
from ratchet.core.schema import ModelVersion, Snapshot
from ratchet.estimators import bundle as bundles
from ratchet.ledger.journal import Journal
from ratchet.project.file import Project
from ratchet.promotion.champion import PREVIOUS, champion_of, legible
from ratchet.registry.port import Registry
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps.parts.holdout import Holdout, champion_scores, read_holdout
from ratchet.steps.parts.judged import labelled_until
from ratchet.steps.parts.looks import trained_on
from ratchet.steps.parts.notes import note_measurements
from ratchet.tasks.catalogue import task_of

MOST = 12  # snapshots that one run measures, the newest of those that wait
_NOT = Estimate(math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class _Measurable:
    """A version, to be measured on snapshots after that of `trained`, its own and the champion's, beside version `against`.

    That is None for the champion itself.
    """

    version: ModelVersion
    role: Role
    trained: date
    against: int | None

    def waits(self, history: History, snapshot: Snapshot) -> bool:
        done = history.was_measured(self.version.number, snapshot.hash, self.against)
        return snapshot.as_of > self.trained and not done


def run(
    project: Project,
    store: SnapshotStore,
    registry: Registry,
    journal: Journal,
    until: Snapshot,
    *,
    run_id: str = "",
    say: Callable[[str], None] = print,
) -> list[Entry[Measured]]:
    """Measure and record, oldest snapshot first, each version once on each content, and note it in the registry.

    Only snapshots up to `until` count, and of them those after the one that a version, and the champion beside it, was trained on:
    there its figure is the gate's, and too high, since it was chosen for it. A version that may have seen held-out rows, or lacks a
    feature, is left out; so is one beside the champion that the registry no longer has, or whose files are damaged: nothing serves
    it, and it must not stop every run.
    Raises Unavailable when a store cannot be reached.
    """
    champion = champion_of(registry, journal)
    if champion is None:
        return []
    history = legible(journal.trusted())
    roles = _roles(project, registry, history, champion)
    known = {number: item for number, role in roles.items() if (item := _measurable(registry, champion, number, role))}
    for gone in sorted(roles.keys() - known.keys() - {champion.number}):
        say(f"[MEASURE] {roles[gone]} version {gone} is left out: the registry does not have it, or not what it was trained on")
    waiting = list(_waiting(store, registry, history, champion, until, known))
    if len(waiting) > MOST:
        say(f"[MEASURE] {len(waiting)} labelled snapshots wait: the newest {MOST} are measured")
    done = []
    for snapshot, wanted in waiting[-MOST:]:
        try:
            for found in _measure(project, store, registry, snapshot, champion, wanted, run_id, say):
                done.append(journal.append(found))
                say(_line(found, task_of(project).metric.label))
        except DataError as error:  # a column that ratchet.yaml has got since: no later month shall wait for that
            say(f"[MEASURE] {snapshot.as_of} is left out: {error}")
    note_measurements(registry, task_of(project).metric, [item.version for item in known.values()], history, done)
    return done


def _waiting(
    store: SnapshotStore,
    registry: Registry,
    history: History,
    champion: ModelVersion,
    until: Snapshot,
    known: Mapping[int, _Measurable],
) -> Iterator[tuple[Snapshot, list[_Measurable]]]:
    """The labelled snapshots that the champion was not made of, oldest first, each with the versions to be measured on it."""
    before, since = "", trained_on(champion)
    for snapshot in labelled_until(store, until):
        if since is not None and snapshot.as_of > since:
            made = [number for number in history.recipes(before).values() if number not in known]
            items = [*known.values(), *(_measurable(registry, champion, number, Role.RECIPE) for number in made)]
            wanted = [item for item in items if item and item.waits(history, snapshot)]
            if wanted:
                yield snapshot, wanted
        before = snapshot.id


def _roles(project: Project, registry: Registry, history: History, champion: ModelVersion) -> dict[int, Role]:
    """The versions that are measured on each snapshot; what recipes made is measured on the one after it alone."""
    challengers = history.challengers(champion.number, project.policy.challengers)
    roles = {champion.number: Role.CHAMPION, **dict.fromkeys(challengers, Role.CHALLENGER)}
    previous = registry.alias(PREVIOUS)
    return {**({previous.number: Role.PREVIOUS} if previous else {}), **roles}


def _measurable(registry: Registry, champion: ModelVersion, number: int, role: Role) -> _Measurable | None:
    try:
        version = champion if role is Role.CHAMPION else registry.version(number)
    except NoSuchVersion:
        return None
    trained = trained_on(version)
    if trained is None:
        return None
    chosen = trained_on(champion) or trained  # the month that chose the champion holds nothing against it
    return _Measurable(version, role, max(trained, chosen), None if role is Role.CHAMPION else champion.number)


def _measure(
    project: Project,
    store: SnapshotStore,
    registry: Registry,
    snapshot: Snapshot,
    champion: ModelVersion,
    wanted: Sequence[_Measurable],
    run_id: str,
    say: Callable[[str], None],
) -> Iterator[Measured]:
    """The figures of the versions on one snapshot. The champion is scored in any case: the others are held against it."""
    held, task, confidence = read_holdout(project, store, snapshot), task_of(project), project.policy.gate.confidence
    champions = _scores(project, registry, champion, held)
    for item in wanted:
        try:
            scores = champions if item.role is Role.CHAMPION else _scores(project, registry, item.version, held)
        except ArtifactError as error:
            say(f"[MEASURE] {snapshot.as_of}: {item.role} version {item.version.number} is left out: {error}")
            continue
        if scores is None:
            continue
        figure, delta = task.figure(held.labels, scores, held.groups), _NOT
        if item.against is not None and champions is not None:
            delta = task.difference(held.labels, scores, champions, held.groups)
        bounds = task.estimate(held.labels, scores, confidence, held.groups)
        yield Measured(
            snapshot=snapshot.id,
            snapshot_hash=snapshot.hash,
            version=item.version.number,
            role=item.role,
            rows=len(held.labels),
            counts=task.label_counts(held.labels),
            metric=task.metric.key,
            confidence=confidence,
            value=_known(figure.value),
            se=_known(figure.se),
            low=_known(bounds.low),
            high=_known(bounds.high),
            against=item.against,
            delta=_known(delta.value),
            delta_se=_known(delta.se),
            run_id=run_id,
        )


def _scores(project: Project, registry: Registry, version: ModelVersion, held: Holdout) -> Scores | None:
    """None where the version cannot be held against these rows."""
    return champion_scores(project, version, bundles.read(registry.bundle(version)), held)[1]


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _line(found: Measured, label: str) -> str:
    """`[MEASURE] 2024-03-31: champion version 1: <metric> 0.857 (0.832 to 0.880), 1402 rows`."""
    value = "not measured" if found.value is None else f"{label} {number(found.value)}"
    if found.low is not None and found.high is not None:
        value += f" ({number(found.low)} to {number(found.high)})"
    beside = "" if found.delta is None else f", {found.delta:+.3f} against version {found.against}"
    return f"[MEASURE] {found.as_of}: {found.role} version {found.version}: {value}{beside}, {found.rows} rows"
