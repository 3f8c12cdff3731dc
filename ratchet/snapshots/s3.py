"""Snapshots on S3, with a mirror on the local disk that everything reads: ParquetSnapshots as it is, Feast's offline source too.

S3 is the truth. A table is an object named after its bytes, which never changes; `as_of=DATE/manifest.json` names the tables and is
written last, on the condition that it is still the one that was read (If-Match, If-None-Match). So a crash leaves objects that
nobody names, never half a snapshot, and of two writers one learns that it lost. Each call looks at the manifests first, and fetches
what others have changed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pandas as pd
from filelock import FileLock

from ratchet.clients.durable import TEMPORARY
from ratchet.clients.s3 import Absent, Changed, S3Folder
from ratchet.core.errors import REPLACE, ArtifactError, Unavailable
from ratchet.core.schema import Columns, Snapshot
from ratchet.snapshots.layout import FEATURES, LABELS, MANIFEST, folder_name
from ratchet.snapshots.parquet import ParquetSnapshots, snapshot_of

FORMAT = 1
_SEEN = ".etag"  # in a mirrored folder: the manifest that it was made from
_TRIES = 5  # of fetching what is being replaced, and of writing what others write


class S3Snapshots:
    """The SnapshotStore of port.py on S3.

    Args:
        remote: the folder on S3.
        mirror: the store on the local disk, over the folder `root`.
        root: a folder that belongs to the mirror alone; what is in it and not on S3 is removed.
    """

    def __init__(self, remote: S3Folder, mirror: ParquetSnapshots, root: Path) -> None:
        self._remote, self._mirror, self._root = remote, mirror, root

    def write(self, snapshot: Snapshot, features: pd.DataFrame, labels: pd.DataFrame | None, *, replace: bool = False) -> bool:
        """Store a snapshot, whole or not at all; as ParquetSnapshots.write."""
        with self._locked():
            for _ in range(_TRIES):
                try:
                    return self._write(snapshot, features, labels, replace=replace)
                except Changed:  # another writer was first: judge anew against what it wrote
                    continue
        message = f"the snapshot store {self._remote.url} is being written by others all the time: try again"
        raise Unavailable(message)

    def snapshots(self) -> list[Snapshot]:
        """All snapshots, oldest first."""
        self.refresh()
        return self._mirror.snapshots()

    def listed(self) -> list[Snapshot]:
        """As `snapshots`, by the manifests alone. Raises ArtifactError when one of them is damaged."""
        keys = [entry.key for entry in self._remote.entries("as_of=") if _is_manifest(entry.key)]
        found = []
        for key in sorted(keys):
            try:
                content, _ = self._remote.get(key)
                found.append(snapshot_of(json.loads(content)["snapshot"])[1])
            except Absent:  # taken away meanwhile
                continue
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise self._damaged(key, "it is no manifest") from error
        return found

    def get(self, name: str) -> Snapshot:
        """The snapshot of that name, ISO date or id. Raises DataError when there is none."""
        self.refresh()
        return self._mirror.get(name)

    def columns(self, snapshot: Snapshot, names: Sequence[str], rows: range | None = None) -> Columns:
        """Columns of the feature table; as ParquetSnapshots.columns."""
        self.refresh()
        return self._mirror.columns(snapshot, names, rows)

    def labels(self, snapshot: Snapshot, rows: range | None = None) -> Columns:
        """Entities and labels; as ParquetSnapshots.labels."""
        self.refresh()
        return self._mirror.labels(snapshot, rows)

    def refresh(self) -> None:
        """Make the mirror what S3 holds. Raises ArtifactError when an object there is damaged."""
        with self._locked():
            self._refresh()

    def _refresh(self, besides: str = "") -> dict[str, str]:
        """As refresh, leaving out one folder; ETags of all manifests by folder."""
        tags = {
            entry.key.removesuffix(f"/{MANIFEST}"): entry.etag
            for entry in self._remote.entries("as_of=")
            if _is_manifest(entry.key)
        }
        for folder in self._root.glob("as_of=*"):
            if folder.name not in tags:
                _remove(folder)
        for name, etag in tags.items():
            if name != besides and _seen(self._root / name) != etag:
                self._fetch(name)
        return tags

    def _fetch(self, name: str) -> None:
        """Put the folder of that name in the mirror, from S3. A snapshot that is being replaced is begun again."""
        for _ in range(_TRIES):
            try:
                content, etag = self._remote.get(f"{name}/{MANIFEST}")
                self._fetch_tables(name, content, etag)
            except Absent:
                continue
            return
        message = (
            f"{self._remote.url}/{name} is damaged (it names tables that are not there): ingest the snapshot again with {REPLACE}"
        )
        raise ArtifactError(message)

    def _fetch_tables(self, name: str, content: bytes, etag: str) -> None:
        try:
            named = json.loads(content)
            manifest, tables = named["snapshot"], {str(file): str(key) for file, key in named["tables"].items()}
            if named["format"] != FORMAT or not set(tables) <= {FEATURES, LABELS}:
                raise ValueError  # noqa: TRY301 - one sentence for all that it can be
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            where = f"{name}/{MANIFEST}"
            raise self._damaged(where, "it is no manifest") from error
        temporary = self._root / f"{TEMPORARY}{name}-{uuid.uuid4().hex}"
        temporary.mkdir(parents=True)
        try:
            for file, key in tables.items():
                self._remote.download(f"{name}/{key}", temporary / file)
                if key != _object_name(temporary / file):
                    where = f"{name}/{key}"
                    raise self._damaged(where, "its bytes are not those it is named after")
            (temporary / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
            (temporary / _SEEN).write_text(etag, encoding="utf-8")
            _remove(self._root / name)
            temporary.rename(self._root / name)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _write(self, snapshot: Snapshot, features: pd.DataFrame, labels: pd.DataFrame | None, *, replace: bool) -> bool:
        name = folder_name(snapshot.as_of)
        tags = self._refresh(besides=name if replace else "")
        if replace and name in tags and _seen(self._root / name) != tags[name]:
            try:
                self._fetch(name)
            except ArtifactError:  # --replace mends what is damaged
                _remove(self._root / name)
        if not self._mirror.write(snapshot, features, labels, replace=replace):
            return False
        folder = self._root / name
        with ExitStack() as undo:
            undo.callback(_remove, folder)  # the mirror holds nothing that S3 does not
            tables = {file: _object_name(folder / file) for file in (FEATURES, LABELS) if (folder / file).exists()}
            for file, key in tables.items():
                self._remote.upload(folder / file, f"{name}/{key}")
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            content = json.dumps({"format": FORMAT, "snapshot": manifest, "tables": tables}, indent=2).encode()
            etag = self._remote.commit(f"{name}/{MANIFEST}", content, over=tags.get(name))
            undo.pop_all()
        (folder / _SEEN).write_text(etag, encoding="utf-8")
        kept = {MANIFEST, *tables.values()}
        for entry in self._remote.entries(f"{name}/"):
            if entry.key.removeprefix(f"{name}/") not in kept:
                self._remote.delete(entry.key)
        return True

    def _damaged(self, key: str, why: str) -> ArtifactError:
        return ArtifactError(f"{self._remote.url}/{key} is damaged ({why}): ingest the snapshot again with {REPLACE}")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process of this machine at a time changes the mirror; other machines have their own."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            with FileLock(self._root / ".mirror.lock"):
                yield
        except OSError as error:
            message = f"the mirror {self._root} of {self._remote.url} cannot be written: {error.strerror or error}"
            raise Unavailable(message) from error


def place_of(own: S3Folder, shared: S3Folder, is_mine: Callable[[], bool]) -> S3Folder:
    """Where a model's snapshots lie: below its own name; directly below the prefix where release 0.1 put them and they are its.

    Those stay where they are: nothing can be half copied, and runs of that release that are under way find them.

    Args:
        own: the model's folder.
        shared: the folder above.
        is_mine: whether what names no model is this one's; asked only where there is such.
    """
    if own.holds("as_of=") or not shared.holds("as_of="):
        return own
    return shared if is_mine() else own


def _object_name(path: Path) -> str:
    """The object's name for a table: `features-<first 32 hex digits of the SHA-256 of its bytes>.parquet`."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{path.stem}-{digest[:32]}{path.suffix}"


def _is_manifest(key: str) -> bool:
    return key.count("/") == 1 and key.endswith(f"/{MANIFEST}")


def _seen(folder: Path) -> str | None:
    try:
        return (folder / _SEEN).read_text(encoding="utf-8")
    except OSError:
        return None


def _remove(folder: Path) -> None:
    """Take a folder out of the mirror; by a rename first, so that no reader sees half of it."""
    aside = folder.with_name(f"{TEMPORARY}{folder.name}-{uuid.uuid4().hex}")
    try:
        folder.rename(aside)
    except FileNotFoundError:
        return
    shutil.rmtree(aside)
