"""`python -m benchmarks.score [--quick] [--repeats N] [--large ROWS]`: `ratchet score` beside pandas and predict_proba, one file.

Both are programs from start to end, with their imports, on whatever cores there are.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.harness import Child, alternate, child, ratio, spread
from benchmarks.harness import write as write_results
from benchmarks.score.data import write
from benchmarks.trained import prepare
from ratchet.project.file import load_project

OURS, PEER = "ratchet score", "pandas and predict_proba"
_CLOSE = 1e-9  # as golden rows are compared: two orders of one sum


def measured(run: Callable[[], Child]) -> dict[str, float]:
    """Seconds, processor seconds and peak of a program."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    done = run()
    seconds, after = perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu_seconds": cpu, "peak_mib": done.peak_mib}


def beside(ways: dict[str, Callable[[], Child]], repeats: int, warm_up: int) -> dict[str, Any]:
    """Both ways in turn."""
    kept: dict[str, list[dict[str, float]]] = {way: [] for way in ways}

    def case(way: str) -> Callable[[], float]:
        def run() -> float:
            kept[way].append(measured(ways[way]))
            return kept[way][-1]["seconds"]

        return run

    wall = alternate({way: case(way) for way in ways}, repeats=repeats, warm_up=warm_up)
    cpu = {way: [item["cpu_seconds"] for item in items[warm_up:]] for way, items in kept.items()}
    return {
        "seconds": {way: spread(taken) for way, taken in wall.items()},
        "cpu_seconds": {way: spread(taken) for way, taken in cpu.items()},
        "peak_mib": {way: max(item["peak_mib"] for item in items) for way, items in kept.items()},
        "times": {"wall": ratio(wall[PEER], wall[OURS]), "cpu": ratio(cpu[PEER], cpu[OURS])},
    }


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=10_000_000, help="rows that we alone score, once; 0: none")
    options = parser.parse_args()
    rows, large = (20_000, 0) if options.quick else (options.rows, options.large)
    with tempfile.TemporaryDirectory(prefix="ratchet-score-") as folder:
        root = Path(folder)
        trained = prepare(root)
        os.environ.update(trained.environment)
        project = load_project(root / "ratchet.yaml")
        month = next(root.rglob("features.parquet"))
        source, mine, theirs = root / "rows.parquet", root / "mine.parquet", root / "theirs.parquet"
        names = [feature.name for feature in project.inputs]
        write(source, month, names, project.entity, rows)
        by = ["--version", str(trained.version)]

        def ours() -> Child:
            return child("ratchet", "score", str(source), *by, "--out", str(mine))

        def peer() -> Child:
            return child("benchmarks.score.peer", trained.model_uri, str(source), str(theirs), project.entity)

        load = os.getloadavg()
        found = beside({OURS: ours, PEER: peer}, 1 if options.quick else options.repeats, 0 if options.quick else 1)
        first, second = pq.read_table(mine), pq.read_table(theirs)
        assert first[project.entity].equals(second[project.entity])
        apart = float(np.abs(first["probability"].to_numpy() - second["probability"].to_numpy()).max())
        assert apart < _CLOSE, apart
        results: dict[str, Any] = {"rows": rows, "features": len(names), **found, "largest_difference": apart}
        if large:
            write(source, month, names, project.entity, large)
            results["large"] = {"rows": large, **measured(ours)}
        results["load_average"] = {"before": load[0], "after": os.getloadavg()[0]}
    print(write_results("score", results, quick=options.quick))
    for way in (OURS, PEER):
        print(f"{way}: {found['seconds'][way]} s, {found['cpu_seconds'][way]} processor s, {found['peak_mib'][way]:.0f} MiB")
    print(f"times: wall {found['times']['wall']}, processor {found['times']['cpu']}")
    if large:
        print(results["large"])


if __name__ == "__main__":
    main()
