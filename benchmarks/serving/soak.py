"""A constant rate for minutes: errors, latency, and whether the process grows."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from benchmarks.harness import spread
from benchmarks.serving.servers import pods
from benchmarks.serving.steady import steady
from benchmarks.serving.wrk import load
from benchmarks.trained import Trained

_EVERY = 5.0  # seconds between two looks at the memory


def run(trained: Trained, folder: Path, seconds: float) -> dict[str, Any]:
    """Half of what one pod can do with 16 connections, for so long; memory in MiB (PSS) from the start of the constant rate on.

    Growth compares the last fifth with the second fifth: the first fills caches, allocator's arenas among them.
    """
    with pods(trained, 1, folder) as pod:
        most = spread([load(pod, trained, 16, 3).rps for _ in range(4)][1:]).median
        samples: list[tuple[float, float]] = []
        ended = threading.Event()

        def watch() -> None:
            at = 0.0
            while not ended.is_set():
                samples.append((at, round(pod.memory_mib(), 2)))
                ended.wait(_EVERY)
                at += _EVERY

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            seen = steady(pod, trained, most / 2, seconds)
        finally:
            ended.set()
            watching.join()
    memory = [mib for _, mib in samples]
    fifth = max(1, len(memory) // 5)
    early, late = spread(memory[fifth : 2 * fifth] or memory), spread(memory[-fifth:])
    return {
        "seconds": seconds,
        "rate": seen.rate,
        "requests": seen.requests,
        "errors": seen.errors,
        "p50_ms": round(seen.p50_ms, 3),
        "p99_ms": round(seen.p99_ms, 3),
        "worst_ms": round(seen.worst_ms, 3),
        "memory_mib": {"second fifth": early, "last fifth": late, "growth": round(late.median - early.median, 2)},
        "samples": [list(sample) for sample in samples],
    }
