"""A home may be copied, moved and called anything, what others left about is no obstacle, and nothing is left behind."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from ratchet.core.address import sqlite_url
from ratchet.features.feast_features import FeastFeatures
from ratchet.registry.mlflow_reader import MlflowReader
from ratchet.registry.mlflow_registry import MlflowRegistry
from ratchet.registry.port import Registry
from tests.contract.test_registry import new
from tests.integration.test_feast import DAYS, Shop
from tests.support.club import MEMBERS, Club
from tests.support.rollout_harness import until
from tests.support.shop import tables

ODD = "a%20b?c#d é 100%"
LEFT_BEHIND = {
    "MLFLOW_RUN_ID": "0123456789abcdef0123456789abcdef",
    "MLFLOW_EXPERIMENT_ID": "77",
    "MLFLOW_EXPERIMENT_NAME": "somebody else's",
    "MLFLOW_ACTIVE_MODEL_ID": "m-0",
    "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
    "MLFLOW_REGISTRY_URI": "http://127.0.0.1:9",
    "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": "true",
    "PROMETHEUS_MULTIPROC_DIR": "/nonexistent",
    "PROMETHEUS_MULTIPROCESS_DIR": "/nonexistent",
}


def content(folder: Path) -> dict[str, str]:
    """Digests of all files by their path; SQLite's logs, which reading makes, aside."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def registry(home: Path) -> MlflowRegistry:
    return MlflowRegistry(sqlite_url(str(home / "mlflow.db")), "churn", home / "artifacts")


def nobody() -> Registry:
    message = "MLflow's adapter was asked"
    raise AssertionError(message)


def reader(home: Path) -> MlflowReader:
    return MlflowReader(sqlite_url(str(home / "mlflow.db")), "churn", nobody, home / "artifacts")


@pytest.mark.parametrize("name", ["plain", ODD])
def test_a_copy_of_a_registry_writes_into_itself_and_a_moved_one_finds_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for variable, value in LEFT_BEHIND.items():
        monkeypatch.setenv(variable, value)
    original, copied, moved = tmp_path / name, tmp_path / f"{name} copied", tmp_path / f"{name} moved"
    first = registry(original).register(new(tmp_path))
    shutil.copytree(original, copied)
    before = content(original)

    second = registry(copied).register(new(tmp_path, '{"other": 1}'))
    assert (second.number, content(original)) == (2, before)
    original.rename(moved)
    for home, version in ((moved, first), (copied, first), (copied, second)):
        assert (reader(home).bundle(version) / "scorer.json").exists()  # as serving reads it, before anybody has written there
        assert (registry(home).bundle(version) / "scorer.json").exists()
    assert registry(moved).register(new(tmp_path)).number == 2
    assert not original.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"bundle", copied.name, moved.name}


def test_a_registry_outside_the_homes_keeps_its_paths_whoever_opens_it(tmp_path: Path) -> None:
    uri = sqlite_url(str(tmp_path / "srv" / "mlflow.db"))
    homes = [tmp_path / "one", tmp_path / "two"]
    one, two = (MlflowRegistry(uri, "churn", home / "artifacts") for home in homes)
    versions = [one.register(new(tmp_path)), two.register(new(tmp_path, '{"other": 1}'))]
    before = content(homes[0])
    for home in (*homes, homes[0]):
        for version in versions:
            assert (MlflowReader(uri, "churn", nobody, home / "artifacts").bundle(version) / "scorer.json").exists()
            assert (MlflowRegistry(uri, "churn", home / "artifacts").bundle(version) / "scorer.json").exists()
    assert content(homes[0]) == before
    assert not (homes[1] / "artifacts").exists(), "the experiment's files are where they were made first"


def test_a_home_behind_a_link_is_a_home(tmp_path: Path) -> None:
    first = registry(tmp_path / "home").register(new(tmp_path))
    (tmp_path / "home").rename(tmp_path / "moved")
    (tmp_path / "link").symlink_to(tmp_path / "moved")
    assert (reader(tmp_path / "link").bundle(first) / "scorer.json").exists()
    assert (registry(tmp_path / "link").bundle(first) / "scorer.json").exists()


@pytest.mark.parametrize("name", ["plain", ODD])
def test_features_of_a_home_that_was_moved_are_served_and_trained_on(tmp_path: Path, name: str) -> None:
    there, here = Shop(tmp_path / name), Shop(tmp_path / f"{name} moved")
    first = there.add(DAYS[0], tables())
    there.features().materialise(first)
    asked = [there.store.get(DAYS[0].isoformat()).as_of]
    entities = list(there.store.columns(first, ["customer"])[there.features()._entity])[:3]  # noqa: SLF001 - the key's column
    seen = there.features().online(entities)
    shutil.copytree(there.root, here.root)
    there.root.rename(tmp_path / "away")
    assert here.features().online(entities) == seen
    trained = here.features().training_set(asked[0], here.store.columns(first, ["customer"])[there.features()._entity])  # noqa: SLF001
    assert len(next(iter(trained.values()))) > 0
    second = here.add(DAYS[1], tables())
    here.features().materialise(second)
    assert not there.root.exists()


def test_features_that_an_older_release_loaded_are_served_until_the_next_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(tmp_path)
    snapshot = shop.add(DAYS[0], tables())
    with monkeypatch.context() as older:
        older.setattr(FeastFeatures, "_beside", property(lambda self: str(self._snapshots)))
        shop.features().materialise(snapshot)
    entities = list(shop.store.columns(snapshot, ["customer"])[shop.features()._entity])[:3]  # noqa: SLF001 - the key's column
    assert all(row is not None for row in shop.features().online(entities))
    assert len(list((tmp_path / "feast").glob("registry-*.db"))) == 1
    shop.features().materialise(snapshot)  # it was loaded, and is not loaded again
    shop.features().materialise(shop.add(DAYS[1], tables()))
    assert len(list((tmp_path / "feast").glob("registry-*.db"))) == 2
    assert all(row is not None for row in shop.features().online(entities))


@pytest.fixture
def club(tmp_path: Path) -> Club:
    root = tmp_path / ODD
    root.mkdir()
    return Club(root)


@pytest.mark.timeout(600)
def test_the_loop_runs_in_a_home_of_any_name_beside_what_others_left_and_leaves_nothing_in_the_temporary_folder(
    club: Club, tmp_path: Path
) -> None:
    place, scratch = tmp_path / "mine", tmp_path / "scratch"
    place.mkdir()
    scratch.mkdir()
    for name in ("mlflow", "feast", "sqlalchemy", "prometheus_client"):
        (place / f"{name}.py").write_text("raise RuntimeError('this is a file of the user')\n", encoding="utf-8")
    changes = {**os.environ, **club.environment, **LEFT_BEHIND, "TMPDIR": str(scratch)}

    def ratchet(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ratchet", *arguments]
        done = subprocess.run(command, cwd=place, env=changes, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    ratchet("data", "generate", str(club.raw), "--snapshot", "month_000", "--users", "2000")
    done = ratchet("run", "--data", str(club.raw), "--snapshot", "month_000")
    assert "[DECISION] promoted" in done.stdout
    ratchet("status", "--json")
    with (
        (tmp_path / "serve.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "ratchet", "serve"], cwd=place, env=changes, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        ) as server,
    ):
        try:
            club.wait_for_server()
            answer = until(lambda: ask(club), lambda answer: answer.status_code != 503)
        finally:
            server.send_signal(signal.SIGTERM)
    assert answer.status_code == 200, answer.text
    assert list(scratch.iterdir()) == []
    assert list((club.folder / "serving" / "tmp").iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {ODD, "mine", "scratch", "serve.log"}  # no file beside the home
    assert {"mlflow.db", "ledger.db", "requests.db", "artifacts"} <= {path.name for path in club.home.iterdir()}


def ask(club: Club) -> httpx.Response:
    return httpx.post(f"http://127.0.0.1:{club.port}/predict", json={"member": MEMBERS[0]}, timeout=60, trust_env=False)


IMPORTS = """
import sys, threading
from ratchet.apps.exporter.sources import sources
from ratchet.wiring import Wiring
wiring = Wiring.load()
wiring.prepare()
before = set(sys.modules)
failed = []
def read(source):
    try:
        source.read()
    except Exception as error:
        failed.append(f"{source.name}: {type(error).__name__}: {error}")
threads = [threading.Thread(target=read, args=(source,)) for source in sources(wiring)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
new = sorted(set(sys.modules) - before)
print(new, failed)
"""


def test_the_exporters_threads_import_none_of_what_they_share(tmp_path: Path) -> None:
    """Two threads that import what imports one another are what ended one start in ten: so no start can."""
    club = Club(tmp_path)
    done = subprocess.run(
        [sys.executable, "-P", "-c", IMPORTS], env={**os.environ, **club.environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    imported, _, failed = done.stdout.strip().splitlines()[-1].partition("] [")
    shared = {
        "alembic",
        "mlflow",
        "sqlalchemy",
        "psycopg",
        "pandas",
        "numpy",
        "requests",
        "urllib3",
        "pydantic",
        "httpx",
        "ratchet",
    }
    names = [name.strip(" '[") for name in imported.split(",")]
    ours = "ratchet.ledger.migrations", "ratchet.requests.migrations"  # by Alembic, under a lock of ours
    assert [name for name in names if name.split(".")[0] in shared and not name.startswith(ours)] == []
    assert failed == "]"
