from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ratchet.core.errors import Unavailable
from ratchet.project.file import Project
from ratchet.tasks.binary.task import BINARY
from serving.api import Parts, make_app
from serving.features import OnlineFeatures
from serving.metrics import NO_VERSION, Metrics
from serving.model import NO_MODEL, PinnedModel, load
from serving.rate import Lanes, RateLimit
from serving.request_log import RequestLogWriter
from tests.support.fake_wiring import PROJECT, ROWS, FakeWiring, linear_bundle


class Client:
    """A synchronous client of an app, on an event loop of its own."""

    def __init__(self, app: Any) -> None:
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://service")

    def get(self, path: str) -> httpx.Response:
        return self._runner.run(self._client.get(path))

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self._runner.run(self._client.post(path, **options))

    def close(self) -> None:
        self._runner.close()


class Server:
    """The app over fake stores, without BentoML around it."""

    def __init__(
        self,
        home: Path,
        pinned: str = "1",
        *,
        rate: RateLimit | None = None,
        probes: RateLimit | None = None,
        project: Project | None = None,
    ) -> None:
        project = project or PROJECT
        self.wiring = FakeWiring(home)
        self.wiring.features.put(ROWS)
        self.wiring.registry.put(1, linear_bundle(0.25))
        metrics = Metrics(pinned or NO_VERSION)
        self.model = PinnedModel(pinned, lambda n: load(self.wiring.registry, project, n))
        self.log = RequestLogWriter(self.wiring.requests, metrics, pause=0.01)
        self.features = OnlineFeatures(lambda: self.wiring.features, metrics, timeout=2.0)
        app = make_app()
        lanes = Lanes(rate or RateLimit(0), probes or RateLimit(0))
        app.state.parts = Parts(
            project,
            BINARY.answers(project.serving),
            metrics.of_scores(BINARY.metrics.scores),
            self.model,
            self.features,
            self.log,
            metrics,
            lanes,
        )
        self.app = app
        self.client = Client(app)

    def ready(self) -> Server:
        self.model.start()
        while self.model.served is None:
            time.sleep(0.001)
        return self

    def close(self) -> None:
        self.client.close()
        self.log.close()
        self.features.close()

    def logged(self) -> int:
        """The number of answers in the request log, each given a label to be counted by."""
        self.log.close()
        labels: dict[str, Any] = {"entity": list(ROWS), "label": [1] * len(ROWS)}
        return self.wiring.requests.join(labels).joined


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path).ready()
    yield server
    server.close()


def test_a_prediction_id_is_a_uuid_that_says_its_millisecond_and_never_comes_again(server: Server) -> None:
    start = int(time.time() * 1000)
    bodies = [{"customer": "anna"}] * 4
    ids = [answer["prediction_id"] for _ in range(25) for answer in server.client.post("/predict_batch", json=bodies).json()]
    end = int(time.time() * 1000)
    assert len(set(ids)) == len(ids)
    for text in ids:
        read = uuid.UUID(text)
        assert (read.hex, read.version, read.variant) == (text, 7, uuid.RFC_4122)
        assert start <= read.int >> 80 <= end


def test_predict_answers_with_everything_that_the_contract_names(server: Server) -> None:
    answer = server.client.post("/predict", json={"customer": "anna"}).json()
    assert len(answer.pop("prediction_id")) == 32
    assert answer == {
        "customer": "anna",
        "prediction": 0,
        "probability": linear_bundle(0.25).scorer.row(ROWS["anna"]),
        "features_used": ROWS["anna"],
        "features_as_of": "2024-02-29",
        "model_version": 1,
    }


def test_an_entity_given_as_a_number_is_its_digits(server: Server) -> None:
    for number in (42, 42.0):  # one number in JSON
        assert server.client.post("/predict", json={"customer": number}).json()["customer"] == "42"


def test_a_key_reaches_the_entity_that_ingest_takes_it_for(server: Server) -> None:
    for written in ("42.0", " 42", "42 ", "\ufeff42"):
        assert server.client.post("/predict", json={"customer": written}).json()["customer"] == "42"


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"", 400, "is not JSON"),
        (b"{", 400, "is not JSON"),
        (b"\xff\xfe", 400, "is not JSON"),
        (b"[" * 60_000, 400, "is not JSON"),
        (b'{"customer": NaN}', 400, "NaN is no JSON value"),
        (b"[]", 422, "must be an object that names the entity"),
        (b"{}", 422, "has no field customer"),
        (b'{"customer": "anna", "visits": 4}', 422, "unknown field 'visits'"),
        (b'{"customer": true}', 422, "not true or false"),
        (b'{"customer": 1.5}', 422, "not a fraction"),
        (b'{"customer": 9007199254740992.0}', 422, "not a fraction"),  # 2**53, or 2**53 + 1
        (b'{"customer": 1e999}', 422, "not a fraction"),
        (b'{"customer": null}', 422, "not null"),
        (b'{"customer": ["anna"]}', 422, "not a list"),
        (b'{"customer": ""}', 422, "1 to 256 characters, not 0"),
        (b'{"customer": " \\ufeff"}', 422, "customer is blank"),
        (b'{"customer": "' + b"x" * 257 + b'"}', 422, "1 to 256 characters, not 257"),
        (b'{"customer": "a\\u0000b"}', 422, "characters that no entity's name can have"),
        (b'{"customer": "a\\nb"}', 422, "characters that no entity's name can have"),
        (b'{"customer": "\\ud800"}', 422, "characters that no entity's name can have"),
        (b'{"customer": "a\\u00a0b"}', 404, "is unknown"),  # odd, but ingest takes it
        (b'{"customer": "' + b"x" * 70_000 + b'"}', 413, "larger than 65536 bytes"),
        (b'{"customer": "zoe"}', 404, "customer 'zoe' is unknown"),
    ],
)
def test_a_request_that_cannot_be_answered_gets_one_sentence(server: Server, body: bytes, status: int, sentence: str) -> None:
    for path in ("/predict", "/explain"):
        response = server.client.post(path, content=body)
        assert (response.status_code, list(response.json())) == (status, ["error"])
        assert sentence in response.json()["error"]


def test_a_wrong_method_or_path_is_said_as_json(server: Server) -> None:
    assert server.client.get("/predict").status_code == 405
    assert "error" in server.client.get("/predict").json()
    assert server.client.get("/nothing").status_code == 404


def test_a_feature_store_that_is_down_is_503_and_back_again(server: Server) -> None:
    server.wiring.features.path.rename(server.wiring.features.path.with_suffix(".away"))
    response = server.client.post("/predict", json={"customer": "anna"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json() == {"error": "the feature store cannot be reached: try again shortly"}
    assert server.client.get("/health").status_code == 503
    server.wiring.features.put(ROWS)
    assert server.client.post("/predict", json={"customer": "anna"}).status_code == 200
    assert server.client.get("/health").json()["feature_store"] == "reachable"


def test_stored_features_that_cannot_be_scored_are_503_with_the_feature_named(server: Server) -> None:
    server.wiring.features.put({**ROWS, "odd": {"visits": "many", "plan": "basic"}})
    response = server.client.post("/predict", json={"customer": "odd"})
    assert (response.status_code, "visits is 'many'" in response.json()["error"]) == (503, True)
    first, second = server.client.post("/predict_batch", json=[{"customer": "odd"}, {"customer": "anna"}]).json()
    assert (first["status"], second["model_version"]) == (503, 1)


def test_a_defect_of_ours_is_a_500_without_a_trace(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> list[None]:
        raise ZeroDivisionError

    monkeypatch.setattr(server.wiring.features, "online", broken)
    response = server.client.post("/predict", json={"customer": "anna"})
    assert (response.status_code, "Traceback" in response.text) == (500, False)
    assert "did not foresee" in response.json()["error"]


def test_a_batch_answers_in_order_with_errors_in_their_places(server: Server) -> None:
    items = [{"customer": "ben"}, {"customer": "zoe"}, {"customer": 42}, {"user": "x"}, {"customer": "ben"}]
    answers = server.client.post("/predict_batch", json=items).json()
    assert [answer.get("customer") for answer in answers] == ["ben", "zoe", "42", None, "ben"]
    assert [answer.get("status") for answer in answers] == [None, 404, None, 422, None]
    assert answers[0]["probability"] == server.client.post("/predict", json={"customer": "ben"}).json()["probability"]
    assert answers[0]["prediction_id"] != answers[4]["prediction_id"]


@pytest.mark.parametrize(
    ("body", "sentence"), [({"customer": "anna"}, "must be a list"), ([{"customer": "anna"}] * 6, "6 entities are more than the 5")]
)
def test_a_batch_of_the_wrong_shape_or_size_is_refused(server: Server, body: object, sentence: str) -> None:
    response = server.client.post("/predict_batch", json=body)
    assert (response.status_code, sentence in response.json()["error"]) == (422, True)
    assert server.client.post("/predict_batch", json=[]).json() == []


def test_explanations_add_up_to_the_distance_from_the_typical_row(server: Server) -> None:
    answer = server.client.post("/explain", json={"customer": "ben"}).json()
    assert answer["contributions"]["plan"] == pytest.approx(1.3)  # gold 0.9 instead of basic -0.4, in log-odds
    assert answer["contributions"]["visits"] == 0.0
    assert answer["probability"] > answer["typical_probability"]


def test_answers_are_logged_and_probes_are_not(server: Server) -> None:
    server.client.post("/predict", json={"customer": "anna"})
    server.client.post("/predict", json={"customer": "anna"}, headers={"x-ratchet-probe": "1"})
    server.client.post("/predict_batch", json=[{"customer": "ben"}, {"customer": "zoe"}])
    assert server.logged() == 2


def test_metrics_count_what_was_answered_and_what_was_not(server: Server) -> None:
    for name in ("anna", "ben", "zoe", ""):
        server.client.post("/predict", json={"customer": name})
    lines = server.client.get("/metrics").text.splitlines()
    for line in (
        'ratchet_predictions_total{version="1"} 2.0',
        'ratchet_probability_count{version="1"} 2.0',
        'ratchet_unknown_entities_total{version="1"} 1.0',
        'ratchet_missing_features_total{feature="visits",version="1"} 1.0',
        'ratchet_request_seconds_count{route="predict",version="1"} 4.0',
        'ratchet_refused_total{route="predict",status="422",version="1"} 1.0',
        'ratchet_refused_total{route="predict",status="503",version="1"} 0.0',
        'ratchet_online_store_seconds_count{version="1"} 3.0',
        'ratchet_model_ready{version="1"} 1.0',
    ):
        assert line in lines
    assert any(line.startswith('ratchet_request_log_backlog{version="1"} ') for line in lines)


def test_without_a_model_every_answer_says_what_to_do(tmp_path: Path) -> None:
    server = Server(tmp_path, pinned="")
    server.model.start()
    for path, body in (("/predict", {"customer": "anna"}), ("/predict_batch", []), ("/explain", {"customer": "anna"})):
        response = server.client.post(path, json=body)
        assert (response.status_code, response.json()) == (503, {"error": NO_MODEL})
    health = server.client.get("/health")
    assert (health.status_code, health.json()["ready"], health.json()["detail"]) == (503, False, NO_MODEL)
    lines = server.client.get("/metrics").text.splitlines()
    assert 'ratchet_model_ready{version="none"} 0.0' in lines
    assert 'ratchet_refused_total{route="explain",status="503",version="none"} 1.0' in lines
    server.close()


def test_a_defect_of_ours_is_counted_as_the_500_that_it_is_answered_with(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        message = "a defect"
        raise TypeError(message)

    monkeypatch.setattr(server.log, "put", broken)
    assert server.client.post("/predict", json={"customer": "anna"}).status_code == 500
    assert 'ratchet_refused_total{route="predict",status="500",version="1"} 1.0' in server.client.get("/metrics").text


def test_health_says_version_age_and_store(server: Server) -> None:
    health = server.client.get("/health").json()
    assert (health["model"], health["model_version"], health["ready"]) == ("shop_churn", 1, True)
    assert health["model_age_days"] > 0
    assert health["model_created_at"].startswith("2024-02-29")


def test_a_request_log_that_is_down_fails_no_prediction(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(_: object) -> None:
        message = "the request log is down"
        raise Unavailable(message)

    monkeypatch.setattr(server.wiring.requests, "append", down)
    assert server.client.post("/predict", json={"customer": "anna"}).status_code == 200
    server.log.close(seconds=0.05)
    lines = server.client.get("/metrics").text.splitlines()
    assert 'ratchet_request_log_dropped_total{version="1"} 1.0' in lines
