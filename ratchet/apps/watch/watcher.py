"""Start a run when a new snapshot or late labels appear: once for each content and champion, however many watchers look."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from ratchet.core.events import RunClaimed
from ratchet.ledger.journal import Journal
from ratchet.locks.port import Lock
from ratchet.project.file import Project
from ratchet.promotion.champion import champion_of
from ratchet.registry.port import Registry
from ratchet.snapshots.port import SnapshotStore
from ratchet.sources.port import Source
from ratchet.steps.ingest import late_labels

MARKER = "_SUCCESS"  # as Spark and Hadoop name it


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Watcher:
    """One look after another at the place of the raw snapshots.

    Args:
        source: the place.
        store: knows which snapshots wait for their labels.
        project: dates the snapshots.
        registry, journal: who is champion, and what was started already.
        lock: held while a run is claimed, so that of several watchers one does.
        start: starts a run on a snapshot under a name, or finds the one that a watcher started who died before he could record it;
            returns its id. It must not wait for the run's end, for the lock is held.
        patience: after which a run that was started and whose end is not in the ledger is taken for lost.
        quiet: for how long nothing may have changed before a snapshot is taken for whole: an upload may stall.
        marker: the file by which an upload says that it is done, and which is waited for. Empty: MARKER is waited for where the
            snapshot before has one, and else there is the quiet time alone.
        clock: tells the time.

    `waits` says what is waited for, empty while nothing is.
    """

    source: Source
    store: SnapshotStore
    project: Project
    registry: Registry
    journal: Journal
    lock: Lock
    start: Callable[[str, str], str]
    patience: timedelta = timedelta(hours=2)
    quiet: timedelta = timedelta(0)
    marker: str = ""
    clock: Callable[[], datetime] = _now
    waits: str = field(default="", init=False)
    _seen: str = field(default="", init=False)
    _since: datetime = field(default=datetime.min.replace(tzinfo=UTC), init=False)

    def look(self) -> str | None:
        """Look once; the sentence of a run that was started, else None. What two looks have found the same counts."""
        name = self.source.newest()
        late = late_labels(self.source, self.store, self.journal.history(), name, self.project.date_of)
        own = self.source.fingerprint(name)
        fingerprint = "|".join([own, *(self.source.fingerprint(item) for item in late)])
        unfinished = self._unfinished(name, fingerprint, late)
        self.waits = ""
        if self._wanted(name, fingerprint, late) is None:
            return None
        if unfinished:
            self.waits = f"[WATCH] {unfinished}"
            return None
        with self.lock.hold() as fence:
            wanted = self._wanted(name, fingerprint, late)  # champion and claims may have changed while somebody else held it
            if wanted is None:
                return None
            key, number = wanted
            fence.check()
            run = self.start(name, key)
            claim = RunClaimed(name=name, champion=number, fingerprint=fingerprint, run_id=run)
            self.journal.append(claim, key=key)
            if late:  # the run takes the newest snapshot too, which is not new any more once nothing is late
                self.journal.append(replace(claim, fingerprint=own), key=self._key(name, own, number))
        if late:
            return f"[WATCH] the labels of {', '.join(late)} have come: run {run}"
        return f"[WATCH] {name} is new to {f'version {number}' if number else 'an empty production'}: run {run}"

    def _unfinished(self, name: str, fingerprint: str, late: Sequence[str]) -> str:
        """What shows that an upload may still go on; empty when nothing does."""
        now, seen = self.clock(), f"{name} {fingerprint}"
        settled, self._seen = self._seen == seen, seen
        self._since = self._since if settled else now
        marker = self.marker or MARKER
        marked = self.source.marked(name, marker)
        if marked is None and (self.marker or self._before_is_marked(name)):
            return f"{name} is waited for: its upload is done when {marker} lies beside its tables"
        if not settled or (now - self._since < self.quiet and not (marked and not late)):
            what = f"the labels of {', '.join(late)} are" if late else f"{name} is"
            return f"{what} waited for: taken when nothing has changed for {self.quiet.total_seconds():g} s"
        return ""

    def _before_is_marked(self, name: str) -> bool:
        """Whether the snapshot before has the usual marker: then each upload ends with one."""
        before = [item for item in self.source.by_date() if self.project.date_of(item) < self.project.date_of(name)]
        return bool(before) and self.source.marked(before[-1], MARKER) is not None

    def _wanted(self, name: str, fingerprint: str, late: Sequence[str]) -> tuple[str, int | None] | None:
        """Key and champion of a run that is wanted, None when none is."""
        champion = champion_of(self.registry, self.journal)
        if champion is not None and champion.provenance is not None:
            trained = max(item.split("@")[0] for item in champion.provenance.snapshot_ids)
            if not late and trained >= self.project.date_of(name).isoformat():
                return None  # the champion knows that date or a later one: a run would have nothing to do
        number = champion.number if champion else None
        key = self._key(name, fingerprint, number)
        return None if self._claimed(key) else (key, number)

    def _key(self, name: str, fingerprint: str, champion: int | None) -> str:
        return hashlib.sha256(f"{name}|{fingerprint}|{champion}|{self.project.hash}".encode()).hexdigest()[:32]

    def _claimed(self, key: str) -> bool:
        """Whether the run was started and has ended, or may still be going on: that of a watcher that was killed ends no more."""
        history = self.journal.history()
        claim = history.claim(key)
        if claim is None:
            return False
        run = history.run(claim.event.run_id)
        return (run is not None and run.end is not None) or datetime.now(UTC) - claim.at < self.patience
