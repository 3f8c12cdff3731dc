"""The use cases over fakes: the loop's decisions on generated months, without a vendor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ratchet.core.errors import DataError, LedgerError, PromotionFailed, Unavailable, UserError
from ratchet.core.holdout import held_out
from ratchet.core.live import LabelledAnswers
from ratchet.core.policy import GatePolicy
from ratchet.core.trigger import Action
from ratchet.promotion import by_hand
from ratchet.steps import promote, train
from tests.support.loop import PROJECT, ROWS, Loop, first_champion


@pytest.fixture
def loop() -> Loop:
    """January made version 1 the champion."""
    made = first_champion()
    made.said.clear()
    return made


def test_a_quiet_month_leaves_the_champion_alone(loop: Loop) -> None:
    assert loop.run(loop.arrive(2)) == "NO_ACTION"
    assert loop.production == 1
    assert any(line.startswith("NO_ACTION drift_share=0.000 < 0.020") for line in loop.said)


def test_a_drifted_month_with_another_truth_replaces_it(loop: Loop) -> None:
    assert loop.run(loop.arrive(2, turn=1, shift=1)) == "done"
    assert loop.production == 2
    assert loop.at.consistent
    text = "\n".join(loop.said + loop.at.said)
    assert "RETRAINING_TRIGGERED drift_share=0.333 >= 0.020; AUC of 2024-02 0.246 is 0." in text
    assert "lower end of the fall 0." in text
    assert " > 0 -> train a candidate" in text
    assert "[COMPARE] candidate_auc=0." in text
    assert "[DECISION] promoted" in text
    assert "[SUMMARY] as_of=2024-02-01 cand_v=2" in text


def test_a_drifted_month_with_the_same_truth_does_not_replace_it(loop: Loop) -> None:
    assert loop.run(loop.arrive(2, shift=1)) == "FAIL"
    assert loop.production == 1
    assert "[DECISION] skipped" in loop.said


@pytest.mark.parametrize("number", range(2, 8))
def test_shuffled_labels_are_never_promoted(loop: Loop, number: int) -> None:
    assert loop.run(loop.arrive(number, shift=1, shuffle=True)) == "FAIL"
    assert loop.production == 1


def test_shuffled_labels_do_not_even_make_a_first_champion() -> None:
    loop = Loop()
    assert loop.run(loop.arrive(1, shuffle=True)) == "FAIL"
    assert loop.production is None


def test_the_same_month_again_is_a_no_op(loop: Loop) -> None:
    drifted = loop.arrive(2, turn=1, shift=1)
    assert loop.run(drifted) == "done"
    assert loop.run(drifted) == "NO_ACTION"
    assert len(loop.at.registry.stored) == 2


def test_a_month_that_was_decided_is_not_tried_again_unless_forced(loop: Loop) -> None:
    drifted = loop.arrive(2, shift=1)
    assert loop.run(drifted) == "FAIL"
    assert loop.run(drifted) == "NO_ACTION"
    assert "decided already on this snapshot: FAIL for version 2" in loop.said[-1]
    assert loop.run(drifted, force=True) == "FAIL"
    assert loop.at.journal.history().gates[-1].event.attempt == 2


def test_a_promotion_that_failed_is_tried_again_with_the_same_candidate_and_the_same_confidence(loop: Loop) -> None:
    drifted = loop.arrive(2, turn=1, shift=1)
    loop.at.rollout.stuck.add(2)
    with pytest.raises(PromotionFailed):
        loop.run(drifted)
    loop.at.rollout.stuck.clear()
    assert loop.run(drifted) == "done"
    assert loop.production == 2
    assert [entry.event.attempt for entry in loop.at.journal.history().gates[1:]] == [1, 1]
    assert len(loop.at.registry.stored) == 2


def test_a_rolled_back_month_does_not_promote_itself_again(loop: Loop) -> None:
    drifted = loop.arrive(2, turn=1, shift=1)
    loop.run(drifted)
    by_hand.rollback(loop.at.production, None, "")
    assert loop.run(drifted) == "NO_ACTION"
    assert loop.production == 1


def test_the_same_model_is_not_promoted_over_itself(loop: Loop) -> None:
    assert loop.run(loop.store.get("m1"), force=True) == "FAIL"
    assert loop.production == 1


def test_where_a_decision_of_the_gate_cannot_be_read_nothing_is_decided_on_an_older_one() -> None:
    loop = first_champion()
    snapshot = loop.arrive(2, turn=1, shift=1)
    loop.measure(snapshot)
    candidate = loop.train(snapshot)
    assert loop.judge(snapshot, candidate).decision.passed
    newer = {**loop.at.ledger.records("gate")[-1].body, "verdict": "FAIL", "form": 99}
    loop.at.ledger.append("gate", newer)  # a newer release has judged the candidate again
    acts: list[Callable[[], object]] = [
        lambda: promote.run(loop.project, loop.at.production, candidate),
        lambda: loop.judge(snapshot, candidate),
        lambda: loop.check(snapshot),
        lambda: by_hand.approve_without_comparison(loop.at.production, candidate),
    ]
    for act in acts:
        with pytest.raises(LedgerError, match=r"\(gate\) is of a form that this release does not know"):
            act()
    assert loop.production == 1


def test_trying_often_needs_more_certainty_each_time(loop: Loop) -> None:
    drifted = loop.arrive(2, shift=1)
    for _ in range(3):
        loop.run(drifted, force=True)
    gates = [entry.event for entry in loop.at.journal.history().gates[1:]]
    assert [gate.attempt for gate in gates] == [1, 2, 3]
    assert [round(gate.confidence or 0.0, 4) for gate in gates] == [0.994, 0.9976, 0.999]


def test_without_labels_a_drifted_month_is_unknown_and_nothing_is_trained(loop: Loop) -> None:
    assert loop.run(loop.arrive(2, shift=1, labelled=False)) == "UNKNOWN"
    assert len(loop.at.registry.stored) == 1
    assert "the snapshot's labels have not arrived yet" in loop.said[-1]


def test_labels_that_arrive_later_reopen_the_month(loop: Loop) -> None:
    loop.run(loop.arrive(2, shift=1, turn=1, labelled=False))
    assert loop.run(loop.arrive(2, shift=1, turn=1)) == "done"
    assert loop.production == 2


def test_too_few_rows_are_unknown(loop: Loop) -> None:
    assert loop.run(loop.arrive(2, shift=1, rows=200)) == "UNKNOWN"
    assert loop.production == 1


def test_a_first_model_that_too_few_rows_judge_says_the_way_on() -> None:
    loop = Loop()
    assert loop.run(loop.arrive(1, rows=200)) == "UNKNOWN"
    assert loop.production is None
    assert any(line.startswith("[WAY] nothing serves yet: `ratchet approve 1 --without-comparison` puts") for line in loop.said)


def test_a_first_model_that_is_too_good_says_the_way_on() -> None:
    loop = Loop(PROJECT.model_copy(update={"policy": PROJECT.policy.model_copy(update={"gate": GatePolicy(leakage_auc=0.6)})}))
    assert loop.run(loop.arrive(1)) == "FAIL"
    assert any("nothing serves yet: leave out the feature that knows the label" in line for line in loop.said)


def test_a_champion_of_another_holdout_is_not_compared_with(loop: Loop) -> None:
    number = loop.at.registry.stored[1]
    assert number.provenance is not None
    loop.at.registry.stored[1] = replace(number, provenance=replace(number.provenance, holdout_salt="other"))
    assert loop.run(loop.arrive(2, turn=1, shift=1)) == "UNKNOWN"
    assert loop.production == 1
    assert "[DECISION] unknown" in loop.said


def test_manual_approval_parks_the_candidate(loop: Loop) -> None:
    policy = PROJECT.policy.model_copy(update={"approval": "manual"})
    loop.project = PROJECT.model_copy(update={"policy": policy})
    assert loop.run(loop.arrive(2, turn=1, shift=1)) == "awaiting_approval"
    assert loop.production == 1
    assert "[DECISION] awaiting_approval" in loop.at.said


def answers(seed: int, *, held: bool, rows: int = 400) -> LabelledAnswers:
    """Worthless answers for held-out entities, or for those that the champion was trained on."""
    rng = np.random.default_rng(seed)
    users = np.array([f"u{index}" for index in range(ROWS)], dtype=object)
    chosen = users[held_out("x", 0.3, users) == held][:rows]
    return LabelledAnswers(chosen, (rng.random(len(chosen)) < 0.4).astype(np.int8), rng.random(len(chosen)))


def test_a_champion_whose_live_auc_fell_below_its_interval_is_retrained(loop: Loop) -> None:
    loop.requests.pairs[1], loop.requests.newest[1] = answers(1, held=True), 1_700_000_000.0
    checked = loop.check(loop.arrive(2))
    assert checked.trigger.action is Action.RETRAIN
    assert "live AUC of 400 labelled answers of 1 month 0." in checked.trigger.reasons[0]


def test_answers_for_trained_entities_say_nothing_of_live_performance(loop: Loop) -> None:
    loop.requests.pairs[1], loop.requests.newest[1] = answers(1, held=False), 1_700_000_000.0
    assert loop.check(loop.arrive(2)).trigger.action is Action.NO_ACTION


def test_a_few_live_labels_trigger_nothing(loop: Loop) -> None:
    loop.requests.pairs[1], loop.requests.newest[1] = answers(1, held=True, rows=40), 1_700_000_000.0
    assert loop.check(loop.arrive(2)).trigger.action is Action.NO_ACTION


def test_a_snapshot_older_than_the_champions_does_not_bring_the_old_model_back(loop: Loop) -> None:
    assert loop.run(loop.arrive(2, turn=1, shift=1)) == "done"
    assert loop.run(loop.store.get("m1")) == "NO_ACTION"
    assert loop.production == 2
    assert "the snapshot is 31 days older than what the champion was trained on" in loop.said[-1]


def test_a_changed_feature_list_trains_a_candidate_that_only_a_person_can_promote(loop: Loop) -> None:
    loop.project = PROJECT.model_copy(update={"features": PROJECT.features[:1] + PROJECT.features[2:]})
    assert loop.run(loop.arrive(2)) == "UNKNOWN"
    assert "features changed: -b" in loop.said[0]
    assert any("the champion needs b, which ratchet.yaml no longer has" in line for line in loop.said)
    by_hand.approve_without_comparison(loop.at.production, 2)
    assert loop.production == 2


def test_an_added_feature_is_compared_with_the_champion_that_does_without() -> None:
    loop = Loop(PROJECT.model_copy(update={"features": PROJECT.features[:2]}))
    assert loop.run(loop.arrive(1)) == "done"
    loop.project = PROJECT
    assert loop.run(loop.arrive(2, turn=1)) == "done"
    assert loop.production == 2


def test_an_old_champion_is_retrained(loop: Loop) -> None:
    loop.project = PROJECT.model_copy(update={"policy": PROJECT.policy.model_copy(update={"max_age_days": 30})})
    checked = loop.check(loop.arrive(3))
    assert checked.trigger.reasons == ("age 60 days > 30",)


def test_an_unreachable_registry_stops_the_run_and_changes_nothing(loop: Loop) -> None:
    drifted = loop.arrive(2, turn=1, shift=1)
    loop.at.registry.down = Unavailable("the registry cannot be reached")
    with pytest.raises(Unavailable):
        loop.run(drifted)
    assert len(loop.at.ledger.records("trigger")) == 1
    assert loop.production == 1


def test_no_row_of_the_holdout_is_ever_trained_on(loop: Loop) -> None:
    version = loop.at.registry.stored[1]
    assert version.provenance is not None
    held = held_out("x", 0.3, [f"u{index}" for index in range(ROWS)])
    assert version.provenance.train_rows == ROWS - held.sum()
    with pytest.raises(DataError, match="training rows are held out"):
        train.refuse_held_out(PROJECT, [f"u{index}" for index in range(100)])


def test_a_candidate_without_a_pass_is_not_promoted(loop: Loop) -> None:
    loop.run(loop.arrive(2, shift=1))
    with pytest.raises(UserError, match="version 2 did not pass the gate"):
        promote.run(PROJECT, loop.at.production, 2)
    with pytest.raises(UserError, match="version 9 has not been evaluated"):
        promote.run(PROJECT, loop.at.production, 9)
    assert loop.production == 1


def test_the_decision_is_on_record_with_its_reasons_and_report(loop: Loop) -> None:
    loop.run(loop.arrive(2, turn=1, shift=1))
    gate = loop.at.journal.history().gates[-1].event
    assert gate.verdict == "PASS"
    assert any(reason.startswith("delta 0.") for reason in gate.reasons)
    assert "decision_v2_on_2024-02-01.html" in loop.reports.saved
    assert "drift_2024-01-01_vs_2024-02-01.html" in loop.reports.saved
    loop.at.ledger.verify()


def test_a_window_of_two_months_trains_on_both(loop: Loop) -> None:
    loop.project = PROJECT.model_copy(update={"training": PROJECT.training.model_copy(update={"window": 2})})
    candidate = loop.train(loop.arrive(2))
    version = loop.at.registry.stored[candidate]
    assert version.provenance is not None
    assert len(version.provenance.snapshot_ids) == 2
    assert version.provenance.train_rows == 2 * loop.at.registry.stored[1].provenance.train_rows  # type: ignore[union-attr]  # January's is known
