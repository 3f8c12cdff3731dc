"""A snapshot's entities, held against those of the stored snapshots before it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date

from ratchet.core.errors import DataError
from ratchet.core.returning import LOOK_BACK, Finding, Month, compare
from ratchet.project.file import Project
from ratchet.snapshots.port import SnapshotStore


def before(project: Project, store: SnapshotStore, as_of: date) -> list[Month]:
    """The entities of the newest stored snapshots before that date, oldest first."""
    earlier = [item for item in store.listed() if item.as_of < as_of][-LOOK_BACK:]
    return [Month(item.as_of, store.columns(item, [project.entity])[project.entity].tolist()) for item in earlier]


def together(earlier: Sequence[Month], others: Sequence[Month], as_of: date) -> list[Month]:
    """The newest months before a date of two lots, of which the second counts where both have a month."""
    found = {month.as_of: month for month in (*earlier, *others) if month.as_of < as_of}
    return [found[day] for day in sorted(found)][-LOOK_BACK:]


def look(project: Project, now: Month, earlier: Sequence[Month]) -> list[Finding]:
    """What is odd; refused or not as the policy says."""
    asked = project.policy.data.respelled == "refuse"
    return [Finding(found.text, others=found.others and asked) for found in compare(now, earlier)]


def watch(
    project: Project, store: SnapshotStore, name: str, as_of: date, keys: Collection[str], say: Callable[[str], None]
) -> None:
    """Say what is odd about a snapshot's entities.

    Raises DataError where their keys are not spelled as before: each would be another entity, held out or trained on anew.
    """
    for found in look(project, Month(as_of, keys), before(project, store, as_of)):
        if found.others:
            message = f"{name}: {found.text}; spell them as before, or if they are other entities set policy.data.respelled: warn"
            raise DataError(message)
        say(f"[INGEST] {name}: {found.text}")
