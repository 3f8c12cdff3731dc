"""Run the BentoML service as a pod's one process: `python -m serving.pod --port 3000`.

A pod that is to end is taken out of its Service in one place and asked to stop in another, and nobody waits for the first: for some
seconds clients still open connections to it, and those that keep theirs never learn. So it drains first. From the moment that the
file `draining` stands in RATCHET_HOME (the chart's preStop hook makes it) or that SIGTERM has come, every answer carries
`Connection: close`, which sends its client to another pod; it goes on accepting and answering for --drain seconds; then it
stops. Only a connection that was idle all that time is closed without an answer.
"""

from __future__ import annotations

import argparse
import gc
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from serving.backend import configured
from serving.connection import Limits, granted

_GRACE = 10.0  # seconds for requests in flight, after the drain
_LOOK = 0.1  # seconds between two looks for the file

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


class Drain:
    """Whether the pod is ending, and for how much longer it serves.

    Args:
        seconds: to serve from the first sign on.
        file: whose appearance is a sign.
    """

    def __init__(self, seconds: float, file: Path) -> None:
        self._seconds, self._file = seconds, file
        self._since: float | None = None

    @property
    def begun(self) -> bool:
        """Read on every answer: one attribute, no call to the system."""
        return self._since is not None

    def begin(self) -> None:
        """The first sign counts, later ones change nothing."""
        if self._since is None:
            self._since = time.monotonic()

    @property
    def left(self) -> float:
        """Seconds, at least 0."""
        return self._seconds if self._since is None else max(0.0, self._since + self._seconds - time.monotonic())

    def watch(self) -> None:
        """Begin when the file appears; for a thread of its own."""
        while not self.begun:
            if self._file.exists():
                self.begin()
            time.sleep(_LOOK)


class Closing:
    """The ASGI app, with `Connection: close` in every answer while the pod drains."""

    def __init__(self, app: Any, drain: Drain) -> None:
        self._app, self._drain = app, drain

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        """ASGI 3."""

        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start" and self._drain.begun:
                message["headers"] = [*message.get("headers", []), (b"connection", b"close")]
            await send(message)

        await self._app(scope, receive, closing if scope["type"] == "http" else send)


class DrainingServer(uvicorn.Server):
    """uvicorn's server, which SIGTERM ends only after the drain."""

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain = drain

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain, and stop when that is over; Ctrl-C stops at once."""
        if sig != signal.SIGTERM:
            super().handle_exit(sig, frame)
            return
        self._drain.begin()
        timer = threading.Timer(self._drain.left, super().handle_exit, (sig, None))
        timer.daemon = True
        timer.start()


def main() -> None:
    """Serve until SIGTERM and the drain after it."""
    parser = argparse.ArgumentParser(description="the serving process of a Kubernetes pod")
    parser.add_argument("--port", type=int, default=3000, help="port of every interface")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    gc.disable()  # imports make only what stays; serving.model freezes it and turns collection on again
    from ratchet.settings import load_settings  # noqa: PLC0415 - after the logging is set up
    from serving.door import Door, hosts_for  # noqa: PLC0415 - as above
    from serving.openapi import PATHS  # noqa: PLC0415 - as above
    from serving.service import service  # noqa: PLC0415 - as above

    gc.enable()
    settings = load_settings()
    drain = Drain(settings.drain_seconds, settings.home / "draining")
    threading.Thread(target=drain.watch, name="drain-watch", daemon=True).start()
    app = Door(service.to_asgi(), hosts_for("", settings.hosts, "RATCHET_HOSTS"), PATHS)
    serve(app, _listen(arguments.port), drain, granted(settings.client_connections))


def serve(app: Any, listener: socket.socket, drain: Drain, limits: Limits = Limits()) -> None:  # noqa: B008 - frozen
    """Serve an ASGI app on a listening socket until SIGTERM and the drain after it."""
    DrainingServer(configured(Closing(app, drain), _GRACE, limits), drain).run(sockets=[listener])


def _listen(port: int) -> socket.socket:
    """IPv4 and, where the pod has it, IPv6."""
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=2048)
    return socket.create_server(("", port), backlog=2048)


if __name__ == "__main__":
    main()
