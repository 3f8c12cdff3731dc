"""The report's figures of a binary model: ROC and calibration, laid out for a plot square."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratchet.core.estimate import Labels, Scores
from ratchet.core.measurement import Measurement
from ratchet.tasks.binary.curves import Bin, calibration, roc
from ratchet.tasks.binary.measure import BRIER


@dataclass(frozen=True, slots=True)
class CalibrationMark:
    """One bin in the plot square: its point and the ends of its whisker."""

    x: float
    y: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class ModelCurves:
    """One model on the holdout. `new` marks the candidate; `roc` is empty when a class is missing."""

    name: str
    new: bool
    auc: float
    brier: float
    roc: str
    bins: Sequence[Bin]
    marks: Sequence[CalibrationMark]


@dataclass(frozen=True, slots=True)
class Curves:
    """Both models (the champion last, so that tables read new, old) and the upper end of the calibration plot's axes."""

    models: tuple[ModelCurves, ...]
    top: float


def curves(
    measured: Measurement,
    labels: Labels,
    scores: Scores,
    champion_scores: Scores | None,
    candidate: int,
    champion: int | None,
    side: int,
) -> Curves:
    """ROC and calibration of the models on the n holdout rows, in a plot square of `side` units."""
    brier = next(guard for guard in measured.guards if guard.key == BRIER)
    sides = [(f"version {candidate}", True, measured.primary.value, brier.candidate, scores)]
    if champion is not None and champion_scores is not None:
        value = measured.paired.champion if measured.paired else math.nan
        sides.append((f"version {champion}", False, value, math.nan if brier.champion is None else brier.champion, champion_scores))
    bins = [calibration(labels, part[-1]) for part in sides]
    top = square_top(item for part in bins for item in part)
    return Curves(
        tuple(
            ModelCurves(name, new, auc, figure, curve_points(roc(labels, values), side), items, calibration_marks(items, top, side))
            for (name, new, auc, figure, values), items in zip(sides, bins, strict=True)
        ),
        top,
    )


def curve_points(curve: NDArray[np.float64], side: int) -> str:
    """A curve in the unit square, shape (k, 2), as a polyline's points."""
    return " ".join(f"{x * side:.4g},{(1 - y) * side:.4g}" for x, y in curve)


def square_top(bins: Iterable[Bin]) -> float:
    """The upper end of both axes of a calibration plot: a rare class must not huddle in a corner."""
    highest = max((max(item.predicted, item.high) for item in bins), default=1.0)
    return next((bound for bound in (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8) if highest <= bound), 1.0)


def calibration_marks(bins: Sequence[Bin], top: float, side: int) -> list[CalibrationMark]:
    """The bins in the plot square whose axes end at `top`."""

    def y(value: float) -> float:
        return round((1 - value / top) * side, 1)

    return [CalibrationMark(round(b.predicted / top * side, 1), y(b.observed), y(b.high), y(b.low)) for b in bins]
