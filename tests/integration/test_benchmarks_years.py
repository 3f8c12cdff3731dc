"""The benchmark's truth is the truth, its figures are the product's, and its policies do what they are said to."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmarks.years.months import History, draw, fit, influence
from benchmarks.years.policies import IN_TIME, NEVER, OURS, POLICIES
from benchmarks.years.runner import outcome
from benchmarks.years.truth import BEST, FEATURES, POSITIVES, true_auc, usual
from benchmarks.years.worlds import MONTHS, TURN_AT, WORLDS
from ratchet.core.seen import Move
from ratchet.tasks.binary.auc import auc_estimate, difference

WORLD = {world.name: world for world in WORLDS}


@pytest.fixture(scope="module")
def turned() -> History:
    return draw(WORLD["step, a right angle"], np.random.default_rng(1))


def test_the_best_model_has_the_auc_and_the_labels_the_share_that_are_said() -> None:
    size, intercept = usual()
    concept = size * np.eye(FEATURES)[0]
    rows = np.random.default_rng(2).standard_normal((400_000, FEATURES))
    ones = np.random.default_rng(3).random(len(rows)) < 1 / (1 + np.exp(-(rows @ concept + intercept)))
    assert ones.mean() == pytest.approx(POSITIVES, abs=0.003)
    assert roc_auc_score(ones, rows @ concept) == pytest.approx(BEST, abs=0.003)


def test_the_true_auc_is_what_many_rows_show_under_a_shift_too() -> None:
    rng = np.random.default_rng(4)
    size, intercept = usual()
    model, concept = rng.standard_normal(FEATURES), size * rng.standard_normal(FEATURES) / 3
    mean = 0.5 * np.eye(FEATURES)[2]
    rows = mean + rng.standard_normal((400_000, FEATURES))
    ones = rng.random(len(rows)) < 1 / (1 + np.exp(-(rows @ concept + intercept)))
    assert true_auc(model, concept, intercept, mean) == pytest.approx(roc_auc_score(ones, rows @ model), abs=0.003)


def test_a_few_newton_steps_are_scikit_learns_regression(turned: History) -> None:
    rows, ones = turned.held[0]
    _, weights = fit(rows, ones)
    assert weights[:-1] == pytest.approx(LogisticRegression(C=1e6, tol=1e-8).fit(rows, ones).coef_[0], abs=0.01)


def test_figures_are_the_products_delong(turned: History) -> None:
    rows, ones = turned.held[5]
    first, second = rows @ turned.models[5, 1], rows @ turned.models[3, 2]
    value, errors = influence(first, ones)
    own = auc_estimate(ones.astype(np.int8), first)
    assert (value, np.sqrt((errors**2).sum())) == pytest.approx((own.value, own.se), rel=1e-2)
    pair, theirs = turned.paired((5, 1), (3, 2), 5), difference(ones.astype(np.int8), first, second)
    assert (pair.delta, pair.se) == pytest.approx((theirs.value, theirs.se), rel=2e-2)


def test_a_broken_champion_is_replaced_on_the_first_labels_and_a_month_later_where_they_are_a_month_late(turned: History) -> None:
    served = POLICIES[OURS](turned)
    assert served.moves[0][:2] == (TURN_AT, Move.AT_ONCE)
    found = outcome(turned, served)
    assert found.replaced
    lost = [before - after for before, after in zip(found.mean, found.mean[1:], strict=False)]
    assert lost == pytest.approx([0.35 / MONTHS] * 3, abs=0.002), "each month of waiting costs a month of the broken champion"


def test_a_quiet_history_moves_nothing() -> None:
    history = draw(WORLD["quiet"], np.random.default_rng(5))
    assert POLICIES[OURS](history).moves == []
    assert outcome(history, POLICIES[NEVER](history)).mean[0] == pytest.approx(BEST, abs=0.002)


def test_a_december_goes_by_where_the_gate_in_time_keeps_it() -> None:
    history = draw(WORLD["December"], np.random.default_rng(6))
    ours, in_time = (outcome(history, POLICIES[name](history)) for name in (OURS, IN_TIME))
    assert ours.worst[0] > in_time.worst[0] + 0.01
