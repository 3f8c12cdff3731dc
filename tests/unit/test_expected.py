"""The AUC that probabilities promise, beside the one that comes."""

import numpy as np
import pytest

from ratchet.tasks.binary.auc import auc
from ratchet.tasks.binary.expected import expected_auc


def probabilities(rows: int, seed: int, spread: float = 1.2) -> np.ndarray:
    return 1 / (1 + np.exp(1.5 - spread * np.random.default_rng(seed).normal(size=rows)))


def test_true_probabilities_promise_the_auc_that_comes_and_how_far_it_falls_from_it() -> None:
    scores, rng = probabilities(1500, 1), np.random.default_rng(2)
    promised = expected_auc(scores)
    came = [auc((rng.random(1500) < scores).astype(np.int8), scores) for _ in range(400)]
    assert promised.value == pytest.approx(np.mean(came), abs=0.002)
    assert promised.se == pytest.approx(np.std(came), rel=0.15)


def test_it_is_the_mean_over_all_pairs_of_rows() -> None:
    scores = np.array([0.1, 0.4, 0.4, 0.7, 0.9])
    wins = pairs = 0.0
    for i, first in enumerate(scores):
        for j, second in enumerate(scores):
            if i != j:
                weight = first * (1 - second)
                pairs += weight
                wins += weight * (1.0 if first > second else 0.5 if first == second else 0.0)
    assert expected_auc(scores).value == pytest.approx(wins / pairs, abs=1e-12)


def test_a_label_that_turned_is_not_seen() -> None:
    scores, rng = probabilities(3000, 3), np.random.default_rng(4)
    turned = (rng.random(3000) < 1 - scores).astype(np.int8)
    assert expected_auc(scores).value > 0.75
    assert auc(turned, scores) < 0.25


@pytest.mark.parametrize("scores", [[], [0.3], [0.0, 0.0], [1.0, 1.0]])
def test_where_one_class_alone_is_promised_there_is_no_figure(scores: list[float]) -> None:
    assert np.isnan(expected_auc(np.array(scores)).value)
