"""The registry as the steps need it.

Every method raises `Unavailable` when its backend cannot be reached: an unreachable backend is never an empty answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol

from ratchet.core.schema import ModelVersion, Provenance


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What training hands to the registry.

    `bundle` is a folder with everything that serving and later comparisons need (scorer, profile, golden rows, schema);
    `pipeline` is the fitted scikit-learn pipeline, logged for people and other tools; `example` is a DataFrame of a few raw rows
    and `answers` what the pipeline says of them, from which the signature is inferred.
    """

    bundle: Path
    pipeline: Any
    example: Any
    answers: Any
    provenance: Provenance
    params: Mapping[str, Any]
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Figures:
    """How a version did on a data set, found after it was registered.

    `day` is the data set's date: of several, the figures of the latest day stand as the version's. `at` is when they were found; a
    later finding on the same day takes the place of the one before. `digest` is of the data set's content.
    """

    values: Mapping[str, float]
    day: date
    at: datetime
    dataset: str
    digest: str


@dataclass(frozen=True, slots=True)
class Note:
    """What is found out about a version after it was registered: figures, and texts by name (of a name the last one stands)."""

    figures: Figures | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """A version's files as they were kept elsewhere, to be registered again under a new number, with what its tags said."""

    files: Path
    digest: str
    provenance: Provenance | None
    metrics: Mapping[str, float]


class Registry(Protocol):
    """Model versions with their bundles and the aliases `production` and `previous`."""

    def register(self, new: NewVersion) -> ModelVersion:
        """Log and register; the bundle's digest is recorded with the version."""
        ...

    def adopt(self, kept: Kept, after: int) -> ModelVersion:
        """Register kept files as a new version, whose number is above `after`, with the same digest.

        Raises ArtifactError when what was stored has another digest.
        """
        ...

    def files(self, version: ModelVersion) -> Path:
        """A folder of this process with all files that the version's digest is of, checked. Raises as `bundle`."""
        ...

    def note(self, number: int, note: Note) -> None:
        """Write a note on a version; the same one twice is one. Raises NoSuchVersion when there is no such version."""
        ...

    def version(self, number: int) -> ModelVersion:
        """Raises NoSuchVersion when there is no such version."""
        ...

    def versions(self) -> list[ModelVersion]:
        """All versions, oldest first."""
        ...

    def alias(self, alias: str) -> ModelVersion | None:
        """The version behind the alias, None only when the registry says that there is none."""
        ...

    def set_alias(self, alias: str, number: int) -> None:
        """Point the alias at the version. One try, in bounded time: whoever asks holds a lock, and looks at it before another."""
        ...

    def drop_alias(self, alias: str) -> None:
        """Remove the alias; no error when it is not set."""
        ...

    def bundle(self, version: ModelVersion) -> Path:
        """The version's bundle as a local folder, its digest checked. Raises ArtifactError when it differs."""
        ...
