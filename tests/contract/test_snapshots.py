"""What any SnapshotStore promises; a store on S3 adds itself to STORES and to nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ratchet.clients.content_hash import table_hash
from ratchet.clients.s3 import S3Folder
from ratchet.core.errors import DataError
from ratchet.snapshots.parquet import ParquetSnapshots
from ratchet.snapshots.port import SnapshotStore
from ratchet.snapshots.s3 import S3Snapshots
from ratchet.sources.checked_tables import RawSnapshot
from ratchet.sources.folder import TableSource
from tests.support.addresses import S3, fresh_prefix
from tests.support.shop import ROWS, SHOP, Tables, customers, put, tables, with_cell

Open = Callable[[], SnapshotStore]


def parquet(root: Path) -> SnapshotStore:
    return ParquetSnapshots(root / "store", SHOP.entity, SHOP.label.name, [column.feature for column in SHOP.columns])


def s3(root: Path) -> SnapshotStore:
    mirror = root / "mirror"
    local = ParquetSnapshots(mirror, SHOP.entity, SHOP.label.name, [column.feature for column in SHOP.columns])
    place = root / "place.txt"  # one prefix for all who open the store of a test
    if not place.exists():
        place.write_text(fresh_prefix())
    return S3Snapshots(S3Folder(place.read_text(), "the test"), local, mirror)


STORES = [parquet, *([s3] if S3 else [])]


@pytest.fixture(params=STORES, ids=lambda make: make.__name__)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the same store anew each time, as another process would."""
    return lambda: request.param(tmp_path)


def raw(root: Path, content: Tables | None = None, name: str = "may") -> RawSnapshot:
    put(root / "raw" / name, content or tables())
    return TableSource(root / "raw", SHOP).read(name)


def write(store: SnapshotStore, item: RawSnapshot, *, replace: bool = False) -> bool:
    return store.write(item.snapshot, item.features, item.labels, replace=replace)


def unlabelled(item: RawSnapshot) -> RawSnapshot:
    return dataclasses.replace(item, labels=None, snapshot=dataclasses.replace(item.snapshot, labelled_rows=0, labels_hash=""))


def test_an_empty_store_has_no_snapshots(opened: Open) -> None:
    assert opened().snapshots() == []
    assert opened().listed() == []
    with pytest.raises(DataError, match=r"snapshot 'may' has not been ingested \(there: none\)"):
        opened().get("may")


def test_what_was_written_is_read_back(opened: Open, tmp_path: Path) -> None:
    item = raw(tmp_path)
    assert write(opened(), item)
    assert opened().listed() == [item.snapshot]
    store = opened()
    assert store.snapshots() == [item.snapshot]
    got = store.columns(item.snapshot, ["customer", "age", "vip", "plan", "visits", "spend", "opted", "city"])
    assert got["customer"].tolist() == customers()
    assert {name: values.dtype.kind for name, values in got.items()} == {
        "customer": "O",
        "age": "f",
        "vip": "f",
        "plan": "O",
        "visits": "f",
        "spend": "f",
        "opted": "f",
        "city": "O",
    }
    np.testing.assert_array_equal(got["visits"][:5], [np.nan, 1, 2, 3, np.nan])
    np.testing.assert_array_equal(got["opted"][:3], [1, 0, np.nan])
    assert got["plan"][:3].tolist() == ["Basic", "None", "Größe"]
    labels = store.labels(item.snapshot)
    assert labels["entity"].tolist() == customers()
    assert labels["label"].dtype == np.int8
    assert labels["label"].tolist() == [int(number % 4 == 1) for number in range(ROWS)]


@pytest.mark.parametrize("group", [1, 7, 100_000])
def test_a_stretch_of_rows_is_that_part_of_the_table(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: int
) -> None:
    monkeypatch.setattr("ratchet.snapshots.parquet._ROW_GROUP", group)
    item = raw(tmp_path)
    assert write(opened(), item)
    store, names = opened(), ["customer", "visits", "plan"]
    whole, labels = store.columns(item.snapshot, names), store.labels(item.snapshot)
    for rows in (range(ROWS), range(1), range(3, 3), range(5, 12), range(6, 7), range(ROWS - 2, ROWS)):
        part = store.columns(item.snapshot, names, rows)
        for name in names:
            np.testing.assert_array_equal(part[name], whole[name][rows.start : rows.stop])
        np.testing.assert_array_equal(store.labels(item.snapshot, rows)["label"], labels["label"][rows.start : rows.stop])


def test_a_null_category_is_none(opened: Open, tmp_path: Path) -> None:
    item = raw(tmp_path)
    features = item.features.copy()
    features.loc[0, "city"] = None
    changed = dataclasses.replace(item.snapshot, features_hash=table_hash(features, "customer"))
    opened().write(changed, features, item.labels)
    assert opened().columns(changed, ["city"])["city"][0] is None


def test_a_snapshot_is_found_by_name_date_and_id(opened: Open, tmp_path: Path) -> None:
    item = raw(tmp_path).snapshot
    write(opened(), raw(tmp_path))
    assert [opened().get(name) for name in ("may", "2024-05-31", item.id)] == [item] * 3
    with pytest.raises(DataError, match=r"'june' has not been ingested \(there: may\)"):
        opened().get("june")


def test_snapshots_come_oldest_first(opened: Open, tmp_path: Path) -> None:
    for name in ("june", "may", "2023-12-31"):
        write(opened(), raw(tmp_path, name=name))
    assert [item.as_of for item in opened().snapshots()] == [date(2023, 12, 31), date(2024, 5, 31), date(2024, 6, 30)]


def test_the_same_content_again_is_a_no_op(opened: Open, tmp_path: Path) -> None:
    write(opened(), raw(tmp_path))
    assert not write(opened(), raw(tmp_path))
    assert not write(opened(), raw(tmp_path), replace=True)


@pytest.mark.parametrize(
    ("table", "column", "value", "word"), [("people", "age", 99, "features"), ("outcome", "left", True, "labels")]
)
def test_other_content_is_refused_and_changes_nothing(
    opened: Open, tmp_path: Path, table: str, column: str, value: object, word: str
) -> None:
    before = raw(tmp_path)
    write(opened(), before)
    with pytest.raises(DataError, match=rf"2024-05-31 holds other {word} .*--replace"):
        write(opened(), raw(tmp_path, with_cell(tables(), table, column, 0, value)))
    assert opened().snapshots() == [before.snapshot]
    assert opened().columns(before.snapshot, ["age"])["age"][0] == 20


def test_replace_puts_other_content_in_place(opened: Open, tmp_path: Path) -> None:
    write(opened(), raw(tmp_path))
    after = raw(tmp_path, with_cell(tables(), "people", "age", 0, 99))
    assert write(opened(), after, replace=True)
    assert opened().snapshots() == [after.snapshot]
    assert opened().columns(after.snapshot, ["age"])["age"][0] == 99


def test_labels_that_come_later_are_added_without_replace(opened: Open, tmp_path: Path) -> None:
    item = raw(tmp_path)
    write(opened(), unlabelled(item))
    with pytest.raises(DataError, match="labels of snapshot may have not arrived"):
        opened().labels(unlabelled(item).snapshot)
    assert write(opened(), item)
    assert opened().snapshots() == [item.snapshot]
    assert opened().labels(item.snapshot)["label"].sum() == 3


def some_labels(root: Path, *names: str, **other: bool) -> RawSnapshot:
    """The shop's month with the labels of these customers alone; `other` are labels that they do not have."""
    content = tables()
    known = content["outcome"][content["outcome"]["customer"].isin(names)]
    content["outcome"] = known.assign(
        left=[other.get(key, left) for key, left in zip(known["customer"], known["left"], strict=True)]
    )
    return raw(root, content)


def test_labels_that_trickle_in_join_those_that_came_before(opened: Open, tmp_path: Path) -> None:
    write(opened(), some_labels(tmp_path, "C002", "C005"))
    assert write(opened(), some_labels(tmp_path, "C002", "C003", "C005"))
    assert write(opened(), some_labels(tmp_path, "C001", "C006")), "a file of the new ones alone"
    snapshot = opened().get("may")
    labels = opened().labels(snapshot)
    assert labels["entity"].tolist() == ["C001", "C002", "C003", "C005", "C006"]
    assert labels["label"].tolist() == [0, 1, 0, 0, 1]
    assert snapshot == some_labels(tmp_path, *labels["entity"]).snapshot, "the content is what one delivery of all would be"
    assert not write(opened(), some_labels(tmp_path, "C003")), "nothing new"
    assert opened().columns(snapshot, ["age"])["age"].tolist() == [20.0 + row for row in range(ROWS)]


def test_another_label_of_an_entity_is_refused_and_named_and_nothing_of_its_file_is_taken(opened: Open, tmp_path: Path) -> None:
    write(opened(), some_labels(tmp_path, "C002", "C005"))
    with pytest.raises(
        DataError, match=r"holds other labels .* \(1 of 2 labels that came before are others now, as for customer C005\).*--replace"
    ):
        write(opened(), some_labels(tmp_path, "C002", "C003", "C005", C005=True))
    assert opened().labels(opened().get("may"))["entity"].tolist() == ["C002", "C005"]
    assert write(opened(), some_labels(tmp_path, "C005", C005=True), replace=True)
    assert opened().labels(opened().get("may"))["label"].tolist() == [1]


def test_a_delivery_without_labels_leaves_those_that_came(opened: Open, tmp_path: Path) -> None:
    item = raw(tmp_path)
    write(opened(), item)
    assert not write(opened(), unlabelled(item))
    assert opened().get("may").labelled


def test_labels_with_other_features_are_other_content(opened: Open, tmp_path: Path) -> None:
    write(opened(), unlabelled(raw(tmp_path)))
    with pytest.raises(DataError, match="holds other features"):
        write(opened(), raw(tmp_path, with_cell(tables(), "people", "age", 0, 99)))
    assert not opened().get("may").labelled


def test_partial_labels_keep_their_entities(opened: Open, tmp_path: Path) -> None:
    content = tables()
    content["outcome"] = pd.DataFrame({"customer": ["C005", "C002"], "left": [True, False]})
    item = raw(tmp_path, content)
    write(opened(), item)
    labels = opened().labels(item.snapshot)
    assert labels["entity"].tolist() == ["C002", "C005"]
    assert labels["label"].tolist() == [0, 1]


def test_a_column_that_was_not_ingested_is_named(opened: Open, tmp_path: Path) -> None:
    item = raw(tmp_path)
    write(opened(), item)
    with pytest.raises(DataError, match="ingested without shoe_size"):
        opened().columns(item.snapshot, ["age", "shoe_size"])
