"""`python -m benchmarks.gate [--quick]`: from two models' probabilities on a holdout to the decision, from 1k to 10M rows."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.clocks import alternate_clocks
from benchmarks.gate import sides
from benchmarks.harness import child, ratio, spread, write
from benchmarks.loglog import draw

REACH = 20.0  # seconds for 10 million rows
METHODS: dict[str, tuple[sides.Method, int]] = {  # each with the most rows that it is asked for
    "definition": (sides.by_definition, 10_000),
    "loops": (sides.by_loops, 100_000),
    "bootstrap": (sides.by_bootstrap, 1_000),
}


def side_by_side(rows: int, repeats: int, names: Sequence[str]) -> dict[str, Any]:
    """Ours and the others on one holdout; those that compute DeLong must have our figures."""
    held = sides.holdout(rows, 1)
    methods = {name: method for name, (method, limit) in METHODS.items() if name in names and rows <= limit}
    cases: dict[str, Callable[[], object]] = {"ours": partial(sides.gate, *held)}
    for name, method in methods.items():
        cases[name] = partial(sides.everywhere, method, *held)
    apart = max((_difference(held, methods[name]) for name in ("definition", "loops") if name in methods), default=None)
    wall, cpu = alternate_clocks(cases, repeats=repeats)
    return {
        "seconds": {name: spread(taken) for name, taken in wall.items()},
        "cpu_seconds": {name: spread(taken) for name, taken in cpu.items()},
        "times": {
            f"{name} / ours": {"wall": ratio(wall[name], wall["ours"]), "cpu": ratio(cpu[name], cpu["ours"])} for name in methods
        },
        "largest_difference_of_figures": apart,
        "verdict": sides.gate(*held)[1].verdict.value,
    }


def alone(rows: int, repeats: int) -> dict[str, Any]:
    """Ours in a process of its own."""
    done = json.loads(child("benchmarks.gate.sides", str(rows), str(repeats)).output)
    return {
        "seconds": {"ours": spread(done["wall"])},
        "cpu_seconds": {"ours": spread(done["cpu"])},
        "verdict": done["verdict"],
        "mib_of_data": done["data_mib"],
        "peak_mib": done["peak_mib"],
    }


def _difference(held: tuple[Any, Any, Any], method: sides.Method) -> float:
    """The largest difference between our figures and another way's. Raises AssertionError when they are not the same."""
    ours, theirs = sides.figures(sides.gate(*held)[0]), sides.everywhere(method, *held)
    assert 1 <= len(ours) <= len(theirs)
    # Groups that are too small have no figures of ours, and change the confidence of the others: then the whole alone is compared.
    pairs = zip(ours, theirs, strict=True) if len(ours) == len(theirs) else [(ours[0], theirs[0])]
    apart = max(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True))
    assert apart < 1e-9, f"our figures and theirs differ by {apart}"
    return apart


def main() -> None:
    """Run all of it, write results and figure, print the ratios."""
    parser = argparse.ArgumentParser(prog="benchmarks.gate")
    parser.add_argument("--quick", action="store_true", help="small sizes, one repeat, under half a minute")
    quick = parser.parse_args().quick
    results: dict[str, Any] = {}
    for rows in (1_000, 10_000) if quick else (1_000, 10_000, 100_000, 1_000_000):
        names = ["definition", "loops"] if quick else list(METHODS)
        results[str(rows)] = side_by_side(rows, 1 if quick else 5, names)
        print(rows, {name: str(value["cpu"]) for name, value in results[str(rows)]["times"].items()}, flush=True)
    largest = 100_000 if quick else 10_000_000
    results[str(largest)] = alone(largest, 1 if quick else 3)
    print(largest, {clock: str(results[str(largest)][clock]["ours"]) for clock in ("seconds", "cpu_seconds")}, flush=True)
    path = write("gate", results, quick=quick)
    figure(results, path.with_suffix(".svg"))
    print(path)


def figure(results: dict[str, Any], path: Path) -> None:
    """Processor seconds over rows: they hold on a machine that has other work too."""
    lines = {
        name: [(float(rows), item["cpu_seconds"][name].median) for rows, item in results.items() if name in item["cpu_seconds"]]
        for name in ("bootstrap", "definition", "loops", "ours")
    }
    draw(path, "The gate, with eight groups", {name: line for name, line in lines.items() if line}, (f"{REACH:.0f} s", REACH))


if __name__ == "__main__":
    main()
