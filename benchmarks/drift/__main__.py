"""`python -m benchmarks.drift [--quick] [--folder FOLDER] [--repeats N]`: drift in memory, and from Parquet beside a plain scan.

FOLDER holds Parquet that `python -m benchmarks.drift.data FOLDER 100000000` has prepared; without it it is made in a temporary
folder and deleted afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.clocks import alternate_clocks
from benchmarks.drift import scan, sides
from benchmarks.drift.data import FEATURES, PARTITION, as_columns, as_frame, table, write
from benchmarks.harness import alternate, child, ratio, spread
from benchmarks.harness import write as write_results
from benchmarks.loglog import draw
from ratchet.drift.profile import profile

_BLOCK = 8 * 2**20


def in_memory(rows: int, repeats: int, warm_up: int) -> dict[str, Any]:
    """`rows` on both sides, each library with the shape that it wants in hand; the figures must agree."""
    drawn = [table(rows, [seed], shift) for seed, shift in ((1, 0.0), (2, 0.3))]
    columns, frames = [as_columns(item) for item in drawn], [as_frame(item) for item in drawn]
    stored = profile(FEATURES, columns[0])
    cases: dict[str, Callable[[], object]] = {
        "ours": lambda: sides.ours(*columns),
        "ours, reference stored": lambda: sides.against(stored, columns[1]),
        "evidently, preset": lambda: sides.evidently_preset(*frames),
        "evidently, count": lambda: sides.evidently_count(*frames),
    }
    apart = sides.agree(sides.ours(*columns), sides.evidently_preset(*frames), sides.evidently_count(*frames)) if warm_up else None
    wall, cpu = alternate_clocks(cases, repeats=repeats, warm_up=warm_up)
    return {
        "seconds": {name: spread(taken) for name, taken in wall.items()},
        "cpu_seconds": {name: spread(taken) for name, taken in cpu.items()},
        "times": {
            f"{peer} / ours": {"wall": ratio(wall[peer], wall["ours"]), "cpu": ratio(cpu[peer], cpu["ours"])}
            for peer in cases
            if peer.startswith("evidently")
        },
        "largest_difference_of_effects": apart,
    }


def from_parquet(paths: Sequence[Path], ways: Sequence[str], repeats: int, warm_up: int) -> dict[str, Any]:
    """Every way through the same partitions, a thread a core, each in a process of its own."""
    threads, size = len(os.sched_getaffinity(0)), sum(path.stat().st_size for path in paths)
    kept: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}

    def case(way: str) -> Callable[[], float]:
        def run() -> float:
            done = child("benchmarks.drift.scan", way, str(threads), *map(str, paths), timeout=7200)
            kept[way].append(json.loads(done.output) | {"peak_mib": done.peak_mib})
            return float(kept[way][-1]["wall"])

        return run

    wall = alternate({way: case(way) for way in ways}, repeats=repeats, warm_up=warm_up)
    cpu = {way: [item["cpu"] for item in items[warm_up:]] for way, items in kept.items()}
    profiles = {item["profile"] for items in kept.values() for item in items if item["profile"]}
    assert len(profiles) == 1, "whatever the way and the threads, the profile is the same text"
    (rows,) = {item["rows"] for items in kept.values() for item in items}
    return {
        "rows": rows,
        "bytes": size,
        "threads": threads,
        "seconds": {way: spread(taken) for way, taken in wall.items()},
        "cpu_seconds": {way: spread(taken) for way, taken in cpu.items()},
        "mb_per_second": {way: spread([size / 1e6 / seconds for seconds in taken]) for way, taken in wall.items()},
        "mb_per_cpu_second": {way: spread([size / 1e6 / seconds for seconds in taken]) for way, taken in cpu.items()},
        "peak_mib": {way: max(item["peak_mib"] for item in items) for way, items in kept.items()},
        "times": {
            f"{way} / {limit}": {"wall": ratio(wall[way], wall[limit]), "cpu": ratio(cpu[way], cpu[limit])}
            for limit in ways
            if limit.startswith("scan")
            for way in ways
            if not way.startswith("scan")
        },
    }


def disk(path: Path) -> dict[str, float]:
    """MB a second of reading one partition, dropped from the page cache and then kept in it."""
    speeds = {}
    with path.open("rb", buffering=0) as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        for name in ("cold", "cached"):
            began = perf_counter()
            file.seek(0)
            while file.read(_BLOCK):
                pass
            speeds[name] = path.stat().st_size / 1e6 / (perf_counter() - began)
    return speeds


def main() -> None:
    """Run all of it, write results and figure, print the ratios."""
    parser = argparse.ArgumentParser(prog="benchmarks.drift")
    parser.add_argument("--quick", action="store_true", help="small sizes, one repeat, under half a minute")
    parser.add_argument("--folder", type=Path, help="prepared Parquet, see above")
    parser.add_argument("--repeats", type=int, default=5, help="of the small sizes; half as many of the large ones")
    arguments = parser.parse_args()
    quick = arguments.quick
    repeats = 1 if quick else max(1, arguments.repeats)
    fewer = (repeats + 1) // 2
    sizes = (2_000, 20_000) if quick else (10_000, 100_000, 1_000_000)
    results: dict[str, Any] = {"in_memory": {}, "parquet": {}}
    for rows in sizes:
        last = rows == sizes[-1] and not quick  # where one run of the preset takes half a minute; the sizes before are its warm-up
        results["in_memory"][rows] = in_memory(rows, repeats=fewer if last else repeats, warm_up=0 if last else 1)
        path = write_results("drift", results, quick=quick)
        print(rows, {name: str(value["wall"]) for name, value in results["in_memory"][rows]["times"].items()}, flush=True)
    most = 300_000 if quick else 10 * PARTITION
    with tempfile.TemporaryDirectory(prefix="ratchet-drift-") as temporary:
        paths = write(arguments.folder or Path(temporary), most)
        results["disk_mb_per_second"] = disk(paths[0])
        ways = list(scan.WAYS)
        runs = [(1, ways, fewer)]
        if len(paths) > 1:
            runs.append((len(paths), [way for way in ways if way != "profile, text as objects"], 1))
        for parts, chosen, times in runs:
            found = from_parquet(paths[:parts], chosen, times, warm_up=1 if parts == 1 and fewer > 1 else 0)
            results["parquet"][found["rows"]] = found
            print(found["rows"], {name: str(value["cpu"]) for name, value in found["times"].items()}, found["peak_mib"], flush=True)
            path = write_results("drift", results, quick=quick)
    figure(results, path.with_suffix(".svg"))
    print(path)


def figure(results: dict[str, Any], path: Path) -> None:
    """Processor seconds over rows: they hold on a machine that has other work too."""
    memory = {
        f"{name}, in memory": [(float(rows), item["cpu_seconds"][name].median) for rows, item in results["in_memory"].items()]
        for name in ("evidently, preset", "evidently, count", "ours")
    }
    parquet = {
        f"{way}, Parquet": [(float(rows), item["cpu_seconds"][way].median) for rows, item in results["parquet"].items()]
        for way in ("profile, text as codes", "scan")
    }
    draw(path, f"What drifted, of {len(FEATURES)} columns", memory | parquet, ylabel="processor seconds")


if __name__ == "__main__":
    main()
