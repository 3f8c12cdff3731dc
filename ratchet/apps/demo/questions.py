"""What a client asks in the demo: the entities of a stored snapshot, with their features where a request has to bring these."""

from __future__ import annotations

from typing import Any

from ratchet.core.question import body
from ratchet.core.schema import Columns, FeatureValue
from ratchet.wiring import Wiring

_MOST = 2000


def questions(wiring: Wiring, name: str) -> list[dict[str, Any]]:
    """Bodies for /predict, of up to 2,000 entities of the snapshot. Raises DataError when it was not ingested."""
    project = wiring.project
    posted = () if project.keeps_features else project.inputs
    snapshot = wiring.store.get(name)
    wanted = [project.entity, *(feature.name for feature in posted)]
    columns = wiring.store.columns(snapshot, wanted, range(min(_MOST, snapshot.rows)))
    return [body(project.entity, entity, _row(columns, at), posted) for at, entity in enumerate(columns[project.entity])]


def _row(columns: Columns, at: int) -> dict[str, FeatureValue]:
    return {name: values[at] if isinstance(values[at], str | None) else float(values[at]) for name, values in columns.items()}
