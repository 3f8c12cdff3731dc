"""Scores as one object on S3: a store shows an upload when all of it is there."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ratchet.clients.durable import write_synced
from ratchet.clients.s3 import S3Folder
from ratchet.scores.file import suffix_of, write
from ratchet.scores.kept import Parts


class ScoreObject:
    """Implements `ratchet.scores.kept.Publisher`.

    Args:
        folder: that the object is in.
        name: of the object; its ending says the form.
    """

    def __init__(self, folder: S3Folder, name: str) -> None:
        self._folder, self._name = folder, name

    @property
    def place(self) -> str:
        """Its URL."""
        return f"{self._folder.url}/{self._name}"

    def check(self) -> None:
        """Raise Unavailable or UserError where the bucket cannot be asked."""
        self._folder.holds(self._name)

    def publish(self, parts: Parts) -> None:
        """Write one file beside the parts and upload it."""
        with tempfile.TemporaryDirectory(dir=parts.folder) as folder:
            path = Path(folder) / "whole"
            write_synced(path, lambda file: write(file, parts, suffix_of(self._name)))
            self._folder.upload(path, self._name)
