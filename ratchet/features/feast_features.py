"""Feast 0.67 as the feature store: Parquet snapshots offline, SQLite or PostgreSQL online; its definitions come from the project.

The offline source is the glob `as_of=*/features.parquet` over the snapshot store, so a committed snapshot is visible at once and a
half-written one (another folder name) never is. Feast's online stores overwrite whatever is there, older or not, and its
`materialize` reads the source whole; so materialise() streams the one snapshot into the store (bulk_load.py) and leaves out those
entities of which a later snapshot was loaded. Every set of definitions has a registry file of its own, written once: a server of an
older model with other features goes on with its own. On a cluster the pods share a PostgreSQL: the record of loads and the lock
around one are there (sql_load_record.py), and each pod makes its own registry file of the same definitions.
Importing this module takes seconds: only who needs features does.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import tempfile
import warnings
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it ships no types
from numpy.typing import NDArray

from ratchet.clients.lean_imports import feast_importable
from ratchet.clients.secrets import cause_of
from ratchet.core.address import place_of
from ratchet.core.entity_key import spellings
from ratchet.core.errors import REPLACE, ArtifactError, Unavailable
from ratchet.core.schema import Columns, DType, Feature, Snapshot, StoredRow
from ratchet.features.feast_postgres import bound_connecting, close, online_store, parsed_url
from ratchet.features.feast_values import column_of, date_of, stored_column, value_of
from ratchet.features.load_record import LoadRecord, digest_of, locked
from ratchet.features.sql_load_record import SqlLoadRecord
from ratchet.features.stored_rows import StoredRows
from ratchet.snapshots.layout import EVENT_TIMESTAMP, FEATURES, event_time

with feast_importable():
    import feast.metrics  # noqa: F401 - else at the first look-up, when nothing takes its variables away again
    from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.errors import FeastError
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value
    from feast.types import Bool, Float64, Int64, String

    from ratchet.features import bulk_load
    from ratchet.features.feast_errors import feature_error
    from ratchet.features.feast_no_offline import TYPE as NO_OFFLINE
    from ratchet.features.feast_no_tables import TYPE as NO_TABLES

VIEW = "features"
_TYPES = {DType.INT: Int64, DType.DATE: Int64, DType.FLOAT: Float64, DType.BOOL: Bool, DType.CATEGORY: String}
_EMPTY = Value()  # of a feature that ratchet.yaml did not have yet when the row was loaded
_BY_FEAST = 50_000  # entities of a training set that Feast joins
_LOOKUPS = 5_000  # entities a query, under SQLite's bound on variables
_LOCK_TIMEOUT = 600.0
_MEANINGFUL = re.compile(r"[%?#*\[\]]")  # patterns and parts of URLs, for fsspec and pyarrow


class FeastFeatures:
    """The FeatureStore of port.py.

    Opening is lazy and changes nothing: definitions are applied by the first load or training set, never by online().

    Args:
        home: folder of Feast's registry and online store.
        snapshots: root of the ParquetSnapshots that the features are read from.
        model: Feast's project and feature service.
        entity: the entity key's column.
        features: the model's inputs, in order.
        online_url: SQLAlchemy URL of a PostgreSQL to hold the online store; empty for SQLite in `home`.
        refresh: called before snapshots are read, where their folder mirrors another place.
        declared: the categories that ratchet.yaml lists, by feature, in whose spelling months of an older release are read.
    """

    def __init__(
        self,
        home: Path,
        snapshots: Path,
        model: str,
        entity: str,
        features: Sequence[Feature],
        *,
        online_url: str = "",
        refresh: Callable[[], object] = lambda: None,
        declared: Mapping[str, Collection[str]] = MappingProxyType({}),
    ) -> None:
        self._home = home.absolute()
        self._snapshots = snapshots.absolute()
        self._model = model
        self._entity = entity
        self._features = tuple(features)
        self._declared = declared
        codes = {feature.name: declared.get(feature.name, ()) for feature in self._features if not feature.dtype.is_number}
        self._rows = StoredRows(self._snapshots, entity, [feature.name for feature in self._features], codes)
        self._online = self._home / "online.db"
        self._applied = self._home / f"registry-{digest_of(self._definitions)[:12]}.db"
        self._postgres = parsed_url(online_url) if online_url else None
        if self._postgres is not None:
            bound_connecting()
        self._refresh = refresh
        self._closing: list[weakref.finalize[Any, Any]] = []

    @cached_property
    def _record(self) -> LoadRecord | SqlLoadRecord:
        if self._postgres is None:
            return LoadRecord(self._home / "materialised.json", digest_of(self._definitions), digest_of(self._older_definitions))
        # pods mirror the snapshots where they like: the folder says nothing about the content
        shared = {name: value for name, value in self._definitions.items() if name != "snapshots"}
        return SqlLoadRecord(self._postgres, self._model, digest_of(shared))

    def materialise(self, snapshot: Snapshot) -> None:
        """Load the snapshot into the online store, but for the entities of which it holds a later date's features.

        Idempotent: a finished load is recorded with the content's hash and not repeated; a broken one is done again whole.
        Raises Unavailable when the store cannot be written, LockHeld when another process loads for long.
        """
        self._refresh()
        with self._translated("written"), self._loading():
            self._apply()
            record = self._record
            if record.holds(snapshot.as_of, snapshot.features_hash) and self._is_online(snapshot):
                return
            newer = self._rows.entities_of(record.after(snapshot.as_of))
            record.begin(snapshot.as_of)
            batches = self._rows.batches(snapshot)
            if newer is not None:
                batches = (batch.filter(pc.invert(pc.is_in(batch[self._entity], value_set=newer))) for batch in batches)
            bulk_load.load(self._store, self._store.get_feature_view(VIEW), batches)
            record.finish(snapshot.as_of, snapshot.features_hash)

    def training_set(self, as_of: date, entities: NDArray[Any]) -> Columns:
        """The features of `entities` as known at `as_of`, by Feast's point-in-time join, in the order asked for.

        Of more than 50,000 entities the same rows are read from the snapshots without it: for a million the join by Dask takes half
        of a training's time, and all of its memory's peak.
        """
        asked = pd.Index(entities, dtype=object)
        self._refresh()
        with self._translated("read"):
            if len(asked) > _BY_FEAST and (read := self._rows.newest(as_of, pa.array(asked, pa.string()))) is not None:
                return {feature.name: stored_column(feature, read[feature.name], self._declared) for feature in self._features}
            # Asked for entities of whom there is nothing, Feast's Dask join breaks: it cannot sort by a timestamp that is null.
            everybody, kept = self._rows.known_by(as_of)
            known = asked.unique().intersection(everybody, sort=False)
            if known.empty:
                rows = pd.DataFrame(index=asked, columns=[feature.name for feature in self._features], dtype=object)
            else:
                self._apply()
                stored = known.map(lambda key: kept.get(key, key)) if kept else known
                frame = pd.DataFrame({self._entity: stored, EVENT_TIMESTAMP: pd.Timestamp(event_time(as_of))})
                with warnings.catch_warnings():
                    # dask 2026.8 fills the bounds of a month without rows in a way that pandas 2.3 warns of
                    warnings.filterwarnings("ignore", "Downcasting object dtype arrays", FutureWarning)
                    joined = self._store.get_historical_features(entity_df=frame, features=self._service).to_df()
                joined = joined.set_index(self._entity)
                if kept:
                    joined = joined.rename(index={name: key for key, name in kept.items() if key in known})
                rows = joined.reindex(asked)  # it neither keeps the order nor repeats an entity
        return {
            feature.name: column_of(feature, rows[feature.name], self._declared.get(feature.name, ())) for feature in self._features
        }

    def online(self, entities: Sequence[str]) -> list[StoredRow | None]:
        """The latest features of each entity with their date, None for one that was never loaded.

        The date is the timestamp that Feast reads along with every value. Raises Unavailable when the store is down.
        """
        found: list[StoredRow | None] = []
        if not self._can_be_read():  # Feast would make an empty one
            message = f"the feature store {self._where} holds nothing yet: `ratchet data ingest` fills it"
            raise Unavailable(message)
        with self._translated("read"):
            for start in range(0, len(entities), _LOOKUPS):
                found += self._look_up(entities[start : start + _LOOKUPS])
            self._as_kept_before(entities, found)
        return found

    def _as_kept_before(self, entities: Sequence[str], found: list[StoredRow | None]) -> None:
        """Look who is unknown up as a release before the rule of ratchet.core.entity_key may have loaded it: `1000` as `1000.0`."""
        others = [(at, older) for at, row in enumerate(found) if row is None for older in spellings(entities[at])[1:]]
        for start in range(0, len(others), _LOOKUPS):
            some = others[start : start + _LOOKUPS]
            for (at, _), row in zip(some, self._look_up([older for _, older in some]), strict=True):
                found[at] = row if found[at] is None else found[at]

    def _can_be_read(self) -> bool:
        if self._postgres is None:
            return self._online.exists() and self._registry.exists()
        if self._registry.exists():
            return True
        if isinstance(self._record, SqlLoadRecord) and self._record.is_empty():
            return False
        with self._translated("read"):
            self._apply(tables=False)  # a pod that has just started: the definitions, from the project
        return True

    def _look_up(self, entities: Sequence[str]) -> list[StoredRow | None]:
        try:
            return self._look_up_once(entities)
        except psycopg.OperationalError:  # PostgreSQL was restarted, or has ended the connection: a new one may do
            self._reopen()
            return self._look_up_once(entities)

    def _look_up_once(self, entities: Sequence[str]) -> list[StoredRow | None]:
        """By Feast's provider, below `get_online_features`, which resolves the service and pads its answer anew at each call.

        That is 224 us for one entity where this takes 65, and 101 for each of 16 where this takes 57.
        """
        provider, config, view = self._look_ups
        keys = [EntityKey(join_keys=[self._entity], entity_values=[Value(string_val=entity)]) for entity in entities]
        read = provider.online_read(config, view, keys, [feature.name for feature in self._features])
        return [None if values is None else self._row(values, moment) for moment, values in read]

    def _row(self, values: dict[str, Value], moment: datetime | None) -> StoredRow:
        row = {feature.name: value_of(values.get(feature.name, _EMPTY)) for feature in self._features}
        return StoredRow(row, date_of(moment))

    @cached_property
    def _store(self) -> Any:
        return self._opened("file")

    @cached_property
    def _service(self) -> Any:
        return self._store.get_feature_service(self._model)

    @cached_property
    def _look_ups(self) -> tuple[Any, RepoConfig, FeatureView]:
        """What reads the online store, without the libraries of an offline one."""
        store = self._opened(NO_OFFLINE)
        return store.provider, store.config, store.get_feature_view(VIEW)

    def _opened(self, offline: str) -> Any:
        store = FeatureStore(config=self._config(self._registry, offline))
        self._closing.append(weakref.finalize(self, close, store))
        return store

    def _config(self, registry: Path, offline: str = "file", online: dict[str, Any] | None = None) -> RepoConfig:
        own = online_store(self._postgres) if self._postgres else {"type": "sqlite", "path": str(self._online)}
        return RepoConfig(
            project=self._model,
            provider="local",
            registry={"path": str(registry), "cache_ttl_seconds": 0},  # 0: read once, it does not change
            online_store=online or own,
            offline_store={"type": offline},
            entity_key_serialization_version=3,
            repo_path=self._base,
        )

    def _apply(self, *, tables: bool = True) -> None:
        """Register the definitions, if these never were, and make the online store's table, for which who serves has no right."""
        if self._is_applied():
            return
        key = Entity(name=self._entity, join_keys=[self._entity], value_type=ValueType.STRING)
        source = FileSource(name="snapshots", path=f"{self._beside}/as_of=*/{FEATURES}", timestamp_field=EVENT_TIMESTAMP)
        fields = [Field(name=feature.name, dtype=_TYPES[feature.dtype]) for feature in self._features]
        view = FeatureView(name=VIEW, entities=[key], schema=[Field(name=self._entity, dtype=String), *fields], source=source)
        service = FeatureService(name=self._model, features=[view])
        with self._locked("registry"):
            if self._is_applied():  # by another process, meanwhile
                return
            temporary = self._applied.with_suffix(".new")  # Feast rewrites a registry in place, under the eyes of its readers
            temporary.unlink(missing_ok=True)
            with self._making_table() if tables else contextlib.nullcontext():
                making = FeatureStore(config=self._config(temporary, online=None if tables else {"type": NO_TABLES}))
                try:
                    if tables:
                        bulk_load.make_table(making, view)
                    making.apply([key, source, view, service])
                finally:
                    close(making)
            if self._postgres is None:
                with contextlib.closing(sqlite3.connect(self._online)) as connection:
                    connection.execute("PRAGMA journal_mode=WAL")  # kept in the file: readers do not wait for a load
            temporary.replace(self._applied)
        self._reopen()

    def _reopen(self) -> None:
        """Let go of what this object has open: it may have been deleted, or its connection be broken."""
        while self._closing:
            self._closing.pop()()
        for opened in ("_store", "_service", "_look_ups"):
            self.__dict__.pop(opened, None)

    def _is_applied(self) -> bool:
        if self._postgres is not None:
            return self._applied.exists()
        if not self._applied.exists() or not self._online.exists():
            return False
        with contextlib.closing(sqlite3.connect(f"{self._online.as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table'").fetchone())

    @property
    def _registry(self) -> Path:
        """Of the definitions; until it is made, the one of an older release, which knew the snapshots by their full path."""
        older = self._home / f"registry-{digest_of(self._older_definitions)[:12]}.db"
        return older if older.exists() and not self._applied.exists() else self._applied

    @property
    def _definitions(self) -> dict[str, Any]:
        features = [[feature.name, feature.dtype.value] for feature in self._features]
        return {"model": self._model, "entity": self._entity, "snapshots": self._beside, "features": features}

    @property
    def _older_definitions(self) -> dict[str, Any]:
        return {**self._definitions, "snapshots": str(self._snapshots)}

    @cached_property
    def _base(self) -> Path:
        """What the path of the snapshots is relative to: Feast's folder, or one whose name means nothing to who opens files."""
        if not _MEANINGFUL.search(str(self._snapshots)) or self._snapshots.parent != self._home.parent:
            return self._home
        folder = Path(tempfile.mkdtemp(prefix="ratchet-feast-")).resolve()
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        (folder / "at").symlink_to(self._home.parent)
        return folder / "at" / self._home.name

    @property
    def _beside(self) -> str:
        """The snapshots as seen from Feast's folder: so that both may be moved and copied."""
        return os.path.relpath(self._snapshots, self._home)

    def _is_online(self, snapshot: Snapshot) -> bool:
        """Whether the snapshot's first entity is there: the file may have been deleted or emptied since it was recorded."""
        return self.online([self._rows.first_entity(snapshot.as_of)])[0] is not None

    def _locked(self, name: str) -> contextlib.AbstractContextManager[None]:
        return locked(self._home / name, _LOCK_TIMEOUT)

    def _loading(self) -> contextlib.AbstractContextManager[None]:
        """One load at a time: of all pods that share a PostgreSQL, else of all processes that share the home."""
        record = self._record
        return record.locked(_LOCK_TIMEOUT) if isinstance(record, SqlLoadRecord) else self._locked("materialise")

    def _making_table(self) -> contextlib.AbstractContextManager[None]:
        """Two pods that make the same table at once: PostgreSQL fails one of them in spite of IF NOT EXISTS."""
        if self._postgres is None:
            return contextlib.nullcontext()
        return SqlLoadRecord(self._postgres, f"{self._model} table", "").locked(_LOCK_TIMEOUT)

    @property
    def _given(self) -> str:
        return self._postgres.render_as_string(hide_password=False) if self._postgres else ""

    @property
    def _where(self) -> str:
        return place_of(self._given) if self._given else str(self._home)

    @contextlib.contextmanager
    def _translated(self, verb: str) -> Iterator[None]:
        try:
            yield
        except pa.ArrowException as error:
            message = f"a snapshot under {self._snapshots} is damaged ({cause_of(error)}): ingest it again with {REPLACE}"
            raise ArtifactError(message) from error
        except (sqlite3.Error, psycopg.Error, FeastError, DecodeError, OSError) as error:
            if isinstance(error, psycopg.Error):
                self._reopen()  # after an error the connection takes no further query
            raise feature_error(error, f"the feature store {self._where}", verb, self._given) from error
