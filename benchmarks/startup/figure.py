"""The figure of the start-up benchmark, drawn from its results file: `python -m benchmarks.startup.figure`."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

RESULTS = Path(__file__).resolve().parent.parent / "results"


def main() -> None:
    """Bars of seconds to ready with the range of the repeats, and in them the CPU seconds."""
    starts = json.loads((RESULTS / "startup.json").read_text(encoding="utf-8"))["results"]["starts"]
    names = list(starts)[::-1]
    rows = [starts[name]["ready_s"] for name in names]
    figure, axis = plt.subplots(figsize=(6, 2.2), layout="constrained")
    reach = [[row["median"] - row["low"] for row in rows], [row["high"] - row["median"] for row in rows]]
    colours = ["#0b7285" if name.startswith("ratchet") else "#adb5bd" for name in names]
    axis.barh(names, [row["median"] for row in rows], xerr=reach, color=colours, error_kw={"lw": 1})
    axis.plot([starts[name]["cpu_s"]["median"] for name in names], names, "k|", markersize=12, label="CPU seconds")
    axis.set(xlabel="seconds from the process's start to ready")
    axis.legend(loc="lower right", fontsize=7)
    with mpl.rc_context({"svg.hashsalt": "ratchet", "svg.fonttype": "none"}):
        figure.savefig(RESULTS / "startup.svg", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
