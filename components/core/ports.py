"""What the steps need from the world, as protocols. The adapters implement them; tests/fakes.py does too.

Every method raises `Unavailable` when its backend cannot be reached: an unreachable backend is never an empty answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from components.core.ledger import Record
from components.core.live import LabelledAnswers
from components.core.rollout import Answer, Pin, PodReport, Progress
from components.core.schema import Columns, Feature, FeatureValue, LoggedAnswer, ModelVersion, Provenance, Snapshot
from components.core.volume import Volume


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What training hands to the registry.

    `bundle` is a folder with everything that serving and later comparisons need (scorer, profile, golden rows, schema);
    `pipeline` is the fitted scikit-learn pipeline, logged for people and other tools; `example` is a DataFrame of a few raw rows
    from which the signature is inferred.
    """

    bundle: Path
    pipeline: Any
    example: Any
    provenance: Provenance
    params: Mapping[str, Any]
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class JoinReport:
    """What became of a set of labels: answers labelled, and labels for which no answer was found."""

    joined: int
    unknown: int


class RawSnapshot(Protocol):
    """A validated raw snapshot: what it is, and its tables as DataFrames (see SnapshotStore.write)."""

    @property
    def snapshot(self) -> Snapshot:
        """Name, date, row counts, hashes."""
        ...

    @property
    def features(self) -> Any:
        """Entity, features and slices."""
        ...

    @property
    def labels(self) -> Any | None:
        """Entity and label, None while labels have not arrived."""
        ...


class Source(Protocol):
    """Raw snapshots as they are delivered."""

    def newest(self) -> str:
        """Name of the snapshot with the latest date. Raises DataError when there is none."""
        ...

    def fingerprint(self, name: str) -> str:
        """Changes with every change of the snapshot's files, which are not read for it. Raises DataError when there are none."""
        ...

    def check(self, name: str) -> Sequence[Any]:
        """Everything that is wrong with a snapshot (adapters.problems.Problem); empty when it can be ingested."""
        ...

    def read(self, name: str) -> RawSnapshot:
        """Read and validate. Raises DataError with the first thing that is wrong."""
        ...


class DriftReporter(Protocol):
    """A report on drift for people."""

    def drift_report(
        self,
        features: Sequence[Feature],
        reference: Columns,
        current: Columns,
        name: str,
        *,
        number_effect: float,
        category_effect: float,
        drift_share: float,
        verdict: Sequence[str],
    ) -> tuple[str, dict[str, float]]:
        """HTML, and the effect size of each feature that could be computed. `verdict` is ours: a headline, then sentences."""
        ...


class SnapshotStore(Protocol):
    """Snapshots as Parquet with a manifest, written whole or not at all."""

    def write(self, snapshot: Snapshot, features: Any, labels: Any | None, *, replace: bool = False) -> bool:
        """Store the entity-keyed tables (pandas DataFrames: entity, features and slices; entity and label).

        Returns False when the same content is there already (no-op). Adding labels to a snapshot without is allowed.
        Raises DataError when the date holds other content and `replace` is not set.
        """
        ...

    def snapshots(self) -> list[Snapshot]:
        """All snapshots, oldest first."""
        ...

    def listed(self) -> list[Snapshot]:
        """As `snapshots`, by their manifests alone: no table is fetched for it."""
        ...

    def get(self, name: str) -> Snapshot:
        """The snapshot of that name, ISO date or id. Raises DataError when there is none."""
        ...

    def columns(self, snapshot: Snapshot, names: Sequence[str], rows: range | None = None) -> Columns:
        """Columns of the feature table, in stored row order; the entity column is an object array of str.

        `rows` asks for a stretch of them, which costs the memory of that stretch.
        """
        ...

    def labels(self, snapshot: Snapshot, rows: range | None = None) -> Columns:
        """The columns `entity` (str objects) and `label` (int8, 0 or 1) of the labelled rows. Raises DataError when unlabelled.

        `rows` asks for a stretch of the labelled rows.
        """
        ...


class FeatureStore(Protocol):
    """Feast: training sets by point-in-time join, serving by online look-up."""

    def materialise(self, snapshot: Snapshot) -> None:
        """Load the snapshot's features into the online store, unless it holds a later date's."""
        ...

    def training_set(self, as_of: date, entities: NDArray[Any]) -> Columns:
        """The features of `entities` as known at `as_of` (point-in-time join), in the order asked for.

        Columns follow core.schema; an entity without features has all missing.
        """
        ...

    def online(self, entities: Sequence[str]) -> list[dict[str, FeatureValue] | None]:
        """The latest features of each entity, None for an unknown one."""
        ...


class Registry(Protocol):
    """Model versions with their bundles and the aliases `production` and `previous`."""

    def register(self, new: NewVersion) -> ModelVersion:
        """Log and register; the bundle's digest is recorded with the version."""
        ...

    def version(self, number: int) -> ModelVersion:
        """Raises UserError when there is no such version."""
        ...

    def versions(self) -> list[ModelVersion]:
        """All versions, oldest first."""
        ...

    def alias(self, alias: str) -> ModelVersion | None:
        """The version behind the alias, None only when the registry says that there is none."""
        ...

    def set_alias(self, alias: str, number: int) -> None:
        """Point the alias at the version."""
        ...

    def drop_alias(self, alias: str) -> None:
        """Remove the alias; no error when it is not set."""
        ...

    def bundle(self, version: ModelVersion) -> Path:
        """The version's bundle as a local folder, its digest checked. Raises ArtifactError when it differs."""
        ...


class Ledger(Protocol):
    """The append-only, hash-chained record."""

    def append(self, kind: str, body: Mapping[str, Any], *, key: str = "") -> Record:
        """Chain and store one record; `key` is the idempotency key it belongs to."""
        ...

    def records(self, kind: str | None = None, key: str | None = None, *, after: int = 0) -> list[Record]:
        """Records in order, filtered when asked; `after` leaves out those up to that `seq`."""
        ...

    def verify(self) -> int:
        """Walk the chain; the number of records. Raises LedgerError at the first that does not fit."""
        ...


class Lock(Protocol):
    """One promoter at a time, across processes (and on a cluster, across pods)."""

    def hold(self) -> AbstractContextManager[None]:
        """Hold the lock for the block. Raises LockHeld, naming the holder, when it stays taken."""
        ...


class Rollout(Protocol):
    """What serves: a Deployment on a cluster, processes behind one address on a single machine."""

    def session(self) -> AbstractContextManager[None]:
        """Make sure that something can serve for the length of the block (a temporary server where none runs)."""
        ...

    def pinned(self) -> Pin:
        """The version in the pod template and the revision it was read at."""
        ...

    def pin(self, version: int | None, *, revision: str) -> Pin:
        """Change the template. Raises StaleComparison when it is no longer at `revision`."""
        ...

    def progress(self) -> Progress:
        """Where the rollout of the present template stands."""
        ...

    def pods(self) -> list[PodReport]:
        """What every pod says of itself."""
        ...

    def ask(self, entity: str) -> Answer | None:
        """POST /predict through the fixed address, marked as a probe (not logged); None for an unknown entity."""
        ...

    def infra_check(self, version: ModelVersion) -> Mapping[str, float]:
        """Load the version in the serving runtime, apart from what serves, and score its golden rows.

        Returns `seconds` (load) and `worst` (largest absolute difference). Raises PromotionFailed when it cannot load.
        """
        ...


class Reports(Protocol):
    """Where reports for people go, and what tasks leave for each other."""

    def save(self, name: str, content: str) -> str:
        """Store an HTML or JSON document; returns where it is."""
        ...

    def load(self, name: str) -> str | None:
        """The document that was saved under the name, None when there is none."""
        ...


class RequestLog(Protocol):
    """Answers that were given, and the labels that came later."""

    def append(self, rows: Sequence[LoggedAnswer]) -> None:
        """Store answers; one that is stored already stays as it is."""
        ...

    def join(self, labels: Columns) -> JoinReport:
        """Join labels (columns `prediction_id` or `entity`, `label`, optionally `observed_at`, `features_hash`) to answers."""
        ...

    def newest_labelled(self) -> Mapping[int, float]:
        """When the newest answer that has a label was given, by version, in seconds since the epoch."""
        ...

    def labelled(self, version: int | None = None) -> Mapping[int, LabelledAnswers]:
        """Labelled answers by version; no key for a version without any."""
        ...

    def volume(self, most: int) -> Volume:
        """All answers by version in about `most` slots of time, from the first to the last; deleted ones count too."""
        ...

    def count_before(self, moment: float) -> int:
        """How many answers were given before `moment` (seconds since the epoch)."""
        ...

    def delete_before(self, moment: float) -> int:
        """Delete the answers that were given before `moment`, with their labels; how many."""
        ...
