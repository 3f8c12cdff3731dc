"""The process that serves the status page."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from ratchet.apps.ui.app import make_app
from ratchet.apps.ui.settings import UiSettings
from ratchet.core.errors import UserError
from ratchet.wiring import Wiring
from serving.connection import Limits, config

LIMITS = Limits(body_bytes=64 * 1024, body_seconds=10.0, a_client=64, everybody=200)  # its forms have 8 KiB


def listen(settings: UiSettings) -> socket.socket:
    """Take the address. Raises UserError when it cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=LIMITS.everybody)
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

    app = make_app(wiring, act_as, settings, say, complain)
    uvicorn.Server(config(app, LIMITS, log_level="warning", timeout_keep_alive=10)).run(sockets=[listening])
