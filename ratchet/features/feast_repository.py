"""Features of a Feast repository that exists, which is read and never written to: no apply, no load, no teardown.

Ingest takes the features of a snapshot's entities from the offline store and keeps them with the snapshot: what a month was judged
and trained on stays what it was, whatever is corrected or deleted there later. Serving looks up in the online store, which who runs
the repository fills.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratchet.core.errors import RatchetError
from ratchet.core.schema import Columns, Feature, Snapshot, StoredRow
from ratchet.features.feast_errors import repository_error
from ratchet.features.feast_opening import Repository
from ratchet.features.feast_service import Service, fitting
from ratchet.features.feast_values import column_of, value_of
from ratchet.features.port import FeatureStore
from ratchet.snapshots.layout import EVENT_TIMESTAMP, event_time

_LOOKUPS = 1_000  # entities a query
_NOT_FOUND = 3  # Feast's FieldStatus: the online store has no row of the entity


class FeastRepository:
    """The FeatureStore of port.py.

    Args:
        folder: of its feature_store.yaml.
        service: the feature service.
        key: the join key.
        features: the model's inputs, in order.
        stored: gives training sets from the stored snapshots, which have the features that `offline` found.
        declared: the categories that ratchet.yaml lists, by feature, in whose spelling codes are read.
    """

    def __init__(
        self,
        folder: Path,
        service: str,
        key: str,
        features: Sequence[Feature],
        stored: FeatureStore,
        *,
        declared: Mapping[str, Collection[str]] = MappingProxyType({}),
    ) -> None:
        self._repository = Repository(folder)
        self.service = service
        self._key, self._features = key, tuple(features)
        self._stored, self._declared = stored, declared

    def materialise(self, snapshot: Snapshot) -> None:
        """Nothing: the repository's own jobs fill its online store."""

    def training_set(self, as_of: date, entities: NDArray[Any]) -> Columns:
        """The features that were taken at ingest, as known at `as_of`, in the order asked for."""
        return self._stored.training_set(as_of, entities)

    def offline(self, as_of: date, entities: NDArray[Any]) -> Columns:
        """The features of `entities` as the offline store knows them at 00:00 UTC of `as_of`, by its point-in-time join.

        All missing of an entity that it does not have. Raises Misconfigured when the service does not fit the project, Unavailable
        when a store of the repository cannot be reached.
        """
        with self._translated():
            store, service = self._offline
            keys = [service.key_of(str(entity)) for entity in entities]
            asked = list(dict.fromkeys(key for key in keys if key is not None))
            joined = self._joined(store, service, as_of, asked) if asked else pd.DataFrame()
            rows = joined.reindex(pd.Index(keys, dtype=object), columns=[feature.name for feature in self._features])
            return {feature.name: self._column(feature, rows[feature.name], service) for feature in self._features}

    def _joined(self, store: Any, service: Service, as_of: date, asked: list[Any]) -> pd.DataFrame:
        frame = pd.DataFrame({service.key: asked, EVENT_TIMESTAMP: pd.Timestamp(event_time(as_of))})
        with warnings.catch_warnings():
            # as in feast_features: dask fills the bounds of a month without rows in a way that pandas warns of
            warnings.filterwarnings("ignore", "Downcasting object dtype arrays", FutureWarning)
            joined = store.get_historical_features(entity_df=frame, features=service.feast).to_df()
        rows: pd.DataFrame = joined.set_index(service.key)
        rows.index = rows.index.astype(object)
        return rows

    def _column(self, feature: Feature, cells: pd.Series, service: Service) -> NDArray[Any]:
        found = column_of(feature, cells, self._declared.get(feature.name, ()))
        # the online store keeps it so: trained on more digits than are served, a tree would split between the two
        return found.astype(np.float32).astype(np.float64) if feature.name in service.single else found

    def online(self, entities: Sequence[str]) -> list[StoredRow | None]:
        """What the repository's online store has of each entity, None for one of which it has nothing.

        The date is that of the oldest row among those of its views.
        Raises Misconfigured when the service does not fit the project, Unavailable when the store cannot be reached.
        """
        found: list[StoredRow | None] = [None] * len(entities)
        with self._translated():
            store, service = self._online
            keys = [(at, key) for at, entity in enumerate(entities) if (key := service.key_of(entity)) is not None]
            for start in range(0, len(keys), _LOOKUPS):
                some = keys[start : start + _LOOKUPS]
                rows = self._looked_up(store, service, [key for _, key in some])
                for (at, _), row in zip(some, rows, strict=True):
                    found[at] = row
        return found

    def _looked_up(self, store: Any, service: Service, keys: list[Any]) -> list[StoredRow | None]:
        answer = store.get_online_features(features=service.feast, entity_rows=[{service.key: key} for key in keys]).proto
        vectors = dict(zip(answer.metadata.feature_names.val, answer.results, strict=True))
        wanted = [vectors[feature.name] for feature in self._features]
        return [self._row(wanted, at) for at in range(len(keys))]

    def _row(self, wanted: Sequence[Any], at: int) -> StoredRow | None:
        """An entity's cells, None where none of its views has a row of it."""
        found = [vector for vector in wanted if vector.statuses[at] != _NOT_FOUND]
        if not found:
            return None
        values = {feature.name: value_of(vector.values[at]) for feature, vector in zip(self._features, wanted, strict=True)}  # noqa: PD011 - no pandas
        oldest = min(vector.event_timestamps[at].seconds for vector in found)
        return StoredRow(values, datetime.fromtimestamp(oldest, UTC).date() if oldest else None)

    @cached_property
    def _offline(self) -> tuple[Any, Service]:
        return self._opened(online=False)

    @cached_property
    def _online(self) -> tuple[Any, Service]:
        return self._opened(online=True)

    def _opened(self, *, online: bool) -> tuple[Any, Service]:
        store = self._repository.open(online=online)
        return store, fitting(store, self.service, self._key, self._features)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except RatchetError:
            raise
        except Exception as error:  # the stores beneath may be any of Feast's twenty, each with errors of its own
            for opened in ("_online", "_offline"):
                self.__dict__.pop(opened, None)  # a connection that is broken stays so: the next look opens the stores anew
            raise repository_error(error, self._repository.folder, self._repository.secrets) from error
