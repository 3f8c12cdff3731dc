"""Play all worlds, write results and figure, print what was reached."""

from __future__ import annotations

import argparse
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks import harness
from benchmarks.years import real
from benchmarks.years.figure import draw
from benchmarks.years.reaches import Runs, best_fixed, reaches, shown, table
from benchmarks.years.runner import LAGS, SEED, play_all
from benchmarks.years.worlds import WORLDS

_RUNS, _QUIET_RUNS, _QUICK = 40, 100, 2  # histories of each world


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.years", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs, for a look: results go to results/quick/")
    parser.add_argument("--streamflow", type=Path, metavar="FOLDER", help="real months to show the rule on, left out without")
    arguments = parser.parse_args()
    quick, began = arguments.quick, perf_counter()
    runs = {world.name: _QUICK if quick else _QUIET_RUNS if world.name == "quiet" else _RUNS for world in WORLDS}
    played: dict[str, Any] = {}
    for name, outcomes in play_all(runs):
        played[name] = outcomes
        print(f"{name}: {len(outcomes)} histories, {perf_counter() - began:.0f} s", flush=True)
    found = reaches(played)
    real_months = real.shown(arguments.streamflow)
    results = {
        "seed": SEED,
        "runs": runs,
        "reaches": found,
        "best_fixed": {
            name: {f"labels {lag} late": best_fixed(outcomes, lag) for lag in LAGS} for name, outcomes in played.items()
        },
        "worlds": table(played),
        "streamflow": real_months,
        "seconds": round(perf_counter() - began, 1),
    }
    path = harness.write("years", results, quick=quick)
    _print(played, found)
    draw(played, path.with_suffix(".svg"))
    print(*real_months, sep="\n")
    print(f"{path} and .svg: {results['seconds']} s")


def _print(played: Runs, found: list[dict[str, Any]]) -> None:
    for world, policies in table(played).items():
        print(f"{world} (best fixed: {best_fixed(played[world])})")
        for policy, row in policies.items():
            print(f"    {policy:<36}", *(f"{name} {value:g}" for name, value in row.items()))
    for item in found:
        print(shown(item))


if __name__ == "__main__":
    main()
