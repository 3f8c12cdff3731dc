"""One kind of figure: seconds over rows, both logarithmic, a line a case, as a small SVG that is the same for the same numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.fonttype"] = "none"  # text as text: smaller, and the reader's own font
mpl.rcParams["svg.hashsalt"] = "ratchet"
from matplotlib import pyplot as plt  # noqa: E402 - after the choice of what draws

Line = Sequence[tuple[float, float]]


def draw(
    path: Path, title: str, lines: Mapping[str, Line], bound: tuple[str, float] | None = None, ylabel: str = "seconds"
) -> None:
    """Draw `lines` (points of rows and seconds by name) and a horizontal `bound` to `path`."""
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    for name, points in lines.items():
        axes.plot(*zip(*points, strict=True), marker="o", markersize=4, label=name)
    if bound:
        axes.axhline(bound[1], color="0.5", linestyle="--", linewidth=1)
        axes.text(axes.get_xlim()[0] * 1.3, bound[1] * 1.1, bound[0], color="0.35", fontsize=8)
    axes.set(xscale="log", yscale="log", xlabel="rows", ylabel=ylabel, title=title)
    axes.grid(visible=True, which="major", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
