"""Real BentoML processes behind a real gateway, with the stores of tests/support/fake_wiring.py in place of registry and Feast."""

from __future__ import annotations

import functools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import httpx
import pytest

from ratchet.clients.children import environment
from ratchet.core.errors import Unavailable, UserError
from ratchet.rollout.local_deployment import LocalDeployment
from ratchet.rollout.processes import ProcessRollout
from ratchet.rollout.state import State
from ratchet.tasks.binary.task import BINARY
from tests.support.fake_wiring import ROWS
from tests.support.rollout_harness import GOOD, OTHER, SPOILT, ProcessHarness, pin, settle, until
from tests.support.serving_program import PROGRAM


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessHarness]:
    harness = ProcessHarness(tmp_path_factory.mktemp("home"))
    with harness.rollout.session():
        yield harness


@pytest.fixture
def harness(running: ProcessHarness) -> ProcessHarness:
    """With version GOOD serving."""
    pin(running.rollout, GOOD)
    assert settle(running.rollout).state is State.READY
    return running


@pytest.fixture
def client(harness: ProcessHarness) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=harness.settings.url, trust_env=False) as client:
        yield client


def active_pid(harness: ProcessHarness) -> int:
    return next(pod.pid for pod in LocalDeployment(harness.settings.serving).observed().pods if pod.active and pod.pid)


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie, which its parent has not looked at, does not."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def test_the_contract_holds_through_bentoml_and_gateway(client: httpx.Client) -> None:
    answer = client.post("/predict", json={"customer": "ben"})
    assert answer.status_code == 200
    assert (answer.json()["features_used"], answer.json()["model_version"]) == (ROWS["ben"], GOOD)
    for body, status, sentence in (
        (b"{", 400, "is not JSON"),
        (b"[]", 422, "must be an object"),
        (b'{"customer": "zoe"}', 404, "'zoe' is unknown"),
        (b" " * 70_000, 413, "larger than"),
    ):
        response = client.post("/predict", content=body)
        assert (response.status_code, sentence in response.json()["error"]) == (status, True)
    assert client.post("/predict", content=b" " * 13_000_000).status_code == 413  # the gateway's own limit
    assert [item["model_version"] for item in client.post("/predict_batch", json=[{"customer": 42}]).json()] == [GOOD]
    assert set(client.post("/explain", json={"customer": "ben"}).json()["contributions"]) == {"visits", "plan"}
    assert client.get("/health").json()["model_version"] == GOOD
    assert client.get("/livez").status_code == client.get("/readyz").status_code == 200
    assert f'ratchet_predictions_total{{version="{GOOD}"}}' in client.get("/metrics").text
    assert client.get("/predict").status_code == 405
    assert client.get("/nothing?here=1").status_code == 404


@pytest.mark.parametrize(
    "path", ["/", "/docs.json", "/schema.json", "/healthz", "/static_content/index.css", "/assets/x", "/__is_ready__"]
)
def test_nothing_answers_but_what_is_documented(harness: ProcessHarness, client: httpx.Client, path: str) -> None:
    (url,) = (pod.url for pod in LocalDeployment(harness.settings.serving).observed().pods if pod.active)
    for address in (harness.settings.url, url):
        for method in ("GET", "POST"):
            response = client.request(method, f"{address}{path}")
            assert (response.status_code, "is not something this service answers" in response.text) == (404, True)


def test_every_documented_endpoint_answers(client: httpx.Client) -> None:
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for method in operations:
            assert client.request(method, path).status_code not in {404, 405}


def test_a_body_that_is_not_sent_as_json_is_refused(client: httpx.Client) -> None:
    for headers in (
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-encoding": "gzip", "content-type": "application/json"},
        {"origin": "https://evil.example"},  # a page may leave the type out and ask without asking first
    ):
        assert client.post("/predict", content=b'{"customer": "anna"}', headers=headers).status_code == 415
    typed = {"content-type": "application/json; charset=utf-8", "origin": "https://evil.example"}
    assert client.post("/predict", content=b'{"customer": "anna"}', headers=typed).status_code == 200


def test_a_flood_of_batches_leaves_the_process_alive_and_others_answered(tmp_path: Path) -> None:
    """More than the process can take in its time: what is too much hears so, and liveness has no part in it."""
    harness = ProcessHarness(tmp_path)
    with harness.rollout.session():
        pin(harness.rollout, GOOD)
        assert settle(harness.rollout).state is State.READY
        pid, statuses = active_pid(harness), list[int]()
        body = json.dumps([{"customer": "anna"}] * 5).encode()

        def flood() -> None:
            with httpx.Client(base_url=harness.settings.url, trust_env=False, timeout=60) as client:
                statuses.extend(client.post("/predict_batch", content=body + b" " * 60_000).status_code for _ in range(10))

        threads = [threading.Thread(target=flood) for _ in range(40)]
        for thread in threads:
            thread.start()
        singles = [httpx.get(f"{harness.settings.url}/livez", trust_env=False, timeout=30).status_code for _ in range(10)]
        for thread in threads:
            thread.join()
        assert singles == [200] * 10
        assert set(statuses) <= {200, 503}
        assert active_pid(harness) == pid


def test_a_store_that_is_down_is_503_and_the_process_serves_on(harness: ProcessHarness, client: httpx.Client) -> None:
    path = harness.wiring.features.path
    path.rename(path.with_suffix(".away"))
    try:
        down = client.post("/predict", json={"customer": "anna"})
        with pytest.raises(Unavailable, match="cannot be reached"):
            harness.rollout.ask("anna")
    finally:
        path.with_suffix(".away").rename(path)
    assert (down.status_code, down.json()["error"]) == (503, "the feature store cannot be reached: try again shortly")
    assert client.post("/predict", json={"customer": "anna"}).status_code == 200


@dataclass
class Loop:
    """A client that asks again and again; it keeps its connection, or makes a new one for each request."""

    url: str
    keep: bool
    stop: threading.Event
    versions: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def run(self) -> None:
        with httpx.Client(base_url=self.url, trust_env=False, timeout=30) as client:
            while not self.stop.is_set():
                headers = {} if self.keep else {"connection": "close"}
                try:
                    response = client.post("/predict", json={"customer": "anna"}, headers=headers)
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                    continue
                if response.status_code == 200:
                    self.versions.append(response.json()["model_version"])
                else:
                    self.failures.append(response.text)

    @property
    def seen(self) -> list[int]:
        return [version for version, _ in groupby(self.versions)]


def _all_beyond(marks: list[tuple[Loop, int]]) -> bool:
    """Whether each client has had another answer since."""
    return all(len(loop.versions) > mark for loop, mark in marks)


def test_no_request_fails_while_versions_are_switched_there_and_back(harness: ProcessHarness) -> None:
    stop = threading.Event()
    loops = [Loop(harness.settings.url, keep, stop) for keep in (True, True, False)]
    threads = [threading.Thread(target=loop.run) for loop in loops]
    for thread in threads:
        thread.start()
    try:
        for version in (OTHER, GOOD):
            until(lambda: all(loop.versions for loop in loops), bool)
            pin(harness.rollout, version)
            assert settle(harness.rollout).state is State.READY
            marks = [(loop, len(loop.versions)) for loop in loops]
            until(functools.partial(_all_beyond, marks), bool)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert [loop.failures for loop in loops] == [[], [], []]
    assert [loop.seen for loop in loops] == [[GOOD, OTHER, GOOD]] * 3
    assert sum(len(loop.versions) for loop in loops) > 100


def test_a_killed_process_is_replaced_and_meanwhile_the_address_says_so(harness: ProcessHarness, client: httpx.Client) -> None:
    os.kill(active_pid(harness), signal.SIGKILL)
    gone = until(lambda: client.post("/predict", json={"customer": "anna"}), lambda answer: answer.status_code != 200)
    assert gone.status_code == 503
    assert until(harness.rollout.progress, lambda progress: progress.state is State.WAITING)
    assert settle(harness.rollout).state is State.READY
    assert client.post("/predict", json={"customer": "anna"}).json()["model_version"] == GOOD


def test_answers_through_the_address_are_logged_and_probes_are_not(harness: ProcessHarness, client: httpx.Client) -> None:
    harness.rollout.ask("42")
    given = [client.post("/predict", json={"customer": "42"}).json() for _ in range(3)]
    labels = {"prediction_id": [answer["prediction_id"] for answer in given], "label": [1, 0, 1]}
    until(lambda: harness.wiring.requests.join(labels), lambda report: report.joined == 3)  # type: ignore[arg-type]
    pin(harness.rollout, None)
    assert settle(harness.rollout).state is State.READY
    assert client.post("/predict", json={"customer": "42"}).json() == {"error": "no model in production yet: ratchet run"}


@dataclass
class Gateway:
    """A gateway of its own, on a home of its own."""

    harness: ProcessHarness
    process: subprocess.Popen[bytes]

    @property
    def pids(self) -> list[int]:
        return [pod.pid for pod in LocalDeployment(self.harness.settings.serving).observed().pods if pod.pid]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    started: list[Gateway] = []

    def start(*arguments: str, harness: ProcessHarness | None = None, **changes: object) -> Gateway:
        harness = harness or ProcessHarness(tmp_path / "home", **changes)
        process = subprocess.Popen(
            [*PROGRAM, "gateway", *arguments], env=environment(harness.settings), stderr=subprocess.PIPE, stdin=subprocess.PIPE
        )
        started.append(Gateway(harness, process))
        until(LocalDeployment(harness.settings.serving).claimed, bool)
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


def test_backends_die_with_a_gateway_that_is_killed(gateway: Callable[..., Gateway]) -> None:
    one = gateway()
    pin(one.harness.rollout, GOOD)
    (pid,) = until(lambda: one.pids, bool)
    one.process.kill()
    one.process.wait()
    until(lambda: alive(pid), lambda living: not living)
    assert one.harness.rollout.progress().state is State.STUCK
    assert "no gateway runs" in one.harness.rollout.progress().detail


def test_a_version_that_is_not_ready_in_time_is_stuck_and_the_gateway_ends_in_order(gateway: Callable[..., Gateway]) -> None:
    one = gateway(ready_timeout=1.5)
    (one.harness.wiring.registry.root / str(GOOD) / "unavailable").touch()
    pin(one.harness.rollout, GOOD)
    progress = until(one.harness.rollout.progress, lambda progress: progress.state is State.STUCK)
    assert "version 1 was not ready within 1.5 s" in progress.detail
    (pid,) = until(lambda: one.pids, lambda pids: len(pids) == 1)
    one.process.terminate()
    assert one.process.wait(30) == 0
    assert not alive(pid)
    assert not LocalDeployment(one.harness.settings.serving).claimed()


def test_a_second_gateway_on_one_home_is_refused_in_a_sentence(harness: ProcessHarness, gateway: Callable[..., Gateway]) -> None:
    second = gateway(harness=harness)
    _, errors = second.process.communicate(timeout=30)
    assert second.process.returncode == UserError.exit_code
    assert errors.decode().splitlines() == [
        f"another gateway serves {harness.settings.home} already: stop it first, or set RATCHET_HOME to another folder"
    ]


def test_a_port_that_is_taken_is_said_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        harness = ProcessHarness(tmp_path, port=listener.getsockname()[1])
        with pytest.raises(UserError, match=r"^port \d+ on 127\.0\.0\.1 is taken by another program"), harness.rollout.session():
            pytest.fail("nothing can serve there")


def test_a_session_serves_for_its_length_and_uses_a_gateway_that_runs(tmp_path: Path) -> None:
    harness = ProcessHarness(tmp_path)
    again = ProcessRollout(harness.settings, "customer", BINARY.score_in, (sys.executable, "-c", "raise SystemExit(1)"))
    deployment = LocalDeployment(harness.settings.serving)
    with harness.rollout.session():
        pid = deployment.observed().pid
        with again.session():  # its own gateway could not start
            assert deployment.observed().pid == pid
        assert deployment.claimed()
    assert not deployment.claimed()
    with pytest.raises(Unavailable, match="does not answer"):
        harness.rollout.ask("anna")


def test_an_attached_gateway_ends_with_its_input(gateway: Callable[..., Gateway]) -> None:
    one = gateway("--attached")
    one.process.communicate(timeout=30)  # closes the pipe, as the end of the process at its other end does
    assert one.process.returncode == 0


def test_a_spoilt_first_version_leaves_the_address_saying_why(gateway: Callable[..., Gateway]) -> None:
    one = gateway()
    pin(one.harness.rollout, SPOILT)
    stuck = settle(one.harness.rollout)
    assert stuck.state is State.STUCK
    assert "version 3 answers its golden rows otherwise" in stuck.detail
    answer = httpx.post(f"{one.harness.settings.url}/predict", json={"customer": "anna"}, trust_env=False)
    assert answer.status_code == 503
    assert "`ratchet status` and the gateway's log say why" in answer.json()["error"]
