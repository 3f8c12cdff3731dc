"""`python -m benchmarks.loop`: seconds from a month's arrival to the new version's answers, stage by stage, beside the bare calls.

Each size has a home, a champion of the first month and a server of its own; measured is the run on the second month, which is
changed so that a candidate is made and promoted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import httpx
import psutil

from benchmarks.harness import Spread, child, spread, write
from benchmarks.loop.figure import draw
from pipelines.runners.events import Event, new_run_id
from pipelines.runners.local.runner import run_local
from ratchet.apps.demo.program import free_port
from ratchet.clients.children import environment
from ratchet.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
STAGES = ("ingest", "drift-check", "train", "evaluate", "promote")
CHANGED = ("--drift", "0.8", "--concept", "1")


@dataclass
class Clock:
    """When tasks began and ended."""

    began: dict[str, float] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        """Note the event."""
        if event.kind == "started":
            self.began[event.text] = perf_counter()
        elif event.kind == "ended":
            self.took[event.text] = perf_counter() - self.began[event.text]


@dataclass(frozen=True)
class Place:
    """A home with its data."""

    settings: Settings
    data: Path

    def ratchet(self, *arguments: str) -> str:
        """Run a command."""
        command = [sys.executable, "-m", "ratchet", *arguments]
        done = subprocess.run(command, env=environment(self.settings), cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def server(self) -> Iterator[None]:
        """`ratchet serve` for the length of the block."""
        with (self.settings.home / "serve.log").open("wb") as log:
            command = [sys.executable, "-m", "ratchet", "serve"]
            process = subprocess.Popen(command, env=environment(self.settings), cwd=ROOT, stdout=log, stderr=log)
            try:
                yield
            finally:
                process.terminate()
                process.wait()

    def version(self) -> int:
        """The version that answers."""
        answer = httpx.get(f"{self.settings.url}/health", timeout=5, trust_env=False).json()
        return int(answer["model_version"] if "model_version" in answer else answer["version"])


@dataclass
class Memory:
    """The most that one process held, in MiB."""

    peak: float = 0.0


@contextmanager
def watching_memory() -> Iterator[Memory]:
    """Look ten times a second at the processes below this one for the length of the block, those apart that ran before it."""
    memory, stop = Memory(), threading.Event()
    before = set(psutil.Process().children(recursive=True))

    def look() -> None:
        while not stop.wait(0.1):
            for process in set(psutil.Process().children(recursive=True)) - before:
                with contextlib.suppress(psutil.Error):
                    memory.peak = max(memory.peak, process.memory_info().rss / 2**20)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        stop.set()
        thread.join()


def measure(users: int) -> dict[str, Any]:
    """One run at one size: seconds by stage, in all and of the bare calls, and the largest task's memory."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "state"
        home.mkdir()
        settings = load_settings().model_copy(
            update={
                "home": home,
                "port": free_port("127.0.0.1"),
                "tracking_uri": f"sqlite:///{home / 'mlflow.db'}",
                "ledger_url": f"sqlite:///{home / 'ledger.db'}",
                "requests_url": f"sqlite:///{home / 'requests.db'}",
            }
        )
        place = Place(settings, Path(folder) / "data")
        for month, how in (("month_000", ()), ("month_001", CHANGED)):
            place.ratchet(
                "data", "generate", str(place.data), "--snapshot", month, "--users", str(users), "--format", "parquet", *how
            )
        with place.server():
            place.ratchet("run", "--data", str(place.data), "--snapshot", "month_000")
            clock, began = Clock(), perf_counter()
            arguments = {"snapshot": "month_001", "data": str(place.data), "replace": False, "force": False}
            with watching_memory() as memory:
                run = run_local(settings, arguments, new_run_id(), clock)
            assert not run.error, run.error
            while place.version() != 2:
                sleep(0.05)
            total = perf_counter() - began
        months = [str(place.data / month) for month in ("month_000", "month_001")]
        bare = child("benchmarks.loop.bare", str(settings.project), *months)
    stages = {name: clock.took[name] for name in STAGES}
    return {
        "total": total,
        "stages": stages,
        "between": total - sum(stages.values()),
        "bare": json.loads(bare.output),
        "largest_task_mib": memory.peak,
        "bare_mib": bare.peak_mib,
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small size once: that it works")
    parser.add_argument("--users", type=int, action="append", help="sizes; default 7043, 100000, 1000000")
    parser.add_argument("--repeats", type=int, default=3, help="of sizes up to 100,000 users; larger ones run once")
    options = parser.parse_args()
    sizes = options.users or ([2000] if options.quick else [7043, 100_000, 1_000_000])
    results: dict[str, Any] = {}
    for users in sizes:
        repeats = 1 if options.quick or users > 100_000 else options.repeats
        runs = [measure(users) for _ in range(repeats)]
        results[str(users)] = summary(runs)
        told = results[str(users)]
        sys.stdout.write(
            f"{users} users: {told['total']} s, largest task {told['largest_task_mib']} MiB; bare calls {told['bare']} s\n"
        )
    write("loop", results, quick=options.quick)
    if not options.quick:
        draw(results)


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians with their spread over the repeats of one size."""

    def over(read: Any) -> Spread:
        return spread([read(run) for run in runs])

    stages: Mapping[str, Spread] = {name: over(lambda run, name=name: run["stages"][name]) for name in STAGES}
    return {
        "total": over(lambda run: run["total"]),
        "stages": stages,
        "between": over(lambda run: run["between"]),
        "bare": over(lambda run: sum(run["bare"].values())),
        "bare_fit": over(lambda run: run["bare"]["fit"]),
        "ratio": over(lambda run: run["total"] / sum(run["bare"].values())),
        "largest_task_mib": over(lambda run: run["largest_task_mib"]),
        "bare_mib": over(lambda run: run["bare_mib"]),
    }


if __name__ == "__main__":
    main()
