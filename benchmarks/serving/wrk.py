"""wrk, the load tool: some connections that each ask again as soon as they are answered, for some seconds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.servers import Server
from benchmarks.trained import Trained

_SCRIPT = Path(__file__).with_name("post.lua")
MISSING = "wrk is not installed: `apt-get install wrk`, or your system's package of that name"


@dataclass(frozen=True, slots=True)
class Load:
    """What a server did under it: requests per second, milliseconds, MiB; `cpu_us` is CPU time of the server a request."""

    rps: float
    p50_ms: float
    p99_ms: float
    worst_ms: float
    errors: int
    memory_mib: float
    cpu_us: float


def installed() -> bool:
    """Whether there is a wrk."""
    return shutil.which("wrk") is not None


def load(server: Server, trained: Trained, connections: int, seconds: float) -> Load:
    """Ask POST /predict for users in turn. Any status but 2xx and any connection that breaks is an error."""
    threads = min(connections, len(server.ports))
    environment = {**os.environ, "BENCH_ENTITIES": trained.environment["BENCH_ENTITIES"]}
    environment["BENCH_PORTS"] = " ".join(map(str, server.ports))
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "20s", "-s", str(_SCRIPT)]
    before = server.cpu_seconds()
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{server.ports[0]}/predict"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 60,
    )
    spent = server.cpu_seconds() - before
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("RESULT ")).removeprefix("RESULT "))
    return Load(
        rps=found["requests"] / found["micros"] * 1e6,
        p50_ms=found["p50_us"] / 1000,
        p99_ms=found["p99_us"] / 1000,
        worst_ms=found["worst_us"] / 1000,
        errors=found["errors"],
        memory_mib=server.memory_mib(),
        cpu_us=spent / max(1, found["requests"]) * 1e6,
    )
