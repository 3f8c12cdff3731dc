import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from ratchet.tasks.binary.auc import Pair, auc, auc_interval, compare
from ratchet.tasks.binary.brier import brier
from ratchet.tasks.binary.ranking import increasing, members

SCORES = st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=4, max_size=60).filter(
    lambda rows: 1 < sum(label for label, _ in rows) < len(rows) - 1
)


def draw(rows: int, gain: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels and two models' scores that share most of their noise; the first is better by `gain` sd."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(rows) < 0.25).astype(np.int8)
    shared = rng.normal(size=rows)
    scores = [labels * (0.8 + extra) + 0.8 * shared + 0.6 * rng.normal(size=rows) for extra in (gain, 0.0)]
    return labels, scores[0], scores[1]


@given(SCORES)
def test_auc_equals_scikit_learns_with_ties(rows: list[tuple[bool, int]]) -> None:
    labels = np.array([label for label, _ in rows], dtype=np.int8)
    scores = np.array([float(score) for _, score in rows])
    assert auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_variance_equals_the_definition_over_all_pairs() -> None:
    labels, first, second = draw(120, 0.2, 1)
    paired = compare(labels, first, second, 0.95)

    def kernel(scores: np.ndarray) -> np.ndarray:
        difference = scores[labels == 1][:, None] - scores[labels == 0][None, :]
        return np.where(difference > 0, 1.0, np.where(difference == 0, 0.5, 0.0))

    gap = kernel(first) - kernel(second)
    variance = gap.mean(axis=1).var(ddof=1) / gap.shape[0] + gap.mean(axis=0).var(ddof=1) / gap.shape[1]
    assert paired.delta.value == pytest.approx(gap.mean(), abs=1e-12)
    assert paired.delta.high - paired.delta.low == pytest.approx(2 * 1.959963984540054 * np.sqrt(variance), abs=1e-9)


@given(SCORES, st.integers(1, 3))
def test_a_group_split_off_the_ranking_compares_as_its_rows_alone(rows: list[tuple[bool, int]], groups: int) -> None:
    labels = np.array([label for label, _ in rows], dtype=np.int8)
    first = np.array([score / 10 for _, score in rows])
    second = np.roll(first, 1)
    group = (np.arange(len(rows)) * 7 % groups).astype(np.int16)
    for number, together in enumerate(Pair.of(labels, first, second).within(group, groups, 0.9)):
        here = group == number
        alone = compare(labels[here], first[here], second[here], 0.9)
        assert (together.candidate, together.champion) == pytest.approx((alone.candidate, alone.champion), nan_ok=True)
        assert (together.delta.low, together.delta.high) == pytest.approx(
            (alone.delta.low, alone.delta.high), nan_ok=True, abs=1e-12
        )


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_swapping_the_models_mirrors_the_interval(seed: int) -> None:
    labels, first, second = draw(80, 0.1, seed)
    if not 1 < labels.sum() < len(labels) - 1:
        return
    one, other = compare(labels, first, second, 0.98).delta, compare(labels, second, first, 0.98).delta
    assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low))


def test_a_model_compared_with_itself_has_no_delta_and_no_doubt() -> None:
    labels, first, _ = draw(300, 0.0, 3)
    delta = compare(labels, first, first, 0.98).delta
    assert (delta.value, delta.low, delta.high) == (0.0, 0.0, 0.0)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(400):
        labels, first, second = draw(400, 0.0, seed)
        delta = compare(labels, first, second, 0.9).delta
        covered += delta.low <= 0 <= delta.high
    assert 0.86 <= covered / 400 <= 0.94


@pytest.mark.parametrize("labels", [[1, 1, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0]])
def test_a_class_with_fewer_than_two_rows_gives_no_interval(labels: list[int]) -> None:
    given_labels, scores = np.array(labels, dtype=np.int8), np.array([0.1, 0.2, 0.3, 0.4])
    assert np.isnan(compare(given_labels, scores, scores, 0.98).delta.low)
    assert np.isnan(auc_interval(given_labels, scores, 0.98).low)


def test_brier_of_certain_and_right_answers_is_zero() -> None:
    labels = np.array([0, 1, 1], dtype=np.int8)
    assert brier(labels, labels.astype(np.float64)) == 0.0
    assert brier(labels, np.full(3, 0.5)) == 0.25


@given(st.lists(st.floats(allow_infinity=False), max_size=50), st.booleans())
def test_scores_are_ordered_as_numpy_orders_them(values: list[float], some_are_all_but_equal: bool) -> None:
    scores = np.array(values, dtype=np.float64)
    if some_are_all_but_equal:  # apart in the last bits alone, which do not fit beside the row
        scores = np.nextafter(np.abs(scores), np.where(np.arange(len(scores)) % 2, 0.0, 1.0))
    rows, ordered = increasing(scores)
    assert sorted(rows.tolist()) == list(range(len(scores)))
    assert np.array_equal(ordered, np.sort(scores), equal_nan=True)
    assert np.array_equal(scores[rows], ordered, equal_nan=True)


def test_scores_that_are_apart_in_their_last_bits_alone_are_still_ordered() -> None:
    rng = np.random.default_rng(1)
    near = np.repeat(rng.random(1000), 50) + 2.0**-50 * rng.integers(0, 50, 50_000)
    scores = np.concatenate([near, [1e-300]])  # so wide a range that the last bits do not fit beside the row
    assert (np.diff(scores[increasing(scores)[0]]) >= 0).all()


@pytest.mark.parametrize("count", [3, 40])
def test_rows_of_no_group_are_in_none(count: int) -> None:
    groups = np.random.default_rng(2).integers(-1, count, 500).astype(np.int8)
    found = members(groups, count)
    assert [at.tolist() for at in found] == [np.flatnonzero(groups == group).tolist() for group in range(count)]
