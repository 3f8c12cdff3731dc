"""Constant load on /predict from inside the cluster; a program for `python -`, which knows nothing of this repository.

Arguments: URL, entity key, comma-separated entities, longest run in seconds, and the file that ends it. Two kinds of clients: those
that keep their connection, and those that open one for each request. Prints one JSON document: requests, failures (the first ten
listed), the versions that answered, whether each keep-alive connection saw versions only go one way, and the slowest answer in
seconds.
"""

from __future__ import annotations

import itertools
import json
import pathlib
import sys
import threading
import time

import httpx

url, key, entities, seconds, stop = sys.argv[1], sys.argv[2], sys.argv[3].split(","), float(sys.argv[4]), pathlib.Path(sys.argv[5])
end = time.monotonic() + seconds
lock = threading.Lock()
seen: dict[str, list[int]] = {}  # versions in the order in which each connection answered
failures: list[str] = []
totals = {"requests": 0, "slowest": 0.0}


def over() -> bool:
    return time.monotonic() > end or stop.exists()


def ask(client: httpx.Client, entity: str, connection: str) -> bool:
    """One request; whether the server closed the connection."""
    began = time.monotonic()
    try:
        response = client.post(f"{url}/predict", json={key: entity}, headers={"x-ratchet-probe": "1"})
        body = response.json()
        failed = "" if response.status_code == 200 else f"{response.status_code} {response.text[:200]}"
    except (httpx.HTTPError, ValueError) as error:
        response, body, failed = None, {}, repr(error)
    with lock:
        totals["requests"] += 1
        totals["slowest"] = max(totals["slowest"], time.monotonic() - began)
        if failed:
            failures.append(f"{time.time():.3f} {failed}")
        else:
            versions = seen.setdefault(connection, [])
            if not versions or versions[-1] != body["model_version"]:
                versions.append(body["model_version"])
    return response is None or response.headers.get("connection") == "close"


def keeping(number: int) -> None:
    for turn in itertools.count():
        with httpx.Client(timeout=10, limits=httpx.Limits(max_connections=1)) as client:
            for entity in itertools.cycle(entities):
                if over():
                    return
                if ask(client, entity, f"{number}.{turn}"):
                    break
                time.sleep(0.03)


def opening(number: int) -> None:
    for turn, entity in enumerate(itertools.cycle(entities)):
        if over():
            return
        with httpx.Client(timeout=10, verify=False) as client:  # noqa: S501 - no TLS here: loading certificates is most of the time
            ask(client, entity, f"new {number}.{turn}")
        time.sleep(0.05)


threads = [threading.Thread(target=keeping, args=(n,)) for n in range(6)] + [
    threading.Thread(target=opening, args=(n,)) for n in range(2)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
json.dump(
    {
        **totals,
        "failed": len(failures),
        "failures": failures[:10],
        "versions": sorted({version for versions in seen.values() for version in versions}),
        "one_way": all(len(versions) <= 2 for versions in seen.values()),
        "connections": len(seen),
    },
    sys.stdout,
)
