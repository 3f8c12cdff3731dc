from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import httpx
import pytest

from ratchet.core.errors import Unavailable
from serving.gateway import MAX_BODY, proxy
from serving.supervisor import Supervisor

Outcome = Exception | httpx.Response


class FakeBackend:
    """Answers as it was asked to, call by call, and keeps what it was sent."""

    name, version = "version-1-1", 1

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.sent: list[tuple[str, bytes, dict[bytes, bytes], bytes]] = []

    async def send(
        self, method: str, target: bytes, headers: Sequence[tuple[bytes, bytes]], body: bytes
    ) -> tuple[httpx.Response, bytes]:
        self.sent.append((method, target, dict(headers), body))
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome, outcome.content


class FakeSupervisor:
    """What the proxy sees of a supervisor."""

    def __init__(self, *backends: FakeBackend | None) -> None:
        self.backends = list(backends)
        self.sentence = "no model in production yet: ratchet run"

    async def replace(self, _broken: FakeBackend) -> None:
        """The next one is active at once."""

    @property
    def active(self) -> FakeBackend | None:
        return self.backends[0] if len(self.backends) == 1 else self.backends.pop(0)


def ask(supervisor: FakeSupervisor, method: str = "POST", path: str = "/predict", **options: Any) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(proxy(cast("Supervisor", supervisor)))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.request(method, path, **options)

    return asyncio.run(once())


def answer(text: str = "{}", status: int = 200, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.Response(status, text=text, headers=headers)


@pytest.mark.parametrize("broken", [httpx.ConnectError("refused"), httpx.ReadError("reset"), httpx.RemoteProtocolError("closed")])
def test_a_request_whose_connection_breaks_is_sent_once_more_to_what_is_active_then(broken: Exception) -> None:
    old, new = FakeBackend(broken), FakeBackend(answer("from the new one"))
    assert ask(FakeSupervisor(old, new), content=b'{"customer": "anna"}').text == "from the new one"
    assert (len(old.sent), len(new.sent)) == (1, 1)
    assert new.sent[0][3] == b'{"customer": "anna"}'


def test_a_second_break_is_503_in_a_sentence() -> None:
    backend = FakeBackend(httpx.ReadError(""), httpx.ReadError(""), answer())
    response = ask(FakeSupervisor(backend))
    assert (response.status_code, response.json()) == (503, {"error": "the serving process broke off: try again shortly"})
    assert response.headers["retry-after"] == "1"
    assert len(backend.sent) == 2


def test_an_answer_that_does_not_come_is_504_and_not_asked_for_again() -> None:
    backend = FakeBackend(httpx.ReadTimeout(""))
    response = ask(FakeSupervisor(backend))
    assert (response.status_code, response.json()) == (504, {"error": "version 1 did not answer in time"})
    assert len(backend.sent) == 1


def test_a_batch_that_got_no_turn_is_503_and_the_process_is_not_taken_for_broken() -> None:
    backend = FakeBackend(Unavailable("more batches are waiting than are answered: try again shortly"), answer())
    response = ask(FakeSupervisor(backend), path="/predict_batch")
    assert (response.status_code, response.headers["retry-after"], len(backend.sent)) == (503, "1", 1)


def test_an_error_answer_of_the_service_is_passed_on_and_not_retried() -> None:
    backend = FakeBackend(answer('{"error": "unknown"}', 404, {"x-own": "kept"}))
    response = ask(FakeSupervisor(backend))
    assert (response.status_code, response.text, response.headers["x-own"]) == (404, '{"error": "unknown"}', "kept")


def test_nothing_active_is_503_with_the_supervisors_sentence() -> None:
    response = ask(FakeSupervisor(None))
    assert (response.status_code, response.json()) == (503, {"error": "no model in production yet: ratchet run"})


def test_path_query_and_headers_go_through_and_the_connections_own_do_not() -> None:
    backend = FakeBackend(answer(headers={"connection": "close", "keep-alive": "timeout=1"}))
    response = ask(FakeSupervisor(backend), "GET", "/a%2Fb?x=%20&y", headers={"x-ratchet-probe": "1", "connection": "close"})
    method, target, headers, body = backend.sent[0]
    assert (method, target, body) == ("GET", b"/a%2Fb?x=%20&y", b"")
    assert headers[b"x-ratchet-probe"] == b"1"
    assert not {b"connection", b"host", b"content-length"} & set(headers)
    assert not {"connection", "keep-alive"} & set(response.headers)


def test_a_body_that_is_too_large_never_reaches_the_service() -> None:
    backend = FakeBackend()
    assert ask(FakeSupervisor(backend), content=b"x" * (MAX_BODY + 1)).status_code == 413
    assert backend.sent == []
