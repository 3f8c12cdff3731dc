"""One panel: how far each policy lies from the best fixed one, world by world."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.years.policies import EVIDENTLY, FIXED, IN_TIME, LAB, NEVER, OURS
from benchmarks.years.reaches import Runs, best_fixed, of

_COLOURS = {OURS: "#0b6e4f", IN_TIME: "#2563eb", LAB: "#c2410c", EVIDENTLY: "#7c3aed", FIXED[1]: "#78716c", NEVER: "#a8a29e"}
_DEEPEST = -0.1  # what lies below is cut


def draw(played: Runs, path: Path) -> None:
    """Write the SVG; its text stays text."""
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "years", "font.size": 8, "font.sans-serif": ["DejaVu Sans"]}
    figure = Figure(figsize=(9, 4), layout="constrained")
    panel = figure.subplots()
    for place, (policy, colour) in enumerate(_COLOURS.items()):
        gaps = [float((of(runs, policy, "mean", 0) - of(runs, best_fixed(runs), "mean", 0)).mean()) for runs in played.values()]
        lies = [world + (place - len(_COLOURS) / 2) * 0.13 for world in range(len(played))]
        panel.bar(lies, [max(gap, _DEEPEST) for gap in gaps], 0.12, label=policy, color=colour)
    panel.axhline(-0.005, color="black", linewidth=0.7, linestyle=":")
    panel.set(title="Mean true AUC of what serves, less that of the best fixed policy of the world (cut at -0.1)", yscale="symlog")
    panel.set_yscale("symlog", linthresh=0.005)
    panel.set_yticks([0.01, 0, -0.005, -0.01, -0.03, -0.1], ["0.01", "0", "-0.005", "-0.01", "-0.03", "-0.1"])
    panel.set_xticks(range(len(played)), [name.replace(", ", ",\n").replace(" ", "\n", 1) for name in played])
    panel.legend(loc="lower left", fontsize=7, ncols=2)
    figure.savefig(path, metadata={"Date": None})
