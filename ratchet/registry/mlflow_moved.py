"""An embedded registry that was moved or copied with its home: MLflow keeps the full path of every artifact in its tables.

A copy that was left alone would write its new versions into the original, and a home that was moved would find none of its files.
So the paths are taken relative to the experiment's folder of artifacts, which lies in the home: read so (`here`), and written anew
in the tables of whoever is about to write (`follow`). A database outside the home moves with no home, and several may share it: its
paths stay as they are (`moves_with`).
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

_PLACES = (("runs", "artifact_uri"), ("logged_models", "artifact_location"), ("model_versions", "storage_location"))
_PATIENCE = 60.0  # seconds for another writer


def moves_with(database: Path, artifacts: Path) -> bool:
    """Whether the database lies in the home that the folder of artifacts is of, links followed."""
    return database.resolve().is_relative_to(artifacts.parent.resolve())


def here(uri: str, folder: str, artifacts: Path) -> str:
    """An artifact's URI in today's place of what was `folder`; one that lies elsewhere stays.

    Args:
        uri: of an artifact, as stored.
        folder: URI of the experiment's artifacts, as stored.
        artifacts: where they are now.
    """
    return f"{artifacts.as_uri()}{uri.removeprefix(folder)}" if folder and uri.startswith(f"{folder}/") else uri


def follow(database: Path, experiment: str, artifacts: Path) -> None:
    """Write the present place of the artifacts into the tables, in one transaction, where it is another. Raises sqlite3.Error."""
    place = artifacts.as_uri()
    with contextlib.closing(sqlite3.connect(database, timeout=_PATIENCE, isolation_level=None)) as opened:
        if _folder(opened, experiment) in {None, place}:
            return
        opened.execute("BEGIN IMMEDIATE")
        folder = _folder(opened, experiment)  # another process may have been first
        if folder not in {None, place}:
            opened.execute("UPDATE experiments SET artifact_location = ? WHERE artifact_location = ?", (place, folder))
            for table, column in _PLACES:
                moved = f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?"  # noqa: S608 - our names
                opened.execute(moved, (place, len(folder or "") + 1, len(folder or "") + 1, f"{folder}/"))
        opened.execute("COMMIT")


def _folder(opened: sqlite3.Connection, experiment: str) -> str | None:
    found = opened.execute("SELECT artifact_location FROM experiments WHERE name = ?", (experiment,)).fetchone()
    return str(found[0]) if found and found[0] else None
