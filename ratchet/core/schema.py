"""The shapes that travel between steps: features, snapshots, model versions, golden rows.

A *column* is a numpy array with one element a row: float64 with NaN for missing when the feature is a number
(int, float, bool as 0 and 1), object with `str` or None when it is a category. `Columns` maps names to columns of one length.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.errors import ArtifactError, DataError

EMPTY = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "<NA>")  # text that stands for an empty cell
LONGEST_CELL = 64 * 1024  # bytes: no key and no category is longer, in a table or in a request
Columns = dict[str, NDArray[Any]]
FeatureValue = float | str | None


class DType(StrEnum):
    """What ratchet.yaml calls a feature's type."""

    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    CATEGORY = "category"
    DATE = "date"

    @property
    def is_number(self) -> bool:
        """Whether the feature's column is float64 (bool as 0 and 1, a date as whole days before as_of, or its part)."""
        return self is not DType.CATEGORY


@dataclass(frozen=True, slots=True)
class Feature:
    """One input of the model."""

    name: str
    dtype: DType


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A category column the way Parquet and Arrow keep it: `codes` of shape (n,), each a position in `values`, -1 for missing.

    Counting and scoring it never look at a row's text. `texts()` is the column that `Columns` has.
    """

    codes: NDArray[np.signedinteger[Any]]
    values: Sequence[str]

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.codes)

    def tally(self) -> Counter[str | None]:
        """Rows by value, None for missing; no count is 0. Raises DataError when a code is no position in `values`."""
        cells = self.codes.astype(np.int64) + 1
        if len(cells) and not 0 <= int(cells.min()) <= int(cells.max()) <= len(self.values):
            message = (
                f"a column's codes go from {cells.min() - 1} to {cells.max() - 1}, with {len(self.values)} values: it is damaged"
            )
            raise DataError(message)
        counts: Counter[str | None] = Counter()
        for value, count in zip((None, *self.values), np.bincount(cells, minlength=len(self.values) + 1).tolist(), strict=True):
            if count:
                counts[value] += count
        return counts

    def texts(self) -> NDArray[Any]:
        """`str` or None, shape (n,); rows of one category share one `str`."""
        shared = np.empty(len(self.values) + 1, dtype=object)
        shared[:-1] = list(self.values)  # the last is None, which -1 names
        texts: NDArray[Any] = shared[self.codes]
        return texts


Scored = Mapping[str, NDArray[Any] | Coded]
"""What is scored: `Columns`, or the categories as codes, of which no row's text is looked at."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The tables of one date as they were ingested: immutable, named by date and content hash.

    `features_hash` and `labels_hash` are SHA-256 hex digests of the canonical content; `labels_hash` is empty
    while the labels have not arrived.
    """

    name: str
    as_of: date
    rows: int
    labelled_rows: int
    features_hash: str
    labels_hash: str = ""

    @property
    def hash(self) -> str:
        """SHA-256 hex digest over features and labels: the identity of the content."""
        return hashlib.sha256(f"{self.features_hash}{self.labels_hash}".encode()).hexdigest()

    @property
    def id(self) -> str:
        """`2024-02-29@1a2b3c4d5e6f`: date and the hash's first 12 digits."""
        return f"{self.as_of.isoformat()}@{self.hash[:12]}"

    @property
    def labelled(self) -> bool:
        """Whether labels have arrived."""
        return self.labelled_rows > 0

    @property
    def facts(self) -> dict[str, str]:
        """What names it, as text: for the metadata of an artifact."""
        counts = {"rows": str(self.rows), "labelled_rows": str(self.labelled_rows)}
        return {"snapshot": self.id, "name": self.name, "as_of": self.as_of.isoformat(), "hash": self.hash, **counts}


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a version was trained on: the proof that it never saw the holdout. Stored in the version's tags."""

    snapshot_ids: tuple[str, ...]
    snapshot_hash: str
    holdout_salt: str
    holdout_share: float
    project_hash: str
    seed: int
    train_rows: int
    prepare: str = ""  # SHA-256 hex digest of the sources of the user's own `prepare`, empty without one


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered model version. `digest` is the SHA-256 of its bundle as it was registered."""

    number: int
    run_id: str
    digest: str
    created_at: datetime
    provenance: Provenance | None
    metrics: Mapping[str, float] = field(default_factory=dict)

    def facts(self, model: str) -> dict[str, str]:
        """What names it in the registry, as text: for the metadata of an artifact."""
        trained_on = ", ".join(self.provenance.snapshot_ids) if self.provenance else ""
        names = {"version": str(self.number), "registry_uri": f"models:/{model}/{self.number}", "mlflow_run_id": self.run_id}
        return {**names, "digest": self.digest, "trained_on": trained_on}


class StoredRow(dict[str, FeatureValue]):
    """An entity's stored features: the dict of them, and in `as_of` the date that they are of, None where the store says none.

    A dict and no pair, because a row is scored, compared and shown by its features, and only who answers clients asks for the date.
    """

    __slots__ = ("as_of",)

    def __init__(self, features: Mapping[str, FeatureValue], as_of: date | None = None) -> None:
        super().__init__(features)
        self.as_of = as_of


@dataclass(frozen=True, slots=True)
class GoldenRow:
    """A row with the score that the fitted pipeline gave it when the version was made."""

    entity: str
    features: Mapping[str, FeatureValue]
    score: float


@dataclass(frozen=True, slots=True)
class LoggedAnswer:
    """One answer of the service, as the request log keeps it. `answered_at` is seconds since the epoch."""

    prediction_id: str
    entity: str
    version: int
    score: float
    features_hash: str
    answered_at: float
    posted: str | None = None  # JSON of the features that the request brought, and of the date of those that lay beneath


def features_hash(features: Mapping[str, FeatureValue]) -> str:
    """BLAKE2b-128 hex digest of one row's features as JSON with sorted keys, NaN as null: equal inputs, equal digest."""
    plain = {name: None if is_missing(value) else value for name, value in features.items()}
    return hashlib.blake2b(json.dumps(plain, sort_keys=True).encode(), digest_size=16).hexdigest()


def digest_of(folder: Path) -> str:
    """SHA-256 hex digest of a folder: of the sorted list of relative paths, each with its content's SHA-256."""
    total = hashlib.sha256()
    for path in sorted(item for item in folder.rglob("*") if item.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return total.hexdigest()


def require_digest(version: ModelVersion, digest: str) -> None:
    """Raise ArtifactError where the registry's digest of the version is not the one on record; an empty one asks nothing."""
    if digest and version.digest != digest:
        message = (
            f"version {version.number} has another digest in the registry ({version.digest[:12] or 'none'}) than in the ledger "
            f"({digest[:12]}): its tags were changed, and its files perhaps with them; restore them, or go to another version by "
            "`ratchet rollback --to N`"
        )
        raise ArtifactError(message)


def column(feature: Feature, values: Iterable[Any]) -> NDArray[Any]:
    """Bring raw values (from a table or a request) into the feature's column.

    Missing is None, NaN or pandas' NA. Raises ValueError or TypeError when a value is not of the feature's type.
    """
    raw: Any = values if isinstance(values, list | tuple | np.ndarray) else list(values)
    if feature.dtype.is_number:
        if isinstance(raw, np.ndarray) and raw.dtype.kind in "biuf":
            return raw.astype(np.float64)
        return np.array([np.nan if is_missing(value) else float(value) for value in raw], dtype=np.float64)
    cells = np.empty(len(raw), dtype=object)
    cells[:] = [None if is_missing(value) else str(value) for value in raw]
    return cells


def is_missing(value: object) -> bool:
    """Whether a cell is empty: None, NaN or pandas' NA (the only values that differ from themselves or are of type NAType)."""
    return value is None or type(value).__name__ in {"NAType", "NaTType"} or bool(value != value)  # noqa: PLR0124 - NaN test


def take(columns: Columns, index: NDArray[Any]) -> Columns:
    """The rows of `columns` that `index` (positions or a mask) names."""
    return {name: values[index] for name, values in columns.items()}


def rows_of(columns: Mapping[str, Sized]) -> int:
    """The number of rows; 0 when there is no column."""
    return next((len(values) for values in columns.values()), 0)
