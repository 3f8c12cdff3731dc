from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from ratchet.core.evidence import Look, PairedLook
from ratchet.core.rule import next_move
from ratchet.core.seen import Claim, Move, RecipeLooks, Rule, Seen
from ratchet.tasks.binary.measure import METRIC

RULE = Rule()
QUIET = (0.85, 0.852, 0.849, 0.851)


def month(number: int) -> date:
    return date(2024, number + 1, 28)


def pair(delta: float, number: int = 5, se: float = 0.003) -> PairedLook:
    return PairedLook(month(number), delta, se, 1_400)


def offers(newest: float, hedge: float, out_of_time: Sequence[float] = (0.0, 0.001, -0.001, 0.0)) -> list[RecipeLooks]:
    record = [pair(delta, number) for number, delta in enumerate(out_of_time)]
    return [RecipeLooks("1 month", 1, pair(newest), record), RecipeLooks("2 months", 2, pair(hedge), record)]


def seen(own: Sequence[float], of: Sequence[RecipeLooks]) -> Seen:
    looks = [Look(month(number), value, 0.012, 1_400) for number, value in enumerate(own)]
    return Seen(METRIC, month(5), looks, None, of, tries=[month(number) for number in range(5)])


def test_a_quiet_month_moves_nothing_and_says_why() -> None:
    chosen = next_move(seen((*QUIET, 0.85), offers(0.001, 0.002)), RULE)
    assert chosen.move is Move.KEEP
    assert [reason.text for reason in chosen.reasons] == [
        "2 months in time: delta 0.002 <= 0.010",
        "2 months in time: lower end of 0.002 at alpha 4.5e-04 -0.008 <= 0.000",
    ]
    assert chosen.wishes[0].text.startswith("AUC of 2024-05 0.850 is")


def test_a_broken_champion_is_replaced_by_what_the_newest_month_alone_made() -> None:
    chosen = next_move(seen((*QUIET, 0.5), offers(0.35, 0.25)), RULE)
    assert (chosen.move, chosen.name) == (Move.AT_ONCE, "1 month")


def test_a_champion_that_only_lost_a_little_is_replaced_by_a_candidate_that_is_half_older() -> None:
    chosen = next_move(seen((*QUIET, 0.83), offers(0.025, 0.018)), RULE)
    assert (chosen.move, chosen.name) == (Move.AT_ONCE, "2 months")


def test_a_champion_of_one_month_counts_as_broken_when_it_lost_most_of_what_it_was_worth() -> None:
    asked = seen((0.5,), offers(0.18, 0.08, (-0.01,)))
    assert next_move(replace(asked, first=Look(month(0), 0.84, 0.012, 1_400)), RULE).name == "1 month"
    assert next_move(replace(asked, first=Look(month(0), 0.70, 0.012, 1_400)), RULE).name == "2 months"


def test_once_a_win_in_time_was_too_good_the_next_must_be_larger_than_that() -> None:
    passed = Claim(pair(0.03, 3), pair(-0.02, 4))
    held = Claim(pair(0.03, 3), pair(0.025, 4))
    asked = seen((*QUIET, 0.83), offers(0.03, 0.03))
    assert next_move(replace(asked, claims=[held]), RULE).move is Move.AT_ONCE
    assert next_move(replace(asked, claims=[held, passed]), RULE).move is Move.KEEP


def test_one_win_that_was_too_good_is_no_bound_yet_and_many_are() -> None:
    """The next one exceeds the largest of k with chance 1/(k + 1)."""
    asked = seen((*QUIET, 0.5), offers(0.3, 0.3))
    too_good = Claim(pair(0.15, 3), pair(-0.05, 4))
    assert next_move(replace(asked, claims=[too_good]), RULE).move is Move.KEEP, "0.2 counts as 0.4"
    assert next_move(replace(asked, claims=[too_good] * 4), RULE).move is Move.AT_ONCE, "as 0.25"


def test_versions_that_come_to_differ_as_the_truth_turns_put_no_win_in_doubt() -> None:
    asked = seen((*QUIET, 0.83), offers(0.03, 0.03))
    alike = Claim(pair(0.002, 3, 0.001), pair(-0.02, 4, 0.001))
    assert next_move(replace(asked, claims=[alike]), RULE).move is Move.AT_ONCE


def test_wins_that_came_true_let_the_next_one_be_smaller() -> None:
    asked = seen((*QUIET, 0.83), offers(0.02, 0.0225))
    asked = replace(asked, recipes=[replace(offer, in_time=replace(offer.in_time, se=0.0075)) for offer in asked.recipes])
    came_true = Claim(pair(0.03, 0), pair(0.03, 1))
    assert next_move(asked, RULE).move is Move.KEEP, "3 standard errors"
    assert next_move(replace(asked, claims=[came_true]), RULE).move is Move.AT_ONCE
    vain = Claim(pair(0.03, 0), pair(0.001, 1))
    assert next_move(replace(asked, claims=[vain]), RULE).move is Move.KEEP, "what no later month confirmed pays nothing in"


def test_the_previous_version_comes_back_when_it_is_better_beyond_doubt() -> None:
    asked = seen((0.84,), offers(0.05, 0.05))
    assert next_move(replace(asked, probation=pair(0.01)), RULE).move is Move.TAKE_BACK
    assert next_move(replace(asked, probation=pair(0.001)), RULE).move is not Move.TAKE_BACK


def test_a_recipe_that_wins_without_the_judged_month_is_promoted_though_it_wins_little_in_time() -> None:
    chosen = next_move(seen((*QUIET, 0.85), offers(0.008, 0.008, (0.009, 0.011, 0.008, 0.01))), RULE)
    assert chosen.move is Move.PROMOTE
    assert chosen.reasons[0].text.startswith("better over 4 months by 0.009, lower end 0.00")


def test_a_win_in_time_needs_less_evidence_out_of_time() -> None:
    shaken = (0.05, -0.02, 0.06, 0.02)
    claims = [Claim(pair(0.2, 1), pair(-0.1, 2))]
    weak, strong = (replace(seen((*QUIET, 0.85), offers(gain, gain, shaken)), claims=claims) for gain in (0.0, 0.03))
    assert next_move(weak, RULE).move is Move.KEEP
    chosen = next_move(strong, RULE)
    assert chosen.move is Move.PROMOTE
    assert "out of time, 4 months: gain" in chosen.reasons[2].text


def test_two_months_out_of_time_prove_nothing_yet() -> None:
    assert next_move(seen((*QUIET, 0.85), offers(0.008, 0.008, (0.02, 0.02))), RULE).move is Move.KEEP


def test_a_challenger_is_promoted_when_the_evidence_over_months_carries_it() -> None:
    asked = seen((*QUIET, 0.85), offers(0.0, 0.0))
    chosen = next_move(replace(asked, challengers=[("version 7", [pair(0.02, n, 0.01) for n in range(8)])]), RULE)
    assert (chosen.move, chosen.name) == (Move.PROMOTE, "version 7")
    few = replace(asked, challengers=[("version 7", [pair(0.02, n, 0.01) for n in range(3)])])
    assert next_move(few, RULE).move is Move.KEEP


def test_without_candidates_there_is_nothing_to_promote() -> None:
    chosen = next_move(seen((*QUIET, 0.5), []), RULE)
    assert (chosen.move, chosen.reasons) == (Move.KEEP, ())
    assert chosen.wishes[0].verdict == "PASS", "and the wish to retrain is there all the same"


def test_only_months_that_prove_a_recipe_by_themselves_are_said_to_do_so() -> None:
    alone = next_move(seen(QUIET, offers(0.004, 0.01, (0.03,) * 6)), RULE)
    assert (alone.move, alone.alone) == (Move.PROMOTE, True), "it does not win in time, and need not"
    assert not next_move(seen((*QUIET, 0.5), offers(0.3, 0.01, ())), RULE).alone
