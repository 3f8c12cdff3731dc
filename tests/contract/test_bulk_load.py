"""What a bulk load leaves in an online store, held to what Feast's own `write_to_online_store` leaves, and to Feast's reads."""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import pytest
from sqlalchemy.engine import make_url

from ratchet.clients.lean_imports import feast_importable
from ratchet.features import bulk_load, bulk_rows, bulk_swap
from ratchet.features.feast_postgres import close, online_store
from ratchet.features.feast_values import date_of
from ratchet.snapshots.layout import EVENT_TIMESTAMP
from tests.support.addresses import POSTGRES, fresh_database, only

with feast_importable():
    import feast.metrics  # noqa: F401 - as in ratchet.features.feast_features
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value
    from feast.types import Bool, Float64, Int64, String

FEATURES = {
    "age": Int64,
    "id beyond 2^53": Int64,
    "spend": Float64,
    "vip": Bool,
    "opted": Bool,
    "plan": String,
    'it\'s "so"': String,
}
JANUARY, FEBRUARY = datetime(2024, 1, 31, tzinfo=UTC), datetime(2024, 2, 29, tzinfo=UTC)


class Site:
    """One database with a store a name, each Feast's project."""

    def __init__(self, root: Path, url: str) -> None:
        self.root, self.url = root, url

    @contextmanager
    def store(self, name: str, *, tables: str, features: dict[str, Any] | None = None) -> Iterator[FeatureStore]:
        """A project whose table was made by "us" or by "feast", as a release before bulk loads had it made."""
        sqlite = {"type": "sqlite", "path": str(self.root / "online.db")}
        config = RepoConfig(
            project=name,
            provider="local",
            registry={"path": str(self.root / f"{uuid.uuid4().hex}.db"), "cache_ttl_seconds": 0},
            online_store=online_store(make_url(self.url)) if self.url else sqlite,
            offline_store={"type": "file"},
            entity_key_serialization_version=3,
            repo_path=self.root,
        )
        key = Entity(name="user", join_keys=["user"], value_type=ValueType.STRING)
        source = FileSource(name="source", path="none.parquet", timestamp_field=EVENT_TIMESTAMP)
        (self.root / "none.parquet").touch()
        fields = [Field(name=feature, dtype=dtype) for feature, dtype in (features or FEATURES).items()]
        view = FeatureView(name="features", entities=[key], schema=[Field(name="user", dtype=String), *fields], source=source)
        store = FeatureStore(config=config)
        try:
            if tables == "us":
                bulk_load.make_table(store, view)
            store.apply([key, source, view])
            yield store
        finally:
            close(store)

    def rows(self, name: str) -> list[tuple[Any, ...]]:
        """The table's content."""
        statement = f'SELECT * FROM "{name}_features"'  # noqa: S608 - of this test
        if self.url:
            return sorted(self.sql(statement), key=repr)
        with closing(sqlite3.connect(self.root / "online.db")) as connection:
            return sorted(connection.execute(statement), key=repr)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(params=["sqlite", *only(POSTGRES, "postgres")])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    if request.param == "sqlite":
        yield Site(tmp_path, "")
        return
    with fresh_database() as url:
        yield Site(tmp_path, url)


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Site]:
    if not POSTGRES:
        pytest.skip("RATCHET_TEST_POSTGRES names no server")
    with fresh_database() as url:
        yield Site(tmp_path, url)


def month(seed: int, moment: datetime, keys: Sequence[str]) -> pa.Table:
    """Random cells with nulls where Feast's own way through pandas keeps them exact."""
    random = np.random.default_rng(seed)
    n = len(keys)

    def nulls(cells: Sequence[Any], dtype: pa.DataType) -> pa.Array:
        return pa.array([None if random.random() < 0.2 else cell for cell in cells], dtype)

    plans = np.array(["", "Größe", "it's", "𝄞 🎉", "x" * 300], dtype=object)
    columns = {
        "user": pa.array(keys, pa.string()),
        "age": nulls(random.integers(-200, 40_000, n).tolist(), pa.int64()),
        "id beyond 2^53": pa.array(random.integers(-(2**63), 2**63, n).tolist(), pa.int64()),
        "spend": nulls(random.choice([0.1, -0.0, 1e22, 5e-324, float("inf"), random.random()], n).tolist(), pa.float64()),
        "vip": pa.array(random.random(n) < 0.5, pa.bool_()),
        "opted": nulls((random.random(n) < 0.5).tolist(), pa.bool_()),
        "plan": nulls(random.choice(plans, n).tolist(), pa.string()),
        'it\'s "so"': pa.array(random.choice(plans, n).tolist(), pa.string()),
    }
    times = pa.array([moment] * n, pa.timestamp("us", "UTC"))
    return pa.table({**columns, EVENT_TIMESTAMP: times})


def by_feast(store: FeatureStore, table: pa.Table) -> None:
    exact = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    store.write_to_online_store("features", df=table.to_pandas(types_mapper=exact.get))


def by_us(store: FeatureStore, *tables: pa.Table) -> None:
    bulk_load.load(store, store.get_feature_view("features"), iter(tables))


KEYS = ["user1", "user02", "Ünïcödé 🎉", "x" * 500, "'; DROP", "", *(f"k{at}" for at in range(40))]


@pytest.mark.parametrize("made_by", ["us", "feast"])
@pytest.mark.parametrize("seed", range(3))
def test_the_table_is_byte_for_byte_what_feast_makes(site: Site, made_by: str, seed: int) -> None:
    with site.store("feasts", tables="feast") as feasts, site.store("ours", tables=made_by) as ours:
        for moment, keys in (
            (JANUARY, KEYS[:30]),
            (FEBRUARY, KEYS[10:]),
        ):  # some stay as they were, most are replaced, some are new
            table = month(seed, moment, keys)
            by_feast(feasts, table)
            by_us(ours, table.slice(0, 7), table.slice(7))
            assert site.rows("ours") == site.rows("feasts")
        by_feast(ours, month(seed + 10, FEBRUARY, KEYS))  # Feast writes over ours as over its own
        by_feast(feasts, month(seed + 10, FEBRUARY, KEYS))
        assert site.rows("ours") == site.rows("feasts")


def test_feast_reads_what_was_loaded(site: Site) -> None:
    with site.store("feasts", tables="feast") as feasts, site.store("ours", tables="us") as ours:
        by_feast(feasts, month(1, JANUARY, KEYS))
        by_us(ours, month(1, JANUARY, KEYS))
        asked = {"features": [f"features:{name}" for name in FEATURES], "entity_rows": [{"user": key} for key in [*KEYS, "nobody"]]}
        assert ours.get_online_features(**asked).to_dict() == feasts.get_online_features(**asked).to_dict()


def test_rows_of_other_features_stay_as_they_are(site: Site) -> None:
    with site.store("ours", tables="us") as ours:
        by_us(ours, month(1, JANUARY, KEYS))
    others = [row for row in site.rows("ours") if row[1] != "age"]
    with site.store("ours", tables="us", features={"age": Int64}) as ours:
        by_us(ours, month(2, FEBRUARY, KEYS))
    rows = site.rows("ours")
    assert [row for row in rows if row[1] != "age"] == others
    assert len(rows) == len(KEYS) * len(FEATURES)


def test_whole_numbers_beyond_floats_stay_exact_beside_a_missing_one(site: Site) -> None:
    with site.store("ours", tables="us", features={"age": Int64}) as ours:
        times = pa.array([JANUARY] * 2, pa.timestamp("us", "UTC"))
        by_us(ours, pa.table({"user": ["a", "b"], "age": pa.array([2**53 + 1, None], pa.int64()), EVENT_TIMESTAMP: times}))
        assert [row[3] for row in site.rows("ours")] == [str(2**53 + 1), None]


@pytest.mark.parametrize("made_by", ["us", "feast"])
def test_the_last_row_of_an_entity_counts(site: Site, made_by: str) -> None:
    with site.store("feasts", tables="feast") as feasts, site.store("ours", tables=made_by) as ours:
        table = month(1, JANUARY, ["a", "b", "a", "c", "a"])
        by_feast(feasts, table)
        by_us(ours, table)
        assert site.rows("ours") == site.rows("feasts")


def test_a_thousand_features_are_written_some_at_a_time(site: Site) -> None:
    names = [f"f{at:04}" for at in range(1003)]
    times = pa.array([JANUARY] * 5, pa.timestamp("us", "UTC"))
    numbers = np.random.default_rng(1).random((1003, 5))
    table = pa.table({"user": list("abcde"), **dict(zip(names, map(pa.array, numbers), strict=True)), EVENT_TIMESTAMP: times})
    wide = dict.fromkeys(names, Float64)
    with site.store("feasts", tables="feast", features=wide) as feasts, site.store("ours", tables="us", features=wide) as ours:
        by_feast(feasts, table)
        by_us(ours, table)
        assert site.rows("ours") == site.rows("feasts")


def test_nothing_to_load_changes_nothing(site: Site) -> None:
    with site.store("ours", tables="us") as ours:
        by_us(ours, month(1, JANUARY, KEYS))
        before = site.rows("ours")
        by_us(ours)
        by_us(ours, month(2, FEBRUARY, KEYS).slice(0, 0))
        assert site.rows("ours") == before


@pytest.mark.parametrize("made_by", ["us", "feast"])
def test_who_reads_during_loads_finds_the_old_row_or_the_new(site: Site, made_by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_rows, "_AT_ONCE", 50)
    loaded, done = [0], threading.Event()
    wrong: list[Any] = []
    ages = [month(seed, JANUARY, KEYS)["age"].to_pylist() for seed in range(6)]
    asked = {"features": ["features:age", "features:vip"], "entity_rows": [{"user": key} for key in KEYS]}

    def read(store: FeatureStore) -> None:
        while not done.is_set():
            found = store.get_online_features(**asked).to_dict()
            possible = list(zip(*(ages[seed] for seed in loaded), strict=True))
            wrong.extend(age for age, some in zip(found["age"], possible, strict=True) if age not in some)
            wrong.extend(vip for vip in found["vip"] if vip is None)

    with site.store("ours", tables=made_by) as ours, site.store("ours", tables=made_by) as read_by:
        if not site.url:
            with closing(sqlite3.connect(site.root / "online.db")) as connection:
                connection.execute("PRAGMA journal_mode=WAL")  # as ratchet.features.feast_features has it
        by_us(ours, month(0, JANUARY, KEYS))
        reader = threading.Thread(target=read, args=[read_by])
        reader.start()
        try:
            for seed in range(1, 6):
                loaded.append(seed)
                by_us(ours, month(seed, FEBRUARY, KEYS))
        finally:
            done.set()
            reader.join()
    assert wrong == []


def test_a_load_that_breaks_off_leaves_postgresql_as_it_was(postgres: Site) -> None:
    def broken() -> Iterator[pa.Table]:
        yield month(2, FEBRUARY, KEYS)
        raise KeyboardInterrupt

    with postgres.store("ours", tables="us") as ours:
        by_us(ours, month(1, JANUARY, KEYS))
        before = postgres.rows("ours")
        with pytest.raises(KeyboardInterrupt):
            bulk_load.load(ours, ours.get_feature_view("features"), broken())
        assert postgres.rows("ours") == before
        by_us(ours, month(2, FEBRUARY, KEYS))
        assert postgres.rows("ours") != before
    assert postgres.sql("SELECT relname FROM pg_class WHERE relname LIKE '%\\_load%'") == []


def full_indexes(site: Site) -> list[str]:
    """The table's indexes that hold rows."""
    query = "SELECT relname FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'ours_features'::regclass"
    return [name for (name,) in site.sql(f"{query} AND indpred IS NULL")]


@pytest.mark.parametrize("made_by", ["us", "feast"])
def test_a_loaded_table_has_the_one_index_that_look_ups_read_also_when_feast_applies_again(postgres: Site, made_by: str) -> None:
    for _ in range(2):
        with postgres.store("ours", tables=made_by) as ours:
            by_us(ours, month(1, JANUARY, KEYS))
    with postgres.store("ours", tables=made_by):
        assert full_indexes(postgres) == ["ours_features_pkey"]


def test_who_could_read_the_table_still_can_and_nobody_else(postgres: Site) -> None:
    rights = "SELECT relowner, relacl::text FROM pg_class WHERE relname = 'ours_features'"
    postgres.sql("DO $$ BEGIN CREATE ROLE bulk_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    with postgres.store("ours", tables="feast") as ours:
        postgres.sql(
            "GRANT SELECT ON ours_features TO bulk_reader WITH GRANT OPTION; GRANT SELECT, UPDATE ON ours_features TO PUBLIC"
        )
        before = postgres.sql(rights)
        postgres.sql("ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO bulk_reader")
        by_us(ours, month(1, JANUARY, KEYS))
        assert full_indexes(postgres) == ["ours_features_pkey"]
        assert sorted(str(postgres.sql(rights))) == sorted(str(before))
        postgres.sql("DROP OWNED BY bulk_reader")


@pytest.mark.parametrize(
    "hanging",
    [
        "CREATE VIEW mine AS SELECT * FROM ours_features",
        "CREATE INDEX mine ON ours_features (event_ts)",
        "ALTER TABLE ours_features SET (autovacuum_enabled = true)",
        "GRANT SELECT (value) ON ours_features TO pg_monitor",
        "ALTER TABLE ours_features ENABLE ROW LEVEL SECURITY",
    ],
)
def test_a_table_that_something_hangs_on_is_filled_in_place(postgres: Site, hanging: str) -> None:
    which = "SELECT 'ours_features'::regclass::oid"
    with postgres.store("feasts", tables="feast") as feasts, postgres.store("ours", tables="us") as ours:
        postgres.sql(hanging)
        before = postgres.sql(which)
        for moment, keys in ((JANUARY, KEYS[:30]), (FEBRUARY, [*KEYS[10:], "a", "b", "a"])):
            by_feast(feasts, month(3, moment, keys))
            by_us(ours, month(3, moment, keys))
        assert postgres.rows("ours") == postgres.rows("feasts")
        assert postgres.sql(which) == before


def test_a_long_reader_holds_nobody_up(postgres: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_swap, "_WAIT_MS", 20)
    with postgres.store("feasts", tables="feast") as feasts, postgres.store("ours", tables="us") as ours:
        by_us(ours, month(1, JANUARY, KEYS))
        by_feast(feasts, month(1, JANUARY, KEYS))
        with psycopg.connect(make_url(postgres.url).set(drivername="postgresql").render_as_string(hide_password=False)) as dump:
            dump.execute("SELECT FROM ours_features LIMIT 1")
            by_us(ours, month(2, FEBRUARY, KEYS))
        by_feast(feasts, month(2, FEBRUARY, KEYS))
        assert postgres.rows("ours") == postgres.rows("feasts")
    assert postgres.sql("SELECT relname FROM pg_class WHERE relname LIKE '%\\_load%'") == []


def test_a_bound_on_look_ups_does_not_end_a_load(postgres: Site) -> None:
    (name,) = postgres.sql("SELECT current_database()")[0]
    with postgres.store("ours", tables="us") as ours:
        by_us(ours, month(1, JANUARY, KEYS))
    postgres.sql(f'ALTER DATABASE "{name}" SET statement_timeout = 300')
    with postgres.store("ours", tables="us") as ours:

        def slow() -> Iterator[pa.Table]:
            for seed in range(2):
                yield month(seed, FEBRUARY, KEYS)
                threading.Event().wait(0.3)

        bulk_load.load(ours, ours.get_feature_view("features"), slow())
        assert len(postgres.rows("ours")) == len(KEYS) * len(FEATURES)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Pacific/Kiritimati", "America/Los_Angeles", "UTC"])
@pytest.mark.parametrize("read_in", ["Asia/Tokyo", "America/Los_Angeles"])
def test_features_are_of_their_day_whatever_the_server_s_zone_is(postgres: Site, zone: str, read_in: str) -> None:
    (name,) = postgres.sql("SELECT current_database()")[0]
    for view in ("us", "feast"):  # swapped and in place
        postgres.sql(f"ALTER DATABASE \"{name}\" SET timezone = '{zone}'")
        with postgres.store("ours", tables=view) as ours:
            by_us(ours, month(1, JANUARY, KEYS))
            if view == "feast":
                postgres.sql("CREATE VIEW hangs AS SELECT * FROM ours_features")
                by_us(ours, month(2, FEBRUARY, KEYS))
        postgres.sql(f"ALTER DATABASE \"{name}\" SET timezone = '{read_in}'")
        with postgres.store("ours", tables=view) as ours:
            found = {date_of(moment) for moment in moments(ours)}
        assert found == {(FEBRUARY if view == "feast" else JANUARY).date()}


def moments(store: FeatureStore) -> list[datetime | None]:
    """Of each key, as a look-up gives it."""
    keys = [EntityKey(join_keys=["user"], entity_values=[Value(string_val=key)]) for key in KEYS]
    view = store.get_feature_view("features")
    return [moment for moment, _ in store.provider.online_read(store.config, view, keys, ["age"])]


def test_a_model_with_the_longest_name_is_loaded(site: Site) -> None:
    name = "m" * 54
    with site.store(name, tables="us") as ours:
        for seed in (1, 2):
            by_us(ours, month(seed, JANUARY, KEYS))
        assert len(site.rows(name)) == len(KEYS) * len(FEATURES)
