"""Four panels: wrong and right promotions, false alarms and shifts that are found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeGuard

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from benchmarks.decisions import alarm_rules, promotion_rules
from benchmarks.decisions.alarms import Month
from benchmarks.decisions.months import Shift
from benchmarks.decisions.plan import CLAIMED_ROWS, STREAMFLOW_FEATURES
from benchmarks.decisions.promotions import OneCandidate
from benchmarks.decisions.reaches import Played
from benchmarks.decisions.runner import Cell

_COLOURS = {
    promotion_rules.OURS: "#0b6e4f",
    promotion_rules.LAB: "#c2410c",
    alarm_rules.LAB: "#c2410c",
    promotion_rules.MLFLOW: "#2563eb",
    promotion_rules.TFX_RELATIVE: "#7c3aed",
    promotion_rules.TFX_TUTORIAL: "#78716c",
    alarm_rules.EVIDENTLY: "#2563eb",
}
_PROMOTIONS = [promotion_rules.OURS, promotion_rules.LAB, promotion_rules.TFX_RELATIVE, promotion_rules.TFX_TUTORIAL]
_ALARMS = [alarm_rules.OURS, *alarm_rules.SHARES]


def draw(played: Played, path: Path) -> None:
    """Write the SVG; its text stays text."""
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "decisions", "font.size": 8, "font.sans-serif": ["DejaVu Sans"]}
    figure = Figure(figsize=(9, 6), layout="constrained")
    (wrong, right), (false, found) = figure.subplots(2, 2)
    _lines(wrong, played, _PROMOTIONS, lambda cell: cell.rows if _one(cell) and cell.gain == 0.0 else None)
    wrong.set(title="An equal model is promoted", xlabel="holdout rows", xscale="log")
    _lines(right, played, _PROMOTIONS, lambda cell: cell.gain if _one(cell) and cell.rows == CLAIMED_ROWS else None)
    right.set(title="A better model is promoted, 1,400 holdout rows", xlabel="true gain of AUC")
    _lines(false, played, _ALARMS, lambda cell: cell.rows if _month(cell) and cell.shift is Shift.NONE else None)
    false.set(title="A quiet month of 14 features raises an alarm", xlabel="rows of the month", xscale="log")
    _lines(found, played, _ALARMS, lambda cell: cell.rows if _month(cell) and cell.shift is Shift.MODERATE else None)
    found.set(title="One feature of 14 moves by 0.3 sd and is found", xlabel="rows of the month", xscale="log")
    for panel, place in ((wrong, "center right"), (right, "lower right"), (false, "center right"), (found, "center right")):
        panel.yaxis.set_major_formatter(PercentFormatter(1.0))
        panel.set_ylim(-0.03, 1.03)
        panel.grid(alpha=0.25)
        panel.legend(loc=place, fontsize=7)
    figure.savefig(path, metadata={"Date": None})


def _one(cell: Cell) -> TypeGuard[OneCandidate]:
    return isinstance(cell, OneCandidate) and cell.correlation == 0.7 and cell.attempt == 1


def _month(cell: Cell) -> TypeGuard[Month]:
    return (
        isinstance(cell, Month)
        and cell.features == STREAMFLOW_FEATURES
        and cell.reference >= max(7_000, cell.rows)
        and not cell.returning
    )


def _lines(panel: Axes, played: Played, rules: list[str], place: Callable[[Cell], float | None]) -> None:
    """One line a rule with its 95 % intervals, over the cells that have a place."""
    cells = sorted((x, cell) for cell in played if (x := place(cell)) is not None)
    for rule in rules:
        rates = [played[cell][rule] for _, cell in cells]
        values = [rate.value for rate in rates]
        spans = [rate.wilson() for rate in rates]
        errors = (
            [max(0.0, v - low) for v, (low, _) in zip(values, spans, strict=True)],
            [max(0.0, high - v) for v, (_, high) in zip(values, spans, strict=True)],
        )
        panel.errorbar(
            [x for x, _ in cells], values, errors, label=rule, color=_COLOURS[rule], marker="o", markersize=3, linewidth=1.2
        )
