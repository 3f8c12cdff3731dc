"""One start: a process begun, asked every few milliseconds whether it is ready, ended."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benchmarks.serving.servers import free_port, process, wait_ready
from benchmarks.trained import REPOSITORY

_PAUSE = 0.005  # seconds between two questions
_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)")


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds until it was ready, and the CPU seconds that it had spent by then (which a busy machine leaves as they are)."""

    ready: float
    cpu: float


def start(command: Sequence[str], environment: Mapping[str, str], ready_path: str, folder: Path) -> Start:
    """Run `python COMMAND` with `{port}` filled in, until it answers 200."""
    port = free_port()
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".log", delete=False) as file:
        log = Path(file.name)
    began = perf_counter()
    with process([part.format(port=port) for part in command], environment, log) as running:
        wait_ready(running, port, ready_path, log, _PAUSE)
        ready = perf_counter() - began
        spent = [one.cpu_times() for one in (running, *running.children(recursive=True))]
        return Start(ready, sum(times.user + times.system for times in spent))


def import_seconds(environment: Mapping[str, str], most: int = 12) -> dict[str, float]:
    """Seconds of a pod's imports by top package, the dearest first: `python -X importtime` up to a first look-up."""
    program = (
        "import serving.pod, serving.service; serving.service.service.to_asgi(); from ratchet.wiring import Wiring; "
        "w = Wiring.load(); import os; v = w.published.version(int(os.environ['RATCHET_MODEL_VERSION'])); w.published.bundle(v); "
        "w.requests._engine; w.features.online([os.environ['BENCH_ENTITY']])"
    )
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", program],
        env=dict(environment),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    taken: dict[str, float] = {}
    for micros, name in _LINE.findall(done.stderr):
        top = name.split(".")[0]
        taken[top] = taken.get(top, 0.0) + int(micros) / 1e6
    total = {"all": sum(taken.values())}
    return {name: round(seconds, 3) for name, seconds in [*total.items(), *sorted(taken.items(), key=lambda item: -item[1])[:most]]}
