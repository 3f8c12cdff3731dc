from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ratchet.core.decision import Verdict
from ratchet.core.errors import (
    ArtifactError,
    LedgerError,
    LockHeld,
    LockLost,
    PermanentError,
    PromotionFailed,
    StaleComparison,
    Unavailable,
    UserError,
)
from ratchet.core.events import Gated, MoveState
from ratchet.core.schema import Snapshot
from ratchet.promotion import by_hand
from ratchet.promotion.champion import champion_of
from ratchet.promotion.move import promotion_key
from ratchet.promotion.protocol import carry_out
from ratchet.promotion.reconcile import reconcile, reconcile_first
from tests.support.effects import kill_before
from tests.support.fake_stores import FakeStores
from tests.support.fakes import FakeSnapshots, Killed


@pytest.fixture
def at() -> FakeStores:
    """Version 1 in production, version 2 a candidate."""
    made = FakeStores()
    made.add_version()
    made.add_version()
    made.in_production(1)
    made.clock.calls.clear()
    return made


def states(at: FakeStores) -> list[str]:
    return [entry.event.state.value for entry in at.journal.history().moves]


def died(at: FakeStores, to: int, before: int, effect: str) -> None:
    """A promoter that was killed just before an effect; the system has freed its lock."""
    with pytest.raises(Killed):
        carry_out(kill_before(at.production, effect), at.move(to, before))
    at.lock.held = False


def test_a_promotion_moves_pods_then_alias_and_remembers_the_version_before(at: FakeStores) -> None:
    record = carry_out(at.production, at.move(2, 1))
    assert at.clock.calls == ["infra check", "ledger intent", "pin 2", "alias production", "alias previous", "ledger done"]
    assert at.registry.aliases == {"production": 2, "previous": 1}
    assert at.consistent
    assert record.event.answers_compared == 5
    assert at.ledger.verify() == 4


def test_the_first_promotion_has_no_version_before() -> None:
    at = FakeStores()
    at.add_version()
    at.in_production(1)
    assert at.registry.aliases == {"production": 1}
    assert at.consistent


def test_where_a_step_of_a_move_cannot_be_read_nothing_is_carried_out_again(at: FakeStores) -> None:
    died(at, 2, 1, "alias: set_alias production")  # then a newer release has ended the move, in a form of its own
    at.ledger.append("promotion", {**at.ledger.records()[-1].body, "state": "done", "form": 99}, key=at.move(2, 1).key)
    before = len(at.ledger.records())
    acts: list[Callable[[], object]] = [
        lambda: reconcile(at.production),
        lambda: reconcile_first(at.production, only_open=True),
        lambda: carry_out(at.production, at.move(2, 1)),
        lambda: by_hand.rollback(at.production, None, "why"),
        lambda: by_hand.approve(at.production, FakeSnapshots(), 2, "p"),
    ]
    for act in acts:
        with pytest.raises(LedgerError, match=r"ledger record \d+ \(promotion\) is of a form that this release does not know"):
            act()
        at.lock.held = False
    at.registry.aliases.clear()
    with pytest.raises(LedgerError, match="does not know"):
        champion_of(at.registry, at.journal)
    assert len(at.ledger.records()) == before


def test_a_key_that_is_done_is_not_done_again(at: FakeStores) -> None:
    first = carry_out(at.production, at.move(2, 1))
    effects = len(at.clock.calls)
    assert carry_out(at.production, at.move(2, 1)) == first
    assert len(at.clock.calls) == effects


def test_promotion_stops_when_the_champion_changed_meanwhile(at: FakeStores) -> None:
    at.add_version()
    carry_out(at.production, at.move(2, 1))
    with pytest.raises(StaleComparison, match="version 2 is in production now, version 3 was compared with version 1"):
        carry_out(at.production, at.move(3, 1))
    assert at.registry.aliases["production"] == 2
    assert states(at)[-1] == "stale"
    assert at.consistent


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("stuck", "version 2 does not get ready: its pods exit at start"),
        ("wrong_golden", "does not answer its golden rows"),
        ("wrong_answers", "/predict answered"),
    ],
)
def test_a_candidate_that_does_not_serve_takes_no_alias_and_the_old_one_serves_on(
    at: FakeStores, fault: str, sentence: str
) -> None:
    getattr(at.rollout, fault).add(2)
    with pytest.raises(PromotionFailed, match=sentence):
        carry_out(at.production, at.move(2, 1))
    assert at.registry.aliases == {"production": 1}
    assert at.consistent
    assert states(at)[-1] == "failed"
    assert sentence in at.journal.history().moves[-1].event.error


def test_a_corrupted_candidate_is_refused_before_anything_changes(at: FakeStores) -> None:
    (at.registry.folder / "2" / "scorer.json").write_text("{}")
    with pytest.raises(ArtifactError, match="not those that were registered"):
        carry_out(at.production, at.move(2, 1))
    assert "pin 2" not in at.clock.calls
    assert at.consistent
    assert states(at)[-1] == "failed"


def test_somebody_who_changes_the_template_meanwhile_is_not_overwritten(at: FakeStores) -> None:
    def somebody_else() -> None:
        at.rollout.on_pin = lambda: None
        at.rollout.revision += 1  # a template change between our pin and the undo of it
        at.rollout.stuck.add(2)

    at.rollout.on_pin = somebody_else
    with pytest.raises(PromotionFailed):
        carry_out(at.production, at.move(2, 1))
    assert at.registry.aliases == {"production": 1}
    assert at.consistent


def test_when_not_even_the_old_version_gets_ready_the_ledger_says_so(at: FakeStores) -> None:
    at.rollout.stuck |= {1, 2}
    with pytest.raises(PromotionFailed, match="run `ratchet reconcile`"):
        carry_out(at.production, at.move(2, 1))
    assert at.journal.history().moves[-1].event.undone is False
    at.rollout.stuck.clear()
    reconcile(at.production)
    assert at.consistent


def test_an_unreachable_registry_is_an_error_and_never_no_champion(at: FakeStores) -> None:
    at.registry.down = Unavailable("the registry cannot be reached")
    with pytest.raises(Unavailable):
        champion_of(at.registry, at.journal)
    with pytest.raises(Unavailable):
        carry_out(at.production, at.move(2, None))
    assert at.rollout.version == 1


def test_an_empty_registry_is_not_a_first_run_when_the_ledger_knows_better(at: FakeStores) -> None:
    at.registry.aliases.clear()
    at.registry.stored.clear()
    with pytest.raises(PermanentError, match="the ledger says that version 1 is in production"):
        champion_of(at.registry, at.journal)


def test_a_second_promoter_hears_who_is_first(at: FakeStores) -> None:
    with at.lock.hold(), pytest.raises(LockHeld):
        carry_out(at.production, at.move(2, 1))
    assert at.consistent


def test_a_registry_that_fails_after_the_pods_have_moved_leaves_a_move_that_reconcile_finishes(at: FakeStores) -> None:
    at.rollout.on_pin = lambda: setattr(at.registry, "down", Unavailable("the registry cannot be reached"))
    with pytest.raises(Unavailable, match="cannot be reached; version 2 serves already: `ratchet reconcile` finishes the move"):
        carry_out(at.production, at.move(2, 1))
    assert at.registry.aliases == {"production": 1}
    at.registry.down = None
    at.rollout.on_pin = lambda: None
    assert reconcile(at.production) == ["the interrupted move to version 2 was finished"]
    assert at.registry.aliases == {"production": 2, "previous": 1}
    assert at.consistent


@pytest.mark.parametrize("lost", [False, True])
def test_an_alias_is_tried_again_only_while_the_lock_is_ours(
    at: FakeStores, monkeypatch: pytest.MonkeyPatch, *, lost: bool
) -> None:
    real, tries = at.registry.set_alias, list[str]()

    def away_once(alias: str, number: int) -> None:
        tries.append(alias)
        if len(tries) == 1:
            at.lock.lost = lost
            raise Unavailable("the registry cannot be reached")
        real(alias, number)

    monkeypatch.setattr(at.registry, "set_alias", away_once)
    if lost:
        with pytest.raises(LockLost):
            carry_out(at.production, at.move(2, 1))
        assert (tries, at.registry.aliases) == (["production"], {"production": 1})
    else:
        assert carry_out(at.production, at.move(2, 1)).event.state is MoveState.DONE
        assert tries == ["production", "production", "previous"]


def test_a_rollback_waits_until_an_interrupted_move_is_reconciled(at: FakeStores) -> None:
    carry_out(at.production, at.move(2, 1))
    at.add_version()
    died(at, 3, 2, "alias: set_alias production")  # pods serve version 3, the alias names 2
    with pytest.raises(UserError, match="a move to version 3 is under way or was interrupted"):
        by_hand.rollback(at.production, None, "version 3 answers strangely")
    reconcile(at.production)
    by_hand.rollback(at.production, None, "version 3 answers strangely")
    assert at.registry.aliases == {"production": 2, "previous": 3}
    assert at.consistent


def test_a_killed_promotion_whose_candidate_no_longer_loads_is_undone(at: FakeStores) -> None:
    died(at, 2, 1, "alias: set_alias production")
    at.rollout.stuck.add(2)
    done = reconcile(at.production)
    assert "could not be finished" in done[0]
    assert at.registry.aliases == {"production": 1}
    assert at.consistent


def test_pods_moved_behind_the_alias_are_brought_back(at: FakeStores) -> None:
    carry_out(at.production, at.move(2, 1))
    at.rollout.version, at.rollout.serving = 1, 1  # kubectl rollout undo
    seen = by_hand.status(at.registry, at.journal, at.rollout)
    assert not seen.agree
    assert reconcile(at.production) == ["pods were pinned to version 1, the alias names 2: they serve version 2 again"]
    assert by_hand.status(at.registry, at.journal, at.rollout).agree


def test_rollback_moves_both_and_says_that_the_gate_was_skipped(at: FakeStores) -> None:
    carry_out(at.production, at.move(2, 1))
    record = by_hand.rollback(at.production, None, "bad labels")
    assert at.registry.aliases == {"production": 1, "previous": 2}
    assert at.consistent
    assert record.event.cause == "rollback"
    assert record.event.reasons == ("gate skipped: rollback by hand", "bad labels")


def test_rollback_of_a_rollback_goes_forward_again_as_often_as_wanted(at: FakeStores) -> None:
    carry_out(at.production, at.move(2, 1))
    for expected in (1, 2, 1, 2):
        by_hand.rollback(at.production, None, "")
        assert at.registry.aliases["production"] == expected
        assert at.consistent


@pytest.mark.parametrize(("to", "sentence"), [(None, "the first in production"), (1, "in production already"), (9, "no version 9")])
def test_rollback_without_a_goal_is_one_sentence(at: FakeStores, to: int | None, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        by_hand.rollback(at.production, to, "")
    assert at.consistent


def store(*, replaced: bool = False) -> FakeSnapshots:
    """The snapshot that candidates were compared on, or another content under its date."""
    made = FakeSnapshots()
    made.put(Snapshot("feb", date(2024, 2, 29), 10, 10, "other" if replaced else "f", "l"), {}, {})
    return made


def park(at: FakeStores, project_hash: str = "p") -> None:
    move = replace(at.move(2, 1), snapshot=store().snapshots()[0].id)
    at.journal.append(move.step(MoveState.AWAITING, project_hash=project_hash), key=move.key)


def test_a_parked_candidate_is_promoted_by_its_approval(at: FakeStores) -> None:
    park(at)
    assert [entry.event.to for entry in at.journal.history().waiting] == [2]
    record = by_hand.approve(at.production, store(), 2, "p")
    assert record.event.cause == "approval"
    assert at.registry.aliases["production"] == 2
    assert not at.journal.history().waiting


def test_an_approval_after_the_champion_changed_is_refused(at: FakeStores) -> None:
    park(at)
    at.add_version()
    carry_out(at.production, at.move(3, 1))
    with pytest.raises(StaleComparison):
        by_hand.approve(at.production, store(), 2, "p")
    assert at.registry.aliases["production"] == 3


def test_an_approval_after_the_project_changed_is_refused(at: FakeStores) -> None:
    park(at)
    with pytest.raises(StaleComparison, match=r"ratchet\.yaml has changed"):
        by_hand.approve(at.production, store(), 2, "other")


def test_an_approval_after_the_snapshot_was_replaced_is_refused(at: FakeStores) -> None:
    park(at)
    with pytest.raises(StaleComparison, match="has been replaced since version 2 was compared"):
        by_hand.approve(at.production, store(replaced=True), 2, "p")
    assert at.registry.aliases == {"production": 1}


def test_an_approval_that_failed_can_be_given_again(at: FakeStores) -> None:
    park(at)
    at.rollout.stuck.add(2)
    with pytest.raises(PromotionFailed):
        by_hand.approve(at.production, store(), 2, "p")
    at.rollout.stuck.clear()
    assert by_hand.approve(at.production, store(), 2, "p").event.state == "done"
    assert at.registry.aliases["production"] == 2


def gate(at: FakeStores, verdict: str) -> None:
    why = ("features changed",)
    at.journal.append(Gated(snapshot="s", candidate=2, champion=1, verdict=Verdict(verdict), reasons=why, decisive=why))


def test_what_could_not_be_compared_goes_into_production_by_an_explicit_word_that_is_on_record(at: FakeStores) -> None:
    gate(at, "UNKNOWN")
    record = by_hand.approve_without_comparison(at.production, 2)
    assert at.registry.aliases["production"] == 2
    assert record.event.reasons == ("comparison skipped: approved by hand", "features changed")


@pytest.mark.parametrize("verdict", ["FAIL", "PASS", ""])
def test_what_was_compared_does_not_go_without_comparison(at: FakeStores, verdict: str) -> None:
    if verdict:
        gate(at, verdict)
    with pytest.raises(UserError, match="not UNKNOWN"):
        by_hand.approve_without_comparison(at.production, 2)
    assert at.registry.aliases["production"] == 1


def test_rollback_goes_only_to_what_has_been_in_production(at: FakeStores) -> None:
    with pytest.raises(UserError, match="version 2 has never been in production"):
        by_hand.rollback(at.production, 2, "")
    assert at.consistent


def test_a_promotion_that_nobody_can_check_in_traffic_is_undone(at: FakeStores) -> None:
    at.rollout.known.clear()
    with pytest.raises(PromotionFailed, match="knows none of its 6 golden entities"):
        carry_out(at.production, at.move(2, 1))
    assert at.registry.aliases == {"production": 1}
    assert at.consistent


def test_a_registry_tag_changed_after_the_gate_is_noticed(at: FakeStores) -> None:
    with pytest.raises(ArtifactError, match="its tags were changed"):
        carry_out(at.production, replace(at.move(2, 1), digest="what the gate saw"))
    assert at.consistent


def test_reconcile_that_cannot_reach_the_registry_is_no_success(at: FakeStores) -> None:
    died(at, 2, 1, "alias: set_alias production")
    at.registry.down = Unavailable("the registry cannot be reached")
    with pytest.raises(Unavailable):
        reconcile(at.production)
    at.registry.down = None
    reconcile(at.production)
    assert at.consistent


def test_only_what_waits_can_be_approved(at: FakeStores) -> None:
    with pytest.raises(UserError, match=r"version 2 does not await approval \(waiting: none\)"):
        by_hand.approve(at.production, store(), 2, "p")


@pytest.mark.parametrize("field", ["body", "kind", "actor", "key", "hash"])
def test_a_changed_record_breaks_the_chain(at: FakeStores, field: str) -> None:
    changes: dict[str, Any] = {field: {"to": 9} if field == "body" else "x"}
    at.ledger.stored[0] = replace(at.ledger.stored[0], **changes)
    with pytest.raises(LedgerError, match="ledger record 1"):
        at.ledger.verify()


def test_a_removed_record_breaks_the_chain(at: FakeStores) -> None:
    del at.ledger.stored[0]
    with pytest.raises(LedgerError):
        at.ledger.verify()


def test_the_key_depends_on_each_of_its_parts() -> None:
    keys = {
        promotion_key(*parts)
        for parts in [("a", 1, 2, "p"), ("b", 1, 2, "p"), ("a", None, 2, "p"), ("a", 1, 3, "p"), ("a", 1, 2, "q")]
    }
    assert len(keys) == 5
