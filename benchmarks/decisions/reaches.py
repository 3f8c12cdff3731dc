"""What was set out to be reached, and whether it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.decisions.alarm_rules import OURS
from benchmarks.decisions.alarms import Month
from benchmarks.decisions.months import Shift
from benchmarks.decisions.plan import CLAIMED_ROWS, STREAMFLOW_FEATURES
from benchmarks.decisions.promotions import ManyCandidates, OneCandidate
from benchmarks.decisions.rates import Rate
from benchmarks.decisions.runner import Cell
from ratchet.core.policy import DriftPolicy

Played = Mapping[Cell, Mapping[str, Rate]]


def reaches(played: Played) -> list[dict[str, Any]]:
    """Each claim with the rates of all cells that it is about, and the worst of their outcomes.

    `met`: the rate keeps to the bound; `open`: it does not, but the bound lies in its interval; `missed`: not even that.
    """
    claims: list[tuple[str, float, bool, Callable[[Cell], bool]]] = [
        ("false promotions at 1,400 holdout rows", 0.01, False, lambda cell: _one(cell, 0.0)),
        ("gains of 0.05 found at 1,400 holdout rows", 0.95, True, lambda cell: _one(cell, 0.05)),
        ("false promotions in 20 tries together", 0.02, False, lambda cell: isinstance(cell, ManyCandidates)),
        ("false alarms a quiet month from min_rows up", 0.01, False, _quiet),
        ("a 0.3 sd shift found at 1,000 rows", 0.95, True, lambda cell: _moved(cell, Shift.MODERATE, 1_000)),
        ("a 0.15 sd shift found at 10,000 rows", 0.95, True, lambda cell: _moved(cell, Shift.SMALL, 10_000)),
        ("a flag that triples from 2 % found at 10,000 rows", 0.95, True, lambda cell: _moved(cell, Shift.RATE, 10_000)),
    ]
    return [_judge(name, bound, played, about, least=least) for name, bound, least, about in claims]


def _judge(name: str, bound: float, played: Played, about: Callable[[Cell], bool], *, least: bool) -> dict[str, Any]:
    cells = []
    for cell, rates in played.items():
        if about(cell):
            rate = rates[OURS]
            low, high = rate.wilson()
            met, possible = (rate.value >= bound, high >= bound) if least else (rate.value <= bound, low <= bound)
            cells.append({"cell": str(cell), **rate.to_dict(), "outcome": "met" if met else "open" if possible else "missed"})
    worst = max((cell["outcome"] for cell in cells), key=("met", "open", "missed").index, default="open")
    return {"claim": f"{'at least' if least else 'at most'} {bound:.0%} {name}", "outcome": worst, "cells": cells}


def _one(cell: Cell, gain: float) -> bool:
    return isinstance(cell, OneCandidate) and (cell.rows, cell.gain, cell.attempt) == (CLAIMED_ROWS, gain, 1)


def _quiet(cell: Cell) -> bool:
    enough = DriftPolicy().min_rows
    return isinstance(cell, Month) and cell.shift is Shift.NONE and min(cell.rows, cell.reference) >= enough


def _moved(cell: Cell, shift: Shift, rows: int) -> bool:
    return isinstance(cell, Month) and (cell.shift, cell.rows, cell.features) == (shift, rows, STREAMFLOW_FEATURES)
