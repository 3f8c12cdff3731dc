"""The evaluation reads held-out rows from the snapshot, training reads by point-in-time join: both must see the same."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from ratchet.steps.parts.holdout import read_holdout
from tests.integration.test_feast import Shop
from tests.support.shop import SHOP, tables, with_cell


def test_a_held_out_row_is_what_the_point_in_time_join_gives_at_the_snapshots_date(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    days = [date(2024, 1, 28), date(2024, 2, 28), date(2024, 3, 28)]
    for age, day in zip((33, 44, 55), days, strict=True):
        snapshot = shop.add(day, with_cell(tables(100), "people", "age", 0, age))
        shop.features().materialise(snapshot)
    for day in days:
        snapshot = shop.store.get(day.isoformat())
        held = read_holdout(SHOP, shop.store, snapshot)
        entities = shop.store.columns(snapshot, [SHOP.entity])[SHOP.entity]
        joined = shop.features().training_set(day, entities)
        position = {entity: index for index, entity in enumerate(entities)}
        at = np.array([position[entity] for entity in held.entities])
        assert 8 < len(at) < 40
        for name, values in held.columns.items():
            assert np.array_equal(values.astype(str), joined[name][at].astype(str)), name
