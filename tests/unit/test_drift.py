"""Which snapshots count as drifted, and that no data can make the question raise."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ratchet.core.decision import Verdict
from ratchet.core.errors import DataError
from ratchet.core.policy import DriftPolicy
from ratchet.core.schema import DType, Feature, column
from ratchet.drift.profile import FeatureProfile, Profile, profile
from ratchet.drift.tests.catalogue import TESTS
from ratchet.drift.tests.port import Comparison, DriftTest
from ratchet.drift.verdict import Drift, FeatureDrift, drift, feature_drift, label_drift

POLICY = DriftPolicy()
NUMBER, BOOL, PLAN = Feature("fee", DType.FLOAT), Feature("paperless", DType.BOOL), Feature("plan", DType.CATEGORY)


def numbers(values: NDArray[np.float64] | list[float | None], name: str = "fee") -> Profile:
    feature = Feature(name, DType.FLOAT)
    return profile([feature], {name: column(feature, values)})


def plans(**counts: int) -> Profile:
    return profile([PLAN], {"plan": column(PLAN, [None if k == "none" else k for k, n in counts.items() for _ in range(n)])})


def both(fee: Any, plan: list[str | None]) -> Profile:
    return profile([NUMBER, PLAN], {"fee": column(NUMBER, fee), "plan": column(PLAN, plan)})


def normal(rows: int, seed: int, shift: float = 0.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(50 + shift, 10, rows)


def rate(positives: int, rows: int) -> dict[str, int]:
    return {"0": rows - positives, "1": positives}


def only(result: Drift) -> FeatureDrift:
    assert len(result.tests) == 1
    return result.tests[0]


def test_a_further_test_stands_beside_the_others_and_is_corrected_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def compare(reference: FeatureProfile, current: FeatureProfile) -> Comparison | None:
        gap = abs(reference.mean - current.mean)
        return Comparison(reference.present, current.present, gap, 0.004) if reference.dtype is DType.FLOAT else None

    further = DriftTest("value", "mean_gap", "Gap of means", lambda _: 2.0, compare)
    monkeypatch.setattr("ratchet.drift.feature_drift.TESTS", (*TESTS, further))
    moved, quiet = (numbers(normal(2000, 2, shift=shift)) for shift in (4, 0))
    tests = {test.measure: test for test in drift(numbers(normal(5000, 1)), moved, POLICY).tests}
    assert tests.keys() == {"wasserstein", "mean_gap"}
    assert tests["mean_gap"].reason.startswith("fee mean_gap 3.584 >= 2.000, p 0.004")
    assert (tests["mean_gap"].corrected_p, tests["mean_gap"].drifted) == (0.004, True)
    tests = {test.measure: test for test in drift(numbers(normal(5000, 1)), quiet, POLICY).tests}
    assert tests["mean_gap"].corrected_p == 0.008
    assert not tests["mean_gap"].drifted


def test_a_moved_number_is_drift_and_the_reasons_are_inequalities() -> None:
    result = drift(numbers(normal(5000, 1)), numbers(normal(2000, 2, shift=4)), POLICY)
    assert result.decision.verdict is Verdict.PASS
    assert result.drifted == ["fee"]
    share, feature = result.decision.decisive
    assert share == "drift_share 1.000 >= 0.020"
    assert feature.startswith("fee wasserstein 0.358 >= 0.100, p ")
    assert feature.endswith(" < 0.010")


def test_a_quiet_month_is_quiet() -> None:
    result = drift(numbers(normal(5000, 1)), numbers(normal(2000, 2)), POLICY)
    assert result.decision.verdict is Verdict.FAIL
    assert result.decision.texts[0] == "drift_share 0.000 < 0.020"
    assert "wasserstein 0.0" in result.decision.texts[1]


def test_a_certain_but_small_difference_is_no_drift() -> None:
    result = only(drift(numbers(normal(200_000, 1)), numbers(normal(200_000, 2, shift=0.5)), POLICY))
    assert result.corrected_p is not None
    assert result.corrected_p < 1e-6
    assert not result.drifted


def test_a_large_but_uncertain_difference_is_no_drift() -> None:
    usual = [1.0, 2.0, 3.0, 4.0] * 150
    result = only(drift(numbers([*usual]), numbers([*usual, 500.0]), POLICY))
    assert result.effect is not None
    assert result.effect > 0.5
    assert not result.drifted
    assert result.enough


def test_too_few_current_rows_are_unknown_however_different() -> None:
    result = drift(numbers(normal(5000, 1)), numbers(normal(499, 2, shift=90)), POLICY)
    assert result.decision.verdict is Verdict.UNKNOWN
    assert result.decision.decisive == [
        "drift_share 0.000 < 0.020, with 1 of 1 features not judged",
        "fee wasserstein not judged: 499 current rows with a value < 500",
    ]


def test_too_few_reference_rows_are_unknown() -> None:
    result = drift(numbers(normal(30, 1)), numbers(normal(5000, 2)), POLICY)
    assert result.decision.verdict is Verdict.UNKNOWN
    assert "30 reference rows with a value < 500" in result.decision.texts[1]


def test_a_new_category_is_drift() -> None:
    result = drift(plans(dsl=3000, fiber=3000), plans(dsl=450, fiber=450, moon=100), POLICY)
    assert result.drifted == ["plan"]


def test_a_moved_bool_is_judged_as_a_category() -> None:
    before, after = (profile([BOOL], {"paperless": np.repeat([0.0, 1.0], n)}) for n in ([500, 500], [800, 200]))
    result = only(drift(before, after, POLICY))
    assert (result.measure, result.drifted) == ("jensenshannon", True)


def test_a_column_that_went_missing_is_drift_by_its_missingness() -> None:
    result = drift(numbers(normal(1000, 1)), numbers([None] * 1000), POLICY)
    assert result.drifted == ["fee"]
    assert [test.test for test in result.tests if test.drifted] == ["missing"]
    assert "fee missing jensenshannon 0.833 >= 0.100" in result.decision.texts[1]


def test_drift_proven_by_one_feature_stands_when_another_has_too_few_rows() -> None:
    before = both(normal(2000, 1), ["a", None] * 1000)
    after = both(normal(800, 2, shift=5), ["a", None] * 400)
    result = drift(before, after, POLICY)
    assert result.decision.verdict is Verdict.PASS
    assert any("plan jensenshannon not judged: 400 current rows with a value < 500" in text for text in result.decision.texts)


def test_a_quiet_feature_beside_an_unjudged_one_is_unknown() -> None:
    result = drift(both(normal(2000, 1), ["a", None] * 1000), both(normal(800, 2), ["a", None] * 400), POLICY)
    assert result.decision.verdict is Verdict.UNKNOWN


def test_an_unjudged_feature_that_could_not_lift_the_share_leaves_the_month_quiet() -> None:
    policy = DriftPolicy(drift_share=0.6)
    result = drift(both(normal(2000, 1), ["a", None] * 1000), both(normal(800, 2), ["a", None] * 400), policy)
    assert result.decision.verdict is Verdict.FAIL


def test_a_share_that_the_unjudged_could_lift_is_unknown() -> None:
    policy = DriftPolicy(drift_share=0.6)
    result = drift(both(normal(2000, 1), ["a", None] * 1000), both(normal(800, 2, shift=9), ["a", None] * 400), policy)
    assert (result.decision.verdict, result.drifted) == (Verdict.UNKNOWN, ["fee"])


@pytest.mark.parametrize("present", [0, 1, 40])
def test_a_feature_nearly_empty_on_both_sides_is_measured_by_its_missingness(present: int) -> None:
    before = both(normal(5000, 1), ["a"] * present + [None] * (5000 - present))
    after = both(normal(1000, 2), ["b"] * present + [None] * (1000 - present))
    result = drift(before, after, POLICY)
    assert result.decision.verdict is Verdict.FAIL
    assert any("nearly empty on both sides" in text for text in result.decision.texts)


def test_a_nearly_empty_feature_in_a_tiny_snapshot_is_unknown() -> None:
    result = drift(plans(a=1, none=5000), plans(a=1, none=100), POLICY)
    assert result.decision.verdict is Verdict.UNKNOWN


def test_the_largest_effect_over_its_threshold_comes_first() -> None:
    names = ["small", "large", "middle"]
    features = [Feature(name, DType.FLOAT) for name in names]
    before = profile(features, {name: normal(2000, i) for i, name in enumerate(names)})
    shifts = {"small": 2.0, "large": 9.0, "middle": 5.0}
    after = profile(features, {name: normal(2000, 9, shift=shifts[name]) for name in names})
    result = drift(before, after, POLICY)
    assert result.drifted == ["large", "middle", "small"]
    assert [text.split()[0] for text in result.decision.texts] == ["drift_share", "large", "middle", "small"]


def test_a_share_of_zero_asks_for_retraining_always_but_not_on_unknown_rows() -> None:
    always = DriftPolicy(drift_share=0.0)
    assert drift(numbers(normal(900, 1)), numbers(normal(900, 2)), always).decision.passed
    assert drift(numbers(normal(900, 1)), numbers(normal(3, 2)), always).decision.verdict is Verdict.UNKNOWN


def test_profiles_of_other_features_are_refused_by_name() -> None:
    with pytest.raises(DataError, match="differ in fee, plan"):
        drift(numbers([1.0]), plans(a=1), POLICY)


ODD_COLUMNS: dict[str, list[float | None]] = {
    "no rows": [],
    "one row": [3.0],
    "one missing row": [None],
    "all missing": [None] * 600,
    "constant": [7.0] * 600,
    "another constant": [8.0] * 600,
    "zeros": [0.0] * 600,
    "huge": [-1.7e308, 1.7e308] * 300,
    "tiny": [5e-324] * 600,
    "one value": [1.0] + [None] * 600,
}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(ODD_COLUMNS, repeat=2)))
def test_no_column_of_numbers_can_make_drift_raise(before: str, after: str) -> None:
    result = drift(numbers(ODD_COLUMNS[before]), numbers(ODD_COLUMNS[after]), POLICY)
    json.dumps(result.to_dict(), allow_nan=False)
    if before == after:
        assert not result.drifted
    if min(len(ODD_COLUMNS[before]), len(ODD_COLUMNS[after])) < 2:
        assert result.decision.verdict is Verdict.UNKNOWN


@given(
    *[st.dictionaries(st.sampled_from("abcdefg"), st.integers(1, 900)) for _ in range(2)], st.integers(0, 900), st.integers(0, 900)
)
def test_no_column_of_categories_can_make_drift_raise(a: dict[str, int], b: dict[str, int], a_none: int, b_none: int) -> None:
    result = drift(plans(**a, none=a_none), plans(**b, none=b_none), POLICY)
    json.dumps(result.to_dict(), allow_nan=False)
    for test in result.tests:
        assert test.effect is None or 0 <= test.effect <= 0.8326
        assert test.p is None or 0 <= test.p <= 1


def test_constants_that_differ_are_drift() -> None:
    result = drift(numbers([7.0] * 600), numbers([8.0] * 600), POLICY)
    assert only(result).effect == pytest.approx(1000.0)
    assert result.decision.passed


def test_label_drift_is_reported_beside_the_decision_and_does_not_count() -> None:
    label = label_drift(rate(1000, 5000), rate(600, 1000), POLICY)
    assert (label.feature, label.drifted) == ("label", True)
    result = drift(numbers(normal(900, 1)), numbers(normal(900, 2)), POLICY, informative=[label])
    assert result.decision.verdict is Verdict.FAIL
    assert result.to_dict()["informative"][0]["drifted"]
    assert not label_drift(rate(1000, 5000), rate(210, 1000), POLICY).drifted


@pytest.mark.parametrize("counts", [(0, 0, 0, 0), (0, 0, 5, 10), (0, 900, 0, 900), (900, 900, 0, 900), (3, 10, 4, 9)])
def test_label_drift_takes_any_counts(counts: tuple[int, int, int, int]) -> None:
    result = label_drift(rate(*counts[:2]), rate(*counts[2:]), POLICY)
    json.dumps(result.to_dict(), allow_nan=False)
    assert result.drifted == (counts == (900, 900, 0, 900))


def test_prediction_drift_is_a_feature_of_its_own() -> None:
    before, after = (numbers(np.random.default_rng(i).beta(a, 5, 3000), "prediction") for i, a in ((1, 2), (2, 3)))
    (test,) = feature_drift(before, after, POLICY)
    assert (test.feature, test.drifted) == ("prediction", True)


# 14 features of StreamFlow's kinds: 9 numbers of different shapes, 3 bools (two with missing cells), 2 categories.
WIDE = [
    *(Feature(f"number_{i}", DType.FLOAT) for i in range(5)),
    *(Feature(f"count_{i}", DType.INT) for i in range(4)),
    *(Feature(f"flag_{i}", DType.BOOL) for i in range(3)),
    *(Feature(f"kind_{i}", DType.CATEGORY) for i in range(2)),
]


def wide(rng: np.random.Generator, rows: int, shift: float = 0.0) -> Profile:
    columns: dict[str, NDArray[Any]] = {}
    for i, feature in enumerate(WIDE):
        if feature.dtype is DType.FLOAT:
            columns[feature.name] = rng.normal(shift if i == 0 else 0.0, 1, rows) if i % 2 == 0 else rng.gamma(2, 15, rows)
        elif feature.dtype is DType.INT:
            columns[feature.name] = rng.poisson(0.5 * i, rows).astype(np.float64)
        elif feature.dtype is DType.BOOL:
            flags = rng.integers(0, 2, rows).astype(np.float64)
            columns[feature.name] = np.where(rng.random(rows) < 0.2, np.nan, flags) if i % 2 else flags
        else:
            columns[feature.name] = np.array(["DSL", "Fiber optic", "No"], dtype=object)[rng.integers(0, 3, rows)]
    return profile(WIDE, columns)


def test_quiet_draws_of_the_fewest_rows_give_hardly_any_false_alarm() -> None:
    rng = np.random.default_rng(20240131)
    reference = wide(rng, 7000)
    alarms = sum(drift(reference, wide(rng, POLICY.min_rows), POLICY).decision.passed for _ in range(300))
    assert alarms <= 3


def test_a_shift_of_a_third_of_a_deviation_in_one_of_14_features_is_found() -> None:
    rng = np.random.default_rng(20240229)
    reference = wide(rng, 7000)
    results = [drift(reference, wide(rng, 1000, shift=0.3), POLICY) for _ in range(100)]
    assert sum("number_0" in result.drifted for result in results) >= 95
    assert sum(result.decision.passed for result in results) >= 95
