"""What serving reads without MLflow is what MLflow's adapter reads; whatever is not plain is left to that adapter."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ratchet.core.errors import ArtifactError, Unavailable, UserError
from ratchet.core.schema import digest_of
from ratchet.registry.mlflow_reader import MlflowReader
from ratchet.registry.mlflow_registry import MlflowRegistry
from ratchet.registry.port import Registry
from tests.contract.test_registry import new
from tests.support.rollout_harness import free_port, until


class Stored:
    """A registry with a version in it, and where its artifacts lie on disk."""

    def __init__(self, registry: MlflowRegistry, uri: str, files: Path) -> None:
        self.registry, self.uri, self.files = registry, uri, files

    def reader(self, full: Registry | None = None) -> MlflowReader:
        """One that may ask MLflow's adapter, or that must do without."""

        def forbidden() -> Registry:
            message = "MLflow's adapter was asked"
            raise AssertionError(message)

        return MlflowReader(self.uri, "churn", (lambda: full) if full else forbidden)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    """MLflow's own server, as the platform chart runs it."""
    root, port = tmp_path_factory.mktemp("server"), free_port()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1", "--serve-artifacts"]
    command += ["--backend-store-uri", f"sqlite:///{root / 'server.db'}", "--artifacts-destination", str(root / "files")]
    uri = f"http://127.0.0.1:{port}"

    def healthy() -> bool:
        try:
            return httpx.get(f"{uri}/health", timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    with (root / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        until(healthy, bool)
        registry = MlflowRegistry(uri, "churn", None)
        registry.register(new(root))
        yield Stored(registry, uri, root / "files")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


@pytest.fixture
def file(tmp_path: Path) -> Stored:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    registry = MlflowRegistry(uri, "churn", tmp_path / "artifacts")
    registry.register(new(tmp_path))
    return Stored(registry, uri, tmp_path / "artifacts")


@pytest.fixture(params=["file", "server"])
def stored(request: pytest.FixtureRequest) -> Stored:
    found: Stored = request.getfixturevalue(request.param)
    return found


def test_version_and_files_are_those_that_mlflow_gives(stored: Stored) -> None:
    reader, theirs = stored.reader(), stored.registry.version(1)
    ours = reader.version(1)
    assert (ours.number, ours.run_id, ours.digest, ours.created_at) == (
        theirs.number,
        theirs.run_id,
        theirs.digest,
        theirs.created_at,
    )
    folder = reader.bundle(ours)
    assert digest_of(folder.parent) == theirs.digest
    assert (folder / "scorer.json").read_bytes() == (stored.registry.bundle(theirs) / "scorer.json").read_bytes()


def test_an_unknown_version_has_the_adapters_sentence(stored: Stored) -> None:
    with pytest.raises(UserError, match="no version 9"):
        stored.reader(stored.registry).version(9)


@pytest.mark.parametrize("name", ["scorer.json", "model.pkl"])
def test_changed_bytes_are_not_loaded(file: Stored, name: str) -> None:
    path = next(file.files.rglob(name))
    path.write_bytes(path.read_bytes() + b" ")
    reader = file.reader(file.registry)
    with pytest.raises(ArtifactError, match="version 1's files are not those that were registered"):
        reader.bundle(reader.version(1))


def test_changed_bytes_behind_a_server_are_not_loaded(server: Stored) -> None:
    path = next(server.files.rglob("scorer.json"))
    before = path.read_bytes()
    reader = server.reader(
        MlflowRegistry(server.uri, "churn", None)
    )  # opened last: MLflow's own address is one for all of a process
    version = reader.version(1)
    path.write_bytes(before[::-1])
    try:
        with pytest.raises(ArtifactError, match="version 1's files are not those that were registered"):
            reader.bundle(version)
    finally:
        path.write_bytes(before)


def test_missing_files_have_the_adapters_sentence(file: Stored) -> None:
    next(file.files.rglob("scorer.json")).unlink()
    reader = file.reader(file.registry)
    with pytest.raises(ArtifactError, match="version 1's files"):
        reader.bundle(reader.version(1))


def test_tables_of_another_mlflow_are_left_to_mlflow(file: Stored) -> None:
    with sqlite3.connect(file.uri.removeprefix("sqlite:///")) as database:
        database.execute("UPDATE alembic_version SET version_num = 'of the future'")
    database.close()
    with pytest.raises(AssertionError, match="MLflow's adapter was asked"):
        file.reader().version(1)


def test_who_gives_credentials_is_left_to_mlflow(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t")
    with pytest.raises(AssertionError, match="MLflow's adapter was asked"):
        stored.reader().version(1)


def test_a_server_that_is_down_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    uri = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable, match="cannot be reached"):
        MlflowReader(uri, "churn", lambda: MlflowRegistry(uri, "churn", None)).version(1)


def test_looking_at_a_database_that_is_not_there_does_not_make_one(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with pytest.raises(AssertionError, match="MLflow's adapter was asked"):
        Stored(MlflowRegistry("", "churn", None), f"sqlite:///{path}", tmp_path).reader().version(1)
    assert not path.exists()


def test_the_version_behind_an_alias_is_named_without_mlflow(stored: Stored) -> None:
    assert stored.reader().named("production") is None
    stored.registry.set_alias("production", 1)
    try:
        assert stored.reader().named("production") == 1
    finally:
        stored.registry.drop_alias("production")
