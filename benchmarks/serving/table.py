"""The tables of docs/benchmarks-serving.md, from the results file: `python -m benchmarks.serving.table`."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.serving.figure import RESULTS

_HEAD = "| workers | connections | server | requests/s | p50 ms | p99 ms | worst ms | errors | MiB | CPU us/request |"


def _cell(row: dict[str, float]) -> str:
    return f"{row['median']:.4g} ({row['low']:.4g}-{row['high']:.4g})"


def rows(results: dict[str, Any]) -> list[str]:
    """One line of Markdown a workers, connections and server."""
    return [
        f"| {workers} | {connections} | {name} | {_cell(row['rps'])} | {_figures(row)} |"
        for workers, loads in results["workers"].items()
        for connections, load in loads.items()
        for name, row in load["servers"].items()
    ]


def _figures(row: dict[str, dict[str, float]]) -> str:
    latency = f"{row['p50_ms']['median']:.3g} | {row['p99_ms']['median']:.3g} | {row['worst_ms']['high']:.3g}"
    return f"{latency} | {row['errors']['high']:g} | {row['memory_mib']['median']:.0f} | {row['cpu_us']['median']:.0f}"


def main() -> None:
    """Print the servers, then the ratios at 16 connections."""
    results = json.loads((RESULTS / "serving.json").read_text(encoding="utf-8"))["results"]
    print("\n".join([_HEAD, "|---" * _HEAD[2:].count("|") + "|", *rows(results)]))
    print("\n| ratio at 16 connections | 1 worker | 2 workers |\n|---|---|---|")
    ratios = [loads["16"]["ratios"] for loads in results["workers"].values()]
    for name in ratios[0]:
        print(f"| {name} | {' | '.join(_cell(of[name]) if name in of else '-' for of in ratios)} |")


if __name__ == "__main__":
    main()
