"""FeastFeatures over real Parquet snapshots, a real registry and a real SQLite store."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.core.errors import ArtifactError, DataError, Unavailable
from ratchet.core.schema import DType, Feature, Snapshot, StoredRow
from ratchet.features.feast_features import FeastFeatures
from ratchet.features.feast_values import date_of
from ratchet.features.stored_rows import StoredRows
from ratchet.snapshots.parquet import ParquetSnapshots
from ratchet.sources.checked_tables import RawSnapshot
from ratchet.sources.folder import TableSource
from tests.support.addresses import POSTGRES, fresh_database, only
from tests.support.shop import SHOP, Tables, customers, put, tables, with_cell
from tests.support.streamflow import real_data, streamflow

DAYS = [date(2024, month, 28) for month in range(1, 5)]


class Shop:
    """Snapshots and features below one folder, each opened anew when asked for."""

    def __init__(self, root: Path, online_url: str = "", model: str = SHOP.model) -> None:
        self.root, self.online_url, self.model = root, online_url, model

    @property
    def store(self) -> ParquetSnapshots:
        return ParquetSnapshots(self.root / "snapshots", SHOP.entity, SHOP.label.name, [column.feature for column in SHOP.columns])

    def features(self, *, without: str = "", more: tuple[Feature, ...] = ()) -> FeastFeatures:
        inputs = [feature for feature in SHOP.inputs if feature.name != without]
        return FeastFeatures(
            self.root / "feast",
            self.root / "snapshots",
            self.model,
            SHOP.entity,
            [*inputs, *more],
            online_url=self.online_url,
        )

    def add(self, day: date, content: Tables | None = None, *, replace: bool = False) -> Snapshot:
        put(self.root / "raw" / day.isoformat(), content or tables())
        raw: RawSnapshot = TableSource(self.root / "raw", SHOP).read(day.isoformat())
        self.store.write(raw.snapshot, raw.features, raw.labels, replace=replace)
        return raw.snapshot


@pytest.fixture
def embedded(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture(params=["sqlite", *only(POSTGRES, "postgres")])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    if request.param == "sqlite":
        yield Shop(tmp_path)
        return
    with fresh_database() as url:
        yield Shop(tmp_path, url)


@pytest.mark.parametrize("at", only(POSTGRES, "postgres"))
def test_two_models_on_one_postgresql_serve_their_own_features(tmp_path: Path, at: str) -> None:
    del at
    with fresh_database() as url:
        one, two = (Shop(tmp_path / model, url, model) for model in ("shop", "upsell"))
        one.features().materialise(one.add(DAYS[1], aged(30)))
        with pytest.raises(Unavailable, match="holds nothing yet"):
            two.features().online(["C001"])
        two.features().materialise(two.add(DAYS[0], aged(40)))
        ages = [features[0]["age"] for shop in (one, two) if (features := shop.features().online(["C001"])) and features[0]]
        assert ages == [30.0, 40.0]
        one.features().materialise(one.add(DAYS[2], aged(50)))
        (other,) = two.features().online(["C001"])
        assert other is not None
        assert other["age"] == 40.0


def aged(age: int, rows: int = 12) -> Tables:
    return with_cell(tables(rows), "people", "age", 0, age)


def test_what_was_materialised_is_served_typed(shop: Shop) -> None:
    shop.features().materialise(shop.add(DAYS[0]))
    first, third = shop.features().online(["C001", "C003"])
    assert first == {"age": 20.0, "vip": 1.0, "plan": "Basic", "visits": None, "spend": -2.25, "opted": 1.0}
    assert third == {"age": 22.0, "vip": 0.0, "plan": "Größe", "visits": 2.0, "spend": 0.75, "opted": None}
    assert first is not None
    assert list(first) == [feature.name for feature in SHOP.inputs]


@pytest.mark.parametrize("entity", ["C999", "", "c001", " C001", "C001\0", "Ünïcödé 🎉", "x" * 10_000, "'; DROP TABLE x; --"])
def test_an_unknown_entity_is_none(shop: Shop, entity: str) -> None:
    shop.features().materialise(shop.add(DAYS[0]))
    unknown, known = shop.features().online([entity, "C002"])
    assert unknown is None
    assert known is not None


def test_a_repeated_entity_is_answered_each_time_and_none_for_none(shop: Shop) -> None:
    shop.features().materialise(shop.add(DAYS[0]))
    features = shop.features()
    one, two, three = features.online(["C001", "C002", "C001"])
    assert one == three != two
    assert features.online([]) == []


def test_a_known_entity_whose_features_are_all_null_is_not_unknown(tmp_path: Path) -> None:
    content = tables()
    for name in ("visits", "opted"):
        content = with_cell(content, "orders", name, 5, None)
    shop = Shop(tmp_path)
    snapshot = shop.add(DAYS[0], content)
    nullable = [feature for feature in SHOP.inputs if feature.name in {"visits", "opted"}]
    features = FeastFeatures(tmp_path / "feast", tmp_path / "snapshots", SHOP.model, SHOP.entity, nullable)
    features.materialise(snapshot)
    assert features.online(["C006", "C999"]) == [{"visits": None, "opted": None}, None]


def test_a_newer_snapshot_replaces_an_older_and_never_the_other_way_round(shop: Shop) -> None:
    newer = shop.add(DAYS[1], aged(41))
    older = shop.add(DAYS[0], aged(40, rows=14))  # two entities more, whom only the older month knows
    for snapshot in (newer, older, newer, older):
        shop.features().materialise(snapshot)
        (answer,) = shop.features().online(["C001"])
        assert answer is not None
        assert answer["age"] == 41
    gone, present = shop.features().online(["C014", "C012"])
    assert gone is not None
    assert gone["age"] == 33
    assert present is not None


def test_a_row_says_the_date_of_the_snapshot_that_it_is_of(shop: Shop) -> None:
    shop.features().materialise(shop.add(DAYS[0], aged(40, rows=14)))
    shop.features().materialise(shop.add(DAYS[1], aged(41)))  # which two entities are not in
    renewed, left = shop.features().online(["C001", "C014"])
    assert renewed is not None
    assert left is not None
    assert (renewed.as_of, left.as_of) == (DAYS[1], DAYS[0])


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2024, 1, 31, tzinfo=UTC), date(2024, 1, 31)),
        (datetime(2024, 1, 30, 19, tzinfo=timezone(timedelta(hours=-5))), date(2024, 1, 31)),  # as a session in New York has it
        (datetime(2024, 1, 31), date(2024, 1, 31)),  # noqa: DTZ001 - what SQLite gives has no zone
        (None, None),
    ],
)
def test_the_date_of_a_row_is_utc_whatever_the_session_of_the_store(moment: datetime | None, day: date | None) -> None:
    assert date_of(moment) == day


def test_other_content_of_the_same_day_replaces_what_is_online(shop: Shop) -> None:
    shop.features().materialise(shop.add(DAYS[0], aged(40)))
    shop.features().materialise(shop.add(DAYS[0], aged(44), replace=True))
    (answer,) = shop.features().online(["C001"])
    assert answer is not None
    assert answer["age"] == 44


def test_a_load_that_broke_off_keeps_older_snapshots_off_and_is_done_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    older, newer = shop.add(DAYS[0], aged(40)), shop.add(DAYS[1], aged(41))
    monkeypatch.setattr("ratchet.features.stored_rows._BATCH", 5)
    features, batches = shop.features(), StoredRows.batches

    def dying(self: StoredRows, snapshot: Snapshot) -> Any:
        for number, batch in enumerate(batches(self, snapshot)):
            if number == 1:
                raise KeyboardInterrupt
            yield batch

    monkeypatch.setattr(StoredRows, "batches", dying)
    with pytest.raises(KeyboardInterrupt):
        features.materialise(newer)
    monkeypatch.setattr(StoredRows, "batches", batches)
    shop.features().materialise(older)
    first, last = shop.features().online(["C001", "C012"])
    assert last is None  # of the newer month, which is to be loaded again
    if shop.online_url:
        assert first is None  # PostgreSQL's load is one transaction: nothing of it has come, and nothing older comes in its place
    else:
        assert first is not None
        assert first["age"] == 41
    shop.features().materialise(newer)
    assert None not in shop.features().online(customers())


@pytest.mark.parametrize("lost", ["online.db", "registry-", "materialised.json"])
def test_a_lost_file_is_made_again_by_the_next_load(embedded: Shop, lost: str) -> None:
    snapshot = embedded.add(DAYS[0])
    embedded.features().materialise(snapshot)
    for path in (embedded.root / "feast").glob(f"{lost}*"):
        path.unlink()
    embedded.features().materialise(snapshot)
    assert None not in embedded.features().online(customers())


def test_training_sets_are_as_of_their_day_in_the_order_asked_for(shop: Shop) -> None:
    for number, day in enumerate(DAYS):
        shop.add(day, aged(40 + number, rows=12 + number))
    asked = np.array(["C005", "C001", "C013", "C999", "C001"], dtype=object)
    for number, day in enumerate(DAYS):
        for when in (day, day + timedelta(days=10)):
            got = shop.features().training_set(when, asked)
            np.testing.assert_array_equal(got["age"], [24, 40 + number, 32 if number else np.nan, np.nan, 40 + number])
    assert got["plan"].tolist() == ["None", "Basic", "Basic", None, "Basic"]
    np.testing.assert_array_equal(got["opted"], [0, 1, 1, np.nan, 1])
    assert {name: values.dtype.kind for name, values in got.items()} == {
        feature.name: "f" if feature.dtype.is_number else "O" for feature in SHOP.inputs
    }
    before = shop.features().training_set(DAYS[0] - timedelta(days=1), asked)
    assert np.isnan(before["age"]).all()
    assert before["plan"].tolist() == [None] * len(asked)


@pytest.mark.parametrize("entities", [[], ["C999"], ["C999", "C998"]])
def test_a_training_set_of_nobody_known_is_all_missing(shop: Shop, entities: list[str]) -> None:
    shop.add(DAYS[0])
    got = shop.features().training_set(DAYS[0], np.array(entities, dtype=object))
    assert got["plan"].tolist() == [None] * len(entities)
    for name in ("age", "vip", "spend", "opted"):
        assert got[name].dtype == np.float64
        assert np.isnan(got[name]).tolist() == [True] * len(entities)


def test_labels_and_half_written_snapshots_are_no_features(shop: Shop) -> None:
    shop.add(DAYS[0], aged(40))
    junk = shop.root / "snapshots" / f".new-as_of={DAYS[1]}-x"
    junk.mkdir()
    (junk / "features.parquet").write_bytes(b"half")
    got = shop.features().training_set(DAYS[1], np.array(["C001"], dtype=object))
    assert got["age"].tolist() == [40]


def test_training_and_serving_agree_to_the_bit(shop: Shop) -> None:
    snapshot = shop.add(DAYS[0])
    shop.features().materialise(snapshot)
    entities = customers()
    offline = shop.features().training_set(DAYS[0], np.array(entities, dtype=object))
    for row, answer in enumerate(shop.features().online(entities)):
        assert answer is not None
        for name, values in offline.items():
            missing = values[row] is None or values[row] != values[row]
            assert answer[name] == (None if missing else values[row])


def test_before_any_load_the_store_is_unavailable_and_stays_untouched(shop: Shop) -> None:
    with pytest.raises(Unavailable, match="holds nothing yet"):
        shop.features().online(["C001"])
    assert not (shop.root / "feast").exists()


@pytest.mark.parametrize("file", ["online.db", "registry-*.db"])
def test_a_broken_store_is_said_to_be_damaged_and_what_mends_it(embedded: Shop, file: str) -> None:
    embedded.features().materialise(embedded.add(DAYS[0]))
    for path in (embedded.root / "feast").glob("online.db-*"):
        path.unlink()
    (broken,) = (embedded.root / "feast").glob(file)
    broken.write_bytes(b"\xffjunk" * 2000)
    with pytest.raises(
        ArtifactError, match=r"feature store .* cannot be read: .* \(it is damaged\); delete it, and `ratchet data ingest`"
    ):
        embedded.features().online(["C001"])


def test_a_damaged_snapshot_is_not_loaded(shop: Shop) -> None:
    snapshot = shop.add(DAYS[0])
    (shop.root / "snapshots" / f"as_of={DAYS[0]}" / "features.parquet").write_bytes(b"PAR1 junk")
    with pytest.raises(ArtifactError, match=r"damaged .*--replace"):
        shop.features().materialise(snapshot)


def test_a_model_with_other_features_gets_them_and_the_older_keeps_its_own(shop: Shop) -> None:
    snapshot = shop.add(DAYS[0])
    shop.features().materialise(snapshot)
    serving = shop.features()
    before = serving.online(["C001"])
    shop.features(without="age").materialise(snapshot)
    (answer,) = shop.features(without="age").online(["C001"])
    assert answer is not None
    assert "age" not in answer
    assert serving.online(["C001"]) == before  # a server that runs
    assert shop.features().online(["C001"]) == before  # and one that starts


def test_features_that_were_never_loaded_are_unavailable(shop: Shop) -> None:
    shop.features(without="age").materialise(shop.add(DAYS[0]))
    with pytest.raises(Unavailable, match="holds nothing yet"):
        shop.features().online(["C001"])


def test_a_feature_that_no_snapshot_holds_stops_the_load(shop: Shop) -> None:
    snapshot = shop.add(DAYS[0])
    with pytest.raises(DataError, match="ingested without shoe_size"):
        shop.features(more=(Feature("shoe_size", DType.FLOAT),)).materialise(snapshot)


def _load(root: Path, online_url: str, day: date, barrier: Any) -> None:
    shop = Shop(root, online_url)
    snapshot = shop.store.get(day.isoformat())
    features = shop.features()
    barrier.wait()
    features.materialise(snapshot)


def test_two_processes_that_load_two_months_at_once_leave_the_newer(shop: Shop) -> None:
    shop.add(DAYS[0], aged(40, rows=100))
    shop.add(DAYS[1], aged(41, rows=100))
    context = multiprocessing.get_context("forkserver")  # forked from a process without threads that has the imports
    context.set_forkserver_preload(["ratchet.features.feast_features"])
    barrier = context.Barrier(2)
    workers = [context.Process(target=_load, args=(shop.root, shop.online_url, day, barrier)) for day in DAYS[:2]]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    answers = shop.features().online(customers(100))
    assert None not in answers
    assert answers[0] is not None
    assert answers[0]["age"] == 41


def test_the_real_months_join_exactly(tmp_path: Path) -> None:
    folder = real_data()
    if folder is None:  # the shop's tests stand in
        return
    project = streamflow()
    store = ParquetSnapshots(tmp_path / "s", project.entity, project.label.name, [column.feature for column in project.columns])
    features = FeastFeatures(tmp_path / "f", tmp_path / "s", project.model, project.entity, project.inputs)
    source = TableSource(folder, project)
    snapshots = []
    for name in ("month_000", "month_001"):
        raw = source.read(name)
        store.write(raw.snapshot, raw.features, raw.labels)
        snapshots.append(raw.snapshot)
    for snapshot in snapshots:
        stored = store.columns(snapshot, [project.entity, *(feature.name for feature in project.inputs)])
        order = np.random.default_rng(7).permutation(snapshot.rows)
        joined = features.training_set(snapshot.as_of, stored[project.entity][order])
        for feature in project.inputs:
            np.testing.assert_array_equal(joined[feature.name], stored[feature.name][order])


def test_opening_feast_leaves_the_services_own_metrics_visible() -> None:
    program = """
import ratchet.features.feast_features
from serving.metrics import Metrics
metrics = Metrics()
metrics.unknown.inc()
assert 'ratchet_unknown_entities_total{version="none"} 1.0' in metrics.render().decode().splitlines()
"""
    environment = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def numbered(spell: str) -> Tables:
    """The shop's tables with whole numbers for keys, as `spell` writes them."""
    names = {name: spell.format(1000 + number) for number, name in enumerate(customers())}
    return {name: table.assign(customer=table["customer"].map(names)) for name, table in tables().items()}


def stored_as_before(shop: Shop, day: date, spell: str) -> Snapshot:
    """A snapshot as releases stored it that kept keys as they were written."""
    snapshot = shop.add(day, numbered("{}"))
    for path in (shop.root / "snapshots" / f"as_of={day}").glob("*.parquet"):
        table = pq.read_table(path)
        keys = pa.array([spell.format(key) for key in table["customer"].to_pylist()])
        pq.write_table(table.set_column(table.schema.get_field_index("customer"), "customer", keys), path)
    return snapshot


def test_what_was_stored_and_loaded_under_the_old_spelling_is_read_trained_on_and_served(embedded: Shop) -> None:
    snapshot = stored_as_before(embedded, DAYS[0], "{}.0")
    keys = [str(1000 + number) for number in range(len(customers()))]
    assert embedded.store.columns(snapshot, [SHOP.entity])[SHOP.entity].tolist() == keys
    assert embedded.store.labels(snapshot)["entity"].tolist() == keys
    features = embedded.features()
    asked = np.array(keys, dtype=object)
    assert features.training_set(DAYS[0], asked)["age"].tolist() == [20.0 + number for number in range(len(keys))]
    with loading_as_before(embedded, snapshot):
        features.materialise(snapshot)
    served = features.online(["1003", "9"])
    assert (served[0] or StoredRow({}))["age"] == 23
    assert served[1] is None


@contextlib.contextmanager
def loading_as_before(shop: Shop, snapshot: Snapshot) -> Iterator[None]:
    """Loads go by the keys as they are stored, as before the rule."""
    path = shop.root / "snapshots" / f"as_of={snapshot.as_of}" / "features.parquet"
    whole = pq.read_table(path, columns=[SHOP.entity, *(feature.name for feature in SHOP.inputs), "event_timestamp"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StoredRows, "batches", lambda _self, _snapshot: iter([whole]))
        patch.setattr(FeastFeatures, "_is_online", lambda _self, _snapshot: True)
        yield


def test_a_month_that_was_stored_by_the_rule_wins_over_an_older_spelling(embedded: Shop) -> None:
    stored_as_before(embedded, DAYS[0], "{}.0")
    newer = numbered("{}")
    newer["people"]["age"] = 70
    embedded.add(DAYS[1], newer)
    asked = np.array(["1000", "1001"], dtype=object)
    assert embedded.features().training_set(DAYS[1], asked)["age"].tolist() == [70.0, 70.0]
    assert embedded.features().training_set(DAYS[0], asked)["age"].tolist() == [20.0, 21.0]
    embedded.features().materialise(embedded.store.snapshots()[0])
    assert (embedded.features().online(["1000"])[0] or StoredRow({}))["age"] == 20
