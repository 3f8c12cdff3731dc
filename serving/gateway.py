"""One fixed address in front of the serving processes: the embedded stand-in for Service and Deployment.

`python -m serving.gateway` serves `<home>` until SIGTERM or Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import logging
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ratchet.clients.home import keep_private
from ratchet.clients.secrets import log_to
from ratchet.core.errors import RatchetError, Unavailable, UserError
from ratchet.rollout.local_deployment import LocalDeployment
from ratchet.settings import Settings, load_settings
from serving.backends import COMMAND, SCRATCH
from serving.connection import LARGEST_BODY, config, granted
from serving.door import Door, hosts_for
from serving.held_bodies import HeldBodies
from serving.supervisor import Supervisor

MAX_BODY = LARGEST_BODY
_GONE = 499  # nginx' status for a client that broke off, which HTTP has none for
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_CONNECTION = frozenset(  # RFC 9110, 7.6.1: about one connection, not to be passed on; the length is set anew
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te", b"trailer"}
    | {b"transfer-encoding", b"upgrade", b"host", b"content-length"}
)
_SENT_ANEW = _CONNECTION | {b"date", b"server"}
_logger = logging.getLogger(__name__)


def proxy(supervisor: Supervisor) -> Starlette:
    """The app: each request goes to the process that is active at that moment.

    A request whose connection breaks before an answer came is sent once more, to whatever is active then: every endpoint is safe to
    repeat, and that is what keeps a client's loop whole when a process dies.
    """
    bodies = HeldBodies()

    async def endpoint(request: Request) -> Response:
        async with bodies.of(request) as body:
            return await passed_on(request, body)

    async def passed_on(request: Request, body: bytes) -> Response:
        query = request.scope["query_string"]
        target = request.scope["raw_path"] + (b"?" + query if query else b"")  # as it came, escapes included
        headers = [(name, value) for name, value in request.headers.raw if name not in _CONNECTION]
        for _ in range(2):
            backend = supervisor.active
            if backend is None:
                break
            try:
                answer, content = await backend.send(request.method, target, headers, body)
            except httpx.ReadTimeout:
                return _error(504, f"version {backend.version} did not answer in time")
            except Unavailable as error:
                return _error(503, str(error))
            except httpx.TransportError as error:
                _logger.warning("%s: %s: %s", backend.name, type(error).__name__, error)
                await supervisor.replace(backend)
                continue
            response = Response(content, answer.status_code)
            passed = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() not in _SENT_ANEW]
            response.raw_headers = [*passed, (b"content-length", str(len(content)).encode())]
            return response
        return _error(503, supervisor.sentence if supervisor.active is None else "the serving process broke off: try again shortly")

    handlers = {HTTPException: _refused, ClientDisconnect: _gone}
    return Starlette(routes=[Route("/{path:path}", endpoint, methods=_METHODS)], exception_handlers=handlers)


async def _refused(_request: Request, error: Exception) -> Response:
    return _error(error.status_code, error.detail, error.headers) if isinstance(error, HTTPException) else _error(500, str(error))


async def _gone(_request: Request, _error: Exception) -> Response:
    _logger.info("a client broke off before its body was here")
    return Response(status_code=_GONE)


def _error(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": sentence}, status, headers={"retry-after": "1", **(headers or {})})


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which would end the process by the signal before the backends have ended."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`."""
        yield


async def serve(settings: Settings, *, attached: bool = False, command: Sequence[str] = COMMAND) -> None:
    """Serve `settings.home` at `settings.host:port` until a signal or, when `attached`, the end of standard input.

    Raises UserError when another gateway serves this home or another program has the port.
    """
    deployment = LocalDeployment(settings.serving)
    if not deployment.claim():
        message = f"another gateway serves {settings.home} already: stop it first, or set RATCHET_HOME to another folder"
        raise UserError(message)
    shutil.rmtree(settings.serving / SCRATCH, ignore_errors=True)
    try:
        with _listen(settings.host, settings.port) as listener:
            supervisor = Supervisor(deployment, settings, command, spare=settings.spare and not attached)
            grace = max(1, round(settings.drain_seconds))
            app = Door(proxy(supervisor), hosts_for(settings.host, settings.hosts, "RATCHET_HOSTS"))
            limits = granted(settings.client_connections)
            options = {"timeout_keep_alive": 75, "timeout_graceful_shutdown": grace}
            server, stop = _Server(config(app, limits, lifespan="off", log_config=None, **options)), asyncio.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            try:
                async with asyncio.TaskGroup() as tasks:
                    working = tasks.create_task(supervisor.run(stop))
                    answering = tasks.create_task(server.serve(sockets=[listener]))
                    with _watching_input(stop) if attached else contextlib.nullcontext():
                        await stop.wait()
                    server.should_exit = True
                    await asyncio.gather(working, answering)
            finally:
                await supervisor.close()
    finally:
        deployment.release()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=512)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        cause = "is taken by another program: stop it, or" if taken else f"cannot be used ({error.strerror}):"
        message = f"port {port} on {host} {cause} set RATCHET_HOST and RATCHET_PORT to an address that is free"
        raise UserError(message) from error


@contextlib.contextmanager
def _watching_input(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` when standard input ends: a pipe of which the starter holds the other end, so it ends when that process does."""

    def read() -> None:
        if not os.read(descriptor, 1024):
            stop.set()

    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()
    loop.add_reader(descriptor, read)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)


def main(command: Sequence[str] = COMMAND) -> int:
    """Serve; a mistake is one sentence on standard error and the error's exit code."""
    parser = argparse.ArgumentParser(description="serve the pinned model version at one fixed address (RATCHET_HOST, RATCHET_PORT)")
    parser.add_argument("--attached", action="store_true", help="end when standard input, a pipe, ends")
    arguments = parser.parse_args()
    log_to(logging.StreamHandler(sys.stderr), logging.INFO)
    for noisy in ("httpx", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        with asyncio.Runner(
            loop_factory=uvicorn.Config("", log_config=None).get_loop_factory()
        ) as runner:  # uvloop where it is installed
            settings = load_settings()
            keep_private(settings.home)
            runner.run(serve(settings, attached=arguments.attached, command=command))
    except RatchetError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
