"""The process that serves the status page."""

from __future__ import annotations

import uvicorn

from components.core.errors import UserError
from components.wiring import Wiring
from pipelines.ui.app import make_app
from pipelines.ui.settings import UiSettings

_MOST_CONNECTIONS = 200
_MOST_HEADER_BYTES = 16384


def serve(wiring: Wiring, settings: UiSettings) -> None:
    """Serve until SIGINT or SIGTERM; an action under way ends first. Raises UserError when the address cannot be had."""

    def act_as(actor: str) -> Wiring:
        return Wiring(wiring.settings.model_copy(update={"actor": actor}), wiring.project)

    app = make_app(wiring, act_as, settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        h11_max_incomplete_event_size=_MOST_HEADER_BYTES,
        timeout_keep_alive=10,
    )
    try:
        listening = config.bind_socket()
    except SystemExit as error:  # uvicorn's way to say that it cannot
        message = f"the status page cannot listen on {settings.host}:{settings.port}: name another port by --port (RATCHET_UI_PORT)"
        raise UserError(message) from error
    uvicorn.Server(config).run(sockets=[listening])
