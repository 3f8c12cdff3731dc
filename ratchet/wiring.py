"""The composition root: settings and project in, adapters out. The one place where adapters are chosen."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ratchet.clients.home import keep_private, take_over
from ratchet.core.address import BadAddress, read_address, sqlite_file, sqlite_url
from ratchet.core.elsewhere import refuse_file_elsewhere
from ratchet.core.errors import Misconfigured, NoSuchVersion, RatchetError, UserError
from ratchet.estimators.catalogue import refuse_unknown
from ratchet.ledger.journal import Journal
from ratchet.project.addresses import SOURCE, is_database, place_of_data, settled
from ratchet.project.file import Project, load_project
from ratchet.promotion.production import Production
from ratchet.settings import Settings, load_settings
from ratchet.tasks.catalogue import task_of
from ratchet.tasks.task import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ratchet.clients.kubernetes import KubernetesApi
    from ratchet.core.record import Record
    from ratchet.core.schema import Columns, Feature
    from ratchet.features.feast_repository import FeastRepository
    from ratchet.features.port import FeatureStore
    from ratchet.ledger.port import Ledger
    from ratchet.ledger.seal import Anchors, Key, Seal
    from ratchet.ledger.sql import SqlLedger
    from ratchet.locks.port import Lock
    from ratchet.notify.port import Notifier
    from ratchet.registry.mlflow_reader import MlflowReader
    from ratchet.registry.port import Registry
    from ratchet.reports.port import DriftReporter, Reports
    from ratchet.requests.port import RequestLog
    from ratchet.rollout.port import Rollout
    from ratchet.scores.port import Rows, Target
    from ratchet.snapshots.port import SnapshotStore
    from ratchet.sources.port import Source
    from ratchet.sources.s3 import Upload

T = TypeVar("T")


_NOT_OURS = "no comparison was made under this ratchet.yaml, nor has its registry the version that was promoted last"


@dataclass(frozen=True)
class Wiring:
    """Adapters, each built when it is first asked for: importing Feast or MLflow takes seconds, and few commands need both."""

    settings: Settings
    project: Project

    def __post_init__(self) -> None:
        """The settings are those of the project's model, whatever RATCHET_MODEL says."""
        object.__setattr__(self, "settings", self.settings.model_copy(update={"model": self.project.model}))

    @classmethod
    def checked(cls) -> Wiring:
        """From the environment and ratchet.yaml, with nothing stored or claimed. Raises UserError or ProjectError."""
        settings = load_settings()
        project = load_project(settings.project)
        refuse_unknown(project)
        keep_private(settings.home)
        return cls(settings, project)

    @classmethod
    def load(cls) -> Wiring:
        """From the environment and ratchet.yaml. Raises UserError or ProjectError."""
        wiring = cls.checked()
        take_over(wiring.settings, wiring.ledger.owns_unnamed)
        return wiring

    @property
    def task(self) -> Task:
        """What the project's model learns."""
        return task_of(self.project)

    def source(self, place: str | Path, *, anew: bool = False) -> Source:
        """Raw snapshots below a folder, below `s3://bucket/prefix`, or of a database.

        With features that a Feast repository has, which stay those that a snapshot was stored with, unless they are taken `anew`.
        """
        tables, repository = self._tables(place), self.repository
        if repository is None:
            return tables
        from ratchet.sources.with_features import FeaturesFromElsewhere

        kept = (lambda _day, _entities: None) if anew else self._stored_features
        where = f"Feast's {repository.service}"
        return FeaturesFromElsewhere(tables, self.project, where, repository.offline, kept)

    def _stored_features(self, as_of: date, entities: NDArray[Any]) -> Columns | None:
        """Features of the stored snapshot of a date, None when there is none of exactly these entities."""
        snapshot = next((item for item in self.store.snapshots() if item.as_of == as_of), None)
        if snapshot is None or snapshot.rows != len(entities):
            return None
        key, names = self.project.entity, [feature.name for feature in self.project.inputs]
        if self.store.columns(snapshot, [key])[key].tolist() != entities.tolist():
            return None
        return self.store.columns(snapshot, names)

    def _tables(self, place: str | Path) -> Source:
        """The snapshots' tables, as far as features stand in them."""
        from ratchet.sources.folder import TableSource

        checked_place(str(place))
        if str(place).startswith("s3://"):
            from ratchet.clients.s3 import S3Folder
            from ratchet.sources.s3 import S3Source

            return S3Source(S3Folder(str(place), "the data's place"), self.project.in_tables)
        if is_database(str(place)):
            return self._database(str(place))
        return TableSource(Path(place), self.project.in_tables)

    def _database(self, place: str) -> Source:
        from ratchet.sources.sql import SqlSource

        if place != SOURCE:
            return SqlSource(place, self.project.in_tables, "the data's place", self.settings.source_timeout)
        if not self.settings.source_url:
            message = (
                f"{SOURCE} is the database of RATCHET_SOURCE_URL, which is not set: set it to an address that SQLAlchemy knows"
            )
            raise UserError(message)
        return SqlSource(self.settings.source_url, self.project.in_tables, "RATCHET_SOURCE_URL", self.settings.source_timeout)

    def upload(self, folder: Path, to: str) -> Upload:
        """Raw snapshots of a folder, to be put below `s3://bucket/prefix`."""
        from ratchet.clients.s3 import S3Folder
        from ratchet.sources.s3 import Upload

        return Upload(folder, self.project.in_tables, S3Folder(to, "--to"))

    def rows_in(self, place: str, as_of: date, query: str = "") -> Rows:
        """Rows to score: a stored snapshot (or the `latest`), a file of features, or what an SQL query gives.

        Args:
            place: the snapshot's name, date or id; the file's path; or the database's URL.
            as_of: the date that a file's or a query's rows describe.
            query: of a database.
        """
        if "://" in place:
            from ratchet.sources.row_query import QueryRows

            refuse_file_elsewhere(place)
            _refuse_address(place, "what is to be scored")
            return QueryRows(place, query, self.project, as_of, self.settings.source_timeout)
        from ratchet.sources.row_file import FileRows, is_row_file

        if is_row_file(place):
            return FileRows(Path(place), self.project, as_of)
        from ratchet.steps.parts.stored_rows import StoredRows

        stored = self.store.listed() if place == "latest" else [self.store.get(place)]
        if not stored:
            message = "no snapshot has been ingested yet: `ratchet data ingest` does it, or name a file"
            raise UserError(message)
        return StoredRows(self.store, stored[-1], self.project.entity)

    def scores_to(self, out: str) -> Target:
        """Where scores go: a Parquet or CSV file, one on S3, or a table of an SQL database."""
        from ratchet.scores.file import ScoreFile, folder_beside, suffix_of
        from ratchet.scores.kept import KeptScores

        if "://" in out and not out.startswith("s3://"):
            from ratchet.scores.sql import ScoreTable

            url, number_sign, table = out.rpartition("#")
            if not number_sign:
                message = "--out is a database and names no table: it is postgresql+psycopg://host/database#table"
                raise UserError(message)
            _refuse_address(url, "--out")
            return KeptScores(self._kept_for(out), ScoreTable(url, table, self.project.model, self.project.entity))
        suffix_of(out)
        if out.startswith("s3://"):
            from ratchet.clients.s3 import S3Folder
            from ratchet.scores.s3 import ScoreObject

            folder, _, name = out.rpartition("/")
            return KeptScores(self._kept_for(out), ScoreObject(S3Folder(folder, "--out"), name))
        path = Path(out).absolute()
        return KeptScores(folder_beside(path), ScoreFile(path))

    def _kept_for(self, out: str) -> Path:
        """Where the parts are kept of what is no file here."""
        return self.settings.folder / "scores" / hashlib.sha256(out.encode()).hexdigest()[:16]

    def labels_in(self, file: Path, say: Callable[[str], object]) -> Columns:
        """The late labels of a CSV file, as `RequestLog.join` takes them; `say` hears what is odd about them."""
        from ratchet.sources.label_file import read_late_labels

        return read_late_labels(file, self.project, say)

    @cached_property
    def store(self) -> SnapshotStore:
        """Parquet snapshots, on S3 by way of a mirror in the home."""
        return self._snapshots_in(self.settings.snapshots)[0]

    def fetched(self, folder: Path) -> SnapshotStore:
        """The stored snapshots, for processes that read them and write nothing: those on S3 are fetched into an empty folder."""
        if not self.settings.snapshots_url:
            return self.store
        remote, local = self._snapshots_in(folder)
        remote.snapshots()
        return local

    def _snapshots_in(self, folder: Path) -> tuple[SnapshotStore, SnapshotStore]:
        """The store, and what reads its files in that folder: the same, where they are nowhere else."""
        from ratchet.snapshots.parquet import ParquetSnapshots

        columns = [column.feature for column in self.project.columns]
        local = ParquetSnapshots(folder, self.project.entity, self.project.label.name, columns, self.project.declared)
        if not self.settings.snapshots_url:
            return local, local
        from ratchet.clients.s3 import S3Folder
        from ratchet.snapshots.s3 import S3Snapshots, place_of

        url, variable = self.settings.snapshots_url, "RATCHET_SNAPSHOTS_URL"
        own, shared = S3Folder(f"{url.rstrip('/')}/{self.project.model}", variable), S3Folder(url, variable)
        return S3Snapshots(place_of(own, shared, self.ledger.owns_unnamed), local, folder), local

    @cached_property
    def features(self) -> FeatureStore:
        """Feast, ours or a repository that exists, or the stored snapshots alone."""
        if self.repository is not None:
            return self.repository
        if not self.project.keeps_features:
            return self._snapshot_features
        if self.settings.deployment and not self.settings.online_url:
            message = (
                "RATCHET_ONLINE_URL is not set: the pods of a cluster look features up in a PostgreSQL; put its address into the "
                "Secret of connections, or set feature_store: none in ratchet.yaml and let requests bring their features"
            )
            raise Misconfigured(message)
        from ratchet.features.feast_features import FeastFeatures

        return FeastFeatures(
            self.settings.feast,
            self.settings.snapshots,
            self.project.model,
            self.project.entity,
            self.project.inputs,
            online_url=self.settings.online_url,
            refresh=self._refresh_snapshots,
            declared=self.project.declared,
        )

    @property
    def looks_up_in_a_file(self) -> bool:
        """Whether features are looked up in a file of ours on this machine, which takes microseconds and never waits."""
        return self.project.feature_store == "feast" and not self.settings.online_url

    @property
    def _snapshot_features(self) -> FeatureStore:
        from ratchet.features.from_snapshots import SnapshotFeatures

        return SnapshotFeatures(lambda: self.store, self.project.entity, self.project.inputs)

    @cached_property
    def repository(self) -> FeastRepository | None:
        """The Feast repository that the project names, None for a project that names none."""
        named, project = self.project.feature_store, self.project
        if isinstance(named, str):
            return None
        from ratchet.features.feast_repository import FeastRepository

        folder = Path(os.path.normpath(self.settings.project.parent / named.repository))
        key = named.key or project.entity
        return FeastRepository(folder, named.service, key, project.inputs, self._snapshot_features, declared=project.declared)

    def _refresh_snapshots(self) -> None:
        """Fetch what is new on S3. Only where snapshots are read: serving looks features up, and has no keys for S3."""
        if self.settings.snapshots_url:
            self.store.snapshots()

    @cached_property
    def registry(self) -> Registry:
        """MLflow."""
        from ratchet.registry.mlflow_registry import MlflowRegistry

        return MlflowRegistry(
            self.settings.tracking_uri,
            self.project.model,
            self._artifacts,
            max(1, self.settings.lease_seconds // 12),  # four times that is what the lock's fence leaves a write that has begun
        )

    @cached_property
    def published(self) -> MlflowReader:
        """MLflow as serving reads it: one version, mostly without importing MLflow."""
        from ratchet.registry.mlflow_reader import MlflowReader

        return MlflowReader(self.settings.tracking_uri, self.project.model, lambda: self.registry, self._artifacts)

    @property
    def _artifacts(self) -> Path | None:
        """Folder of the artifacts of a new experiment where MLflow is a file; a server has a place of its own."""
        return self.settings.home / "artifacts" if self.settings.tracking_uri.startswith("sqlite:") else None

    @cached_property
    def ledger(self) -> SqlLedger:
        """SQL."""
        from ratchet.ledger.sql import SqlLedger

        return SqlLedger(self.settings.ledger_url, self.settings.actor, self.project.model, self._belong, self._secret)

    def _secret(self) -> bytes:
        return self.seal.secret()

    def _belong(self, records: Sequence[Record]) -> bool:
        """Whether the records of release 0.1 are this model's. Asks MLflow only where they do not say it themselves."""
        from ratchet.ledger.claim import belong

        found = belong(records, self.project.hash, self._digest_of)
        if not found:
            warn(f"[LEDGER] {len(records)} records of release 0.1 are not taken for those of {self.project.model}: {_NOT_OURS}")
        return found

    def _digest_of(self, version: int) -> str | None:
        embedded = sqlite_file(self.settings.tracking_uri)
        if embedded and not Path(embedded).exists():  # asking would make an empty one
            message = (
                f"the ledger has records of release 0.1, and whose they are only its MLflow knows, which {embedded} is not: "
                "set RATCHET_TRACKING_URI, or run `ratchet status` once for the model that they are of"
            )
            raise UserError(message)
        try:
            return self.registry.version(version).digest
        except NoSuchVersion:
            return None

    @cached_property
    def journal(self) -> Journal:
        """The ledger as this model's events; the notifiers hear of each that is appended."""
        return Journal(self.ledger, self.project.model, [notifier.notify for notifier in self.notifiers], self.seal)

    @cached_property
    def seal(self) -> Seal:
        """The ledger's key and where its head is published: both outside its database."""
        from ratchet.ledger.anchor_file import AnchorFile, KeyFile, KeyText
        from ratchet.ledger.seal import Seal

        settings, own = self.settings, self.settings.ledger_url == sqlite_url(str(self.settings.home / "ledger.db"))
        if settings.ledger_key or (not settings.ledger_key_file and not own):
            key: Key = KeyText(settings.ledger_key, "RATCHET_LEDGER_KEY")
        else:
            key = KeyFile(Path(settings.ledger_key_file or settings.home / "ledger.key"), make=not settings.ledger_key_file)
        anchors: Anchors = AnchorFile(settings.folder / "ledger-head.json")
        if settings.deployment:
            from ratchet.ledger.anchor_deployment import DeploymentAnchor

            anchors = DeploymentAnchor(self.cluster, settings.deployment)
        return Seal(self.project.model, key, anchors, warn)

    @property
    def notifiers(self) -> Sequence[Notifier]:
        """A webhook, where the environment names one."""
        if not self.settings.notify_url:
            return ()
        from ratchet.notify.webhook import Webhook

        return (Webhook(self.settings.notify_url, warn),)

    @cached_property
    def cluster(self) -> KubernetesApi:
        """The cluster that the Deployment is on."""
        from ratchet.clients.kubernetes import KubernetesApi

        return KubernetesApi.load(self.settings.namespace)

    @cached_property
    def lock(self) -> Lock:
        """A Lease beside the Deployment, else a file."""
        if self.settings.deployment:
            from ratchet.locks.lease import LeaseLock

            name = self.settings.lease or f"{self.settings.deployment}-promotion"
            return LeaseLock(self.cluster, name, self.settings.actor, self.settings.lock_timeout, self.settings.lease_seconds)
        from ratchet.locks.file import PromotionFileLock

        return PromotionFileLock(self.settings.lock, self.settings.actor, self.settings.lock_timeout)

    @cached_property
    def rollout(self) -> Rollout:
        """A Deployment, else processes behind one address."""
        if self.settings.deployment:
            from ratchet.rollout.deployment import KubernetesRollout

            return KubernetesRollout(self.cluster, self.settings, self.project.entity, self.task.score_in, posted=self._posted)
        from ratchet.rollout.processes import ProcessRollout

        return ProcessRollout(self.settings, self.project.entity, self.task.score_in, posted=self._posted)

    @property
    def _posted(self) -> Sequence[Feature]:
        """What a question to what serves brings along: nothing, where it looks features up."""
        return () if self.project.keeps_features else self.project.inputs

    @cached_property
    def requests(self) -> RequestLog:
        """SQL."""
        from ratchet.requests.sql import SqlRequestLog

        return SqlRequestLog(self.settings.requests_url, self.project.model, self.ledger.owns_unnamed)

    @cached_property
    def reporter(self) -> DriftReporter:
        """Evidently."""
        from ratchet.reports import evidently_report

        return evidently_report

    @cached_property
    def reports(self) -> Reports:
        """Files, in a folder or on S3."""
        if self.settings.reports_url:
            from ratchet.clients.s3 import S3Folder
            from ratchet.reports.s3 import S3Reports

            url, variable = self.settings.reports_url, "RATCHET_REPORTS_URL"
            own, shared = S3Folder(f"{url.rstrip('/')}/{self.project.model}", variable), S3Folder(url, variable)
            return S3Reports(own, shared, self.ledger.owns_unnamed)
        from ratchet.reports.files import ReportFiles

        return ReportFiles(self.settings.reports)

    def prepare(self) -> None:
        """Import in this thread all that registry, ledger, request log and rollout import when they are first asked.

        For a process that asks them from several threads: Python fails an import that two threads wait for in a circle. What cannot
        be built is left to who asks it, who says why.
        """
        from ratchet.clients.migrations import prepare
        from ratchet.registry.mlflow_registry import MlflowRegistry

        for build in (lambda: self.registry, lambda: self.journal, lambda: self.requests, lambda: self.rollout):
            with suppress(RatchetError):
                build()
        if isinstance(self.registry, MlflowRegistry):
            self.registry.prepare()
        for url in (self.settings.ledger_url, self.settings.requests_url):
            prepare(url)
        import_module("ratchet.ledger.signing")

    @property
    def production(self) -> Production:
        """What the promotion protocol acts on; it says its stages on standard output."""
        return Production(
            self.registry, self.journal, self.lock, self.rollout, self.settings.ready_timeout, say, keeps=self.reports
        )

    @property
    def quiet_production(self) -> Production:
        """As `production`, saying nothing: for a command whose output is one JSON document."""
        return replace(self.production, say=lambda _: None)


def _refuse_address(url: str, what: str) -> None:
    """Raise UserError where that is no URL of a database, before any library sees it and might repeat it."""
    try:
        read_address(url, {url.partition("://")[0].partition("+")[0].lower()})
    except BadAddress as error:
        message = f"{what} is not usable: {error}"
        raise UserError(message) from error


@dataclass(frozen=True, slots=True)
class SeenModel:
    """What one of several models can be looked at by, without its project file."""

    model: str
    registry: Registry
    ledger: Ledger
    rollout: Rollout


def checked_place(place: str) -> str:
    """A place of raw snapshots as a process in another folder finds it. Raises UserError, which repeats none of its secrets."""
    try:
        return settled(place_of_data(place))
    except BadAddress as error:
        message = f"the data's place is not usable: {error}, nor is it a folder"
        raise UserError(message) from error


def models_of_home() -> Iterator[SeenModel]:
    """The models that the ledger has records of; none where a project file is there, or a Deployment serves one of them.

    Makes nothing: where there is no ledger there is no model.
    """
    settings = load_settings()
    file = sqlite_file(settings.ledger_url)
    if settings.project.exists() or settings.deployment or (file and not Path(file).exists()):
        return
    from ratchet.ledger.sql import SqlLedger, models_in
    from ratchet.registry.mlflow_registry import MlflowRegistry
    from ratchet.rollout.processes import ProcessRollout

    for model in models_in(settings.ledger_url):
        yield SeenModel(
            model,
            MlflowRegistry(settings.tracking_uri, model, None),
            SqlLedger(settings.ledger_url, settings.actor, model, lambda _: False),  # looks, and claims nothing
            ProcessRollout(settings.model_copy(update={"model": model}), "", lambda _: float("nan")),  # nobody is asked
        )


def migrate() -> list[str]:
    """Bring the tables of ledger and request log up to date, and give the database roles their rights. Returns those roles.

    By the environment alone: the tables are those of all models.
    """
    from ratchet.features.online_rights import give_online_rights
    from ratchet.ledger.sql import SqlLedger
    from ratchet.requests.sql import SqlRequestLog

    settings = load_settings()
    keep_private(settings.home)
    given = [
        *SqlLedger(settings.ledger_url, settings.actor, settings.model).migrate(),
        *SqlRequestLog(settings.requests_url, settings.model).migrate(),
        *(give_online_rights(settings.online_url) if settings.online_url else ()),
    ]
    return sorted(set(given))


def say(line: str) -> None:
    """One line of a step's log, at once."""
    print(line, flush=True)  # noqa: T201 - a step's log is its standard output, on a cluster and locally


def warn(line: str) -> None:
    """One line of log that is no answer: on standard error, because standard output may be one JSON document."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - likewise a step's log
