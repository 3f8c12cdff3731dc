"""The same cases for every registry."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from ratchet.core.errors import ArtifactError, Unavailable, UserError
from ratchet.estimators.frames import frame
from ratchet.registry.mlflow_import import import_mlflow
from ratchet.registry.mlflow_registry import MlflowRegistry
from ratchet.registry.port import Figures, Kept, NewVersion, Note, Registry
from tests.support.addresses import MLFLOW
from tests.support.churn import FEATURES, churn, fitted
from tests.support.fakes import FakeRegistry, provenance

ADAPTERS: dict[str, Callable[[Path], Registry]] = {
    "fake": lambda _: FakeRegistry(),
    **({"mlflow server": lambda _: MlflowRegistry(MLFLOW, f"test-{uuid.uuid4().hex}", None)} if MLFLOW else {}),
    "mlflow": lambda folder: MlflowRegistry(f"sqlite:///{folder / 'state' / 'mlflow.db'}", "churn", folder / "artifacts"),
}


@pytest.fixture(params=ADAPTERS)
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Registry:
    return ADAPTERS[request.param](tmp_path)


def new(folder: Path, text: str = "{}") -> NewVersion:
    bundle = folder / "bundle"
    bundle.mkdir(exist_ok=True)
    (bundle / "scorer.json").write_text(text)
    example = frame(FEATURES, {name: values[:5] for name, values in churn(10, 1)[0].items()})
    pipeline = fitted("trees")
    answers = pipeline.predict_proba(example)
    return NewVersion(bundle, pipeline, example, answers, provenance(), {"learning_rate": 0.1}, {"holdout_auc": 0.8})


def test_a_version_comes_back_with_its_provenance_and_figures(registry: Registry, tmp_path: Path) -> None:
    made = registry.register(new(tmp_path))
    assert made.number == 1
    again = registry.version(1)
    assert again == made
    assert again.provenance == provenance()
    assert again.metrics["holdout_auc"] == 0.8
    assert (registry.bundle(again) / "scorer.json").read_text() == "{}"


def test_an_alias_is_asked_of_a_server_once_and_reading_as_often_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    came: list[str] = []

    class Busy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # MLflow looks whether the model is a prompt before it sets an alias
            self.answer(503 if "alias" in self.path else 200)

        def do_POST(self) -> None:
            self.answer(503)

        def answer(self, status: int) -> None:
            came.append(f"{self.command} {self.path.partition('?')[0].rpartition('/')[2]}")
            content = b'{"registered_model": {"name": "churn"}}' if status == 200 else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            asked = MlflowRegistry(f"http://127.0.0.1:{server.server_port}", "churn", None)
            with pytest.raises(Unavailable):
                asked.set_alias("production", 1)
            with pytest.raises(Unavailable):
                asked.alias("production")
        finally:
            server.shutdown()
            thread.join()
    assert came == ["GET get", "POST alias", "GET alias", "GET alias", "GET alias"]


def measured(month: int, value: float, second: int = 0) -> Note:
    day = date(2024, month, 1)
    return Note(
        Figures({"measured_auc": value}, day, datetime(2024, 9, 1, 0, 0, second, tzinfo=UTC), f"month {month}", f"d{value}")
    )


def test_of_what_was_measured_later_the_latest_months_figure_is_the_versions(registry: Registry, tmp_path: Path) -> None:
    registry.register(new(tmp_path))
    for note in (measured(3, 0.7), measured(2, 0.9, second=1), measured(2, 0.9, second=1)):
        registry.note(1, note)
    assert registry.version(1).metrics == {"holdout_auc": 0.8, "measured_auc": 0.7}
    registry.note(1, measured(3, 0.6, second=2))  # its labels were corrected
    assert registry.version(1).metrics["measured_auc"] == 0.6


def test_a_note_on_an_unknown_version_is_one_sentence(registry: Registry, tmp_path: Path) -> None:
    registry.register(new(tmp_path))
    with pytest.raises(UserError, match="no version 9"):
        registry.note(9, measured(3, 0.7))


def test_mlflow_shows_what_was_measured_by_data_set_and_what_was_decided_as_tags(tmp_path: Path) -> None:
    registry = ADAPTERS["mlflow"](tmp_path)
    version = registry.register(new(tmp_path))
    for note in (measured(2, 0.9), measured(2, 0.9), measured(3, 0.7), Note(tags={"ratchet.verdict": "PASS"})):
        registry.note(1, note)
    client = import_mlflow().MlflowClient(f"sqlite:///{tmp_path / 'state' / 'mlflow.db'}")
    points = client.get_metric_history(version.run_id, "measured_auc")
    assert sorted((point.step, point.value) for point in points) == [(20240201, 0.9), (20240301, 0.7)]
    found = client.get_model_version("churn", "1")
    assert found.tags["ratchet.verdict"] == "PASS"
    model = client.get_logged_model(found.tags["ratchet.model_uri"].removeprefix("models:/"))
    by_set = {(metric.dataset_name, metric.value) for metric in model.metrics}
    assert {("month 2", 0.9), ("month 3", 0.7)} <= by_set


def test_versions_are_listed_oldest_first(registry: Registry, tmp_path: Path) -> None:
    for text in ("{}", "[]", "1"):
        registry.register(new(tmp_path, text))
    assert [version.number for version in registry.versions()] == [1, 2, 3]


def test_aliases_move_and_go(registry: Registry, tmp_path: Path) -> None:
    assert registry.alias("production") is None
    registry.register(new(tmp_path))
    registry.register(new(tmp_path))
    for number in (1, 2, 1):
        registry.set_alias("production", number)
        champion = registry.alias("production")
        assert champion is not None
        assert champion.number == number
    registry.drop_alias("production")
    registry.drop_alias("production")
    assert registry.alias("production") is None


def test_an_unknown_version_is_one_sentence(registry: Registry, tmp_path: Path) -> None:
    registry.register(new(tmp_path))
    with pytest.raises(UserError, match="no version 9"):
        registry.version(9)


def test_an_alias_for_an_unknown_version_is_one_sentence(registry: Registry, tmp_path: Path) -> None:
    registry.register(new(tmp_path))
    with pytest.raises(UserError, match="no version 9"):
        registry.set_alias("production", 9)


@pytest.mark.parametrize("file", ["scorer.json", "model.pkl"])
def test_changed_bytes_are_not_loaded(tmp_path: Path, file: str) -> None:
    registry = ADAPTERS["mlflow"](tmp_path)
    version = registry.register(new(tmp_path))
    stored = next((tmp_path / "artifacts").rglob(file))
    stored.write_bytes(stored.read_bytes() + b" ")
    with pytest.raises(ArtifactError, match="version 1's files are not those that were registered"):
        registry.bundle(version)


def test_missing_files_are_one_sentence(tmp_path: Path) -> None:
    registry = ADAPTERS["mlflow"](tmp_path)
    version = registry.register(new(tmp_path))
    next((tmp_path / "artifacts").rglob("scorer.json")).unlink()
    with pytest.raises(ArtifactError, match="version 1's files"):
        registry.bundle(version)


def test_a_registry_that_is_down_is_never_no_champion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    registry = MlflowRegistry("http://127.0.0.1:9", "churn", None)
    with pytest.raises(Unavailable, match="cannot be reached"):
        registry.alias("production")
    file = tmp_path / "mlflow.db"
    file.write_text("no database" * 500)
    with pytest.raises(Unavailable, match="cannot be reached"):
        MlflowRegistry(f"sqlite:///{file}", "churn", tmp_path).alias("production")


def test_kept_files_are_registered_again_with_the_same_digest_and_a_number_that_was_never_given(
    registry: Registry, tmp_path: Path
) -> None:
    made = registry.register(new(tmp_path))
    kept = tmp_path / "kept"
    shutil.copytree(registry.files(made), kept)
    again = registry.adopt(Kept(kept, made.digest, made.provenance, made.metrics), after=3)
    assert (again.number, again.digest, again.provenance) == (4, made.digest, made.provenance)
    assert dict(again.metrics) == dict(made.metrics)
    assert (registry.bundle(again) / "scorer.json").read_text() == "{}"
    assert [version.number for version in registry.versions()] == [1, 4]


def test_files_that_are_not_what_was_kept_are_not_registered(registry: Registry, tmp_path: Path) -> None:
    made = registry.register(new(tmp_path))
    kept = tmp_path / "kept"
    shutil.copytree(registry.files(made), kept)
    with pytest.raises(ArtifactError, match=r"what was kept|that were kept"):
        registry.adopt(Kept(kept, "d" * 64, made.provenance, {}), after=0)
    assert [version.number for version in registry.versions()] == [1]
