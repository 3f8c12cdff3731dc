"""Decisions by outcomes, on generated months: what the champion's labels say counts, whenever they come."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ratchet.core.errors import Unavailable
from ratchet.core.events import Measured, Proof, Role, Trained, Triggered
from ratchet.core.trigger import Action
from ratchet.project.file import Policy
from ratchet.steps.parts.recipes import records
from tests.support.loop import PROJECT, Loop, first_champion


@pytest.fixture
def loop() -> Loop:
    """January made version 1 the champion."""
    made = first_champion()
    made.said.clear()
    return made


def measured(loop: Loop) -> list[Measured]:
    return [entry.event for entry in loop.at.journal.history().of(Measured)]


def last_trigger(loop: Loop) -> Triggered:
    return loop.at.journal.history().triggers[-1].event


# --- measurements ---


def test_a_quiet_month_is_measured_once_for_each_version_and_content(loop: Loop) -> None:
    february = loop.arrive(2)
    assert [loop.run_alone(february), loop.run_alone(february)] == ["NO_ACTION", "NO_ACTION"]
    (found,) = measured(loop)
    assert (found.version, found.role, found.snapshot, found.against) == (1, Role.CHAMPION, february.id, None)
    assert (found.low or 1.0) < (found.value or 0.0) < (found.high or 0.0)
    assert any(line.startswith("[MEASURE] 2024-02-01: champion version 1: AUC 0.") for line in loop.said)
    corrected = replace(february, labels_hash="corrected")
    loop.store.put(corrected, *loop.store.stored[february.as_of][1:])
    loop.run_alone(corrected)
    assert [item.snapshot for item in measured(loop)] == [february.id, corrected.id]
    assert [entry.event.snapshot for entry in loop.at.journal.history().measurements(1)] == [corrected.id]


def test_labels_that_come_later_are_measured_when_they_come(loop: Loop) -> None:
    loop.run_alone(loop.arrive(2, labelled=False))
    loop.run_alone(loop.arrive(3, labelled=False))
    assert not measured(loop)
    loop.arrive(2)
    loop.run_alone(loop.store.get("m3"))
    assert [item.as_of.month for item in measured(loop) if item.as_of] == [2]


def test_the_month_that_a_version_was_trained_on_measures_nothing(loop: Loop) -> None:
    loop.run_alone(loop.store.get("m1"))
    assert not measured(loop)


def test_the_version_before_the_champion_is_measured_beside_it(loop: Loop) -> None:
    assert loop.run_alone(loop.arrive(2, turn=1)) == "done"
    loop.run_alone(loop.arrive(3, turn=1))
    beside = {item.role: item for item in measured(loop) if item.as_of and item.as_of.month == 3}
    assert (beside[Role.CHAMPION].version, beside[Role.PREVIOUS].version) == (2, 1)
    assert beside[Role.PREVIOUS].against == 2
    delta = beside[Role.PREVIOUS].delta
    assert delta is not None
    assert delta < -0.3


def test_nothing_is_held_against_a_champion_on_the_months_up_to_the_one_that_it_was_trained_on(loop: Loop) -> None:
    loop.run_alone(loop.arrive(2))
    march = loop.arrive(3, turn=1)
    assert loop.run_alone(march) == "done"
    loop.measure(march)  # as `ratchet labels --snapshot` does
    assert [item for item in measured(loop) if item.against == 2] == [], "February is the old champion's, March chose the new one"
    assert loop.run_alone(loop.store.get("m2")) == "NO_ACTION", "an older month brings no older version back"
    assert loop.production == 2


def test_the_registry_has_the_newest_measurement_of_each_version(loop: Loop) -> None:
    assert loop.run_alone(loop.arrive(2, turn=1)) == "done"
    loop.run_alone(loop.arrive(3, turn=1))
    for version in (1, 2):
        newest = loop.at.journal.history().measurement(version)
        assert newest is not None
        metrics = loop.at.registry.version(version).metrics
        assert (metrics["measured_auc"], metrics["measured_auc_high"]) == (newest.event.value, newest.event.high)


def test_a_registry_that_cannot_be_written_to_loses_no_measurement_and_is_written_later(loop: Loop) -> None:
    loop.at.registry.read_only = Unavailable("the registry is away")
    with pytest.raises(Unavailable):
        loop.run_alone(loop.arrive(2))
    (found,) = measured(loop)
    assert "measured_auc" not in loop.at.registry.version(1).metrics
    loop.at.registry.read_only = None
    loop.run_alone(loop.store.get("m2"))
    assert len(measured(loop)) == 1, "it is not measured again"
    assert loop.at.registry.version(1).metrics["measured_auc"] == found.value


def test_the_registry_has_what_was_decided_on_a_version_and_by_what(loop: Loop) -> None:
    assert loop.at.registry.tags[1]["ratchet.against"] == "none"
    loop.run_alone(loop.arrive(2, turn=1))
    tags, gate = loop.at.registry.tags[2], loop.at.journal.history().gates[-1].event
    assert (tags["ratchet.verdict"], tags["ratchet.proof"], tags["ratchet.against"]) == ("PASS", "probation", "version 1")
    assert tags["ratchet.report"] == gate.report
    assert tags["ratchet.delta"] == f"{gate.delta:+.3f} ({gate.delta_low:.3f} to {gate.delta_high:.3f})"


def test_a_registry_that_cannot_be_written_to_loses_no_decision(loop: Loop) -> None:
    snapshot = loop.arrive(2, turn=1)
    loop.measure(snapshot)
    candidate = loop.train(loop.check(snapshot).judged)
    loop.at.registry.read_only = Unavailable("the registry is away")
    with pytest.raises(Unavailable):
        loop.judge(snapshot, candidate)
    assert loop.at.journal.history().gates[-1].event.candidate == candidate


# --- what labels decide and features do not ---


def test_another_truth_behind_the_same_features_is_measured_and_answered(loop: Loop) -> None:
    assert loop.run_alone(loop.arrive(2, turn=1)) == "done"
    assert loop.production == 2
    trigger, gate = last_trigger(loop), loop.at.journal.history().gates[-1].event
    assert trigger.drift is not None
    assert not trigger.drift.drifted
    assert trigger.wishes == ("performance",)
    assert "AUC of 2024-02 0.2" in trigger.reasons[0]
    assert gate.proof is Proof.PROBATION


@pytest.mark.parametrize("lag", [0, 1, 2, 3])
def test_labels_that_are_late_by_months_bring_the_same_answer_that_much_later(loop: Loop, lag: int) -> None:
    turned = 3
    served = []
    for month in range(2, 8):
        truth = 1.0 if month >= turned else 0.0
        newest = loop.arrive(month, turn=truth, labelled=lag == 0)
        if (late := month - lag) >= 2 and lag:
            loop.arrive(late, turn=1.0 if late >= turned else 0.0)
        loop.run_alone(newest)
        served.append(loop.production)
    changed = next(month for month, version in zip(range(2, 8), served, strict=True) if version != 1)
    assert changed == turned + lag
    assert len(set(served)) == 2, "one promotion, and no other month asked for anything"


def test_a_quiet_year_promotes_nothing(loop: Loop) -> None:
    assert {loop.run_alone(loop.arrive(month)) for month in range(2, 13)} == {"NO_ACTION"}
    assert loop.production == 1
    assert len(measured(loop)) == 11


def test_drift_that_waits_for_labels_is_answered_when_later_labels_come(loop: Loop) -> None:
    assert loop.run_alone(loop.arrive(2, shift=1, labelled=False)) == "UNKNOWN"
    assert last_trigger(loop).waits == ("drift",)
    assert loop.run_alone(loop.arrive(3, labelled=False)) == "UNKNOWN", "it goes on waiting when a later month is quiet"
    assert loop.run_alone(loop.arrive(4)) == "FAIL", "April's labels answer February's wish, and nothing is better"
    assert "drift_share 0.333 >= 0.020 (on 2024-02-01)" in last_trigger(loop).reasons
    assert loop.run_alone(loop.arrive(5)) == "NO_ACTION", "and it is answered once"


def test_labels_of_an_older_month_do_not_answer_newer_drift(loop: Loop) -> None:
    loop.run_alone(loop.arrive(2, labelled=False))
    loop.arrive(2)
    assert loop.run_alone(loop.arrive(3, shift=1, labelled=False)) == "UNKNOWN"
    assert len(loop.at.registry.stored) == 1


@pytest.mark.parametrize(("retrain", "outcome"), [(("drift",), "NO_ACTION"), (("performance",), "done"), (("always",), "done")])
def test_policy_retrain_says_which_wishes_count(loop: Loop, retrain: tuple[str, ...], outcome: str) -> None:
    loop.project = PROJECT.model_copy(update={"policy": Policy.model_validate({"retrain": retrain})})
    assert loop.run_alone(loop.arrive(2, turn=1)) == outcome


def test_always_trains_on_every_labelled_snapshot_and_promotes_nothing_useless(loop: Loop) -> None:
    loop.project = PROJECT.model_copy(update={"policy": Policy.model_validate({"retrain": ["always"]})})
    assert [loop.run_alone(loop.arrive(month)) for month in (2, 3)] == ["FAIL", "FAIL"]
    assert loop.run_alone(loop.arrive(4, labelled=False)) == "NO_ACTION"
    assert len(loop.at.registry.stored) == 3


# --- after a decision ---


def test_a_refused_candidate_is_measured_on_later_months_and_promoted_once_they_prove_it(loop: Loop) -> None:
    assert loop.run_alone(loop.arrive(2, lean=1, shift=1)) == "FAIL"
    assert any("lower end of delta out of time" in line for line in loop.said), "January's recipe knows nothing of it"
    outcomes: list[str] = []
    while loop.production == 1 and len(outcomes) < 6:
        outcomes.append(loop.run_alone(loop.arrive(3 + len(outcomes), lean=1)))
    assert loop.production == 2
    assert outcomes[-1] == "done"
    assert loop.at.journal.history().gates[-1].event.proof is Proof.CHALLENGER
    assert any(item.role is Role.CHALLENGER and item.version == 2 for item in measured(loop))


def test_a_champion_on_probation_goes_back_when_the_version_before_it_is_better_on_the_next_month(loop: Loop) -> None:
    assert loop.run_alone(loop.arrive(2, turn=1)) == "done"
    assert loop.production == 2
    assert loop.run_alone(loop.arrive(3)) == "done", "March has January's truth again"
    assert loop.production == 1
    gate = loop.at.journal.history().gates[-1].event
    assert (gate.candidate, gate.champion, gate.proof) == (1, 2, Proof.RETURN)
    assert last_trigger(loop).candidate == 1
    assert any("CANDIDATE_OFFERED version 1 on 2024-03-01 is better by" in line for line in loop.said)
    assert loop.run_alone(loop.store.get("m3")) == "NO_ACTION"
    assert last_trigger(loop).action is Action.NO_ACTION


def test_no_more_challengers_are_kept_than_the_policy_says(loop: Loop) -> None:
    for most in (0, 1):
        loop.project = PROJECT.model_copy(update={"policy": Policy.model_validate({"challengers": most, "retrain": ["always"]})})
        for month in (2, 3, 4):
            snapshot = loop.arrive(month + 3 * most)
            loop.run_alone(snapshot)
        assert [item.role for item in measured(loop) if item.snapshot == snapshot.id].count(Role.CHALLENGER) == most


def test_a_second_freak_month_does_not_win_again(loop: Loop) -> None:
    assert [loop.run_alone(loop.arrive(2, turn=1)), loop.run_alone(loop.arrive(3))] == ["done", "done"], "there and back"
    assert loop.run_alone(loop.arrive(4, turn=1)) == "FAIL", "the last such win was the month's own, all of it"
    assert loop.production == 1


def test_each_recipe_makes_a_version_which_is_measured_on_the_month_after_its_own(loop: Loop) -> None:
    training = PROJECT.training.model_copy(update={"windows": (2, 12)})
    policy = Policy.model_validate({"retrain": ["always"]})
    loop.project = PROJECT.model_copy(update={"policy": policy, "training": training})
    for month in (2, 3, 4):
        loop.run_alone(loop.arrive(month))
    history = loop.at.journal.history()
    made = {entry.event.snapshot[:7]: history.recipes(entry.event.snapshot) for entry in history.of(Trained)}
    every = [1, 2, 12]
    assert [sorted(made[f"2024-0{month}"]) for month in (1, 2, 3, 4)] == [[1], [1, 2], every, every]
    april = {item.version for item in measured(loop) if item.as_of and item.as_of.month == 4}
    assert april >= set(made["2024-03"].values()), "March's versions on April's rows"
    assert not april & set(made["2024-04"].values()), "April's own are not"
    assert [len(records(history, months, 1, date(2024, 4, 1))) for months in (1, 2, 12)] == [2, 2, 1], (
        "January's first version is the champion"
    )
    assert loop.production == 1


def test_a_recipe_that_wins_on_months_it_had_not_seen_is_promoted_by_their_evidence(loop: Loop) -> None:
    """The label leans on `c` a little more each month: too little for one look, and the newest two months always know it best."""
    training = PROJECT.training.model_copy(update={"windows": (2,)})
    policy = Policy.model_validate({"retrain": ["always"], "challengers": 0})
    loop.project = PROJECT.model_copy(update={"policy": policy, "training": training})
    for month in range(2, 12):
        loop.run_alone(loop.arrive(month, lean=0.12 * month))
        if loop.production != 1:
            break
    gate = loop.at.journal.history().gates[-1].event
    assert loop.production != 1
    assert gate.proof in {Proof.FRESH, Proof.PROBATION}
    assert gate.champion == 1
