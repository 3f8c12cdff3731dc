"""The figure: a bar a size, in it a part a stage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt


def draw(results: Mapping[str, Any]) -> None:
    """Write loop.svg beside the results."""
    sizes = {name: value for name, value in results.items() if name.isdecimal()}
    figure, axes = plt.subplots(1, len(sizes), figsize=(3.2 * len(sizes), 3.4))
    for axis, (users, found) in zip([axes] if len(sizes) == 1 else axes, sizes.items(), strict=True):
        bottom = 0.0
        for name, part in {**found["stages"], "between": found["between"]}.items():
            axis.bar("Ratchet", part.median, bottom=bottom, label=name)
            bottom += part.median
        axis.bar("bare calls", found["bare"].median, color="0.6")
        axis.set_title(f"{int(users):,} users")
        axis.set_ylabel("seconds")
    figure.legend(*axis.get_legend_handles_labels(), loc="lower center", ncols=6, fontsize="small", frameon=False)
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    figure.savefig(Path(__file__).parents[1] / "results" / "loop.svg")
