import numpy as np
import pytest
from sklearn.metrics import roc_curve

from ratchet.reports.html.figures import SIDE, axis, nice_step, steps
from ratchet.tasks.binary.auc import auc
from ratchet.tasks.binary.curves import calibration, roc
from ratchet.tasks.binary.figures import calibration_marks, square_top


def draw(rows: int, decimals: int = 9) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(rows)
    scores = rng.random(rows).round(decimals)
    return (rng.random(rows) < scores).astype(np.int8), scores


@pytest.mark.parametrize("decimals", [9, 1])
def test_a_short_curve_is_sklearns(decimals: int) -> None:
    labels, scores = draw(150, decimals)
    curve = roc(labels, scores)
    fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve, np.column_stack((fpr, tpr)))


def test_a_thinned_curve_keeps_its_ends_and_its_area() -> None:
    labels, scores = draw(200_000)
    curve = roc(labels, scores)
    assert len(curve) <= 200
    assert curve[0].tolist() == [0, 0]
    assert curve[-1].tolist() == [1, 1]
    area = float(((curve[1:, 1] + curve[:-1, 1]) / 2 * np.diff(curve[:, 0])).sum())
    assert area == pytest.approx(auc(labels, scores), abs=1e-3)


def test_there_is_no_curve_of_one_class() -> None:
    assert roc(np.zeros(5, dtype=np.int8), np.linspace(0, 1, 5)).shape == (0, 2)


def test_calibrated_scores_lie_within_their_intervals() -> None:
    bins = calibration(*draw(20_000))
    assert [item.rows for item in bins] == [2000] * 10
    assert sum(item.low <= item.predicted <= item.high for item in bins) >= 8
    assert all(item.low <= item.observed <= item.high for item in bins)


def test_tied_scores_make_fewer_bins_and_lose_no_row() -> None:
    labels, _ = draw(1000)
    bins = calibration(labels, np.where(np.arange(1000) < 700, 0.2, 0.6))
    assert [(item.rows, round(item.predicted, 9)) for item in bins] == [(700, 0.2), (300, 0.6)]
    assert len(calibration(labels, np.full(1000, 0.4))) == 1
    assert calibration(labels[:0], np.empty(0)) == []


def test_a_rare_class_fills_its_calibration_plot() -> None:
    bins = calibration((np.arange(5000) % 100 == 0).astype(np.int8), np.linspace(0.005, 0.015, 5000))
    top = square_top(bins)
    assert top == 0.05
    marks = calibration_marks(bins, top, SIDE)
    assert all(0 <= mark.top <= mark.y <= mark.bottom <= SIDE and 0 <= mark.x <= SIDE for mark in marks)


@pytest.mark.parametrize("values", [[0.0, 0.01, 0.09, 0.2], [-3e-5, 2e-5], [0.0, 0.0], [float("nan")], [-900.0, 4.0]])
def test_an_axis_holds_its_values_and_has_a_few_distinct_ticks(values: list[float]) -> None:
    scale = axis(values, pad=0.1)
    assert all(0 < scale.at(value) < 100 for value in values if value == value)  # noqa: PLR0124 - not NaN
    assert 2 <= len(scale.ticks) <= 8
    assert len({tick.label for tick in scale.ticks}) == len(scale.ticks)
    assert "-0" not in {tick.label for tick in scale.ticks}


@pytest.mark.parametrize(("least", "step"), [(0.9, 1), (1.2, 2), (2.1, 5), (6, 10), (0.013, 0.02)])
def test_steps_are_round(least: float, step: float) -> None:
    assert nice_step(least) == pytest.approx(step)


def test_an_outline_closes_on_the_base_line() -> None:
    assert steps([0, 50, 100], [10, 80]) == "M0 100V90H50V20H100V100Z"
