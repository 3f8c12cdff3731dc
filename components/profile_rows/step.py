"""Count a part of a large snapshot, so that the drift check has only to merge."""

from __future__ import annotations

from collections.abc import Callable

from components.core.ports import Ledger, Registry, Reports, SnapshotStore
from components.core.row_groups import labelled
from components.core.schema import Snapshot
from components.ml import bundle as bundles
from components.ml.snapshot_drift import count, features_changed
from components.ml.snapshot_parts import Parts
from components.project import Project
from components.protocol.world import champion_of


def run(
    project: Project,
    store: SnapshotStore,
    registry: Registry,
    ledger: Ledger,
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
    champion = champion_of(registry, ledger)
    bundle = bundles.read(registry.bundle(champion)) if champion else None
    if champion is None or bundle is None or features_changed(project, bundle):
        say(f"[PROFILE] rows {group}: there is no champion to compare with")
        return ""
    parts = Parts(reports, project, snapshot, champion)
    counted = parts.load(rows) or count(project, store, bundle, snapshot, rows)
    place = parts.save(rows, counted)
    say(f"[PROFILE] rows {group} of {snapshot.rows} -> {place}")
    return place
