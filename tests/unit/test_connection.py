"""Raw sockets against each kind of server that we run, with limits small enough to be met at once."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import uvicorn
from prometheus_client import CollectorRegistry

from ratchet.apps.cli.console import complain, line
from ratchet.apps.exporter.server import app_of
from ratchet.apps.exporter.server import serve as serve_metrics
from ratchet.apps.ui.app import make_app as make_page
from ratchet.apps.ui.server import LIMITS as PAGE_LIMITS
from ratchet.apps.ui.settings import UiSettings
from serving.api import make_app
from serving.backend import configured
from serving.connection import Limits, config
from serving.door import LOCAL, Door
from serving.gateway import proxy
from serving.openapi import PATHS
from serving.supervisor import Supervisor
from tests.support.loop import Loop
from tests.support.ui_site import UiSite
from tests.unit.test_gateway import FakeBackend, FakeSupervisor, answer
from tests.unit.test_serving_api import Server

SMALL = Limits(body_bytes=256 * 1024, head_seconds=0.4, body_seconds=0.4, write_seconds=0.4, a_client=8, everybody=20)
LIVE = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
Start = Callable[[Limits], uvicorn.Config]


class Running:
    """A server in a thread of its own."""

    def __init__(self, port: int) -> None:
        self.port = port

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20, source_address=(source, 0))

    def talk(self, *parts: bytes) -> bytes:
        """All that comes until the server closes."""
        with closing(self.connect()) as sock:
            for part in parts:
                if not sent(sock, part):
                    break
            return rest(sock)

    def asks(self, source: str = "127.0.0.1", request: bytes = LIVE) -> int:
        """The status of one request."""
        with closing(self.connect(source)) as sock:
            sock.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            return status(rest(sock))


def sent(sock: socket.socket, data: bytes) -> bool:
    try:
        sock.sendall(data)
    except OSError:  # it has closed
        return False
    return True


def rest(sock: socket.socket) -> bytes:
    got = b""
    try:
        while part := sock.recv(65536):
            got += part
    except ConnectionError:
        pass
    return got


def status(got: bytes) -> int:
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", got)
    return int(found[1]) if found else 0


def error_in(got: bytes) -> str:
    return str(json.loads(got.partition(b"\r\n\r\n")[2])["error"])


@contextmanager
def running(settings: uvicorn.Config) -> Iterator[Running]:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        try:
            yield Running(listener.getsockname()[1])
        finally:
            server.should_exit = server.force_exit = True
            thread.join(20)


class Lively(FakeBackend):
    """Answers everything."""

    async def send(self, *_: Any) -> Any:
        response = answer("alive")
        return response, response.content


@pytest.fixture
def page() -> Start:
    site = UiSite(Loop())
    return lambda limits: config(
        make_page(cast("Any", site), cast("Any", None), UiSettings(), line, complain), limits, log_config=None, lifespan="off"
    )


@pytest.fixture
def gateway() -> Start:
    app = proxy(cast("Supervisor", FakeSupervisor(Lively())))
    return lambda limits: config(Door(app, LOCAL), limits, lifespan="off", log_config=None, timeout_keep_alive=5)


@pytest.fixture
def pod(tmp_path: Path) -> Iterator[Start]:
    server = Server(tmp_path).ready()
    app = server.app

    async def with_livez(scope: Any, receive: Any, send: Any) -> None:
        """BentoML's part of it."""
        if scope["type"] == "http" and scope["path"] == "/livez":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})
        else:
            await app(scope, receive, send)

    yield lambda limits: configured(Door(with_livez, LOCAL, PATHS), 1, limits)
    server.close()


@pytest.fixture
def exporter() -> Start:
    return lambda limits: config(app_of(CollectorRegistry(), "127.0.0.1"), limits, lifespan="off", log_config=None)


@pytest.fixture(params=["pod", "gateway", "page", "exporter"])
def start(request: pytest.FixtureRequest) -> Start:
    return cast("Start", request.getfixturevalue(request.param))


def endless_head(sock: socket.socket) -> int:
    """Megabytes of header that went out before the server closed, at most 40."""
    block = b"".join(b"X-%06d: " % number + b"a" * 1000 + b"\r\n" for number in range(1024))
    count = 0
    while count < 40 and sent(sock, block):
        count += 1
    return count


def test_an_endless_head_is_ended_by_a_sentence_and_the_next_client_is_answered(start: Start) -> None:
    with running(start(Limits())) as server:
        with closing(server.connect()) as sock:
            sent(sock, b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            assert endless_head(sock) < 30  # what the kernel's buffers and the last megabyte of patience take
        for attack in (b"X-A: " + b"a" * 20_000, b"".join(b"X-%d: 1\r\n" % number for number in range(3000))):
            got = server.talk(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n" + attack)
            assert (status(got), error_in(got)) == (431, "request line and headers are larger than 16384 bytes")
        assert status(server.talk(b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")) == 431
        assert server.asks() == 200


def test_a_head_of_nearly_the_bound_is_taken_whole_or_in_pieces_and_before_a_body(start: Start) -> None:
    head = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-A: " + b"a" * 16_000 + b"\r\n\r\n"
    with running(start(Limits())) as server:
        assert status(server.talk(head)) == 200
        assert status(server.talk(head[:9000], head[9000:])) == 200
        many = LIVE * 300 + LIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        assert server.talk(many).count(b"HTTP/1.1 200 ") == 301


def test_a_head_that_does_not_come_and_one_that_drips_are_ended(start: Start) -> None:
    with running(start(SMALL)) as server:
        assert server.talk() == b""  # nothing was asked, nothing is answered
        got = server.talk(b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        assert (status(got), error_in(got)) == (408, "request line and headers did not come within 0.4 s")
        with closing(server.connect()) as sock:
            drips = 0
            while drips < 100 and sent(sock, b"X" if drips else b"GET /livez HTTP/1.1\r\nX"):
                time.sleep(0.05)
                drips += 1
            assert drips < 100
        with closing(server.connect()) as sock:  # no more after an answer than before it
            sock.sendall(LIVE + b"\r\n\r\nGET")
            assert status(rest(sock)) == 200


def test_a_body_that_stays_away_is_ended(start: Start) -> None:
    with running(start(SMALL)) as server:
        for name in (b"/predict", b"/predict_batch", b"/sign-in"):
            head = b"POST " + name + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            got = server.talk(head + b"Content-Length: 5000\r\n\r\nab")
            assert status(got) in {404, 405, 408, 415}  # whoever needs no body has answered before
        assert server.asks() == 200


@pytest.mark.parametrize("part", [b"1;" + b"e" * 1000 + b"\r\nx\r\n", b"0\r\nX-T: " + b"t" * 1000], ids=["extensions", "trailer"])
def test_what_comes_beside_a_chunked_body_counts_too(start: Start, part: bytes) -> None:
    head = b"POST /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with running(start(SMALL)) as server, closing(server.connect()) as sock:
        sent(sock, head + part)
        count = 0
        while count < 40_000 and sent(sock, (part if part.startswith(b"1") else b"t") * 1000):
            count += 1
        assert count < 40_000
        assert server.asks() == 200


def test_connections_of_one_client_are_bounded_and_another_is_let_in(start: Start) -> None:
    with running(start(SMALL)) as server:
        held = [server.connect() for _ in range(8)]
        got = server.talk(LIVE)
        assert status(got) in {503, 0}  # 0: it was closed before the sentence could be read
        assert server.asks("127.0.0.2") == 200
        for sock in held:
            sock.close()


def test_connections_that_are_only_held_open_keep_nobody_out(start: Start) -> None:
    limits = Limits(a_client=0, everybody=20, head_seconds=60.0)
    with running(start(limits)) as server:
        held = [server.connect() for _ in range(60)]
        for number, sock in enumerate(held):
            sent(sock, b"GET /livez HTTP/1.1\r\n" if number % 2 else b"")
        assert [server.asks() for _ in range(5)] == [200] * 5
        for sock in held:
            sock.close()


def test_the_exporter_is_within_its_limits_and_answers_what_it_is_documented_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = serve_metrics(CollectorRegistry(), listener, "127.0.0.1")
        at = Running(listener.getsockname()[1])
        try:
            got = at.talk(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: " + b"a" * 20_000)
            assert status(got) == 431
            asked = {path: at.asks(request=LIVE.replace(b"/livez", path)) for path in (b"/metrics", b"/", b"/livez", b"/debug")}
            assert asked == {b"/metrics": 200, b"/": 200, b"/livez": 200, b"/debug": 404}
            assert at.asks(request=LIVE.replace(b"GET", b"DELETE")) == 405
        finally:
            server.should_exit = True


def test_an_answer_that_nobody_reads_does_not_stay_for_ever() -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(200):
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        await send({"type": "http.response.body"})

    with running(config(app, SMALL, lifespan="off", log_config=None)) as server, closing(server.connect()) as sock:
        sock.sendall(LIVE)
        time.sleep(1.5)  # reading nothing
        assert len(rest(sock)) < 20_000_000


def test_a_client_that_breaks_off_is_a_499_in_the_figures_and_no_trace(caplog: pytest.LogCaptureFixture, pod: Start) -> None:
    caplog.set_level(logging.INFO)
    head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"
    with running(pod(Limits())) as server:
        for _ in range(3):
            with closing(server.connect()) as sock:
                sock.sendall(head)
                time.sleep(0.05)
        figures = b""
        for _ in range(100):
            figures = server.talk(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            if b'route="predict",status="499",version="1"} 3.0' in figures:
                break
            time.sleep(0.05)
    assert b'route="predict",status="499",version="1"} 3.0' in figures
    assert b'route="predict",status="500",version="1"} 0.0' in figures
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert caplog.text.count("the client broke off before its body was here") == 3


def test_a_client_that_breaks_off_leaves_no_trace_at_the_gateway_and_the_page(
    caplog: pytest.LogCaptureFixture, gateway: Start, page: Start
) -> None:
    form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 500\r\n\r\nname="
    for start, path in ((gateway, b"/predict"), (page, b"/sign-in")):
        with running(start(Limits())) as server:
            with closing(server.connect()) as sock:
                sock.sendall(b"POST " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n" + form)
                time.sleep(0.1)
            assert server.asks() == 200
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (b"Host: 127.0.0.1\r\n", 200),
        (b"Host: localhost:3000\r\n", 200),
        (b"Host: [::1]:3000\r\n", 200),
        (b"Host: 10.1.2.3\r\n", 200),  # no name is looked up for an address, so nobody can have pointed it here
        (b"Host: evil.example\r\n", 400),
        (b"Host: localhost.evil.example:80\r\n", 400),
        (b"Host: \r\n", 400),
        (b"", 400),
        (b"Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n", 400),
    ],
)
def test_only_requests_that_name_this_machine_are_answered(start: Start, host: bytes, expected: int) -> None:
    with running(start(SMALL)) as server:
        assert status(server.talk(b"GET /livez HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n")) == expected


def test_a_web_socket_is_not_spoken(start: Start) -> None:
    upgrade = (
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n\r\n"
    )
    with running(start(SMALL)) as server, closing(server.connect()) as sock:
        sock.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n" + upgrade)
        assert status(sock.recv(65536)) == 200


def test_the_pages_limits_leave_room_for_probes() -> None:
    assert PAGE_LIMITS.a_client < PAGE_LIMITS.everybody


def test_make_app_answers_what_its_document_has() -> None:
    assert {route.path for route in make_app().routes} | {"/livez", "/readyz"} == PATHS  # type: ignore[attr-defined]
