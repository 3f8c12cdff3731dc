"""What any FeatureStore's training sets promise: Feast's point-in-time join, and the same from the stored snapshots alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ratchet.core.errors import Misconfigured
from ratchet.core.schema import Columns
from ratchet.features.feast_features import FeastFeatures
from ratchet.features.from_snapshots import SnapshotFeatures
from ratchet.features.port import FeatureStore
from ratchet.snapshots.parquet import ParquetSnapshots
from ratchet.sources.folder import TableSource
from tests.support.shop import SHOP, Tables, customers, put, tables, with_cell

DAYS = [date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31)]


class Months:
    """Three months: C001 ages, C002 and C003 leave after the first, C021 to C030 come with the second, C030 leaves after it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = ParquetSnapshots(root / "snapshots", SHOP.entity, SHOP.label.name, [column.feature for column in SHOP.columns])
        here = [customers(20), [*customers(1), *customers(30)[3:]], [*customers(1), *customers(29)[3:]]]
        for day, who, age in zip(DAYS, here, (30, 40, 50), strict=True):
            content = with_cell(with_cell(tables(30), "people", "age", 0, age), "orders", "visits", 0, None if age == 40 else age)
            self._add(day, {name: table[table["customer"].isin(who)].reset_index(drop=True) for name, table in content.items()})

    def _add(self, day: date, content: Tables) -> None:
        put(self.root / "raw" / day.isoformat(), content)
        raw = TableSource(self.root / "raw", SHOP).read(day.isoformat())
        self.store.write(raw.snapshot, raw.features, raw.labels)

    def feast(self) -> FeatureStore:
        return FeastFeatures(self.root / "feast", self.root / "snapshots", SHOP.model, SHOP.entity, SHOP.inputs)

    def none(self) -> FeatureStore:
        return SnapshotFeatures(lambda: self.store, SHOP.entity, SHOP.inputs)


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> Months:
    return Months(tmp_path_factory.mktemp("months"))


@pytest.fixture(params=["feast", "feast beyond its join", "none"])
def features(request: pytest.FixtureRequest, months: Months, monkeypatch: pytest.MonkeyPatch) -> FeatureStore:
    if request.param == "feast beyond its join":
        monkeypatch.setattr("ratchet.features.feast_features._BY_FEAST", -1)
        return months.feast()
    opened: Callable[[], FeatureStore] = getattr(months, request.param)
    return opened()


def asked(features: FeatureStore, day: date, *who: str) -> Columns:
    return features.training_set(day, np.array(who, dtype=object))


def test_an_entity_has_the_newest_features_that_are_no_younger_than_the_date(features: FeatureStore) -> None:
    for day, age, visits in zip(DAYS, (30, 40, 50), (30, np.nan, 50), strict=True):
        found = asked(features, day, "C001")
        assert found["age"].tolist() == [age]
        assert np.array_equal(found["visits"], [visits], equal_nan=True), "a null of the newest row hides no older value"


def test_between_two_months_the_earlier_holds(features: FeatureStore) -> None:
    assert asked(features, date(2024, 3, 30), "C001")["age"].tolist() == [40]


def test_who_left_keeps_the_last_features(features: FeatureStore) -> None:
    assert asked(features, DAYS[2], "C002", "C030")["age"].tolist() == [21, 49]


def test_who_has_not_come_yet_is_missing(features: FeatureStore) -> None:
    found = asked(features, DAYS[0], "C025", "C004", "nobody")
    assert np.array_equal(found["age"], [np.nan, 23, np.nan], equal_nan=True)
    assert found["plan"].tolist() == [None, "Basic", None]


def test_before_the_first_month_everything_is_missing_in_the_columns_types(features: FeatureStore) -> None:
    found = asked(features, date(2023, 1, 1), "C001", "C002")
    assert [found[name].dtype.kind for name in ("age", "vip", "plan", "opted")] == ["f", "f", "O", "f"]
    assert np.isnan(found["age"]).all()
    assert found["plan"].tolist() == [None, None]


def test_the_order_asked_for_and_repetitions_are_kept(features: FeatureStore) -> None:
    assert asked(features, DAYS[2], "C029", "C001", "C029", "C004")["age"].tolist() == [48, 50, 48, 23]


def test_nobody_asked_for_is_no_row(features: FeatureStore) -> None:
    found = asked(features, DAYS[2])
    assert {len(values) for values in found.values()} == {0}
    assert list(found) == [feature.name for feature in SHOP.inputs]


@pytest.mark.parametrize("day", [*DAYS, date(2024, 3, 1)])
def test_both_give_the_same_rows_bit_by_bit(months: Months, day: date, monkeypatch: pytest.MonkeyPatch) -> None:
    who = [*reversed(customers(30)), "nobody", "C001"]
    one, none = (asked(store, day, *who) for store in (months.feast(), months.none()))
    monkeypatch.setattr("ratchet.features.feast_features._BY_FEAST", -1)
    for other in (none, asked(months.feast(), day, *who)):
        assert list(one) == list(other)
        for name, values in one.items():
            assert values.dtype == other[name].dtype, name
            assert (
                values.tobytes() == other[name].tobytes() if values.dtype.kind == "f" else values.tolist() == other[name].tolist()
            )


def test_without_a_store_a_look_up_says_that_the_request_must_bring_its_features(months: Months) -> None:
    with pytest.raises(Misconfigured, match=r"feature_store: none\): a request must bring its features"):
        months.none().online(["C001"])
    months.none().materialise(months.store.snapshots()[0])  # and loads nothing anywhere
    assert not (months.root / "online").exists()
