"""Run the BentoML service in this process, on a socket that the gateway opened: `python -m serving.backend --fd N`.

`bentoml serve` starts a supervisor and a worker, each of which imports everything; here the gateway is the supervisor.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import uvicorn

    from serving.connection import Limits

_LAST_SECONDS = 8.0  # beyond the grace, as the gateway itself would wait

KEEP_ALIVE = 75  # seconds, longer than the gateway keeps an idle connection: so it is never the backend that closes one


def main() -> None:
    """Serve until SIGTERM, or until standard input ends: then the gateway is gone, killed perhaps."""
    parser = argparse.ArgumentParser(description="one serving process behind `python -m serving.gateway`")
    parser.add_argument("--fd", type=int, required=True, help="the inherited listening socket")
    parser.add_argument("--grace", type=float, default=10.0, help="seconds for requests in flight at the end")
    arguments = parser.parse_args()
    threading.Thread(target=_end_with_gateway, args=(arguments.grace,), name="gateway-watch", daemon=True).start()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    gc.disable()  # imports make only what stays; serving.model freezes it and turns collection on again
    _serve(arguments.fd, arguments.grace)


def _serve(fd: int, grace: float) -> None:
    import uvicorn  # noqa: PLC0415 - the watch on the gateway must run before the slow imports

    from serving.connection import Limits  # noqa: PLC0415 - as above
    from serving.door import LOCAL, Door  # noqa: PLC0415 - as above
    from serving.openapi import PATHS  # noqa: PLC0415 - as above
    from serving.service import service  # noqa: PLC0415 - as above

    gc.enable()
    limits = Limits(a_client=0)  # the gateway is the one client, and bounds its own
    app = Door(service.to_asgi(), LOCAL, PATHS)
    uvicorn.Server(configured(app, grace, limits)).run(sockets=[socket.socket(fileno=fd)])


def configured(app: Any, grace: float, limits: Limits) -> uvicorn.Config:
    """How every serving process of ours runs its ASGI app; `grace` is seconds for requests in flight at the end."""
    from serving.connection import config  # noqa: PLC0415 - as above

    return config(app, limits, log_config=None, timeout_keep_alive=KEEP_ALIVE, timeout_graceful_shutdown=max(1, round(grace)))


def _end_with_gateway(grace: float) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace + _LAST_SECONDS)
    os._exit(1)  # what hangs would stay for ever: nobody is left to kill it


if __name__ == "__main__":
    main()
