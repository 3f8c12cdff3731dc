"""Decisions by outcomes where something is missing, comes twice, or comes together."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from unittest.mock import patch

import pytest

from ratchet.core.decision import Verdict
from ratchet.core.errors import DataError
from ratchet.core.events import Cause, Gated, Measured, Moved, MoveState, Proof, Role, Trained, Triggered
from ratchet.core.evidence import Look, PairedLook, fell, sinks
from ratchet.core.rule import next_move
from ratchet.core.schema import Snapshot
from ratchet.core.seen import Move, RecipeLooks, Rule, Seen
from ratchet.core.trigger import Action
from ratchet.estimators import bundle as bundles
from ratchet.project.file import Policy, Project
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps import measure
from ratchet.steps.parts import case, recipes
from ratchet.steps.parts.holdout import Holdout, champion_scores, judged_holdout, read_holdout
from ratchet.steps.parts.recipes import records
from ratchet.steps.parts.standing import standing
from ratchet.tasks.binary.measure import METRIC
from tests.support.loop import PROJECT, Loop, first_champion


@pytest.fixture
def loop() -> Loop:
    """January made version 1 the champion."""
    made = first_champion()
    made.said.clear()
    return made


def day(number: int) -> date:
    return date(2024, number, 1)


def always(loop: Loop, **more: object) -> None:
    policy = Policy.model_validate({"retrain": ["always"], **more})
    loop.project = PROJECT.model_copy(update={"policy": policy})


def measured(month: int, version: int, against: int | None, delta: float | None, seal: str = "") -> Measured:
    return Measured(
        snapshot=f"2024-{month:02}-01@{seal or month}",
        snapshot_hash=seal or str(month),
        version=version,
        role=Role.CHAMPION if against is None else Role.CHALLENGER,
        rows=1400,
        counts={},
        metric="auc",
        confidence=0.98,
        value=0.8,
        se=0.01,
        low=0.78,
        high=0.82,
        against=against,
        delta=delta,
        delta_se=None if delta is None else 0.005,
    )


def gated(month: int, candidate: int, verdict: Verdict, proof: Proof = Proof.FRESH, champion: int = 1) -> Gated:
    return Gated(
        snapshot=f"2024-{month:02}-01@{month}",
        snapshot_hash=str(month),
        features_hash=str(month),
        project_hash="p",
        candidate=candidate,
        champion=champion,
        verdict=verdict,
        reasons=("r",),
        decisive=("r",),
        proof=proof,
    )


# --- figures without an error ---


def test_a_figure_without_an_error_stops_no_run() -> None:
    """One feature, or months that are told apart perfectly: two versions rank alike, and the error of their difference is 0."""
    perfect, later = Look(day(1), 1.0, 0.0, 0), [Look(day(month), 0.99, 0.005, 1400) for month in (2, 3)]
    assert fell(later[:1], perfect, 0.01, METRIC).verdict is Verdict.UNKNOWN
    assert sinks(later, perfect, 0.05, METRIC).verdict is Verdict.UNKNOWN
    alike = [PairedLook(day(month), 0.0, 0.0, 1400) for month in range(1, 6)]
    assert next_move(Seen(METRIC, day(6), [], None, [RecipeLooks("1 month", 1, alike[-1], alike)]), Rule()).move is Move.KEEP


# --- versions that are gone ---


def test_a_challenger_that_was_deleted_is_left_out_and_stops_no_run(loop: Loop) -> None:
    assert loop.run_alone(loop.arrive(2, lean=1, shift=1)) == "FAIL"
    del loop.at.registry.stored[2]
    assert loop.run_alone(loop.arrive(3)) == "NO_ACTION"
    assert [entry.event.version for entry in loop.at.journal.history().of(Measured) if entry.event.as_of == day(3)] == [1]
    assert any("version 2" in line and "left out" in line for line in loop.said)


def test_a_challenger_whose_files_are_damaged_is_left_out_and_stops_no_run(loop: Loop) -> None:
    assert loop.run_alone(loop.arrive(2, lean=1, shift=1)) == "FAIL"
    loop.at.registry.stored[2] = replace(loop.at.registry.stored[2], digest="another")
    assert loop.run_alone(loop.arrive(3)) == "NO_ACTION"
    assert any("version 2" in line and "left out" in line for line in loop.said)


def test_a_month_without_a_column_that_ratchet_yaml_has_got_since_is_left_out_and_stops_no_run(loop: Loop) -> None:
    def read(project: Project, store: SnapshotStore, snapshot: Snapshot) -> Holdout:
        if snapshot.as_of == day(2):
            message = "snapshot m2 was ingested without d: ingest it again with --replace"
            raise DataError(message)
        return read_holdout(project, store, snapshot)

    loop.arrive(2)
    with patch.object(measure, "read_holdout", read):
        assert loop.run_alone(loop.arrive(3)) == "NO_ACTION"
    assert [entry.event.as_of for entry in loop.at.journal.history().of(Measured)] == [day(3)]
    assert any("2024-02-01 is left out" in line for line in loop.said)


# --- probation ---


def test_labels_of_two_months_that_come_together_do_not_end_a_probation_unseen(loop: Loop) -> None:
    assert loop.run_alone(loop.arrive(2, turn=1)) == "done"
    loop.run_alone(loop.arrive(3, labelled=False))
    loop.run_alone(loop.arrive(4, labelled=False))
    loop.arrive(3)
    assert loop.run_alone(loop.arrive(4)) == "done"
    assert loop.production == 1
    assert loop.at.journal.history().gates[-1].event.proof is Proof.RETURN


def test_a_probation_is_over_once_a_run_has_looked_at_its_labels(loop: Loop) -> None:
    assert loop.run_alone(loop.arrive(2, turn=1)) == "done"
    assert loop.run_alone(loop.arrive(3, turn=1)) == "NO_ACTION"
    assert loop.run_alone(loop.arrive(4)) != "NO_ACTION"
    assert loop.at.journal.history().gates[-1].event.proof is not Proof.RETURN


def test_a_run_that_is_repeated_on_the_champions_own_month_ends_no_probation(loop: Loop) -> None:
    """Where every month asks for a candidate, it makes the champion once more, which the gate then holds against itself."""
    always(loop)
    february = loop.arrive(2, turn=1)
    assert [loop.run_alone(february), loop.run_alone(february)] == ["done", "FAIL"]
    assert loop.run_alone(loop.arrive(3)) == "done"
    assert loop.production == 1
    assert loop.at.journal.history().gates[-1].event.proof is Proof.RETURN


# --- challengers ---


def test_a_challenger_stays_long_enough_to_prove_anything(loop: Loop) -> None:
    always(loop)
    for month in range(2, 9):
        loop.run_alone(loop.arrive(month))
    history = loop.at.journal.history()
    looks = [len(history.beside(version, 1)) for version in loop.at.registry.stored]
    assert max(looks) >= Rule().min_months


def test_a_challenger_whose_promotion_failed_or_that_could_not_be_judged_is_still_one() -> None:
    at = Loop().at.journal
    for version, after in ((2, Verdict.PASS), (3, Verdict.UNKNOWN)):
        at.append(gated(2, version, Verdict.FAIL))
        at.append(gated(6, version, after, Proof.CHALLENGER))
    assert at.history().challengers(1, 3) == (2, 3)
    waits = Moved(state=MoveState.AWAITING, to=2, before=1, cause=Cause.GATE, reasons=(), snapshot="2024-06-01@6")
    at.append(waits, key="k")
    assert at.history().challengers(1, 3) == (3,), "one that waits for approval is offered no second time"


def test_a_refused_offer_answers_no_wish_and_decides_nothing_for_a_new_candidate() -> None:
    at = Loop().at.journal
    at.append(
        Triggered(
            snapshot="2024-05-01@5", champion=1, action=Action.UNKNOWN, reasons=("drift",), wishes=("drift",), waits=("drift",)
        )
    )
    at.append(gated(6, 2, Verdict.FAIL, Proof.CHALLENGER))
    assert at.history().decided("6", 1, "p") is None
    assert [wish.name for wish in at.history().wishes(1)] == ["drift"]
    at.append(gated(6, 3, Verdict.FAIL))
    assert at.history().decided("6", 1, "p") is not None
    assert not at.history().wishes(1)


# --- recipes ---


def test_a_month_counts_once_in_a_recipes_record_however_often_its_labels_were_corrected() -> None:
    at = Loop().at.journal
    at.append(Trained(snapshot="2024-02-01@first", version=2, months=1))
    at.append(Trained(snapshot="2024-02-01@corrected", version=3, months=1))
    at.append(measured(3, 2, 1, 0.01))
    at.append(measured(3, 3, 1, 0.02))
    assert [(look.as_of, look.delta) for look in records(at.history(), 1, 1, day(3))] == [(day(3), 0.02)]


def test_a_version_that_no_recipe_made_has_no_recipes_record(loop: Loop) -> None:
    always(loop, challengers=0)
    for month in (2, 3, 4):
        loop.run_alone(loop.arrive(month))
    april, history, champion = loop.store.get("m4"), loop.at.journal.history(), loop.at.registry.version(1)
    assert records(history, 1, 1, april.as_of)
    held = judged_holdout(loop.project, loop.store, april)
    scores = champion_scores(loop.project, champion, bundles.read(loop.at.registry.bundle(champion)), held)[1]
    assert scores is not None
    with patch.object(recipes, "next_move") as asked:
        recipes.decide(loop.project, loop.at.registry, history, champion, held, scores, 2)
    (found,) = asked.call_args.args[0].recipes
    assert not found.out_of_time, "what ratchet.yaml's recipe won on other months says nothing of it"


def test_a_recipe_that_ratchet_yaml_no_longer_has_is_not_chosen(loop: Loop) -> None:
    snapshot = loop.arrive(2, lean=1, shift=1)
    loop.measure(snapshot)
    candidate = loop.train(loop.check(snapshot).judged)
    loop.at.journal.append(Trained(snapshot=snapshot.id, version=candidate, months=7))
    assert loop.judge(snapshot, candidate).decision.verdict is Verdict.FAIL
    assert any("lower end of delta out of time" in line for line in loop.said)


def test_a_recipe_that_can_learn_nothing_from_earlier_months_is_judged_all_the_same(loop: Loop) -> None:
    snapshot = loop.arrive(2, lean=1, shift=1)
    loop.measure(snapshot)
    candidate = loop.train(loop.check(snapshot).judged)
    with patch.object(case, "scores_without", side_effect=DataError("one class only")):
        assert loop.judge(snapshot, candidate).decision.verdict is Verdict.FAIL


# --- wishes ---


def test_a_wish_that_policy_retrain_no_longer_counts_is_not_said_to_wait(loop: Loop) -> None:
    loop.run_alone(loop.arrive(2, shift=1, labelled=False))
    history = loop.at.journal.history()
    assert [wish.name for wish in standing(loop.project, history, 1, None).waiting] == ["drift"]
    loop.project = PROJECT.model_copy(update={"policy": Policy.model_validate({"retrain": ["performance"]})})
    assert not standing(loop.project, history, 1, None).waiting
