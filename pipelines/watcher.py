"""Start a run when a new snapshot appears: once for each content and champion, however many watchers look."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from components.core.ports import Ledger, Lock, Registry, Source
from components.core.schema import ModelVersion
from components.project import Project
from components.protocol.world import champion_of

WATCH = "watch"


@dataclass(slots=True)
class Watcher:
    """One look after another at the place of the raw snapshots.

    Args:
        source: the place.
        project: dates the snapshots.
        registry, ledger: who is champion, and what was started already.
        lock: held while a run is claimed, so that of several watchers one does.
        start: starts a run on a snapshot under a name, or finds the one that a watcher started who died before he could record it;
            returns its id. It must not wait for the run's end, for the lock is held.
    """

    source: Source
    project: Project
    registry: Registry
    ledger: Ledger
    lock: Lock
    start: Callable[[str, str], str]
    _seen: str = field(default="", init=False)

    def look(self) -> str | None:
        """Look once; the sentence of a run that was started, else None. A snapshot counts when two looks have found it the same."""
        name = self.source.newest()
        fingerprint = self.source.fingerprint(name)
        settled, self._seen = self._seen == f"{name} {fingerprint}", f"{name} {fingerprint}"
        if not settled:
            return None
        champion = champion_of(self.registry, self.ledger)
        if self._known_to(champion, name):
            return None
        number = champion.number if champion else None
        key = hashlib.sha256(f"{name}|{fingerprint}|{number}|{self.project.hash}".encode()).hexdigest()[:32]
        if self.ledger.records(WATCH, key):
            return None
        with self.lock.hold():
            if self.ledger.records(WATCH, key):
                return None
            run = self.start(name, key)
            self.ledger.append(WATCH, {"name": name, "champion": number, "fingerprint": fingerprint, "run_id": run}, key=key)
        return f"[WATCH] {name} is new to {f'version {number}' if number else 'an empty production'}: run {run}"

    def _known_to(self, champion: ModelVersion | None, name: str) -> bool:
        """Whether the champion was trained on a snapshot of that date or a later one: a run would have nothing to do."""
        if champion is None or champion.provenance is None:
            return False
        trained = max(item.split("@")[0] for item in champion.provenance.snapshot_ids)
        return trained >= self.project.date_of(name).isoformat()
