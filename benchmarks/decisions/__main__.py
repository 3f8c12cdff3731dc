"""Play all cells, write results and figure, print what was reached."""

from __future__ import annotations

import argparse
import resource
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from time import perf_counter
from typing import Any

from benchmarks import harness
from benchmarks.decisions.alarms import compare_with_preset
from benchmarks.decisions.figure import draw
from benchmarks.decisions.plan import Plan
from benchmarks.decisions.reaches import reaches
from benchmarks.decisions.runner import SEED, Cell, play_all

_QUICK = 0.02  # of the draws
_QUICK_ROWS = 30_000  # a draw


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decisions", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few draws, for a look: results go to results/quick/")
    parser.add_argument("--draws", type=float, default=1.0, metavar="FACTOR", help="times as many draws, for narrower intervals")
    arguments = parser.parse_args()
    quick = arguments.quick
    warnings.filterwarnings("ignore", category=DeprecationWarning)  # of evidently, while it is imported
    began = perf_counter()
    plan = Plan(_QUICK if quick else arguments.draws)
    asked: dict[str, Iterator[Any]] = {
        "one_candidate": plan.one_candidate(),
        "twenty_candidates": plan.many_candidates(),
        "months": plan.months(),
    }
    groups: dict[str, list[Any]] = {
        name: [cell for cell in group if not quick or cell.rows_per_draw <= _QUICK_ROWS] for name, group in asked.items()
    }
    cells: list[Cell] = [cell for group in groups.values() for cell in group]
    played = dict(zip(cells, play_all(cells), strict=True))
    months = 1 if quick else 3
    difference = compare_with_preset(months)
    reached = reaches(played)
    results = {
        "seed": SEED,
        "draws_factor": plan.factor,
        "evidently": {"months_compared_with_the_whole_preset": 3 * months, "largest_difference": difference},
        "reaches": reached,
        **{
            name: [asdict(cell) | {"rates": {rule: rate.to_dict() for rule, rate in played[cell].items()}} for cell in group]
            for name, group in groups.items()
        },
        "seconds": round(perf_counter() - began, 1),
        "cpu_seconds": round(sum(resource.getrusage(who).ru_utime for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)), 1),
    }
    path = harness.write("decisions", results, quick=quick)
    draw(played, path.with_suffix(".svg"))
    for item in reached:
        print(f"{item['outcome']:<6} {item['claim']}")
        for cell in item["cells"]:
            rate = f"{cell['rate']:.2%} ({cell['low']:.2%}-{cell['high']:.2%}, n={cell['draws']:,})"
            print(f"       {rate} {cell['outcome']}: {cell['cell']}")
    print(f"{path} and .svg: {results['seconds']} s, {results['cpu_seconds']} s of CPU")


if __name__ == "__main__":
    main()
