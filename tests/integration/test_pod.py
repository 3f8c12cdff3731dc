from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.support.rollout_harness import free_port, until

PROGRAM = """
import socket, sys
from pathlib import Path
from serving.pod import Drain, serve
import threading

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})

drain = Drain(float(sys.argv[2]), Path(sys.argv[3]))
threading.Thread(target=drain.watch, daemon=True).start()
serve(app, socket.create_server(("127.0.0.1", int(sys.argv[1]))), drain)
"""


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize("sign", ["SIGTERM", "file"])
def test_an_ending_pod_serves_on_sends_its_clients_away_and_loses_none(tmp_path: Path, sign: str) -> None:
    port, drained = free_port(), tmp_path / "draining"
    url = f"http://127.0.0.1:{port}/"
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(port), "2", str(drained)])
    try:
        until(lambda: answers(url), bool)
        statuses: list[int] = []
        closed: list[bool] = []

        def hammer(*, keep: bool) -> None:
            """Ask until the server has closed, in answers, as many connections as it takes: then the client goes elsewhere."""
            with httpx.Client(trust_env=False) as client:
                while True:
                    response = client.get(url) if keep else httpx.get(url, trust_env=False)
                    statuses.append(response.status_code)
                    if response.headers.get("connection") == "close":
                        closed.append(keep)
                        return
                    time.sleep(0.002)

        clients = [threading.Thread(target=hammer, kwargs={"keep": keep}) for keep in (True, True, False, False)]
        for client in clients:
            client.start()
        time.sleep(0.3)
        if sign == "file":
            drained.touch()
        else:
            process.send_signal(signal.SIGTERM)
        for client in clients:
            client.join(timeout=5)
        assert sorted(closed) == [False, False, True, True]
        assert set(statuses) == {200}
        assert answers(url)  # it still accepts: the endpoint may not be known to have gone
        if sign == "file":
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        assert not answers(url)
    finally:
        process.kill()
        process.wait()
