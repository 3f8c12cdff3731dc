"""The history: what the ledger of release 0.1 comes to, and that it is folded once, alike in one go and bit by bit."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.decision import Verdict
from ratchet.core.events import Cause, Entry, Event, Gated, Moved, MoveState, Proof, Pruned, Triggered, Unreadable, entry_of, read
from ratchet.core.history import History
from ratchet.core.record import Record
from ratchet.core.trigger import Action
from ratchet.ledger.journal import Journal
from tests.support.fakes import FakeLedger
from tests.support.stored import stored
from tests.unit.test_events import damaged

STORED = stored()
ENTRIES = [entry_of(record) for record in STORED]
START = datetime(2024, 3, 1, tzinfo=UTC)


def moved(state: MoveState, to: int = 2, before: int | None = 1, **more: Any) -> Moved:
    return Moved(state=state, to=to, before=before, cause=more.pop("cause", Cause.GATE), reasons=(), **more)


def gated(verdict: Verdict, candidate: int = 2, **more: Any) -> Gated:
    more = {"snapshot": "s", "champion": 1, "reasons": (), "decisive": (), **more}
    return Gated(verdict=verdict, candidate=candidate, **more)


def history(*events: Event | tuple[Event, str]) -> History:
    """What these events come to, a minute apart, with the key `k` unless another is given."""
    pairs = [item if isinstance(item, tuple) else (item, "k") for item in events]
    return History().fold(*(Entry(event, n, START + timedelta(minutes=n), "t", key) for n, (event, key) in enumerate(pairs, 1)))


# --- the ledger of the release before ---


def test_the_release_befores_ledger_comes_to_what_its_records_say() -> None:
    seen = History().fold(*ENTRIES)
    assert (seen.seq, seen.head, len(seen.entries)) == (40, STORED[-1].hash, 40)
    assert seen.champion is not None
    assert (seen.champion.event.to, seen.previous, seen.champion.at) == (8, 1, STORED[36].at)
    assert [entry.event.to for entry in seen.done] == [1, 2, 1, 8]
    assert [entry.event.to for entry in seen.waiting] == [5]
    assert seen.open is not None
    assert (seen.open.key, seen.open.event.cause) == ("rollback:8->1:17", Cause.ROLLBACK)
    assert [seen.served(version) for version in (1, 2, 5, 7, 8)] == [True, True, False, False, True]
    assert [round(seconds) for seconds in seen.promotion_seconds] == [4, 6, 5], "one that reconcile ended is not timed"
    assert seen.outcomes() == {"promoted": 2, "no_action": 1, "unknown": 1, "failed": 2}
    assert seen.decisions()["promotion", "done"] == 4
    assert seen.last_decision("gate") == ("PASS", STORED[29].at)
    assert seen.unreadable == ()


def test_a_run_is_found_with_all_that_it_left() -> None:
    seen = History().fold(*ENTRIES)
    run = seen.run("20261128-032554-b52a")
    assert run is not None
    assert (run.reached, run.outcome) == (["trigger", "gate", "promotion"], "promoted")
    assert run.gate is not None
    assert run.gate.event.candidate == 2
    assert seen.run("nobody") is None
    waits = seen.run("w2")
    assert waits is not None
    assert (waits.outcome, waits.end) == ("awaiting_approval", None)


def test_data_and_figures_of_the_release_before() -> None:
    seen = History().fold(*ENTRIES)
    newest = seen.ingested(date(2024, 4, 30))
    assert newest is not None
    assert newest.event.name == "month_003"
    assert seen.ingested(date(2023, 11, 30)) is not None, "the first records had no key"
    assert seen.interval == 30.5 * 86400.0
    assert [(figure.day, figure.live) for figure in seen.figures(1)] == [
        (date(2026, 9, 29), True),
        (date(2024, 1, 31), False),
        (date(2024, 3, 31), False),
        (date(2026, 11, 28), True),
    ] + [(date(2024, 4, 30), False)] * 2
    assert seen.live()[2].event.value == 1.0
    assert (seen.drift_share, seen.worst_drift and seen.worst_drift.feature) == (0.21428571428571427, "monthly_fee")
    claim = seen.claim("claim-1")
    assert claim is not None
    assert claim.event.run_id == "w1"


# --- production ---


@pytest.mark.parametrize(
    ("events", "is_open"),
    [
        ([moved(MoveState.INTENT)], True),
        ([moved(MoveState.INTENT), moved(MoveState.DONE)], False),
        ([moved(MoveState.INTENT), moved(MoveState.FAILED)], False),
        ([moved(MoveState.INTENT), (moved(MoveState.FAILED), "other")], True),
        ([moved(MoveState.INTENT), (moved(MoveState.STALE), "other")], True),
        ([moved(MoveState.AWAITING)], False),
    ],
)
def test_a_move_is_open_from_its_intent_to_its_end(events: list[Any], is_open: bool) -> None:
    assert (history(*events).open is not None) == is_open


def test_a_parked_candidate_waits_until_it_is_promoted_or_stale() -> None:
    parked = moved(MoveState.AWAITING)
    assert len(history(parked, moved(MoveState.INTENT), moved(MoveState.FAILED)).waiting) == 1
    assert history(parked, moved(MoveState.DONE)).waiting == ()
    assert history(parked, moved(MoveState.STALE)).waiting == ()
    assert len(history(parked, (moved(MoveState.DONE), "other")).waiting) == 1


def test_a_move_is_done_once_by_its_key() -> None:
    seen = history(
        moved(MoveState.INTENT), moved(MoveState.DONE), moved(MoveState.DONE, reconciled=True), (moved(MoveState.DONE), "z")
    )
    done = seen.done_of("k")
    assert done is not None
    assert done.seq == 2
    assert [entry.seq for entry in seen.moves_of("k")] == [1, 2, 3]
    assert seen.done_of("nothing") is None


def test_a_move_that_cannot_be_read_is_pointed_out() -> None:
    seen = history(moved(MoveState.DONE), read("promotion", {"form": 9}), read("else", {}))
    assert seen.champion is not None
    assert seen.unreadable_move is not None
    assert (seen.unreadable_move.seq, len(seen.unreadable)) == (2, 2)
    assert history(read("else", {})).unreadable_move is None


# --- decisions ---


def test_a_question_is_settled_by_a_no_or_by_a_yes_that_was_carried_out() -> None:
    asked: dict[str, Any] = {"snapshot_hash": "s", "champion": 1, "project_hash": "p"}
    no, unknown, yes = (gated(verdict, **asked) for verdict in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS))
    assert history().decided("s", 1, "p") is None
    assert history(no).decided("s", 1, "p") is not None
    assert history(unknown).decided("s", 1, "p") is not None
    assert history(no).decided("s", 2, "p") is None
    assert history(no).decided("s", 1, "q") is None
    assert history(no, yes).decided("s", 1, "p") is None, "its promotion failed, or its run died"
    for state in (MoveState.DONE, MoveState.AWAITING):
        assert history(yes, moved(state)).decided("s", 1, "p") is not None
    assert history(yes, moved(MoveState.FAILED)).decided("s", 1, "p") is None


def test_tries_are_all_other_comparisons_each_candidate_once_on_a_holdout() -> None:
    first = gated(Verdict.PASS, 1, champion=None, features_hash="f", snapshot="2024-01-31@a")
    may: dict[str, Any] = {"features_hash": "f", "snapshot": "2024-05-31@b"}
    june: dict[str, Any] = {"features_hash": "g", "snapshot": "2024-06-30@c"}
    seen = history(first, *(gated(Verdict.FAIL, number, **may) for number in (2, 3, 3)), gated(Verdict.FAIL, 9, **june))
    days = [date(2024, 5, 31), date(2024, 5, 31), date(2024, 6, 30)]
    assert seen.tries("else", 2) == days, "another holdout's, and one whose content was replaced, count as well"
    assert seen.tries("f", 4) == days
    assert seen.tries("f", 2) == days[1:]
    offered = gated(Verdict.FAIL, 8, proof=Proof.CHALLENGER, **june)
    assert history(first, offered).tries("g", 9) == [], "its months are paid for by the other half of the year's budget"


def test_the_last_word_on_a_candidate_and_on_a_snapshot_counts() -> None:
    quiet = Triggered(snapshot="s", champion=1, action=Action.NO_ACTION, reasons=())
    seen = history(gated(Verdict.UNKNOWN), gated(Verdict.PASS), quiet, replace(quiet, action=Action.RETRAIN))
    last, trigger = seen.gate_of(2), seen.trigger_on("s")
    assert last is not None
    assert trigger is not None
    assert (last.event.verdict, trigger.event.action) == (Verdict.PASS, Action.RETRAIN)
    assert seen.gate_of(3) is None
    assert seen.trigger_on("t") is None


# --- folding ---


@given(st.lists(st.one_of(damaged(), st.sampled_from([(record.kind, record.body) for record in STORED])), max_size=12), st.data())
def test_folding_in_one_go_and_bit_by_bit_agree_whatever_is_stored(found: list[tuple[str, Any]], data: st.DataObject) -> None:
    entries = [
        Entry(read(kind, body), n, START + timedelta(minutes=n), "t", f"k{n % 3}") for n, (kind, body) in enumerate(found, 1)
    ]
    cut = data.draw(st.integers(0, len(entries)))
    before = History().fold(*entries[:cut])
    again = History().fold(*entries[:cut])
    after = before.fold(*entries[cut:])
    assert after == History().fold(*entries)
    assert before == again, "a history never changes"
    assert after.fold(*entries) == after, "what is known counts no second time"
    every_question(after)


def every_question(seen: History) -> None:
    """Ask all that can be asked: nothing that is stored may raise."""
    for name in dir(seen):
        if not name.startswith("_") and isinstance(getattr(History, name), property):
            getattr(seen, name)
    for run in seen.runs:
        assert run.outcome
        assert isinstance(run.reached, list)
    assert sum(seen.outcomes().values()) == len(seen.run_ends)
    assert len(seen.unreadable) == len(seen.of(Unreadable))


class Counting(FakeLedger):
    """Counts the records that it gives out, and the queries."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.queries = 0, 0

    def records(self, kind: str | None = None, key: str | None = None, *, after: int = 0) -> list[Record]:
        found = super().records(kind, key, after=after)
        self.queries, self.read = self.queries + 1, self.read + len(found)
        return found


def journal(records: int = 0) -> tuple[Journal, Counting]:
    ledger = Counting()
    made = Journal(ledger, "m")
    for number in range(records):
        made.append(Pruned(before=START, answers=number))
    return made, ledger


def test_the_history_reads_each_record_once_and_the_last_one_again_to_know_the_ledger_by() -> None:
    made, ledger = journal(50)
    assert made.history().seq == 50
    assert (ledger.queries, ledger.read) == (1, 50)
    for number in range(1, 11):
        made.append(Pruned(before=START, answers=number))
        assert made.history().seq == 50 + number
        assert (ledger.queries, ledger.read) == (1 + number, 50 + 2 * number)
    seen = made.history()
    assert (ledger.queries, ledger.read) == (12, 71), "nothing new"
    assert made.history() is seen


def test_an_event_is_recorded_with_model_form_and_key() -> None:
    made, ledger = journal()
    entry = made.append(moved(MoveState.INTENT), "key")
    (record,) = ledger.stored
    assert (record.kind, record.key, record.body["model"], record.body["form"]) == ("promotion", "key", "m", 2)
    assert made.history().entries == (entry,)
    assert (entry.seq, entry.actor, entry.hash, entry.event.model) == (1, "tester", record.hash, "m")
    assert made.verify() == 1
    assert made.record(1) == record
    assert made.record(2) is None


def test_a_ledger_that_was_restored_from_a_backup_is_read_anew() -> None:
    made, ledger = journal(3)
    made.history()
    ledger.stored = ledger.stored[:1]
    ledger.append("prune", {"before": "2024-01-01", "answers": 99})
    entries = made.history().of(Pruned)
    assert [entry.event.answers for entry in entries] == [0, 99]
    ledger.stored = []
    assert made.history().entries == ()


def test_threads_share_a_journal() -> None:
    made, _ = journal()
    lengths: list[int] = []

    def look() -> None:
        for _ in range(50):
            seen = made.history()
            assert [entry.seq for entry in seen.entries] == list(range(1, seen.seq + 1))
            lengths.append(seen.seq)

    threads = [Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(100):
        made.append(Pruned(before=START, answers=number))
    for thread in threads:
        thread.join()
    assert len(lengths) == 200
    assert made.history().seq == 100


def test_what_another_program_appends_is_read_whatever_it_is() -> None:
    made, ledger = journal(1)
    strange: list[tuple[str, Mapping[str, Any]]] = [
        ("gate", {}),
        ("promotion", {"state": "done"}),
        ("live", {"version": 3}),
        ("x", {}),
    ]
    for kind, body in strange:
        ledger.append(kind, body)
    seen = made.history()
    assert (seen.seq, len(seen.unreadable)) == (5, 4)
    assert (seen.champion, seen.gates, seen.live()) == (None, (), {})
