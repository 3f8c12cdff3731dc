"""Read one registered version without importing MLflow.

What it buys: 0.02 s of CPU of a serving process's start in place of 1.36 (docs/benchmarks-startup.md).

Two places are read: a tracking server, by MLflow's documented REST API and its artifact proxy; and MLflow's SQLite file, at the one
revision of its tables that this module was written for. Whatever else there is (another database, another revision, artifacts that
are not proxied, credentials, an answer that is not understood, files of another digest) is left to MLflow's own adapter, which also
has the sentences for what goes wrong.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, unquote, urlsplit

import httpx

from ratchet.core.address import sqlite_file
from ratchet.core.schema import ModelVersion, digest_of
from ratchet.private_names import MLFLOW_REVISION
from ratchet.registry.mlflow_moved import here, moves_with
from ratchet.registry.port import Registry

_BUNDLE = "ratchet"
# MLflow's client adds this file to what it downloads, so it was there when the digest was taken
_META, _NO_META = "registered_model_meta", "model_name: null\nmodel_version: null\n"
_SECONDS = 20.0  # as the MLflow adapter sets it
_CREDENTIALS = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4")
_DEPTH = 8  # of folders of a model


class NotPlain(Exception):  # noqa: N818 - no failure: it says who else shall read
    """This is for MLflow to read."""


_NOT_FOR_US = (NotPlain, httpx.HTTPError, httpx.InvalidURL, sqlite3.Error, OSError, KeyError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a version's files are: the run's artifacts, in which the bundle is a folder, and the logged model's."""

    version: ModelVersion
    bundle: str
    model: str


class Source(Protocol):
    """A registry that can be read plainly. Its methods raise one of `_NOT_FOR_US` when it cannot."""

    def place(self, model: str, number: int) -> Place:
        """The version and where it is."""
        ...

    def copy(self, uri: str, folder: Path) -> None:
        """Copy all files below an artifact URI."""
        ...

    def named(self, model: str, alias: str) -> int:
        """The number of the version behind the alias."""
        ...


class MlflowReader:
    """The part of port.Registry that serving needs.

    Args:
        uri: MLflow tracking URI.
        model: registered model's name.
        full: gives the MLflow adapter, for all that cannot be read plainly.
        artifacts: folder of an embedded store's artifacts; None where its tables are to be believed.
    """

    def __init__(self, uri: str, model: str, full: Callable[[], Registry], artifacts: Path | None = None) -> None:
        self._uri, self._model, self._full, self._artifacts = uri, model, full, artifacts
        self._downloads = tempfile.mkdtemp(prefix="ratchet-bundle-")
        weakref.finalize(self, shutil.rmtree, self._downloads, ignore_errors=True)

    @cached_property
    def _source(self) -> Source:
        if any(os.environ.get(name) for name in _CREDENTIALS):
            raise NotPlain(self._uri)
        if self._uri.startswith(("http://", "https://")):
            return ServerSource(self._uri)
        if (file := sqlite_file(self._uri)) is not None:
            moves = self._artifacts is not None and moves_with(Path(file), self._artifacts)
            return FileSource(Path(file), self._artifacts if moves else None)
        raise NotPlain(self._uri)

    def version(self, number: int) -> ModelVersion:
        """Raises what port.Registry says. What only comparisons need, provenance and metrics, is left out."""
        with contextlib.suppress(*_NOT_FOR_US):
            return self._source.place(self._model, number).version
        return self._full().version(number)

    def bundle(self, version: ModelVersion) -> Path:
        """The version's files in a folder of this process, their digest checked. Raises what port.Registry says."""
        with contextlib.suppress(*_NOT_FOR_US):
            folder = Path(tempfile.mkdtemp(dir=self._downloads))
            place = self._source.place(self._model, version.number)
            self._source.copy(place.model, folder / "model")
            self._source.copy(f"{place.bundle}/{_BUNDLE}", folder / _BUNDLE)
            (folder / "model" / _META).write_text(_NO_META, encoding="utf-8")
            if version.digest and digest_of(folder) == version.digest:
                return folder / _BUNDLE
        return self._full().bundle(version)

    def named(self, alias: str) -> int | None:
        """The number behind the alias, for a sentence and for no decision: None also where it cannot be read plainly."""
        with contextlib.suppress(*_NOT_FOR_US):
            return self._source.named(self._model, alias)
        return None


class FileSource:
    """MLflow's SQLite file, with artifacts in folders of this machine."""

    def __init__(self, path: Path, artifacts: Path | None = None) -> None:
        self._path, self._artifacts = path, artifacts

    def place(self, model: str, number: int) -> Place:
        """From five tables, read in one transaction."""
        with contextlib.closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            database.execute("BEGIN")
            ((revision,),) = database.execute("SELECT version_num FROM alembic_version")
            if revision != MLFLOW_REVISION:  # another MLflow is read by itself
                raise NotPlain(revision)
            ((made, run),) = database.execute(
                "SELECT creation_time, run_id FROM model_versions WHERE name = ? AND version = ?", (model, number)
            )
            tags = dict(
                database.execute("SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?", (model, number))
            )
            ((bundle, experiment),) = database.execute("SELECT artifact_uri, experiment_id FROM runs WHERE run_uuid = ?", (run,))
            ((folder,),) = database.execute("SELECT artifact_location FROM experiments WHERE experiment_id = ?", (experiment,))
            logged = _logged_model(tags)
            ((files,),) = database.execute("SELECT artifact_location FROM logged_models WHERE model_id = ?", (logged,))
        if self._artifacts is not None:
            bundle, files = (here(uri, folder or "", self._artifacts) for uri in (bundle, files))
        return Place(_version(number, run, made, tags), bundle, files)

    def named(self, model: str, alias: str) -> int:
        """From the table of the aliases."""
        with contextlib.closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            ((number,),) = database.execute(
                "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?", (model, alias)
            )
        return int(number)

    def copy(self, uri: str, folder: Path) -> None:
        """Of a `file:` URI or a path."""
        parts = urlsplit(uri)
        if parts.scheme not in {"", "file"} or parts.netloc:
            raise NotPlain(uri)
        shutil.copytree(unquote(parts.path) if parts.scheme else uri, folder)


class ServerSource:
    """An MLflow tracking server that passes artifacts on (`mlflow server --serve-artifacts`, which is its default)."""

    def __init__(self, uri: str) -> None:
        self._client = httpx.Client(base_url=f"{uri.rstrip('/')}/api/2.0/", timeout=_SECONDS)
        weakref.finalize(self, self._client.close)

    def _get(self, path: str, /, **parameters: str) -> Any:
        answer = self._client.get(path, params=parameters)
        answer.raise_for_status()
        return answer.json()

    def place(self, model: str, number: int) -> Place:
        """By three requests."""
        found = self._get("mlflow/model-versions/get", name=model, version=str(number))["model_version"]
        tags = {tag["key"]: tag["value"] for tag in found["tags"]}
        run = self._get("mlflow/runs/get", run_id=found["run_id"])["run"]["info"]["artifact_uri"]
        logged = self._get(f"mlflow/logged-models/{quote(_logged_model(tags))}")["model"]["info"]["artifact_uri"]
        return Place(_version(number, found["run_id"], int(found["creation_timestamp"]), tags), run, logged)

    def named(self, model: str, alias: str) -> int:
        """By one request."""
        return int(self._get("mlflow/registered-models/alias", name=model, alias=alias)["model_version"]["version"])

    def copy(self, uri: str, folder: Path) -> None:
        """Of an `mlflow-artifacts:/path` URI, through the server."""
        parts = urlsplit(uri)
        if parts.scheme != "mlflow-artifacts" or parts.netloc:
            raise NotPlain(uri)
        self._copy(unquote(parts.path).strip("/"), folder, _DEPTH)

    def _copy(self, path: str, folder: Path, depth: int) -> None:
        if not depth:
            raise NotPlain(path)
        folder.mkdir()
        for item in self._get("mlflow-artifacts/artifacts", path=path)["files"]:
            name = item["path"]
            if not name or name in {".", ".."} or "/" in name or "\\" in name:
                raise NotPlain(name)
            if item.get("is_dir"):
                self._copy(f"{path}/{name}", folder / name, depth - 1)
                continue
            with self._client.stream("GET", f"mlflow-artifacts/artifacts/{quote(f'{path}/{name}')}") as answer:
                answer.raise_for_status()
                with (folder / name).open("wb") as file:
                    for chunk in answer.iter_bytes():
                        file.write(chunk)


def _logged_model(tags: dict[str, str]) -> str:
    address = tags["ratchet.model_uri"]
    if not address.startswith("models:/m-"):
        raise NotPlain(address)
    return address.removeprefix("models:/")


def _version(number: int, run: str, made: int, tags: dict[str, str]) -> ModelVersion:
    return ModelVersion(number, run, tags.get("ratchet.digest", ""), datetime.fromtimestamp(made / 1000, UTC), provenance=None)
