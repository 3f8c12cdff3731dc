from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.errors import DataError
from ratchet.core.schema import FeatureValue
from ratchet.estimators.estimator import Scorer
from ratchet.estimators.explain import contributions
from ratchet.estimators.plain.encoding import row_of
from tests.support.churn import FEATURES, MODELS, churn, scorer

SCORERS = {name: scorer(name) for name in MODELS}
COLUMNS, _ = churn(300, seed=9)
positions = st.integers(0, 299)
every_model = pytest.mark.parametrize("name", list(MODELS))


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def row(position: int) -> dict[str, FeatureValue]:
    return row_of(FEATURES, COLUMNS, position)


@every_model
@given(one=positions, other=positions)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_contributions_add_up_to_the_difference_in_log_odds(name: str, one: int, other: int) -> None:
    scorer = SCORERS[name]
    parts = contributions(scorer, row(one), row(other))
    assert list(parts) == [feature.name for feature in FEATURES]
    assert sum(parts.values()) == pytest.approx(logit(scorer.row(row(one))) - logit(scorer.row(row(other))), abs=1e-9)


def test_a_linear_model_s_contributions_are_exact() -> None:
    scorer, baseline, new = SCORERS["linear"], row(0), row(1)
    start = logit(scorer.row(baseline))
    for name, part in contributions(scorer, new, baseline).items():
        assert part == pytest.approx(logit(scorer.row({**baseline, name: new[name]})) - start, abs=1e-9)


def shapley(scorer: Scorer, new: dict[str, FeatureValue], baseline: dict[str, FeatureValue]) -> dict[str, float]:
    orders = list(itertools.permutations(new))
    parts = dict.fromkeys(new, 0.0)
    for order in orders:
        present = dict(baseline)
        for name in order:
            before = logit(scorer.row(present))
            present[name] = new[name]
            parts[name] += (logit(scorer.row(present)) - before) / len(orders)
    return parts


def test_a_sample_of_orders_is_near_the_shapley_values_of_all() -> None:
    scorer, new, baseline = SCORERS["trees"], row(3), row(4)
    exact = shapley(scorer, new, baseline)
    sampled = contributions(scorer, new, baseline, permutations=40)
    assert max(abs(exact[name]) for name in exact) > 0.3
    np.testing.assert_allclose(list(sampled.values()), list(exact.values()), atol=0.05)


def test_few_moved_features_give_the_exact_shapley_values() -> None:
    scorer, baseline = SCORERS["trees"], row(4)
    new = {**baseline, "months": 1.0, "fee": 150.0, "net": "Fiber optic"}
    exact = shapley(scorer, new, baseline)
    assert contributions(scorer, new, baseline) == pytest.approx(exact, abs=1e-9)


def test_a_feature_that_agrees_with_the_baseline_contributes_nothing() -> None:
    new = {**row(0), "fee": 500.0, "tv": None}
    parts = contributions(SCORERS["trees"], new, {**row(0), "fee": 20.0, "tv": math.nan})
    assert {name for name, part in parts.items() if part != 0.0} == {"fee"}
    assert set(contributions(SCORERS["trees"], new, new).values()) == {0.0}


def test_the_same_seed_gives_the_same_contributions() -> None:
    first, second = (contributions(SCORERS["trees"], row(7), row(8), seed=3) for _ in range(2))
    assert first == second


def test_a_value_that_is_no_number_is_refused() -> None:
    with pytest.raises(DataError, match="fee is 'many'"):
        contributions(SCORERS["trees"], {"fee": "many"}, row(0))
