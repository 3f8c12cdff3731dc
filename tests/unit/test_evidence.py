from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from ratchet.core.budget import alpha_of
from ratchet.core.decision import Verdict
from ratchet.core.estimate import Estimate
from ratchet.core.evidence import Look, PairedLook, ahead, differs, fell, sinks
from ratchet.core.months import spread_of
from ratchet.tasks.binary.auc import difference
from ratchet.tasks.binary.measure import METRIC

ROWS, POSITIVES = 1_400, 0.25
LOSS = replace(METRIC, label="log loss", more_is_better=False)


def month(number: int) -> date:
    return date(2024 + number // 12, number % 12 + 1, 28)


def looks(values: list[float], se: float = 0.012) -> list[Look]:
    return [Look(month(number), value, se, ROWS) for number, value in enumerate(values)]


def pair(deltas: list[float], se: float = 0.01) -> list[PairedLook]:
    return [PairedLook(month(number), delta, se, ROWS) for number, delta in enumerate(deltas)]


def returning(rng: np.random.Generator, separations: tuple[float, float], months: int) -> list[PairedLook]:
    """Two models whose scores correlate by .8 within a class, over users whose scores correlate by .8 over months."""
    noise, found = [rng.standard_normal(ROWS) for _ in range(3)], []
    for number in range(months):
        noise = [0.8 * old + 0.6 * rng.standard_normal(ROWS) for old in noise]
        ones = (rng.random(ROWS) < POSITIVES).astype(np.int8)
        first, second = (
            apart * ones + 0.8**0.5 * noise[0] + 0.2**0.5 * own for apart, own in zip(separations, noise[1:], strict=True)
        )
        delta = difference(ones, first, second)
        found.append(PairedLook(month(number), delta.value, delta.se, ROWS))
    return found


EQUAL, BETTER = (0.95387, 0.95387), (1.04489, 0.95387)  # separations of AUC .75 and .77


def test_a_gain_of_two_hundredths_is_found_within_six_months_where_one_look_finds_a_third() -> None:
    rng = np.random.default_rng(1)
    drawn = [returning(rng, BETTER, 6) for _ in range(150)]
    one = np.mean([first.delta > 0.01 and first.delta > 2.326 * first.se for first, *_ in drawn])
    found = np.mean([any(ahead(each[:n], 0.01).verdict is Verdict.PASS for n in range(1, 7)) for each in drawn])
    assert 0.25 < one < 0.48
    assert found >= 0.8


def test_equal_models_are_hardly_ever_found_ahead_in_a_year_of_looks_at_users_who_return() -> None:
    rng = np.random.default_rng(2)
    drawn = [returning(rng, EQUAL, 12) for _ in range(250)]
    false = sum(any(ahead(each[:n], 0.01).verdict is Verdict.PASS for n in range(1, 13)) for each in drawn)
    assert false <= 2


def test_months_that_differ_make_a_lead_uncertain() -> None:
    steady, shaken = [0.04] * 4, [0.09, -0.01, 0.1, -0.02]
    assert ahead(pair(steady), 0.01).verdict is Verdict.PASS
    assert ahead(pair(shaken), 0.01).verdict is Verdict.FAIL
    assert ahead(pair(steady), 0.01, months_sd=0.05).verdict is Verdict.FAIL


def test_entities_that_hang_together_over_months_make_a_further_month_worth_less() -> None:
    few = pair([0.02] * 6)
    assert ahead(few, 0.01).verdict is Verdict.PASS
    assert ahead(few, 0.01, correlation=0.8).verdict is Verdict.FAIL


def test_a_lead_is_told_as_an_inequality() -> None:
    assert (
        ahead(pair([0.03] * 4), 0.01).text == "better over 4 months by 0.030, lower end 0.012 > 0.000 (always valid, alpha 0.010)"
    )
    assert ahead(pair([0.0]), 0.01).text.startswith("better in one month by 0.000, lower end -0.0")
    assert ahead(pair([0.03] * 4), 0.01, margin=0.02).verdict is Verdict.FAIL
    assert ahead([], 0.01).verdict is Verdict.UNKNOWN
    assert ahead(pair([float("nan")]), 0.01).verdict is Verdict.UNKNOWN


def test_a_fall_after_a_good_year_is_seen_in_the_first_month() -> None:
    rng = np.random.default_rng(3)
    for _ in range(100):
        year = list(0.85 + 0.012 * rng.standard_normal(12))
        assert fell(looks([*year, 0.65 + 0.015 * rng.standard_normal()]), None, 0.001, METRIC).verdict is Verdict.PASS


def test_a_champion_that_keeps_its_figure_fell_in_no_more_than_alpha() -> None:
    rng = np.random.default_rng(4)
    false = sum(
        fell(looks(list(0.85 + 0.012 * rng.standard_normal(7))), None, 0.01, METRIC).verdict is Verdict.PASS for _ in range(2_000)
    )
    assert false <= 30


def test_the_month_that_chose_a_version_is_not_its_bar() -> None:
    chosen = Look(month(0), 0.87, 0.012, ROWS)
    own = looks([0.85, 0.851, 0.849])
    assert fell(own, chosen, 0.1, METRIC).text.startswith("AUC of 2024-03 0.849 is 0.002 below 0.851")
    assert fell(own[:1], chosen, 0.1, METRIC).verdict is Verdict.FAIL, "0.87 less what a winner is too good by is 0.855"
    assert fell(looks([0.70]), chosen, 0.001, METRIC).verdict is Verdict.PASS
    assert fell([], chosen, 0.001, METRIC).verdict is Verdict.UNKNOWN
    assert fell(own[:1], None, 0.001, METRIC).verdict is Verdict.UNKNOWN


def test_months_that_always_differed_are_no_fall() -> None:
    assert fell(looks([0.85, 0.78, 0.88, 0.80, 0.86, 0.78]), None, 0.001, METRIC).verdict is Verdict.FAIL


def test_of_a_metric_of_which_less_is_better_a_rise_is_a_fall() -> None:
    assert fell(looks([0.2, 0.21, 0.2, 0.4]), None, 0.001, LOSS).verdict is Verdict.PASS
    assert fell(looks([0.2, 0.21, 0.2, 0.1]), None, 0.001, LOSS).verdict is Verdict.FAIL


def test_a_slow_decline_that_no_single_look_shows_is_seen_over_months() -> None:
    rng, seen, alone = np.random.default_rng(5), 0, 0
    for _ in range(100):
        values = list(0.85 + 0.012 * rng.standard_normal(8)) + list(0.82 + 0.012 * rng.standard_normal(6))
        seen += any(sinks(looks(values[:n]), None, 0.05, METRIC).verdict is Verdict.PASS for n in range(9, 15))
        alone += fell(looks(values[:9]), None, 0.001, METRIC).verdict is Verdict.PASS
    assert seen >= 80
    assert alone <= 50


def test_a_steady_champion_hardly_ever_sinks_within_a_year() -> None:
    rng = np.random.default_rng(6)
    false = 0
    for _ in range(300):
        values = looks(list(0.85 + 0.012 * rng.standard_normal(13)))
        false += any(sinks(values[:n], None, 0.05, METRIC).verdict is Verdict.PASS for n in range(2, 14))
    assert false <= 15
    assert sinks(looks([0.85, 0.8]), None, 0.05, METRIC).verdict is Verdict.UNKNOWN


def test_one_test_of_the_difference_finds_what_two_intervals_hide() -> None:
    now, before = Estimate(0.80, 0.012), Estimate(0.85, 0.012)
    assert now.interval(0.99).high > before.interval(0.99).low, "the intervals overlap"
    assert differs(now, before, 0.005, METRIC, "live figure").verdict is Verdict.PASS
    assert (
        differs(now, before, 0.005, METRIC, "live figure").text
        == "live figure 0.800 is 0.050 below 0.850, lower end of the fall 0.006 > 0"
    )
    assert differs(before, now, 0.005, METRIC, "live figure").verdict is Verdict.FAIL
    assert differs(Estimate(0.8, float("nan")), before, 0.005, METRIC, "live figure").verdict is Verdict.UNKNOWN


def test_the_spread_of_months_is_what_their_errors_do_not_explain() -> None:
    rng = np.random.default_rng(7)
    drawn = [Estimate(float(0.8 + 0.03 * rng.standard_normal() + 0.01 * rng.standard_normal()), 0.01) for _ in range(2_000)]
    assert spread_of(drawn) == pytest.approx(0.03, rel=0.05)
    assert spread_of([Estimate(0.8, 0.01), Estimate(0.801, 0.01)]) == 0.0


@pytest.mark.parametrize("every", [1, 7, 30, 91, 400])
def test_no_year_spends_more_than_its_budget(every: int) -> None:
    days = [date(2024, 1, 1) + timedelta(days=number * every) for number in range(max(5, 800 // every))]
    spent = [alpha_of(days[:number], day, 0.02) for number, day in enumerate(days)]
    for start in days:
        assert sum(alpha for day, alpha in zip(days, spent, strict=True) if start <= day < start + timedelta(days=365)) <= 0.02


def test_the_first_try_is_hardly_weaker_than_before_and_monthly_ones_keep_their_power() -> None:
    today = date(2026, 1, 1)
    assert alpha_of([], today, 0.02) == pytest.approx(0.006)
    monthly = [today - timedelta(days=30 * number) for number in range(1, 13)]
    assert alpha_of(monthly, today, 0.02) == pytest.approx(0.00082, rel=0.02)
    assert alpha_of(sorted(monthly), today, 0.02) == alpha_of(monthly, today, 0.02)


def test_tries_of_one_day_each_spend_of_what_is_left() -> None:
    today = date(2026, 1, 1)
    assert [alpha_of([today] * number, today, 0.02) for number in range(3)] == pytest.approx([0.006, 0.0024, 0.00096])


def test_a_year_without_tries_gives_all_back() -> None:
    assert alpha_of([date(2024, 1, 1)] * 5, date(2025, 2, 1), 0.02) == pytest.approx(0.006)


def test_a_win_that_came_true_lets_the_year_after_it_ask_for_less() -> None:
    today = date(2026, 1, 1)
    monthly = [today - timedelta(days=30 * number) for number in range(1, 13)]
    alone, paid, twice = (alpha_of(monthly, today, 0.01, [today - timedelta(days=90)] * wins) for wins in range(3))
    assert paid == pytest.approx(alone + 0.02 * 30 / 365, rel=0.1), "a twelfth a month of twice the yearly figure"
    assert alone < paid < twice <= 0.01
    assert alpha_of(monthly, today, 0.01, [today - timedelta(days=365 + 200)]) == pytest.approx(alone, rel=0.02), (
        "a year later no more"
    )


@pytest.mark.parametrize("every", [1, 7, 30, 91])
def test_wins_that_came_true_pay_for_no_more_than_they_bring(every: int) -> None:
    days = [date(2024, 1, 1) + timedelta(days=number * every) for number in range(800 // every)]
    proven = [date(2024, 6, 1), date(2025, 1, 1)]
    spent = [alpha_of(days[:number], day, 0.01, [win for win in proven if win <= day]) for number, day in enumerate(days)]
    for start in days:
        assert (
            sum(alpha for day, alpha in zip(days, spent, strict=True) if start <= day < start + timedelta(days=365))
            <= 0.01 + 2 * 0.02
        )
