"""Ledger and registry in memory: they forget all with the process. The contract tests hold them to the real ones."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ratchet.core import record as chain
from ratchet.core.errors import ArtifactError, NoSuchVersion
from ratchet.core.record import GENESIS, Record
from ratchet.core.schema import ModelVersion, digest_of
from ratchet.registry.port import Kept, NewVersion, Note


class MemoryLedger:
    """Implements ratchet.ledger.port.Ledger."""

    def __init__(self, actor: str) -> None:
        self.stored: list[Record] = []
        self.actor = actor

    def append(self, kind: str, body: Mapping[str, Any], *, key: str = "") -> Record:
        """Chain and keep one record."""
        previous = self.stored[-1].hash if self.stored else GENESIS
        record = chain.chain(len(self.stored) + 1, datetime.now(UTC), kind, key, self.actor, body, previous)
        self.stored.append(record)
        return record

    def records(self, kind: str | None = None, key: str | None = None, *, after: int = 0) -> list[Record]:
        """Records in order, filtered when asked."""
        return [item for item in self.stored[after:] if kind in {None, item.kind} and key in {None, item.key}]

    def verify(self) -> int:
        """Walk the chain; the number of records."""
        return chain.verify(self.stored)


class MemoryRegistry:
    """Implements ratchet.registry.port.Registry. Bundles are copied into `folder`; the fitted pipelines are not kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stored: dict[int, ModelVersion] = {}
        self.aliases: dict[str, int] = {}
        self.noted: dict[tuple[int, str], tuple[date, datetime, float]] = {}
        self.tags: dict[int, dict[str, str]] = {}

    def register(self, new: NewVersion) -> ModelVersion:
        """The next number."""
        number = len(self.stored) + 1
        shutil.copytree(new.bundle, self.folder / str(number))
        digest = digest_of(self.folder / str(number))
        self.stored[number] = ModelVersion(number, f"run{number}", digest, datetime.now(UTC), new.provenance, new.metrics)
        return self.stored[number]

    def adopt(self, kept: Kept, after: int) -> ModelVersion:
        """The next number above `after` and all there are."""
        number = max(after, *self.stored, 0) + 1
        shutil.copytree(kept.files, self.folder / str(number))
        digest = digest_of(self.folder / str(number))
        if digest != kept.digest:
            message = f"what was stored as version {number} is not what was kept"
            raise ArtifactError(message)
        self.stored[number] = ModelVersion(number, f"run{number}", digest, datetime.now(UTC), kept.provenance, dict(kept.metrics))
        return self.stored[number]

    def files(self, version: ModelVersion) -> Path:
        """All that there is."""
        return self.bundle(version)

    def note(self, number: int, note: Note) -> None:
        """The version with the figures of the newest snapshot, and the texts. Raises NoSuchVersion when there is none."""
        version = self.version(number)
        if (found := note.figures) is not None:
            for name, value in found.values.items():
                new = (found.day, found.at, value)
                self.noted[number, name] = max(new, self.noted.get((number, name), new))
                version = replace(version, metrics={**version.metrics, name: self.noted[number, name][-1]})
        self.stored[number] = version
        self.tags[number] = {**self.tags.get(number, {}), **note.tags}

    def version(self, number: int) -> ModelVersion:
        """Raises NoSuchVersion when there is no such version."""
        if number not in self.stored:
            message = f"no version {number}"
            raise NoSuchVersion(message)
        return self.stored[number]

    def versions(self) -> list[ModelVersion]:
        """All versions, oldest first."""
        return list(self.stored.values())

    def alias(self, alias: str) -> ModelVersion | None:
        """The version behind the alias."""
        return self.stored[self.aliases[alias]] if alias in self.aliases else None

    def set_alias(self, alias: str, number: int) -> None:
        """Point the alias at the version. Raises NoSuchVersion when there is no such version."""
        self.version(number)
        self.aliases[alias] = number

    def drop_alias(self, alias: str) -> None:
        """Remove the alias; no error when it is not set."""
        self.aliases.pop(alias, None)

    def bundle(self, version: ModelVersion) -> Path:
        """The version's folder. Raises ArtifactError when its files are not those that were registered."""
        folder = self.folder / str(version.number)
        if digest_of(folder) != version.digest:
            message = f"version {version.number}'s files are not those that were registered"
            raise ArtifactError(message)
        return folder
