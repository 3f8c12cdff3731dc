"""The registry on MLflow (SQLite embedded, a server on a cluster): versions, aliases, bundles.

Stages are deprecated and search results can come without aliases, so every champion is read by
`get_model_version_by_alias`.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from ratchet.clients.migrations import ONE_THREAD
from ratchet.clients.sql_errors import UNUSABLE
from ratchet.core.address import sqlite_file
from ratchet.core.errors import ArtifactError, NoSuchVersion, RatchetError
from ratchet.core.schema import ModelVersion, Provenance, digest_of
from ratchet.private_names import set_mlflows_tries
from ratchet.registry.mlflow_errors import files_absent, is_absent, registry_error
from ratchet.registry.mlflow_import import import_mlflow
from ratchet.registry.mlflow_moved import follow, moves_with
from ratchet.registry.port import Figures, Kept, NewVersion, Note

if TYPE_CHECKING:
    import mlflow
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion

T = TypeVar("T")
_EXISTS = "RESOURCE_ALREADY_EXISTS"
_BUNDLE = "ratchet"
_OPENED_LATE = (  # by MLflow, when a database is first asked
    "mlflow.store.db.utils",
    "mlflow.store.tracking.sqlalchemy_workspace_store",
    "mlflow.store.model_registry.sqlalchemy_workspace_store",
)
_LOGGED = "models:/"  # before a logged model's id


class MlflowRegistry:
    """Implements port.Registry.

    Args:
        uri: MLflow tracking URI.
        model: registered model's name.
        artifacts: folder for artifacts when the store is embedded; None leaves it to the server.
        alias_seconds: that a server has to take a connection, and again to answer, in each of the two requests that set an alias.
    """

    def __init__(self, uri: str, model: str, artifacts: Path | None, alias_seconds: int = 2) -> None:
        self._uri, self._model, self._artifacts, self._alias_seconds = uri, model, artifacts, alias_seconds
        # of a file whose name is escaped in its URL MLflow would make a second folder, so called; not where a driver is named
        self._asked = uri.replace("sqlite:///", "sqlite+pysqlite:///", 1) if "%" in uri else uri
        self._mlflow = import_mlflow()
        self._opened: mlflow.MlflowClient | None = None
        self._downloads = tempfile.mkdtemp(prefix="ratchet-bundle-")
        weakref.finalize(self, shutil.rmtree, self._downloads, ignore_errors=True)

    def prepare(self) -> None:
        """Import what the first question imports, before several threads would."""
        for module in () if self._uri.startswith("http") else _OPENED_LATE:
            import_module(module)
        with suppress(RatchetError):  # whoever asks says why
            if sqlite_file(self._uri):
                self._call(lambda client: client.search_registered_models(max_results=1))

    def _client(self) -> mlflow.MlflowClient:
        if self._opened is None:
            if not self._uri.startswith("http"):
                from mlflow.store.db import utils  # noqa: PLC0415 - takes 2 s, and a server's client does without

                set_mlflows_tries(utils, 4)  # its own 10 keep a person waiting for 100 s
            self._mlflow.set_tracking_uri(self._asked)
            self._mlflow.set_registry_uri(self._asked)
            with ONE_THREAD, self._making():
                self._opened = self._mlflow.MlflowClient(self._asked)
                if self._artifacts and (file := sqlite_file(self._uri)) and moves_with(Path(file), self._artifacts):
                    follow(Path(file), self._experiments_name, self._artifacts)
        return self._opened

    @contextmanager
    def _making(self) -> Iterator[None]:
        """One process at a time, where opening may make the database: of two that start at once, MLflow's own Alembic fails one.

        It is the folder that is locked, because a lock file would stay there.
        """
        file = sqlite_file(self._uri)
        if file is None:
            yield
            return
        folder = Path(file).parent
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)  # gives the lock back

    def _call(self, action: Callable[[mlflow.MlflowClient], T], expected: Callable[[Exception], bool] = is_absent) -> T:
        """Translate MLflow's errors once. What is `expected`, by default "does not exist", passes for the caller to read."""
        try:
            client = self._client()
        except (self._mlflow.MlflowException, SQLAlchemyError, sqlite3.Error, OSError, *UNUSABLE) as error:
            raise registry_error(error, self._uri) from error
        try:
            return action(client)
        except self._mlflow.MlflowException as error:
            if expected(error):
                raise
            raise registry_error(error, self._uri) from error
        except (FileNotFoundError, NotADirectoryError):
            raise
        except (SQLAlchemyError, OSError) as error:
            raise registry_error(error, self._uri) from error

    def register(self, new: NewVersion) -> ModelVersion:
        """Log parameters, metrics, model and bundle in one run, then register the version with all its tags at once.

        The version appears last: a crash on the way leaves a run, never a half-described version.
        """
        import mlflow.sklearn  # noqa: PLC0415 - takes 3 s with scikit-learn, and only training registers
        import sklearn  # noqa: PLC0415 - as above
        from mlflow.models import infer_signature  # noqa: PLC0415 - as above

        self._ensure_model()
        experiment = self._experiment()
        mlflow.set_experiment(experiment_id=experiment)
        try:
            with mlflow.start_run(experiment_id=experiment) as run:
                mlflow.log_params(dict(new.params))
                mlflow.log_metrics(dict(new.metrics))
                mlflow.log_artifacts(str(new.bundle), _BUNDLE)
                logged = mlflow.sklearn.log_model(
                    new.pipeline,
                    name="model",
                    serialization_format="cloudpickle",  # the default refuses HistGradientBoosting's types
                    signature=infer_signature(new.example, new.answers),
                    input_example=None,
                    pip_requirements=[f"scikit-learn=={sklearn.__version__}"],  # inferring them takes seconds
                )
            run_id = run.info.run_id
            created = self._create(run_id, logged, self._digest(run_id, logged.model_uri), new.provenance)
        except (self._mlflow.MlflowException, SQLAlchemyError, OSError) as error:
            raise registry_error(error, self._uri) from error
        return self.version(created)

    def _create(self, run_id: str, logged: Any, digest: str, provenance: Provenance | None) -> int:
        """Register what was logged; the version's number."""
        source = {
            key: json.dumps(value) if isinstance(value, list | tuple) else str(value)
            for key, value in (_tags(provenance) if provenance else {}).items()
        }
        created = self._client().create_model_version(
            self._model,
            logged.model_uri,
            run_id=run_id,
            tags={**source, "ratchet.digest": digest, "ratchet.model_uri": logged.model_uri},
            model_id=logged.model_id,  # without it a server refuses the source
        )
        return int(created.version)

    def adopt(self, kept: Kept, after: int) -> ModelVersion:
        """Log the files as they are, register them, and give away the numbers up to `after`: each is of one version for ever."""
        self._ensure_model()
        try:
            client = self._client()
            run_id = client.create_run(self._experiment()).info.run_id
            client.log_batch(run_id, metrics=[self._mlflow.entities.Metric(*item, 0, 0) for item in kept.metrics.items()])
            client.log_artifacts(run_id, str(kept.files / _BUNDLE), _BUNDLE)
            logged = client.create_logged_model(self._experiment(), name="model", source_run_id=run_id)
            client.log_model_artifacts(logged.model_id, str(kept.files / "model"))
            client.finalize_logged_model(logged.model_id, "READY")
            client.set_terminated(run_id)
            digest = self._digest(run_id, logged.model_uri)
            if digest != kept.digest:
                message = (
                    f"the registry does not give back the files that were kept (digest {digest[:12]}, kept {kept.digest[:12]})"
                )
                raise ArtifactError(message)
            number = self._create(run_id, logged, digest, kept.provenance)
            while number <= after:
                client.delete_model_version(self._model, str(number))
                number = self._create(run_id, logged, digest, kept.provenance)
        except (self._mlflow.MlflowException, SQLAlchemyError, OSError) as error:
            raise registry_error(error, self._uri) from error
        return self.version(number)

    def files(self, version: ModelVersion) -> Path:
        """The folder that the bundle lies in, with the logged model beside it."""
        return self.bundle(version).parent

    def _ensure_model(self) -> None:
        with suppress(self._mlflow.MlflowException):  # it is there already
            self._call(lambda client: client.create_registered_model(self._model), lambda error: _code(error) == _EXISTS)

    @property
    def _experiments_name(self) -> str:
        return f"ratchet/{self._model}"

    def _experiment(self) -> str:
        name = self._experiments_name
        found = self._call(lambda client: client.get_experiment_by_name(name))
        if found is not None:
            return str(found.experiment_id)
        location = self._artifacts.as_uri() if self._artifacts else None
        return str(self._call(lambda client: client.create_experiment(name, artifact_location=location)))

    def note(self, number: int, note: Note) -> None:
        """Write figures as metrics of the version's run and of its logged model, by data set, and texts as tags of the version.

        A metric's step is the data set's date as 20240229, so that MLflow takes the latest day's for the version's. Raises
        NoSuchVersion when there is none, ArtifactError when its run is gone.
        """
        found, figures = self._found(number), note.figures
        if figures is not None and found.run_id:
            metrics = list(self._metrics(figures, found.tags.get("ratchet.model_uri", "")))
            try:
                self._call(lambda client: client.log_batch(found.run_id, metrics=metrics))
            except self._mlflow.MlflowException as error:
                raise _gone(found) from error
        for name, text in note.tags.items():
            self._tag(number, name, text)

    def _tag(self, number: int, name: str, text: str) -> None:
        self._call(lambda client: client.set_model_version_tag(self._model, str(number), name, text))

    def _metrics(self, figures: Figures, model_uri: str) -> Iterator[Any]:
        """The version itself does not say which logged model it is: its address does."""
        model_id = model_uri.removeprefix(_LOGGED) if model_uri.startswith(f"{_LOGGED}m-") else None
        step, at = int(f"{figures.day:%Y%m%d}"), int(figures.at.timestamp() * 1000)
        for name, value in figures.values.items():
            yield self._mlflow.entities.Metric(
                name, value, at, step, model_id=model_id, dataset_name=figures.dataset, dataset_digest=figures.digest
            )

    def version(self, number: int) -> ModelVersion:
        """Raises NoSuchVersion when there is no such version."""
        return self._read(self._found(number))

    def _found(self, number: int) -> MlflowVersion:
        try:
            return self._call(lambda client: client.get_model_version(self._model, str(number)))
        except self._mlflow.MlflowException as error:
            message = f"model {self._model} has no version {number}: `ratchet history` lists them"
            raise NoSuchVersion(message) from error

    def versions(self) -> list[ModelVersion]:
        """All versions, oldest first."""
        found = self._call(lambda client: client.search_model_versions(f"name = '{self._model}'", max_results=1000))
        return sorted((self._read(version) for version in found), key=lambda version: version.number)

    def alias(self, alias: str) -> ModelVersion | None:
        """The version behind the alias, None only when the registry answers that there is none."""
        try:
            found = self._call(lambda client: client.get_model_version_by_alias(self._model, alias))
        except self._mlflow.MlflowException:  # _call lets only "does not exist" through
            self._confirm()
            return None
        return self._read(found)

    def _confirm(self) -> None:
        """Ask something that every MLflow answers: a 404 of some other server is not "there is no champion"."""
        try:
            self._call(lambda client: client.search_registered_models(max_results=1))
        except self._mlflow.MlflowException as error:
            raise registry_error(error, self._uri) from error

    def set_alias(self, alias: str, number: int) -> None:
        """Point the alias at the version, in one try. Raises NoSuchVersion when it was deleted meanwhile."""
        try:
            with self._one_try():
                self._call(lambda client: client.set_registered_model_alias(self._model, alias, str(number)))
        except self._mlflow.MlflowException as error:
            message = f"model {self._model} has no version {number} to call {alias!r}: was it deleted?"
            raise NoSuchVersion(message) from error

    @contextmanager
    def _one_try(self) -> Iterator[None]:
        """MLflow's client reads both variables at each request; by them it would try for over a minute."""
        bounds = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": str(self._alias_seconds)}
        before = {name: os.environ.get(name) for name in bounds}
        os.environ.update(bounds)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})

    def drop_alias(self, alias: str) -> None:
        """Remove the alias; no error when it is not set."""
        self._call(lambda client: client.delete_registered_model_alias(self._model, alias))

    def bundle(self, version: ModelVersion) -> Path:
        """Download the version's files into a folder of this process and check their digest.

        Never cached: what was checked once can have been changed since.
        """
        model_uri = self._call(lambda client: client.get_model_version(self._model, str(version.number))).tags.get(
            "ratchet.model_uri", ""
        )
        if not version.digest or not model_uri:
            message = f"version {version.number} has no digest in its tags: it was not registered by Ratchet and is not loaded"
            raise ArtifactError(message)
        try:
            digest, folder = self._download(version.run_id, model_uri)
        except (self._mlflow.MlflowException, FileNotFoundError, NotADirectoryError) as error:
            message = f"version {version.number}'s files are not in the registry's artifact store: restore them or retrain"
            raise ArtifactError(message) from error
        if digest != version.digest:
            message = (
                f"version {version.number}'s files are not those that were registered (digest {digest[:12]}, registered "
                f"{version.digest[:12]}): restore them or retrain"
            )
            raise ArtifactError(message)
        return folder

    def _download(self, run_id: str, model_uri: str) -> tuple[str, Path]:
        target = Path(tempfile.mkdtemp(dir=self._downloads))
        fetch = self._mlflow.artifacts.download_artifacts

        def both(_: mlflow.MlflowClient) -> str:
            fetch(artifact_uri=model_uri, dst_path=str(target / "model"), tracking_uri=self._asked)
            return str(fetch(run_id=run_id, artifact_path=_BUNDLE, dst_path=str(target), tracking_uri=self._asked))

        bundle = Path(self._call(both, files_absent))
        return digest_of(target), bundle

    def _digest(self, run_id: str, model_uri: str) -> str:
        return self._download(run_id, model_uri)[0]

    def _read(self, version: MlflowVersion) -> ModelVersion:
        try:
            metrics = self._call(lambda client: client.get_run(version.run_id)).data.metrics if version.run_id else {}
        except self._mlflow.MlflowException as error:
            raise _gone(version) from error
        return ModelVersion(
            number=int(version.version),
            run_id=version.run_id or "",
            digest=version.tags.get("ratchet.digest", ""),
            created_at=datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
            provenance=_provenance(version.tags),
            metrics=metrics,
        )


def _code(error: Exception) -> str:
    return str(getattr(error, "error_code", ""))


def _gone(version: MlflowVersion) -> ArtifactError:
    message = f"version {version.version} is registered, but its MLflow run {version.run_id} is gone: restore it in the registry"
    return ArtifactError(message)


def _tags(provenance: Provenance) -> dict[str, Any]:
    return {
        "ratchet.snapshots": provenance.snapshot_ids,
        "ratchet.snapshot_hash": provenance.snapshot_hash,
        "ratchet.holdout_salt": provenance.holdout_salt,
        "ratchet.holdout_share": provenance.holdout_share,
        "ratchet.project_hash": provenance.project_hash,
        "ratchet.seed": provenance.seed,
        "ratchet.train_rows": provenance.train_rows,
        **({"ratchet.prepare": provenance.prepare} if provenance.prepare else {}),
    }


def _provenance(tags: dict[str, str]) -> Provenance | None:
    """Read the tags back; None when one is missing or malformed, which the gate takes for "not proven"."""
    try:
        return Provenance(
            snapshot_ids=tuple(json.loads(tags["ratchet.snapshots"])),
            snapshot_hash=tags["ratchet.snapshot_hash"],
            holdout_salt=tags["ratchet.holdout_salt"],
            holdout_share=float(tags["ratchet.holdout_share"]),
            project_hash=tags["ratchet.project_hash"],
            seed=int(tags["ratchet.seed"]),
            train_rows=int(tags["ratchet.train_rows"]),
            prepare=tags.get("ratchet.prepare", ""),
        )
    except (KeyError, ValueError):
        return None
