"""Snapshots as Parquet, one folder a date: `as_of=YYYY-MM-DD/{features.parquet, labels.parquet, manifest.json}`.

A snapshot becomes visible by one rename of its finished, synced folder. Replacing one needs two (a folder cannot be renamed over
another): the old folder is set aside first, and whoever comes next after a crash puts it back, or removes it when the new one
stands. Labels that arrive later become visible with the manifest that names them.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from ratchet.clients.arrow_keys import one_code, stored
from ratchet.clients.content_hash import table_hash
from ratchet.clients.durable import TEMPORARY, staged, sync, write_synced
from ratchet.core.errors import REPLACE, ArtifactError, DataError, ProjectError, Unavailable
from ratchet.core.schema import Coded, Columns, DType, Feature, Snapshot
from ratchet.snapshots.as_read import hash_as_read
from ratchet.snapshots.later_labels import joined
from ratchet.snapshots.layout import EVENT_TIMESTAMP, FEATURES, LABELS, MANIFEST, event_time, folder_name

FORMAT = 1
_ASIDE = ".old-"
_ARROW = {
    DType.INT: pa.int64(),
    DType.DATE: pa.int64(),
    DType.FLOAT: pa.float64(),
    DType.BOOL: pa.bool_(),
    DType.CATEGORY: pa.string(),
}
_ROW_GROUP = 100_000


class ParquetSnapshots:
    """The SnapshotStore of port.py on a local folder.

    Args:
        root: the folder; made when something is written.
        entity: the entity key's column.
        label: the label's column.
        columns: features, then slices.
        declared: the categories that ratchet.yaml lists, by column: their codes are read in that spelling.
    """

    def __init__(
        self,
        root: Path,
        entity: str,
        label: str,
        columns: Sequence[Feature],
        declared: Mapping[str, Collection[str]] = MappingProxyType({}),
    ) -> None:
        if EVENT_TIMESTAMP in {entity, label, *(column.name for column in columns)}:
            message = f"a column cannot be named {EVENT_TIMESTAMP}: the feature store keeps the snapshot's date under that name"
            raise ProjectError(message)
        self._root = root
        self._entity = entity
        self._label = label
        self._columns = {column.name: column for column in columns}
        self._codes = {column.name: declared.get(column.name, ()) for column in columns if not column.dtype.is_number}

    def write(self, snapshot: Snapshot, features: pd.DataFrame, labels: pd.DataFrame | None, *, replace: bool = False) -> bool:
        """Store a snapshot, whole or not at all.

        Returns False when the same content is there. Raises DataError when the date holds other content and `replace` is not set,
        Unavailable when the folder cannot be written.
        """
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            with self._locked():
                self._recover()
                return self._write(snapshot, features, labels, overwrite=replace)
        except OSError as error:
            message = f"the snapshot store {self._root} cannot be written: {error.strerror or error}"
            raise Unavailable(message) from error

    def snapshots(self) -> list[Snapshot]:
        """All snapshots, oldest first. Raises ArtifactError when a manifest cannot be read."""
        if not self._root.is_dir():
            return []
        if any(self._root.glob(f"{_ASIDE}*")):
            try:
                with self._locked():
                    self._recover()
            except OSError as error:
                message = f"the snapshot store {self._root} cannot be mended after a crash: {error.strerror or error}"
                raise Unavailable(message) from error
        return [self._manifest(folder) for folder in sorted(self._root.glob("as_of=*"))]

    def listed(self) -> list[Snapshot]:
        """As `snapshots`, which reads no more than manifests."""
        return self.snapshots()

    def get(self, name: str) -> Snapshot:
        """The snapshot of that name, ISO date or id. Raises DataError when there is none."""
        present = self.snapshots()
        for snapshot in present:
            if name in {snapshot.name, snapshot.as_of.isoformat(), snapshot.id}:
                return snapshot
        there = ", ".join(snapshot.name for snapshot in present) or "none"
        message = f"snapshot {name!r} has not been ingested (there: {there}): `ratchet data ingest` does it"
        raise DataError(message)

    def columns(self, snapshot: Snapshot, names: Sequence[str], rows: range | None = None) -> Columns:
        """Columns of the feature table in stored order (sorted by entity); reads what is asked for only.

        Numbers are float64 with NaN, categories objects; so is the entity key. Keys and codes are in their one spelling, however
        they were stored.
        Raises ArtifactError when the file is damaged.
        """
        table = self._read(snapshot, FEATURES, names, snapshot.rows, rows)
        return {
            name: self._keys(table[name]) if name == self._entity else self._column(table[name], self._columns.get(name))
            for name in names
        }

    def labels(self, snapshot: Snapshot, rows: range | None = None) -> Columns:
        """`entity` (str objects) and `label` (as it was written) of the labelled rows. Raises DataError when there are none."""
        if not snapshot.labelled:
            message = f"the labels of snapshot {snapshot.name} have not arrived: ingest it again when they have"
            raise DataError(message)
        table = self._read(snapshot, LABELS, [self._entity, self._label], snapshot.labelled_rows, rows)
        return {"entity": self._keys(table[self._entity]), "label": table[self._label].to_numpy()}

    def _write(self, snapshot: Snapshot, features: pd.DataFrame, labels: pd.DataFrame | None, *, overwrite: bool) -> bool:
        if overwrite:
            if self._holds(snapshot):
                return False
        elif (present := self._at(snapshot.as_of)) is not None:
            if present.hash == snapshot.hash:
                return False
            return self._add_labels(present, snapshot, features, labels)
        self._write_folder(snapshot, features, labels)
        return True

    def _holds(self, snapshot: Snapshot) -> bool:
        """Whether exactly this content is there and every byte of it can be read: --replace mends a damaged snapshot."""
        try:
            present = self._at(snapshot.as_of)
            if present is None or present.hash != snapshot.hash:
                return False
            self._read(present, FEATURES, [self._entity, *self._columns], present.rows)
            if present.labelled:
                self._read(present, LABELS, [self._entity, self._label], present.labelled_rows)
        except (ArtifactError, DataError):
            return False
        return True

    def _keys(self, column: pa.ChunkedArray) -> Any:
        return np.asarray(stored(column.cast(pa.string()).combine_chunks()).to_numpy(zero_copy_only=False), dtype=object)

    def _column(self, column: pa.ChunkedArray, feature: Feature | None) -> Any:
        if feature is not None and feature.dtype.is_number:
            return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)
        if not pa.types.is_dictionary(column.type):
            return np.asarray(column.to_numpy(zero_copy_only=False), dtype=object)
        coded = column.unify_dictionaries().combine_chunks()
        values = coded.dictionary if feature is None else one_code(coded.dictionary, self._codes[feature.name])
        return Coded(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), values.to_pylist()).texts()

    def _read(self, snapshot: Snapshot, file: str, names: Sequence[str], stored: int, rows: range | None = None) -> pa.Table:
        path = self._root / folder_name(snapshot.as_of) / file
        try:
            metadata = pq.read_metadata(path)
            there, stored_names = metadata.num_rows, metadata.schema.names
            missing = [name for name in names if name not in stored_names]
            # as codes: reading each row's text anew takes ten times as long, and the memory of all those texts
            coded = [name for name in self._codes if name in stored_names]
            with pq.ParquetFile(path, metadata=metadata, page_checksum_verification=True, read_dictionary=coded) as parquet:
                table = None if missing else _stretch(parquet, list(names), rows)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(path, str(error)) from error
        if table is None:
            message = f"snapshot {snapshot.name} was ingested without {', '.join(missing)}: ingest it again with {REPLACE}"
            raise DataError(message)
        if there != stored or table.num_rows != len(range(stored) if rows is None else rows):
            raise _damaged(path, f"{there} rows, where its manifest says {stored}")
        return table

    def _at(self, as_of: date) -> Snapshot | None:
        folder = self._root / folder_name(as_of)
        return self._manifest(folder) if folder.is_dir() else None

    def _manifest(self, folder: Path) -> Snapshot:
        path = folder / MANIFEST
        try:
            version, snapshot = snapshot_of(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise _damaged(path, str(error)) from error
        if version != FORMAT or folder_name(snapshot.as_of) != folder.name:
            raise _damaged(path, f"format {version}, as_of {snapshot.as_of}, in folder {folder.name}")
        return snapshot

    def _add_labels(self, present: Snapshot, snapshot: Snapshot, features: pd.DataFrame, labels: pd.DataFrame | None) -> bool:
        """Labels for entities that have none yet; anything else is other content."""
        as_stored = present.features_hash == snapshot.features_hash
        if not as_stored and self._as_read(present) != snapshot.features_hash:
            raise _other(present, snapshot, "features", "")
        if labels is None:  # the labels that are there came later than this delivery
            return False
        named = dataclasses.replace(snapshot, name=present.name)
        if not present.labelled and not as_stored:  # the manifest's hash is of what is stored: the table in its spelling of today
            self._write_folder(named, features, labels)
            return True
        if not present.labelled:
            folder = self._root / folder_name(snapshot.as_of)
            with staged(folder / LABELS) as path:
                self._write_labels(path, labels)
            with staged(folder / MANIFEST) as path:
                _write_manifest(path, named)
            return True
        stored_labels = self.labels(present)
        try:
            together = joined(stored_labels, labels, self._entity, self._label)
        except DataError as error:
            raise _other(present, snapshot, "labels", f" ({error})") from error
        if together is None:
            return False
        whole = dataclasses.replace(named, labelled_rows=len(together), labels_hash=table_hash(together, self._entity))
        # the folder anew and not one file after the other: whoever is killed in between leaves labels and manifest of one content
        self._write_folder(whole, features, together)
        return True

    def _as_read(self, present: Snapshot) -> str:
        """The hash of a stored feature table by today's rule of spelling; empty where it cannot be told."""
        try:
            table = self._read(present, FEATURES, [self._entity, *self._columns], present.rows)
        except DataError:  # it lacks a column that ratchet.yaml has now
            return ""
        return hash_as_read(table, self._entity, self._codes, present.features_hash)

    def _write_folder(self, snapshot: Snapshot, features: pd.DataFrame, labels: pd.DataFrame | None) -> None:
        target = self._root / folder_name(snapshot.as_of)
        temporary = self._root / f"{TEMPORARY}{target.name}-{uuid.uuid4().hex}"
        temporary.mkdir()
        self._write_features(temporary / FEATURES, snapshot, features)
        if labels is not None:
            self._write_labels(temporary / LABELS, labels)
        _write_manifest(temporary / MANIFEST, snapshot)
        sync(temporary)
        aside = self._root / f"{_ASIDE}{target.name}"
        if target.exists():
            target.rename(aside)
        temporary.rename(target)
        sync(self._root)
        shutil.rmtree(aside, ignore_errors=True)  # left over, it is swept by the next write

    def _write_features(self, path: Path, snapshot: Snapshot, features: pd.DataFrame) -> None:
        fields = [(self._entity, pa.string()), *((name, _ARROW[column.dtype]) for name, column in self._columns.items())]
        arrays = [pa.array(features[name], kind, from_pandas=True) for name, kind in fields]
        moment = pa.array(np.full(len(features), event_time(snapshot.as_of).replace(tzinfo=None), dtype="datetime64[us]"))
        fields.append((EVENT_TIMESTAMP, pa.timestamp("us", tz="UTC")))
        arrays.append(moment.cast(pa.timestamp("us")).cast(fields[-1][1]))
        _write_parquet(path, pa.table(arrays, schema=pa.schema(fields)))

    def _write_labels(self, path: Path, labels: pd.DataFrame) -> None:
        columns = {self._entity: pa.array(labels[self._entity], pa.string()), self._label: pa.array(labels[self._label])}
        _write_parquet(path, pa.table(columns))

    def _locked(self) -> FileLock:
        return FileLock(self._root / ".lock")

    def _recover(self) -> None:
        """Finish what a crashed writer left: under the lock, so there is no living one."""
        for aside in self._root.glob(f"{_ASIDE}*"):
            target = self._root / aside.name.removeprefix(_ASIDE)
            if not target.exists():
                aside.rename(target)
            elif aside.is_dir():
                shutil.rmtree(aside)
            else:  # somebody's file stood where the folder belongs
                aside.unlink()
        for orphan in self._root.glob(f"{TEMPORARY}*"):
            shutil.rmtree(orphan)
        for orphan in self._root.glob(f"as_of=*/{TEMPORARY}*"):
            orphan.unlink()


def _stretch(parquet: pq.ParquetFile, names: list[str], rows: range | None) -> pa.Table:
    """Read the rows asked for (all when None), and no row group without any of them."""
    if rows is None:
        return parquet.read(columns=names)
    start, first = 0, 0
    groups: list[int] = []
    for group in range(parquet.num_row_groups):
        stop = start + parquet.metadata.row_group(group).num_rows
        if start < rows.stop and rows.start < stop:
            first = first if groups else start
            groups.append(group)
        start = stop
    return parquet.read_row_groups(groups, columns=names).slice(rows.start - first, len(rows))


def snapshot_of(manifest: Any) -> tuple[Any, Snapshot]:
    """A manifest's format and what it says. Raises ValueError, TypeError, KeyError or AttributeError when it is none."""
    content = dict(manifest)
    version = content.pop("format")
    return version, Snapshot(**{**content, "as_of": date.fromisoformat(content["as_of"])})


def _write_manifest(path: Path, snapshot: Snapshot) -> None:
    content = {"format": FORMAT, **dataclasses.asdict(snapshot), "as_of": snapshot.as_of.isoformat()}
    write_synced(path, lambda file: file.write(json.dumps(content, indent=2).encode()))


def _write_parquet(path: Path, table: pa.Table) -> None:
    write_synced(
        path, lambda file: pq.write_table(table, file, row_group_size=_ROW_GROUP, compression="zstd", write_page_checksum=True)
    )


def _other(present: Snapshot, snapshot: Snapshot, what: str, why: str) -> DataError:
    return DataError(
        f"{snapshot.as_of} holds other {what} ({present.id}, named {present.name}) than {snapshot.name} now brings{why}: "
        f"ingest with {REPLACE} if they are to be replaced"
    )


def _damaged(path: Path, why: str) -> ArtifactError:
    return ArtifactError(f"{path} is damaged ({' '.join(why.split())[:200]}): ingest the snapshot again with {REPLACE}")
