from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from ratchet.core.budget import confidence_of
from ratchet.core.decision import Reason, Verdict
from ratchet.core.estimate import Estimate, Interval, Paired
from ratchet.core.gate import comparable, judge, out_of_time, should_promote
from ratchet.core.measurement import SliceComparison
from ratchet.core.policy import GatePolicy
from ratchet.core.schema import Provenance
from ratchet.tasks.binary.auc import Pair, auc_interval, compare
from ratchet.tasks.binary.brier import brier
from ratchet.tasks.binary.measure import Figures
from ratchet.tasks.binary.slices import compare_slices
from ratchet.tasks.binary.task import BINARY
from tests.unit.test_auc import draw

POLICY = GatePolicy()
BETTER = Figures(
    rows=1400,
    positives=340,
    candidate=Interval(0.640, 0.605, 0.675),
    candidate_brier=0.17,
    attempt=1,
    confidence=0.98,
    paired=Paired(0.640, 0.496, Interval(0.144, 0.094, 0.194)),
    champion_brier=0.21,
)
NEVER_SAW = [comparable("champion", Provenance(("2024-01-31@x",), "h", "s", 0.2, "p", 1, 5600), "s", 0.2)]


def group(value: float, low: float, high: float) -> SliceComparison:
    return SliceComparison("contract_type", "One year", 300, {"positive": 60}, Paired(0.6, 0.6 - value, Interval(value, low, high)))


@pytest.mark.parametrize(
    ("change", "verdict", "reason"),
    [
        ({}, Verdict.PASS, "delta 0.144 > 0.010"),
        ({"paired": Paired(0.505, 0.5, Interval(0.005, 0.001, 0.009))}, Verdict.FAIL, "delta 0.005 <= 0.010"),
        (
            {"paired": Paired(0.53, 0.5, Interval(0.03, -0.01, 0.07))},
            Verdict.FAIL,
            "lower end of delta at 98% (try 1) -0.010 <= 0.000",
        ),
        ({"rows": 150, "positives": 60}, Verdict.UNKNOWN, "holdout rows 150 < 200"),
        ({"positives": 8}, Verdict.UNKNOWN, "rows of the rarer class 8 < 30"),
        ({"positives": 1395}, Verdict.UNKNOWN, "rows of the rarer class 5 < 30"),
        ({"candidate": Interval(0.53, 0.51, 0.55)}, Verdict.FAIL, "candidate AUC 0.530 <= 0.550"),
        ({"candidate": Interval(0.56, 0.49, 0.63)}, Verdict.FAIL, "lower end of candidate AUC 0.490 <= 0.500"),
        ({"candidate": Interval(0.999, 0.99, 1.0)}, Verdict.FAIL, "candidate AUC (leakage alarm) 0.999 >= 0.990"),
        ({"candidate_brier": 0.25}, Verdict.FAIL, "Brier score's increase 0.040 > 0.010"),
        ({"slices": [group(-0.08, -0.12, -0.04)]}, Verdict.FAIL, "contract_type = One year: delta -0.080 < -0.020"),
        ({"slices": [group(-0.08, -0.2, 0.04)]}, Verdict.PASS, "not beyond doubt"),
        ({"slices": [group(-0.01, -0.015, -0.005)]}, Verdict.PASS, "delta -0.010 >= -0.020"),
        ({"slices": [SliceComparison("g", "x", 20, {"positive": 3}, None)]}, Verdict.PASS, "delta 0.144 > 0.010"),
        ({"paired": None, "champion_brier": None}, Verdict.PASS, "there is no champion: floor only"),
        ({"candidate": Interval(float("nan"), 0.5, 0.6)}, Verdict.UNKNOWN, "candidate AUC could not be measured"),
    ],
)
def test_the_gate_decides_by_its_inequalities(change: dict[str, object], verdict: Verdict, reason: str) -> None:
    decision = judge(replace(BETTER, **change).under(POLICY), POLICY, NEVER_SAW)  # type: ignore[arg-type]  # the table's fields are typed by Figures
    assert decision.verdict is verdict
    assert any(reason in text for text in decision.texts), decision.texts


@pytest.mark.parametrize(
    ("provenance", "reason"),
    [
        (None, "do not say what it was trained on"),
        (Provenance((), "h", "other", 0.2, "p", 1, 10), "another holdout"),
        (Provenance((), "h", "s", 0.1, "p", 1, 10), "it saw part of the holdout"),
    ],
)
def test_a_champion_that_may_have_seen_the_holdout_is_not_compared_with(provenance: Provenance | None, reason: str) -> None:
    decision = judge(BETTER.under(POLICY), POLICY, [comparable("champion", provenance, "s", 0.2)])
    assert decision.verdict is Verdict.UNKNOWN
    assert any(reason in text for text in decision.texts)


def test_a_champion_that_left_out_more_is_comparable() -> None:
    assert comparable("champion", Provenance((), "h", "s", 0.3, "p", 1, 10), "s", 0.2).verdict is Verdict.PASS


def test_the_confidence_is_the_years_budgets_and_never_below_the_policys() -> None:
    day = date(2024, 1, 31)
    levels = [confidence_of([day] * tries, day, POLICY) for tries in range(50)]
    assert levels == sorted(levels)
    assert levels[0] > POLICY.confidence
    assert sum(1 - level for level in levels) / 2 < POLICY.false_promotions_a_year
    assert confidence_of([], day, replace(POLICY, false_promotions_a_year=0.9)) == POLICY.confidence


def test_a_gain_that_the_recipe_does_not_have_on_a_month_that_it_never_saw_is_no_gain() -> None:
    asked: list[Estimate | None] = []

    def lasting(gain: Estimate | None) -> Callable[[], Reason]:
        def reason() -> Reason:
            asked.append(gain)
            return out_of_time(gain)

        return reason

    measured = BETTER.under(POLICY)
    assert judge(measured, POLICY, NEVER_SAW, lasting=lasting(Estimate(0.03, 0.01))).passed
    for gain in (Estimate(0.01, 0.02), Estimate(-0.02, 0.01), Estimate(0.0, 0.0), None):
        assert judge(measured, POLICY, NEVER_SAW, lasting=lasting(gain)).verdict is Verdict.FAIL
    asked.clear()
    worse = replace(BETTER, paired=Paired(0.5, 0.5, Interval(0.0, -0.1, 0.1)))
    assert judge(worse.under(POLICY), POLICY, NEVER_SAW, lasting=lasting(None)).verdict is Verdict.FAIL
    assert not asked, "it may cost a training"


def test_what_months_have_proven_takes_the_place_of_the_judged_months_difference_and_of_nothing_else() -> None:
    proven = Reason(Verdict.PASS, "better over 4 months", headline=True)
    close = replace(BETTER, paired=Paired(0.605, 0.6, Interval(0.005, -0.01, 0.02)))
    assert judge(close.under(POLICY), POLICY, NEVER_SAW, proven=proven).decisive == ["better over 4 months"]
    worse = replace(close, slices=[group(-0.08, -0.12, -0.04)])
    assert judge(worse.under(POLICY), POLICY, NEVER_SAW, proven=proven).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("new", "old", "promoted"), [(0.64, 0.50, True), (0.51, 0.50, True), (0.509, 0.50, False), (0.49, 0.50, False)]
)
def test_the_labs_rule_promotes_from_delta_on(new: float, old: float, promoted: bool) -> None:
    assert should_promote(new, old) is promoted
    simple = replace(BETTER, paired=Paired(new, old, Interval(new - old, -1, 1)))
    assert judge(simple.under(POLICY), GatePolicy(kind="simple"), NEVER_SAW).passed is promoted


def gate_on(rows: int, gain: float, seed: int) -> Verdict:
    labels, candidate, champion = (part for part in draw(rows, gain, seed))
    first, second = (1 / (1 + np.exp(1.5 - scores)) for scores in (candidate, champion))
    attempt, confidence = 1, POLICY.confidence
    groups = np.random.default_rng(seed).choice(["a", "b", "c"], rows).astype(object)
    return judge(
        Figures(
            rows=rows,
            positives=int(labels.sum()),
            candidate=auc_interval(labels, first, confidence),
            candidate_brier=brier(labels, first),
            attempt=attempt,
            confidence=confidence,
            paired=compare(labels, first, second, confidence),
            champion_brier=brier(labels, second),
            slices=compare_slices(
                {"g": groups}, labels, Pair.of(labels, first, second), confidence=confidence, min_rows=100, min_per_class=20
            ),
        ).under(POLICY),
        POLICY,
        NEVER_SAW,
    ).verdict


def test_equal_models_are_hardly_ever_promoted_over_each_other() -> None:
    promoted = sum(gate_on(1400, 0.0, seed) is Verdict.PASS for seed in range(1000))
    assert promoted <= 20  # 1 % are due; 20 of 1000 is three standard errors above


def test_a_truly_better_model_is_found() -> None:
    promoted = sum(gate_on(1400, 0.25, seed) is Verdict.PASS for seed in range(200))
    assert promoted >= 190


def test_groups_share_the_confidence() -> None:
    labels, first, second = draw(900, 0.2, 5)
    names = np.array(["a", "b", "c"] * 300, dtype=object)
    together = compare_slices({"g": names}, labels, Pair.of(labels, first, second), confidence=0.98, min_rows=50, min_per_class=10)
    alone = compare_slices(
        {"g": np.full(300, "a", dtype=object)},
        labels[::3],
        Pair.of(labels[::3], first[::3], second[::3]),
        confidence=0.98,
        min_rows=50,
        min_per_class=10,
    )
    assert together[0].paired is not None
    assert alone[0].paired is not None
    assert together[0].paired.delta.low < alone[0].paired.delta.low
    assert together[0].paired.delta.value == pytest.approx(alone[0].paired.delta.value)


def test_a_champion_of_985_is_replaced_by_a_better_model_of_991() -> None:
    policy = GatePolicy(min_delta=0.005)
    step = replace(BETTER, candidate=Interval(0.991, 0.988, 0.994), paired=Paired(0.991, 0.985, Interval(0.006, 0.002, 0.01)))
    decision = judge(step.under(policy), policy, NEVER_SAW)
    assert decision.passed
    assert "candidate AUC (leakage alarm) 0.991 < 0.996" in decision.texts


@pytest.mark.parametrize(("candidate", "champion"), [(0.991, None), (0.991, 0.85), (0.991, 0.955), (0.9999, 0.985)])
def test_a_leap_to_all_but_certainty_still_looks_like_a_leak(candidate: float, champion: float | None) -> None:
    paired = None if champion is None else Paired(candidate, champion, Interval(candidate - champion, 0.004, 0.2))
    measured = replace(BETTER, candidate=Interval(candidate, candidate - 0.004, 1.0), paired=paired)
    decision = judge(measured.under(POLICY), POLICY, NEVER_SAW)
    assert decision.verdict is Verdict.FAIL
    assert any("(leakage alarm)" in text for text in decision.decisive)


def test_too_few_rows_name_the_ways_on() -> None:
    decision = judge(replace(BETTER, rows=180, positives=60).under(POLICY), POLICY, NEVER_SAW)
    assert decision.decisive == [
        "holdout rows 180 < 200: raise holdout.share (a new holdout), lower policy.gate.min_rows, or pool months: policy.gate.pool"
    ]


def small_towns(rows: int, loss: float, seed: int = 1) -> list[SliceComparison]:
    """Eight towns of which one is large; the candidate is better in the large one and worse by `loss` in each of the others."""
    labels, first, second = draw(rows, 0.3, seed)
    town = np.where(np.arange(rows) % 10 < 3, np.arange(rows) % 7, 7)
    second = np.where(town < 7, second + loss * labels, second)
    names = np.array([f"t{number}" for number in town], dtype=object)
    return compare_slices({"town": names}, labels, Pair.of(labels, first, second), confidence=0.98, min_rows=100, min_per_class=20)


def test_groups_that_are_too_small_are_judged_together() -> None:
    found = small_towns(2000, 1.0)
    assert [group.value for group in found if group.paired] == ["t7", "other (7 small groups)"]
    assert {group.among for group in found if not group.paired} == {"other (7 small groups)"}
    pool = found[-1]
    assert pool.rows == sum(group.rows for group in found if not group.paired) == 600
    decision = judge(replace(BETTER, slices=found).under(POLICY), POLICY, NEVER_SAW)
    assert decision.verdict is Verdict.FAIL
    assert decision.decisive[0].startswith("town = other (7 small groups): delta -0.")


def test_small_groups_that_are_few_rows_together_are_not_judged() -> None:
    found = small_towns(200, 1.0)
    assert [group.among for group in found if not group.paired] == [""] * 7
    assert not any("other" in group.value for group in found)


def test_rows_that_hang_together_are_judged_by_their_groups() -> None:
    def verdict(groups: bool, seed: int) -> Verdict:
        labels, candidate, champion = draw(470, 0.0, seed)
        rng = np.random.default_rng(seed)
        first, second = (
            1 / (1 + np.exp(1.1 - np.repeat(scores, 3) - rng.normal(0, 0.02, 1410))) for scores in (candidate, champion)
        )
        known = np.repeat(np.arange(470), 3) if groups else None
        measured = BINARY.measure(POLICY, np.repeat(labels, 3), {}, first, second, attempt=1, confidence=0.98, groups=known)
        return judge(measured, POLICY, NEVER_SAW).verdict

    promoted = [sum(verdict(groups, seed) is Verdict.PASS for seed in range(200)) for groups in (False, True)]
    assert promoted[0] > 8  # near 9 % as if they were rows of their own
    assert promoted[1] <= 5  # 1 % are due


def test_a_few_households_are_too_few_however_many_rows_they_have() -> None:
    labels, first, second = draw(1400, 0.3, 1)
    households = np.arange(1400) % 12
    measured = BINARY.measure(POLICY, labels, {}, first, second, attempt=1, confidence=0.98, groups=households)
    assert "groups of the rarer class 12 < 30" in judge(measured, POLICY, NEVER_SAW).decisive[0]
