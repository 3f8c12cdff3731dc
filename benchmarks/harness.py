"""Runs side by side: repeats that alternate, medians with their spread, ratios, the machine, one results file a question."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

PACKAGES = ("ratchet-ct", "bentoml", "evidently", "feast", "kfp", "mlflow", "numpy", "pandas", "pyarrow", "scikit-learn")
_CHILD = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
finally:
    from benchmarks.harness import peak_mib
    print("\\nPEAK", peak_mib())
"""
_MIB_PER_RUSAGE = 1024 if sys.platform != "darwin" else 1024**2


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some repeats, the smallest and the largest of them, and how many there were."""

    median: float
    low: float
    high: float
    repeats: int

    def __str__(self) -> str:
        """`1.23 (1.20-1.31)`."""
        return f"{self.median:.3g} ({self.low:.3g}-{self.high:.3g})"


def spread(values: Sequence[float]) -> Spread:
    """Of at least one value."""
    ordered, n = sorted(values), len(values)
    middle = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    return Spread(middle, ordered[0], ordered[-1], n)


def ratio(slow: Sequence[float], fast: Sequence[float]) -> Spread:
    """How many times `slow` is of `fast`, repeat by repeat: those that ran beside each other are compared."""
    return spread([a / b for a, b in zip(slow, fast, strict=True)])


def alternate(cases: Mapping[str, Callable[[], float | None]], *, repeats: int, warm_up: int = 1) -> dict[str, list[float]]:
    """Run every case `warm_up` times unmeasured and then `repeats` times, in turn and each round the other way about.

    A case returns what it measured itself; for one that returns None its seconds are taken.
    """
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(-warm_up, repeats):
        names = list(cases)[:: 1 if turn % 2 else -1]
        for name in names:
            began = perf_counter()
            own = cases[name]()
            seconds = perf_counter() - began
            if turn >= 0:
                taken[name].append(seconds if own is None else own)
    return taken


@dataclass(frozen=True, slots=True)
class Child:
    """What a program of its own took: seconds from start to end, the peak of its memory in MiB, and what it printed."""

    seconds: float
    peak_mib: float
    output: str


def child(*arguments: str, timeout: float = 3600.0) -> Child:
    """Run `python ARGUMENTS`. Raises CalledProcessError with its output when it fails."""
    began = perf_counter()
    done = subprocess.run([sys.executable, "-c", _CHILD, *arguments], capture_output=True, text=True, timeout=timeout, check=False)
    seconds = perf_counter() - began
    if done.returncode:
        sys.stderr.write(done.stderr)
        done.check_returncode()
    output, _, peak = done.stdout.rpartition("\nPEAK ")
    return Child(seconds, float(peak), output)


def peak_mib() -> float:
    """The largest that this process has been, in MiB.

    On Linux the kernel's high-water mark of this very program: the peak of getrusage also holds that of whoever started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        marks = (line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return float(next(marks)) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MIB_PER_RUSAGE


def machine() -> dict[str, Any]:
    """What the numbers hold for."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory, 1),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def write(question: str, results: Mapping[str, Any], *, quick: bool = False) -> Path:
    """Write `benchmarks/results/QUESTION.json`; a quick run's goes to `quick/` below it, which is not committed."""
    folder = Path(__file__).parent / "results" / ("quick" if quick else ".")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{question}.json"
    content = {"date": datetime.now(UTC).date().isoformat(), "machine": machine(), "results": results}
    path.write_text(json.dumps(content, indent=1, default=_plain) + "\n", encoding="utf-8")
    return path


def _plain(value: Any) -> Any:
    if isinstance(value, Spread):
        return {name: item if isinstance(item, int) else float(f"{item:.4g}") for name, item in asdict(value).items()}
    message = f"{type(value).__name__} does not go into a results file"
    raise TypeError(message)
