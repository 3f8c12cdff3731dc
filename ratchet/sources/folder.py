"""Raw snapshots as they are delivered: `<folder>/<snapshot>/{table}.csv|parquet`, one row of each table an entity."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

from ratchet.core.errors import DataError
from ratchet.project.file import Project
from ratchet.sources.checked_tables import Checked, Delivered, RawSnapshot, check_tables
from ratchet.sources.prepare import prepared, texts_of
from ratchet.sources.problems import Lesson, Problem, TableError
from ratchet.sources.raw_tables import column_names, find_table, is_plain_name, is_text, read_table, said_of
from ratchet.sources.table_files import files_of
from ratchet.sources.told import numbers_of, told_of
from ratchet.sources.which_tables import entity_table, headers_of, may_be_missing, stem_of


def by_date(names: Sequence[str], project: Project, place: object) -> list[str]:
    """The snapshots' names, oldest first. Raises DataError when there is none, or when a name has no date."""
    if not names:
        message = f"{place} holds no folder of a snapshot"
        raise DataError(message)
    return sorted(names, key=project.date_of)


class TableSource:
    """Reads and checks raw snapshots against the project.

    The first table that may not be missing is the list of entities: the other feature tables must have exactly those, the label's
    own table and optional ones may have fewer.

    Args:
        folder: holds one folder a snapshot.
        project: says what to expect.
    """

    def __init__(self, folder: Path, project: Project) -> None:
        self._folder = folder
        self._project = project

    def names(self) -> list[str]:
        """The snapshots' folder names, sorted. Raises DataError when the folder cannot be read."""
        try:
            return sorted(item.name for item in self._folder.iterdir() if item.is_dir() and not item.name.startswith("."))
        except OSError as error:
            message = f"the data folder {self._folder} cannot be read: {error.strerror or error}"
            raise DataError(message) from error

    def by_date(self) -> list[str]:
        """The names, oldest first. Raises DataError when there is none, or a name without a date."""
        return by_date(self.names(), self._project, self._folder)

    def newest(self) -> str:
        """The last of them."""
        return self.by_date()[-1]

    def has_labels(self, name: str) -> bool:
        """Whether the label's table is there. Raises DataError when there is no such snapshot."""
        return bool(self._files(name, [self._project.label.table]))

    def fingerprint(self, name: str) -> str:
        """Over names, sizes and times of change of its tables. Raises DataError when there is no such snapshot."""
        return self._fingerprint(name, self._project.tables)

    def labels_fingerprint(self, name: str) -> str:
        """As `fingerprint`, of the label's table alone; empty where it is not there."""
        return self._fingerprint(name, [self._project.label.table]) if self.has_labels(name) else ""

    def _fingerprint(self, name: str, tables: Sequence[str]) -> str:
        folder = self._snapshot_folder(name)
        try:
            stats = [(path.relative_to(folder).as_posix(), path.stat()) for path in self._files(name, tables)]
        except OSError as error:
            message = f"the snapshot {name} cannot be read: {error.strerror}"
            raise DataError(message) from error
        return hashlib.sha256(repr([(path, stat.st_size, stat.st_mtime_ns) for path, stat in stats]).encode()).hexdigest()

    def _files(self, name: str, tables: Sequence[str]) -> list[Path]:
        """Those of the tables' files that are there."""
        folder = self._snapshot_folder(name)
        try:
            return [folder / path for table in tables for path in files_of(folder, stem_of(self._project, table))]
        except OSError as error:
            message = f"the snapshot {name} cannot be read: {error.strerror or error}"
            raise DataError(message) from error

    def marked(self, name: str, marker: str) -> bool | None:
        """Whether the file `marker`, by which an upload says that it is done, is no older than the tables; None without it."""
        folder = self._snapshot_folder(name)
        try:
            written = (folder / marker).stat().st_mtime_ns
            return written >= max((path.stat().st_mtime_ns for path in self._files(name, self._project.tables)), default=0)
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"the snapshot {name} cannot be read: {error.strerror}"
            raise DataError(message) from error

    def check(self, name: str) -> list[Problem]:
        """Everything that is wrong with a snapshot's tables; empty when it can be ingested.

        Raises DataError when there is no such snapshot or it has no date.
        """
        return self.examine(name)[0]

    def examine(self, name: str) -> tuple[list[Problem], list[str], list[str]]:
        """As `check`, what was taken in that did not fit, and the entities of the snapshot as far as they can be read."""
        checked = self._checked(name)
        return checked.problems, checked.notes, checked.entities(self._project)

    def read(self, name: str) -> RawSnapshot:
        """Read a snapshot, all of it valid. Raises DataError with the first problem and the number of others."""
        return self._checked(name).snapshot(self._project, name, self._project.date_of(name))

    def _checked(self, name: str) -> Checked:
        as_of = self._project.date_of(name)
        folder = self._snapshot_folder(name)
        delivered: dict[str, Delivered] = {}
        problems: list[Problem] = []
        written: list[str] = []  # tables of text
        for table in self._project.tables:
            try:
                if (path := self._path(folder, table)) is not None:
                    told, numbers = told_of(self._project, table), numbers_of(self._project, table)
                    wanted = headers_of(self._project, table)
                    if self._project.own_code:  # which may use what ratchet.yaml does not name
                        wanted = list(dict.fromkeys([*wanted, *column_names(path, table, told)]))
                        numbers = [header for header in wanted if header not in texts_of(self._project, table)]
                    content = read_table(path, table, wanted, told, numbers=numbers)
                    written += [table] if is_text(content) else []
                    delivered[table] = Delivered(content, path.name, said_of(content))
            except TableError as error:
                problems.append(dataclasses.replace(error.problem, table=table))
        delivered = prepared(self._project, as_of, delivered, problems, written)
        return check_tables(self._project, as_of, delivered, problems)

    def _path(self, folder: Path, table: str) -> Path | None:
        """The table's file, None where there is none and need not be. Raises TableError."""
        stem = stem_of(self._project, table)
        path = find_table(folder, stem)
        if path is None and not may_be_missing(self._project, table):
            lesson = Lesson("optional") if table != entity_table(self._project) else None
            text = f"the table is missing: neither {stem}.csv nor {stem}.parquet is there"
            raise TableError(Problem(table, "", text, lesson=lesson))
        return path

    def _snapshot_folder(self, name: str) -> Path:
        if not is_plain_name(name):
            message = f"{name!r} is not a snapshot's name: give the plain name of a folder in {self._folder}"
            raise DataError(message)
        folder = self._folder / name
        try:
            present = folder.is_dir()
        except OSError as error:  # for one, a name longer than the file system allows
            message = f"the snapshot {name[:80]!r} cannot be read: {error.strerror}"
            raise DataError(message) from error
        if not present:
            there = ", ".join(self.names()) or "none"
            message = f"there is no snapshot {name} in {self._folder} (there: {there})"
            raise DataError(message)
        return folder
