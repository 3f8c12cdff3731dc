"""The benchmark's worlds are what they are said to be, and the peers' rules give what is worked out by hand."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from benchmarks.decisions.alarm_rules import drifted_share, ours, preset, statistics
from benchmarks.decisions.months import MISSING, MORE_MISSING, Shape, Shift, features, month, shifted, sources
from benchmarks.decisions.promotion_rules import LAB, MLFLOW, PEERS, TFX_ABSOLUTE, TFX_RELATIVE, TFX_TUTORIAL, measured, tfx
from benchmarks.decisions.promotions import OneCandidate
from benchmarks.decisions.rates import Rate
from benchmarks.decisions.reaches import reaches
from benchmarks.decisions.returning import two_months
from benchmarks.decisions.runner import chunks, play
from benchmarks.decisions.scores import POSITIVES, draw, holdout
from ratchet.core.decision import Verdict


@pytest.mark.parametrize("correlation", [0.0, 0.7, 0.9])
@pytest.mark.parametrize("aucs", [(0.75, 0.75), (0.75, 0.8)])
def test_simulated_models_have_the_auc_and_the_correlation_asked_for(aucs: tuple[float, float], correlation: float) -> None:
    labels, models = draw(np.random.default_rng(3), 200_000, aucs, correlation)
    assert labels.mean() == pytest.approx(POSITIVES, abs=0.005)
    assert [roc_auc_score(labels, model) for model in models] == pytest.approx(aucs, abs=0.006)
    scores = [np.log(model / (1 - model)) for model in models]
    for kind in (0, 1):
        of = labels == kind
        assert np.corrcoef(scores[0][of], scores[1][of])[0, 1] == pytest.approx(correlation, abs=0.015)


def test_simulated_probabilities_are_calibrated() -> None:
    labels, (model,) = draw(np.random.default_rng(4), 200_000, [0.8], 0.5)
    for low, high in ((0.0, 0.1), (0.2, 0.3), (0.6, 0.8)):
        inside = (model >= low) & (model < high)
        assert labels[inside].mean() == pytest.approx(model[inside].mean(), abs=0.015)


def test_the_products_measurement_is_scikit_learns_auc() -> None:
    rng = np.random.default_rng(5)
    labels, (champion, candidate) = draw(rng, 1_400, (0.75, 0.8), 0.7)
    found = measured(holdout(rng, labels), candidate, champion, attempt=3)
    assert found.paired is not None
    assert found.paired.candidate == pytest.approx(roc_auc_score(labels, candidate))
    assert found.paired.champion == pytest.approx(roc_auc_score(labels, champion))
    assert found.confidence == pytest.approx(1 - 2 * 0.005 * 0.6 * 0.4**2)  # the third try of a day
    assert len(found.slices) == 7


@pytest.mark.parametrize(
    ("candidate", "baseline", "promoted"),
    [
        (0.7525, 0.7500, {TFX_TUTORIAL}),  # + 0.0025, + 0.3 %
        (0.7578, 0.7500, {TFX_TUTORIAL, TFX_RELATIVE}),  # + 0.0078, + 1.04 %
        (0.8578, 0.8500, {TFX_TUTORIAL}),  # + 0.0078, + 0.92 %
        (0.7625, 0.7500, {TFX_TUTORIAL, TFX_RELATIVE, TFX_ABSOLUTE, LAB, MLFLOW}),
        (0.7500, 0.7500, {TFX_TUTORIAL}),  # no change is above -1e-10
        (0.7400, 0.7500, set()),
    ],
)
def test_the_peers_promote_as_worked_out_by_hand(candidate: float, baseline: float, promoted: set[str]) -> None:
    assert {name for name, rule in PEERS.items() if rule(candidate, baseline)} == promoted


def test_tfxs_two_thresholds_must_both_hold_and_a_baseline_of_nothing_has_no_relative_change() -> None:
    assert tfx(0.625, 0.5, absolute=0.125, relative=0.25)
    assert not tfx(0.625, 0.5, absolute=0.125, relative=0.26)
    assert not tfx(0.625, 0.5, absolute=0.126, relative=0.25)
    assert not tfx(0.5, 0.0, absolute=0.1)


@pytest.mark.parametrize("shape", [shape for shape in Shape if shape not in {Shape.FLAG, Shape.PLAN}])
def test_a_moved_number_moves_by_its_share_of_a_standard_deviation(shape: Shape) -> None:
    rng, still = np.random.default_rng(6), {"f": next(source for source in sources(7).values() if source.shape is shape)}
    moved = shifted(still, Shift.MODERATE, rng)
    before, after = (month(rng, 400_000, where)["f"] for where in (still, moved))
    before, after = before[~np.isnan(before)], after[~np.isnan(after)]
    assert (after.mean() - before.mean()) / before.std() == pytest.approx(0.3, abs=0.01)
    assert stats.wasserstein_distance(before[:50_000], after[:50_000]) / before.std() == pytest.approx(0.3, abs=0.02)


def test_shifts_befall_the_features_that_they_are_said_to() -> None:
    rng, still = np.random.default_rng(7), sources(14)
    changed = {shift: [after for name, after in shifted(still, shift, rng).items() if after != still[name]] for shift in Shift}
    assert changed[Shift.NONE] == []
    assert [source.moved for source in changed[Shift.SMALL]] == [0.15]
    assert [source.moved for source in changed[Shift.BROAD]] == [0.3] * 8
    assert [(source.shape, source.missing) for source in changed[Shift.MISSING]] == [(Shape.SKEWED, MORE_MISSING)]
    blank = np.isnan(month(rng, 100_000, still)["f03"]).mean()
    assert blank == pytest.approx(MISSING, abs=0.002)


@pytest.mark.parametrize(("rows", "reference"), [(50, 3_000), (400, 400)])
def test_column_statistics_are_those_of_evidentlys_whole_preset(rows: int, reference: int) -> None:
    rng, where = np.random.default_rng(8), sources(5)
    named = features(where)
    before, after = month(rng, reference, where), month(rng, rows, shifted(where, Shift.MODERATE, rng))
    single = statistics(named, before, after)
    figures, share = preset(named, before, after)
    assert {name: figure for name, (figure, _) in single.items()} == pytest.approx(figures, abs=1e-12)
    assert drifted_share(single) == pytest.approx(share)


def test_the_products_verdict_knows_quiet_moved_and_too_few() -> None:
    rng, still = np.random.default_rng(9), sources(5)
    named, before = features(still), month(rng, 5_000, still)
    assert ours(named, before, month(rng, 5_000, still)) is Verdict.FAIL
    assert ours(named, before, month(rng, 5_000, shifted(still, Shift.MODERATE, rng))) is Verdict.PASS
    assert ours(named, before, month(rng, 50, still)) is Verdict.UNKNOWN


def test_wilsons_interval_solves_its_equation() -> None:
    rate, z = Rate(8, 1_000), NormalDist().inv_cdf(0.975)
    for end in rate.wilson():
        assert abs(rate.value - end) == pytest.approx(z * math.sqrt(end * (1 - end) / 1_000))
    assert Rate(0, 40).wilson() == pytest.approx((0.0, z**2 / (40 + z**2)))


def test_draws_are_played_once_each_and_again_alike() -> None:
    cell = OneCandidate(500, 0.1, 0.7, draws=4_500)
    parts = chunks(cell)
    assert [number for part in parts for number in part] == list(range(4_500))
    first, again = (play(cell, range(10)).rates() for _ in range(2))
    assert first == again
    assert {rate.draws for rate in first.values()} == {10}


@pytest.mark.parametrize(("count", "outcome"), [(10, "met"), (14, "open"), (30, "missed")])
def test_a_claim_is_met_open_or_missed_by_rate_and_interval(count: int, outcome: str) -> None:
    cell = OneCandidate(1_400, 0.0, 0.7, draws=1_000)
    found = next(item for item in reaches({cell: {"Ratchet": Rate(count, 1_000)}}) if "false promotions at" in item["claim"])
    assert found["outcome"] == outcome


def test_users_that_come_back_have_the_same_months_but_for_the_correlation() -> None:
    where = sources(7)
    first, second = two_months(np.random.default_rng(8), 40_000, 30_000, where, 0.8)
    apart = month(np.random.default_rng(9), 40_000, where)
    for name, source in where.items():
        assert (len(first[name]), len(second[name])) == (40_000, 30_000)
        if source.shape is Shape.PLAN:
            for plan in ("free", "family"):
                assert (first[name] == plan).mean() == pytest.approx((apart[name] == plan).mean(), abs=0.012)
            continue
        assert np.nanmean(first[name]) == pytest.approx(np.nanmean(apart[name]), abs=0.03 * float(np.nanstd(apart[name])))
        assert np.nanstd(second[name]) == pytest.approx(np.nanstd(apart[name]), rel=0.03)
        pairs = ~np.isnan(first[name][:30_000]) & ~np.isnan(second[name])
        found = np.corrcoef(first[name][:30_000][pairs], second[name][pairs])[0, 1]
        assert found == pytest.approx(0.59 if source.shape is Shape.FLAG else 0.775, abs=0.03)  # of values, not of scores


def test_a_flag_that_triples_was_rare_before() -> None:
    rng = np.random.default_rng(10)
    where = sources(7, Shift.RATE)
    after = shifted(where, Shift.RATE, rng)
    (name,) = [name for name, source in where.items() if source.shape is Shape.FLAG]
    assert month(rng, 50_000, where)[name].mean() == pytest.approx(0.02, abs=0.003)
    assert month(rng, 50_000, after)[name].mean() == pytest.approx(0.06, abs=0.004)
