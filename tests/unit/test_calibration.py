"""Calibration beside the base rate: of the whole holdout and within groups."""

from dataclasses import replace

import numpy as np
import pytest

from ratchet.core.decision import Decision, Verdict
from ratchet.core.estimate import Interval
from ratchet.core.gate import judge
from ratchet.core.measurement import Limit
from ratchet.core.policy import GatePolicy
from ratchet.tasks.binary.brier import brier
from ratchet.tasks.binary.calibration import gaps, observed_over_expected, scaled_increase
from ratchet.tasks.binary.task import BINARY

POLICY = GatePolicy()


def drawn(rows: int, rate: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, the true probabilities, and those of a version that knows half of it; both true on the whole."""
    rng = np.random.default_rng(seed)
    known, more = rng.normal(size=rows), rng.normal(size=rows)

    def true(odds: np.ndarray, spread: float) -> np.ndarray:
        low, high = -20.0, 20.0
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (middle, high) if np.mean(1 / (1 + np.exp(-odds - middle))) < rate else (low, middle)
        return 1 / (1 + np.exp(-(odds + low) / spread))

    best = true(1.5 * known + 1.5 * more, 1.0)
    labels = (rng.random(rows) < best).astype(np.int8)
    return labels, best, true(1.2 * known, 1.0)


def decided(
    labels: np.ndarray, first: np.ndarray, second: np.ndarray | None, slices: dict[str, np.ndarray] | None = None
) -> Decision:
    measured = BINARY.measure(POLICY, labels, slices or {}, first, second, attempt=1, confidence=0.98)
    return judge(measured, POLICY)


def test_where_one_label_in_fifty_is_positive_a_candidate_that_promises_six_times_too_much_is_refused() -> None:
    labels, best, champion = drawn(6000, 0.02, 1)
    boastful = best / (best + (1 - best) / 8)
    decision = decided(labels, boastful, champion)
    assert decision.verdict is Verdict.FAIL
    assert any(text.startswith("observed over expected 0.") and "< 0.800 and its upper end" in text for text in decision.texts)
    assert decided(labels, best, champion).passed


def test_a_first_model_is_asked_the_same() -> None:
    labels, best, _ = drawn(6000, 0.02, 2)
    assert decided(labels, best, None).passed
    assert decided(labels, best / (best + (1 - best) / 8), None).verdict is Verdict.FAIL


def test_where_the_base_rate_moved_for_both_a_better_candidate_is_not_refused_for_it() -> None:
    labels, best, champion = drawn(4000, 0.3, 3)
    shy_best, shy_champion = (scores / (scores + (1 - scores) * 2) for scores in (best, champion))
    decision = decided(labels, shy_best, shy_champion)
    assert decision.passed
    assert any("observed over expected 1." in text and "but the champion's is 1." in text for text in decision.texts)


def test_probabilities_that_are_too_sure_of_themselves_are_refused_by_the_brier_score_over_the_base_rate() -> None:
    labels, best, champion = drawn(20_000, 0.02, 4)
    sure = np.where(best >= np.quantile(best, 0.98), 0.9, 0.002) + 0.05 * best
    assert brier(labels, sure) - brier(labels, champion) < POLICY.brier_margin  # which a rare label never exceeds
    found = scaled_increase(labels, gaps(labels, sure, champion), 0.98)
    assert found.value > POLICY.skill_margin
    assert found.low > 0
    assert decided(labels, sure, champion).decisive == [
        f"scaled Brier score's increase {found.value:.3f} > 0.050 and its lower end {found.low:.3f} > 0.000"
    ]


def test_what_is_true_on_the_whole_may_be_false_for_a_group() -> None:
    labels, best, champion = drawn(6000, 0.25, 5)
    town = np.where(np.arange(6000) % 3 == 0, "small", "large").astype(object)
    there = town == "small"
    crooked = np.where(there, best / (best + (1 - best) / 2.2), best / (best + (1 - best) * 1.38))
    assert 0.8 < labels.mean() / crooked.mean() < 1.25
    decision = decided(labels, crooked, champion, {"town": town})
    assert decision.verdict is Verdict.FAIL
    assert any(text.startswith("town = small: observed over expected 0.") for text in decision.decisive)
    fair = decided(labels, best, champion, {"town": town})
    assert fair.passed
    assert "within groups: 4 of 4 within bounds, observed over expected and scaled Brier score's increase" in fair.texts


@pytest.mark.parametrize("rate", [0.02, 0.25])
def test_true_probabilities_are_hardly_ever_called_false(rate: float) -> None:
    refused = 0
    for seed in range(150):
        labels, best, _ = drawn(2000, rate, seed)
        refused += decided(labels, best, None).verdict is Verdict.FAIL
    assert refused <= 4


def test_the_interval_of_observed_over_expected_holds_the_truth_as_often_as_it_says() -> None:
    held = {1: 0, 3: 0}
    for seed in range(150):
        for size in held:
            labels, best, _ = drawn(900 // size, 0.2, seed)
            clusters = np.repeat(np.arange(900 // size), size)
            found = observed_over_expected(np.repeat(labels, size), np.repeat(best, size), 0.9, clusters)
            held[size] += found.low <= 1 <= found.high
    assert all(0.83 <= count / 150 <= 0.96 for count in held.values()), held


@pytest.mark.parametrize(
    ("figure", "verdict", "text"),
    [
        (Interval(1.1, 1.05, 1.2), Verdict.PASS, "o 1.100 within 0.800 to 1.250"),
        (Interval(1.4, 0.9, 2.0), Verdict.PASS, "o 1.400 > 1.250, but not beyond doubt: lower end 0.900"),
        (Interval(1.4, np.nan, np.nan), Verdict.PASS, "o 1.400 > 1.250, but not beyond doubt: lower end nan"),
        (Interval(1.4, 1.2, 1.6), Verdict.FAIL, "o 1.400 > 1.250 and its lower end 1.200 > 1.000"),
        (Interval(0.5, 0.3, 0.9), Verdict.FAIL, "o 0.500 < 0.800 and its upper end 0.900 < 1.000"),
        (Interval(np.nan, np.nan, np.nan), Verdict.UNKNOWN, "o could not be measured"),
    ],
)
def test_a_limit_vetoes_beyond_doubt_alone(figure: Interval, verdict: Verdict, text: str) -> None:
    limit = Limit("o", figure, 0.8, 1.25, 1.0)
    assert (limit.reason.verdict, limit.reason.text) == (verdict, text)
    assert replace(limit, excuse="so is the champion").reason.verdict is not Verdict.FAIL


def test_a_candidate_that_ranks_no_better_is_not_asked_about_each_groups_calibration() -> None:
    labels, best, champion = drawn(4000, 0.25, 6)
    town = np.where(np.arange(4000) % 3 == 0, "small", "large").astype(object)
    decision = decided(labels, np.full(4000, labels.mean()), champion, {"town": town})
    assert decision.verdict is Verdict.FAIL
    assert not any("town = " in text and "observed" in text for text in decision.texts)
    assert any("within groups" in text for text in decided(labels, best, champion, {"town": town}).texts)
