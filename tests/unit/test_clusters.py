"""Rows that hang together: the variance of an AUC over clusters of rows."""

import numpy as np
import pytest

from ratchet.tasks.binary.auc import auc_estimate, compare, difference
from tests.unit.test_auc import draw


def households(count: int, size: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels and two equally good models' scores of `count` households whose rows are all but copies; and the households."""
    labels, first, second = draw(count, 0.0, seed)
    rng = np.random.default_rng(seed + 1_000_000)
    clusters = np.repeat(np.arange(count), size)
    near, other = (np.repeat(scores, size) + rng.normal(0, 0.02, count * size) for scores in (first, second))
    return np.repeat(labels, size), near, other, clusters


def test_with_one_row_a_cluster_it_is_delongs_variance() -> None:
    labels, first, second = draw(300, 0.1, 4)
    alone = np.random.default_rng(1).permutation(300)
    assert difference(labels, first, second, alone).se == pytest.approx(difference(labels, first, second).se, rel=1e-12)
    assert auc_estimate(labels, first, alone).se == pytest.approx(auc_estimate(labels, first).se, rel=1e-12)


def test_without_clusters_every_bit_is_as_it_was() -> None:
    labels, first, second = draw(700, 0.1, 9)
    plain, none = difference(labels, first, second), difference(labels, first, second, None)
    assert (plain.value.hex(), plain.se.hex()) == (none.value.hex(), none.se.hex())
    assert (plain.value.hex(), plain.se.hex()) == ("0x1.0b63a1a01acb0p-5", "0x1.50343e77ceb0cp-6")


def test_rows_of_one_household_count_about_once() -> None:
    labels, first, second, clusters = households(400, 3, 2)
    once = slice(None, None, 3)
    found, alone = difference(labels, first, second, clusters), difference(labels[once], first[once], second[once])
    assert found.se == pytest.approx(alone.se, rel=0.05)
    assert difference(labels, first, second).se < 0.65 * found.se


def test_a_cluster_with_both_labels_adds_its_covariance() -> None:
    rng = np.random.default_rng(3)
    spread, claimed = [], []
    for _ in range(400):
        mood = np.repeat(rng.normal(size=60), 4)  # a household's common part moves its positives and negatives together
        labels = np.tile(np.array([0, 0, 1, 1], dtype=np.int8), 60)
        scores = labels * 0.7 + mood + 0.3 * rng.normal(size=240)
        found = auc_estimate(labels, scores, np.repeat(np.arange(60), 4))
        spread.append(found.value)
        claimed.append(found.se)
    assert np.mean(claimed) == pytest.approx(np.std(spread), rel=0.1)


def test_equal_models_on_households_of_three_are_hardly_ever_told_apart() -> None:
    seen = {"rows": 0, "households": 0}
    for seed in range(600):
        labels, first, second, clusters = households(470, 3, seed)
        seen["rows"] += compare(labels, first, second, 0.98).delta.low > 0
        seen["households"] += compare(labels, first, second, 0.98, clusters).delta.low > 0
    assert seen["rows"] > 40  # as if they were rows of their own: near 9 %
    assert seen["households"] <= 15  # 1 % are due


def test_a_class_that_stands_in_one_cluster_has_no_interval() -> None:
    labels = np.array([1, 1, 0, 0, 0], dtype=np.int8)
    scores = np.array([0.9, 0.2, 0.3, 0.4, 0.1])
    assert np.isnan(auc_estimate(labels, scores, np.array([0, 0, 1, 2, 3])).se)
    assert np.isfinite(auc_estimate(labels, scores, np.array([0, 4, 1, 2, 3])).se)
