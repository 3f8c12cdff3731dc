"""Count a part of a large snapshot, so that the drift check has only to merge."""

from __future__ import annotations

from collections.abc import Callable

from ratchet.core.row_groups import labelled
from ratchet.core.schema import Snapshot
from ratchet.estimators import bundle as bundles
from ratchet.ledger.journal import Journal
from ratchet.project.file import Project
from ratchet.promotion.champion import champion_of
from ratchet.registry.port import Registry
from ratchet.reports.port import Reports
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps.parts.snapshot_drift import count, features_changed
from ratchet.steps.parts.snapshot_parts import Parts


def run(
    project: Project,
    store: SnapshotStore,
    registry: Registry,
    journal: Journal,
    reports: Reports,
    snapshot: Snapshot,
    group: str,
    *,
    say: Callable[[str], None] = print,
) -> str:
    """Count the rows that `group` names, as core.row_groups writes it, and leave the count for drift_check.

    Returns where it is; empty when there is nothing to compare with: no champion, or one of other features. A count that is there
    already is not made again. Raises UserError when the snapshot has no such rows.
    """
    rows = labelled(group, snapshot.rows)
    champion = champion_of(registry, journal)
    bundle = bundles.read(registry.bundle(champion)) if champion else None
    if champion is None or bundle is None or features_changed(project, bundle):
        say(f"[PROFILE] rows {group}: there is no champion to compare with")
        return ""
    parts = Parts(reports, project, snapshot, champion)
    counted = parts.load(rows) or count(project, store, bundle, snapshot, rows)
    place = parts.save(rows, counted)
    say(f"[PROFILE] rows {group} of {snapshot.rows} -> {place}")
    return place
