"""`python -m benchmarks.serving [--quick] [--soak [SECONDS]]`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.harness import write
from benchmarks.serving import figure, grid, soak, wrk
from benchmarks.serving.servers import STARTS, pods
from benchmarks.serving.steady import steady
from benchmarks.trained import Trained, prepare


def measure(trained: Trained, folder: Path, *, quick: bool, seconds: float, repeats: int) -> dict[str, Any]:
    """Everything but the soak: `seconds` of load a measurement, `repeats` of each."""
    before = os.getloadavg()[0]
    how: dict[str, Any] = {"seconds": seconds, "repeats": repeats}
    names = [grid.LAB, grid.OURS, grid.EMPTY, grid.ECHO] if quick else list(STARTS)
    workers: dict[str, Any] = {}
    for count in (1,) if quick else (1, 2):
        print(f"{count} worker{'s' if count > 1 else ''}:", flush=True)
        there = [name for name in names if count == 1 or name != "ratchet gateway"]  # there is one process behind it
        workers[str(count)] = grid.run(trained, there, count, (16,) if quick else (1, 16, 64), folder, **how)
    rows = [row["servers"][grid.OURS]["rps"].median for row in workers["1"].values()]
    half = _half(trained, folder, max(rows), quick=quick)
    return {**how, "load_before": before, "workers": workers, "at_half_of_our_maximum": half, "load_after": os.getloadavg()[0]}


def _half(trained: Trained, folder: Path, most: float, *, quick: bool) -> dict[str, Any]:
    """Latency of one pod at half of its maximum."""
    seconds, repeats = (2, 1) if quick else (15, 3)
    with pods(trained, 1, folder) as pod:
        steady(pod, trained, most / 2, 1)  # warm-up
        seen = [steady(pod, trained, most / 2, seconds) for _ in range(repeats)]
    row = grid.spreads(seen)
    print(
        f"at {most / 2:.0f} a second: p50 {row['p50_ms']}  p99 {row['p99_ms']}  worst {row['worst_ms']} ms  errors {row['errors']}"
    )
    return row


def main() -> int:
    """Run it; 2 when there is no wrk."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description="requests per second behind a Feast look-up")
    parser.add_argument("--quick", action="store_true", help="a short look, its results not for the record")
    parser.add_argument("--soak", nargs="?", type=float, const=600.0, metavar="SECONDS", help="only the soak (default 600 s)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers end too, which are in sessions of their own
    if not wrk.installed():
        sys.stderr.write(f"{wrk.MISSING}\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="ratchet-bench-") as root:
        trained = prepare(Path(root), users=1500 if arguments.quick else 7043)
        if arguments.soak is None:
            seconds, repeats = (1, 2) if arguments.quick else (3, 3)
            name, results = "serving", measure(trained, Path(root), quick=arguments.quick, seconds=seconds, repeats=repeats)
        else:
            name, results = "serving-soak", soak.run(trained, Path(root), arguments.soak)
            print(json.dumps({key: value for key, value in results.items() if key != "samples"}, default=str))
    path = write(name, results, quick=arguments.quick)
    if not arguments.quick:
        figure.main()
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
