"""The figures of the serving benchmark, drawn from its results files: `python -m benchmarks.serving.figure`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

RESULTS = Path(__file__).resolve().parent.parent / "results"
_OURS = "#0b7285"
_OTHERS = "#adb5bd"


def throughput(results: dict[str, Any], path: Path, connections: str = "16") -> None:
    """Bars of requests per second, one group a number of workers, with the range of the repeats."""
    groups = [(workers, results["workers"][workers][connections]["servers"]) for workers in results["workers"]]
    figure, axes = plt.subplots(1, len(groups), figsize=(4.2 * len(groups), 2.6), sharex=True, squeeze=False, layout="constrained")
    for axis, (workers, servers) in zip(axes[0], groups, strict=True):
        names = list(servers)[::-1]
        rows = [servers[name]["rps"] for name in names]
        values = [row["median"] for row in rows]
        reach = [[row["median"] - row["low"] for row in rows], [row["high"] - row["median"] for row in rows]]
        colours = [_OURS if name.startswith("ratchet") else _OTHERS for name in names]
        axis.barh(names, values, xerr=reach, color=colours, error_kw={"lw": 1})
        for row, value in enumerate(values):
            axis.text(value, row + 0.28, f" {value:.0f}", va="bottom", fontsize=7)
        axis.set(xscale="log", title=f"{workers} worker{'s' if workers != '1' else ''}", xlabel="requests per second")
    _save(figure, path)


def memory(results: dict[str, Any], path: Path) -> None:
    """Memory over the soak."""
    figure, axis = plt.subplots(figsize=(5, 2.2), layout="constrained")
    axis.plot([at / 60 for at, _ in results["samples"]], [mib for _, mib in results["samples"]], color=_OURS)
    axis.set(
        xlabel="minutes",
        ylabel="MiB",
        ylim=(0, None),
        title=f"{results['rate']:.0f} requests per second, {results['errors']} errors",
    )
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    with mpl.rc_context({"svg.hashsalt": "ratchet", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Draw what there are results for."""
    for name, draw in (("serving", throughput), ("serving-soak", memory)):
        source = RESULTS / f"{name}.json"
        if source.exists():
            draw(json.loads(source.read_text(encoding="utf-8"))["results"], RESULTS / f"{name}.svg")


if __name__ == "__main__":
    main()
