"""Raw snapshots and reports on S3: the one fetched for checking as from a folder, the other stored as they are."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ratchet.clients.s3 import Entry, S3Folder
from ratchet.core.errors import REPLACE, DataError
from ratchet.project.file import Project
from ratchet.sources.checked_tables import RawSnapshot
from ratchet.sources.folder import TableSource, by_date
from ratchet.sources.problems import Problem
from ratchet.sources.raw_tables import is_plain_name
from ratchet.sources.table_files import files_of, log_of, table_of, unread_of
from ratchet.sources.which_tables import brings_labels_alone, stem_of


class S3Source:
    """As TableSource, over `s3://bucket/prefix/<snapshot>/{table}.csv|parquet` and the other forms of table_files.

    Args:
        remote: holds one folder a snapshot.
        project: says what to expect.
    """

    def __init__(self, remote: S3Folder, project: Project) -> None:
        self._remote, self._project = remote, project

    def by_date(self) -> list[str]:
        """The names, oldest first; as TableSource.by_date."""
        return by_date(self._remote.folders(), self._project, self._remote.url)

    def newest(self) -> str:
        """The last of them."""
        return self.by_date()[-1]

    def has_labels(self, name: str) -> bool:
        """Whether the label's table is there; as TableSource.has_labels."""
        return bool(self._of(name, self._tables(name), [self._project.label.table]))

    def fingerprint(self, name: str) -> str:
        """Over the ETags of its tables; as TableSource.fingerprint."""
        present = self._tables(name)
        return hashlib.sha256(repr([(entry.key, entry.etag, entry.size) for entry in present]).encode()).hexdigest()

    def labels_fingerprint(self, name: str) -> str:
        """As `fingerprint`, of the label's table alone; as TableSource.labels_fingerprint."""
        entries = self._of(name, self._tables(name), [self._project.label.table])
        present = [(entry.key, entry.etag, entry.size) for entry in entries]
        return hashlib.sha256(repr(present).encode()).hexdigest() if present else ""

    def marked(self, name: str, marker: str) -> bool | None:
        """Whether the marker lies there and is no older than the tables; as TableSource.marked."""
        written = [entry.written for entry in self._remote.entries(f"{name}/") if entry.key == f"{name}/{marker}"]
        return written[0] >= max(entry.written for entry in self._tables(name)) if written else None

    def check(self, name: str) -> list[Problem]:
        """Everything that is wrong with a snapshot's tables; as TableSource.check."""
        with self._fetched(name) as source:
            return source.check(name)

    def examine(self, name: str) -> tuple[list[Problem], list[str], list[str]]:
        """What is wrong with a snapshot, what is taken all the same, and its entities; as TableSource.examine."""
        with self._fetched(name) as source:
            return source.examine(name)

    def read(self, name: str) -> RawSnapshot:
        """Read a snapshot, all of it valid; as TableSource.read."""
        with self._fetched(name) as source:
            return source.read(name)

    def _tables(self, name: str) -> list[Entry]:
        """The snapshot's tables. Raises DataError when there are none."""
        if not is_plain_name(name):
            message = f"{name!r} is not a snapshot's name: give the plain name of a folder in {self._remote.url}"
            raise DataError(message)
        self._project.date_of(name)
        entries = self._remote.entries(f"{name}/")
        for entry in entries:
            below = entry.key.removeprefix(f"{name}/").removesuffix("/")  # consoles store an empty object for a folder
            if not _is_below(below):
                message = f"{self._remote.url}/{name} has a key that is no path below the snapshot: {below[:80]!r}"
                raise DataError(message)
        present = self._of(name, entries, self._project.tables)
        if not present:
            there = ", ".join(self._remote.folders()) or "none"
            message = f"there is no snapshot {name} in {self._remote.url} (there: {there})"
            raise DataError(message)
        return present

    def _of(self, name: str, entries: list[Entry], tables: Sequence[str]) -> list[Entry]:
        """Those of the entries that are files of these tables."""
        stems = {stem_of(self._project, table) for table in tables}
        return [entry for entry in entries if table_of(entry.key.removeprefix(f"{name}/")) in stems]

    @contextmanager
    def _fetched(self, name: str) -> Iterator[TableSource]:
        """The snapshot's tables in a temporary folder. Raises DataError when there are none."""
        present = self._tables(name)
        with tempfile.TemporaryDirectory(prefix="ratchet-raw-") as folder:
            root = Path(folder) / name
            root.mkdir()
            for entry in present:
                with self._placed(root, name, entry) as path:
                    self._remote.download(entry.key, path)
            stems = {stem_of(self._project, table) for table in self._project.tables}
            for entry in self._remote.entries(f"{name}/"):  # what is not read is named by its file, whatever is in it
                below = entry.key.removeprefix(f"{name}/")
                if unread_of(below) in stems or log_of(below) in stems:
                    with self._placed(root, name, entry) as path:
                        path.touch()
            yield TableSource(Path(folder), self._project)

    @contextmanager
    def _placed(self, root: Path, name: str, entry: Entry) -> Iterator[Path]:
        """Where an object is to lie below the snapshot's folder. Raises DataError when that is nowhere, or cannot be written to."""
        below = entry.key.removeprefix(f"{name}/")
        path = root / below
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield path
        except OSError as error:  # one key is the folder of another, or the disk is full
            message = f"{self._remote.url}/{name}: the object {below} cannot be fetched into a folder ({error.strerror or error})"
            raise DataError(message) from error


class Upload:
    """Raw snapshots of a folder, on their way to S3.

    Args:
        folder: has one folder a snapshot.
        project: says what to expect.
        remote: the place they go to.
    """

    def __init__(self, folder: Path, project: Project, remote: S3Folder) -> None:
        self._folder, self._project, self._remote = folder, project, remote
        self._source = TableSource(folder, project)
        self.place = remote.url

    def names(self) -> list[str]:
        """The snapshots of the folder; as TableSource.names."""
        return self._source.names()

    def send(self, name: str, *, replace: bool = False) -> int:
        """Check one snapshot and store its tables; how many there are. Other content under its name is there only to be replaced.

        Raises DataError with the first thing that is wrong, or with what would be lost; nothing is stored then.
        """
        self._source.read(name)
        stems = [stem_of(self._project, table) for table in self._project.tables]
        paths = {path: self._folder / name / path for stem in stems for path in files_of(self._folder / name, stem)}
        if not replace and (lost := self._lost(name, paths)):
            message = (
                f"{self.place}/{name} holds other content ({', '.join(lost)}): upload with {REPLACE} if that is to be replaced"
            )
            raise DataError(message)
        for below, path in paths.items():
            self._remote.upload(path, f"{name}/{below}")
        stored = {f"{name}/{below}" for below in paths}
        for entry in self._remote.entries(f"{name}/"):
            if entry.key not in stored:  # a table of an earlier upload, perhaps in the other format
                self._remote.delete(entry.key)
        return len(paths)

    def _lost(self, name: str, local: Mapping[str, Path]) -> list[str]:
        """The stored tables that would go or become others. Labels that were waited for are no loss: a table or rows that come."""
        lost = []
        label = self._project.label.table
        grows = f"{stem_of(self._project, label)}.csv" if brings_labels_alone(self._project, label) else ""
        for entry in self._remote.entries(f"{name}/"):
            table = entry.key.removeprefix(f"{name}/")
            path = local.get(table)
            if path is None or path.stat().st_size < entry.size:
                lost.append(table)
                continue
            old, new = self._remote.get(entry.key)[0], path.read_bytes()
            if new != old and not (table == grows and new.startswith(old)):
                lost.append(table)
        return lost


def _is_below(relative: str) -> bool:
    """Whether a key leads to a file below its folder; S3 itself knows no folders, and takes any text."""
    parts = relative.split("/") if relative else []
    return not any(part in {"", ".", ".."} or "\0" in part for part in parts)
