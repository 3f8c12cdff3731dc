"""Which rows are held out, by the project's groups where it has some, and what hangs together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.estimate import Clusters
from ratchet.core.holdout import held_out
from ratchet.core.live import LabelledAnswers
from ratchet.core.schema import Columns, is_missing
from ratchet.project.file import Project
from ratchet.snapshots.port import SnapshotStore


def needed(project: Project) -> list[str]:
    """The columns of a snapshot that say who is held out."""
    group = project.holdout.group_name
    return [project.entity, group] if group else [project.entity]


def keys(project: Project, columns: Columns) -> NDArray[Any]:
    """What each row is held out by, as text: its group, and the entity where there is none. `columns` has those of `needed`."""
    entities = columns[project.entity]
    if not project.holdout.group:
        return entities
    groups = columns[project.holdout.group_name].tolist()
    found = np.empty(len(entities), dtype=object)
    found[:] = [entity if is_missing(group) else _text(group) for entity, group in zip(entities, groups, strict=True)]
    return found


def held_rows(project: Project, columns: Columns) -> NDArray[np.bool_]:
    """Which rows of a snapshot are held out, shape (n,). `columns` has those of `needed`."""
    return held_by(project, keys(project, columns))


def held_by(project: Project, those: Iterable[str]) -> NDArray[np.bool_]:
    """Which of `keys` are held out."""
    return held_out(project.holdout.identity, project.holdout.share, those)


def clusters(project: Project, those: NDArray[Any]) -> Clusters | None:
    """Numbers of the groups from their `keys`; None where every entity is one of its own."""
    return numbers(those) if project.holdout.group else None


def numbers(those: NDArray[Any]) -> Clusters:
    """The same number for the same text, from 0."""
    known: dict[str, int] = {}
    return np.fromiter((known.setdefault(key, len(known)) for key in those.tolist()), np.int64, len(those))


def held_answers(project: Project, store: SnapshotStore | None, answers: LabelledAnswers) -> LabelledAnswers:
    """The answers about held-out entities.

    A version was trained on everybody else, and the same users come back: on their rows it looks better than it is, and the figure
    could not be compared with its figure on the holdout. An answer knows its entity and no group: that is what the newest snapshot
    with the entity says. An entity that no snapshot has, or any where there is no store to ask, is left out.
    """
    if not project.holdout.group:
        kept = np.flatnonzero(held_by(project, answers.entities))
        return LabelledAnswers(answers.entities[kept], answers.labels[kept], answers.scores[kept])
    known = _groups_of(project, store, set(answers.entities.tolist())) if store else {}
    there = np.flatnonzero([entity in known for entity in answers.entities.tolist()])
    those = np.array([known[entity] for entity in answers.entities[there].tolist()], dtype=object)
    held = held_by(project, those)
    kept = there[held]
    return LabelledAnswers(answers.entities[kept], answers.labels[kept], answers.scores[kept], numbers(those[held]))


def _groups_of(project: Project, store: SnapshotStore, wanted: set[str]) -> Mapping[str, str]:
    """The entities' `keys` by the newest snapshot that has each; whoever left is in an older one."""
    found: dict[str, str] = {}
    for snapshot in reversed(store.snapshots()):
        if not wanted:
            break
        columns = store.columns(snapshot, needed(project))
        pairs = zip(columns[project.entity].tolist(), keys(project, columns).tolist(), strict=True)
        found.update({entity: key for entity, key in pairs if entity in wanted})
        wanted -= found.keys()
    return found


def _text(group: float | str) -> str:
    """A number as it stands in the table: 7.0 is 7."""
    return group if isinstance(group, str) else f"{int(group)}" if float(group).is_integer() else repr(float(group))
