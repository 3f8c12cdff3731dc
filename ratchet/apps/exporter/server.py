"""The process's port: what a scraper reads, within the limits of every server of ours."""

from __future__ import annotations

import errno
import socket
from collections.abc import Awaitable, Callable
from threading import Thread
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry, make_asgi_app

from ratchet.core.errors import UserError
from serving.connection import Limits, config
from serving.door import Door, hosts_for

METRICS, ALIVE = ("/metrics", "/"), "/livez"  # `/` is what it answered when it was prometheus_client's own server
LIMITS = Limits(body_bytes=0, head_seconds=5.0, body_seconds=5.0, write_seconds=10.0, a_client=16, everybody=64)
_KEEP_ALIVE = 75  # seconds: a scraper asks every 15 to 60, by one connection

Send = Callable[[Any], Awaitable[None]]


def listen(host: str, port: int) -> socket.socket:
    """Take the address. Raises UserError when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=LIMITS.everybody)
    except OSError as error:  # socket.gaierror is one
        taken = error.errno == errno.EADDRINUSE
        said = (error.strerror or str(error)).partition(" (")[0]  # create_server says the address once more
        cause = "is taken by another program" if taken else f"cannot be used ({said})"
        message = f"port {port} on {host} {cause}: choose another by --host and --port"
        raise UserError(message) from error


def serve(registry: CollectorRegistry, listening: socket.socket, host: str) -> uvicorn.Server:
    """Answer in a thread of its own, until the process ends or the server's `should_exit` is set."""
    server = uvicorn.Server(config(app_of(registry, host), LIMITS, lifespan="off", log_config=None, timeout_keep_alive=_KEEP_ALIVE))
    Thread(target=server.run, kwargs={"sockets": [listening]}, name="metrics", daemon=True).start()
    return server


def app_of(registry: CollectorRegistry, host: str) -> Any:
    """The ASGI app: the metrics, and whether the process answers at all.

    On this machine's own address it is asked by its own names alone, as every server of ours; elsewhere by whatever a scraper says.
    """
    metrics = make_asgi_app(registry)

    async def app(scope: Any, receive: Any, send: Send) -> None:
        if scope["path"] not in {*METRICS, ALIVE}:
            await _answer(send, 404, "there is /metrics here, and /livez")
        elif scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, 405, f"{scope['path']} is read by GET")
        elif scope["path"] == ALIVE:
            await _answer(send, 200, "alive")
        else:
            await metrics(scope, receive, send)

    return Door(app, hosts_for(host, "", ""))


async def _answer(send: Send, status: int, sentence: str) -> None:
    content = f"{sentence}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
