"""Take a raw snapshot in: validated, stored as Parquet, its features online. All of it or nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from ratchet.core.errors import DataError
from ratchet.core.events import Ingested
from ratchet.core.history import History
from ratchet.core.schema import Snapshot
from ratchet.features.port import FeatureStore
from ratchet.ledger.journal import Journal
from ratchet.project.file import Project
from ratchet.snapshots.port import SnapshotStore
from ratchet.sources.port import Source
from ratchet.steps.parts import known_entities

MOST = 12  # snapshots that came in while nobody looked, the newest of them
LATEST = "latest"  # in place of a name: the snapshot with the latest date


def run(
    source: Source | None,
    store: SnapshotStore,
    features: FeatureStore,
    journal: Journal,
    name: str,
    *,
    project: Project | None = None,
    replace: bool = False,
    say: Callable[[str], None] = print,
) -> Snapshot:
    """Ingest the snapshot `name` (or LATEST) of `source`; without a source it must have been ingested before.

    Raises DataError, naming table, column, row count and three sample keys, before anything is written. With a `project` the
    snapshot's entities are held against those of the months before.
    """
    if source is None:
        snapshot = _latest(store) if name == LATEST else store.get(name)
        say(
            f"[INGEST] {snapshot.name} as_of={snapshot.as_of} rows={snapshot.rows} "
            f"labelled={snapshot.labelled_rows} (ingested before)"
        )
        return snapshot
    name = source.newest() if name == LATEST else name
    labels_from = source.labels_fingerprint(name)  # before they are read: what is added meanwhile is looked at again
    raw = source.read(name)
    if project is not None and all(raw.snapshot.features_hash != item.features_hash for item in store.listed()):
        entities = raw.features[project.entity].tolist()
        known_entities.watch(project, store, name, raw.snapshot.as_of, entities, say)
    for said in raw.notes:
        say(f"[INGEST] {name}: {said}")
    new = store.write(raw.snapshot, raw.features, raw.labels, replace=replace)
    snapshot = store.get(raw.snapshot.as_of.isoformat())
    features.materialise(snapshot)  # also when nothing is new: a crash may have come between the two
    recorded = journal.history().ingested(snapshot.as_of)
    complete = snapshot.labelled_rows == snapshot.rows
    looked_at = recorded is not None and (complete or recorded.event.labels_from == labels_from)
    if recorded is None or recorded.event.hash != snapshot.hash or not looked_at:  # not `new`: a crash may have come before
        taken = Ingested(
            snapshot=snapshot.id,
            name=name,
            rows=snapshot.rows,
            labelled_rows=snapshot.labelled_rows,
            replace=replace,
            hash=snapshot.hash,
            labels_from=labels_from,
            prepare=project.prepare_digest if project else "",
        )
        journal.append(taken, key=snapshot.as_of.isoformat())
    note = "" if new else " (no-op: the same content is stored)"
    say(f"[INGEST] {name} as_of={snapshot.as_of} rows={snapshot.rows} labelled={snapshot.labelled_rows}{note}")
    return snapshot


def take(
    source: Source,
    store: SnapshotStore,
    features: FeatureStore,
    journal: Journal,
    name: str,
    *,
    project: Project,
    replace: bool = False,
    say: Callable[[str], None] = print,
) -> Snapshot:
    """As `run`, and before it what an earlier run could not have: the labels of stored snapshots that have come since.

    The newest snapshot also brings those that came after the newest stored one, oldest first and at most MOST. An older snapshot
    that is refused is named and left out: it holds up nothing, and the next run tries it again.
    """
    name = source.newest() if name == LATEST else name
    for older in waiting(source, store, journal.history(), name, project.date_of):
        try:
            run(source, store, features, journal, older, project=project, say=say)
        except DataError as error:
            say(f"[INGEST] {older} is left out: {error}")
    return run(source, store, features, journal, name, project=project, replace=replace, say=say)


def late_labels(source: Source, store: SnapshotStore, history: History, name: str, date_of: Callable[[str], date]) -> list[str]:
    """The stored snapshots older than `name` whose labels have come since, or more of them than before, oldest first.

    They are read where the label's file is not the one that was read before. Of those that lack some labels the newest MOST are
    looked at.
    """
    stored = store.listed()
    unlabelled = {snapshot.as_of for snapshot in stored if not snapshot.labelled}
    partly = {snapshot.as_of for snapshot in [snapshot for snapshot in stored if _partly(snapshot)][-MOST:]}
    until, ingested = date_of(name), history.ingests()
    found = []
    for item in source.by_date():
        day = date_of(item)
        if day >= until or day not in {*unlabelled, *(partly & ingested.keys())} or not source.has_labels(item):
            continue
        if day not in ingested or source.labels_fingerprint(item) != ingested[day].event.labels_from:
            found.append(item)
    return found


def waiting(source: Source, store: SnapshotStore, history: History, name: str, date_of: Callable[[str], date]) -> list[str]:
    """The snapshots older than `name` that something is to be taken from, oldest first."""
    stored, names = [snapshot.as_of for snapshot in store.listed()], source.by_date()
    late = set(late_labels(source, store, history, name, date_of))
    between = [item for item in names[:-1] if stored and date_of(item) > max(stored)] if name == names[-1] else []
    return [item for item in names if item in late or item in between[-MOST:]]


def _partly(snapshot: Snapshot) -> bool:
    return 0 < snapshot.labelled_rows < snapshot.rows


def _latest(store: SnapshotStore) -> Snapshot:
    stored = store.snapshots()
    if not stored:
        message = "no snapshot was ingested yet: name the place of the raw data by --data"
        raise DataError(message)
    return stored[-1]
