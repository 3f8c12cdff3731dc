"""The process that serves the status page."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from ratchet.apps.ui.app import make_app
from ratchet.apps.ui.settings import UiSettings
from ratchet.core.errors import UserError
from ratchet.wiring import Wiring

_MOST_CONNECTIONS = 200
_MOST_HEADER_BYTES = 16384


def listen(settings: UiSettings) -> socket.socket:
    """Take the address. Raises UserError when it cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=_MOST_CONNECTIONS)
    except OSError as error:  # socket.gaierror is one
        where = f"{settings.host}:{settings.port}"
        cause = (error.strerror or str(error)).partition(" (")[0]  # create_server says the address once more
        message = f"the status page cannot listen on {where} ({cause}): name another one by --host and --port"
        raise UserError(message) from error


def serve(
    wiring: Wiring,
    settings: UiSettings,
    listening: socket.socket,
    say: Callable[[str], None],
    complain: Callable[[str], None],
) -> None:
    """Serve until SIGINT or SIGTERM; an action under way ends first."""

    def act_as(actor: str) -> Wiring:
        return Wiring(wiring.settings.model_copy(update={"actor": actor}), wiring.project)

    config = uvicorn.Config(
        make_app(wiring, act_as, settings, say, complain),
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        h11_max_incomplete_event_size=_MOST_HEADER_BYTES,
        timeout_keep_alive=10,
    )
    uvicorn.Server(config).run(sockets=[listening])
