from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ratchet.apps.watch.watcher import Watcher
from ratchet.core.errors import DataError, LockHeld, Unavailable
from ratchet.core.events import Ingested, RunClaimed, RunEnded, RunState
from ratchet.core.schema import Snapshot
from ratchet.sources.folder import TableSource
from ratchet.steps.ingest import waiting
from tests.support.fake_stores import FakeStores
from tests.support.fakes import FakeLock, FakeSnapshots
from tests.support.loop import PROJECT

NOTHING = FakeStores().journal.history()
DATED = PROJECT.model_copy(update={"snapshots": {}})


@dataclass
class Started:
    """Every call is counted; a run of a name that is known is found, as a backend does."""

    runs: dict[tuple[str, str], str] = field(default_factory=dict)
    calls: int = 0

    def __call__(self, name: str, key: str) -> str:
        self.calls += 1
        return self.runs.setdefault((name, key), f"run {len(self.runs) + 1}")


def arrive(folder: Path, name: str, text: str = "id\n1\n") -> None:
    (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / name / "t.csv").write_text(text)


def watcher(stores: FakeStores, folder: Path, started: Started, store: FakeSnapshots | None = None) -> Watcher:
    return Watcher(
        TableSource(folder, DATED), store or FakeSnapshots(), DATED, stores.registry, stores.journal, stores.lock, started
    )


def test_a_new_snapshot_starts_one_run_when_it_has_settled(tmp_path: Path) -> None:
    stores, started = FakeStores(), Started()
    arrive(tmp_path, "2024-03-31")
    watch = watcher(stores, tmp_path, started)
    assert watch.look() is None
    said = watch.look()
    assert said is not None
    assert "2024-03-31 is new to an empty production: run run 1" in said
    assert [watch.look() for _ in range(3)] == [None] * 3
    assert [name for name, _ in started.runs] == ["2024-03-31"]


def test_a_snapshot_that_is_still_being_written_waits(tmp_path: Path) -> None:
    stores, started = FakeStores(), Started()
    watch = watcher(stores, tmp_path, started)
    for rows in range(4):
        arrive(tmp_path, "2024-03-31", "id\n" + "1\n" * rows)
        assert watch.look() is None
    assert watch.look() is not None


def test_many_watchers_start_one_run(tmp_path: Path) -> None:
    stores, started = FakeStores(), Started()
    arrive(tmp_path, "2024-03-31")
    watchers = [watcher(stores, tmp_path, started) for _ in range(5)]
    for _ in range(3):
        for watch in watchers:
            watch.look()
    assert started.calls == 1
    assert len(stores.ledger.records(RunClaimed.KIND)) == 1


def test_a_watcher_that_waited_for_the_lock_looks_again_before_it_starts(tmp_path: Path) -> None:
    stores, started = FakeStores(), Started()
    arrive(tmp_path, "2024-03-31")
    other = watcher(stores, tmp_path, started)
    other.look()

    class Waits(FakeLock):
        """While this one waits, the other watcher's whole look goes by."""

        @contextmanager
        def hold(self) -> Iterator[FakeLock]:
            assert other.look() is not None
            yield self

    slow = Watcher(TableSource(tmp_path, DATED), FakeSnapshots(), DATED, stores.registry, stores.journal, Waits(), started)
    assert [slow.look(), slow.look()] == [None, None]
    assert started.calls == 1


def test_a_claim_whose_run_never_ended_is_given_away_after_a_while(tmp_path: Path) -> None:
    stores, started = FakeStores(), Started()
    arrive(tmp_path, "2024-03-31")
    watch = watcher(stores, tmp_path, started)
    watch.look()
    watch.look()
    watch.patience = timedelta(0)
    assert watch.look() is not None
    ended = RunEnded(state=RunState.SUCCEEDED, error="", reached=(), snapshot="2024-03-31", run_id="run 1")
    stores.journal.append(ended, key="run 1")
    assert watch.look() is None


def test_while_somebody_promotes_the_watcher_comes_back_later(tmp_path: Path) -> None:
    stores, started = FakeStores(), Started()
    arrive(tmp_path, "2024-03-31")
    watch = watcher(stores, tmp_path, started)
    watch.look()
    with stores.lock.hold(), pytest.raises(LockHeld):
        watch.look()
    assert watch.look() is not None


def test_a_watcher_that_died_before_it_could_record_starts_no_second_run(tmp_path: Path) -> None:
    stores, started = FakeStores(), Started()
    arrive(tmp_path, "2024-03-31")

    def dies(name: str, key: str) -> str:
        started(name, key)
        raise Unavailable("the ledger went away")

    first = Watcher(TableSource(tmp_path, DATED), FakeSnapshots(), DATED, stores.registry, stores.journal, stores.lock, dies)
    first.look()
    with pytest.raises(Unavailable):
        first.look()
    second = watcher(stores, tmp_path, started)
    second.look()
    assert second.look() is not None
    assert len(started.runs) == 1


def test_changed_content_starts_another_run(tmp_path: Path) -> None:
    stores, started = FakeStores(), Started()
    watch = watcher(stores, tmp_path, started)
    for text in ("id\n1\n", "id\n1\n22\n"):
        arrive(tmp_path, "2024-03-31", text)
        watch.look()
        watch.look()
    assert len(started.runs) == 2


def test_a_snapshot_that_the_champion_was_trained_on_starts_nothing(tmp_path: Path) -> None:
    stores, started = FakeStores(), Started()
    stores.in_production(stores.add_version())
    champion = stores.registry.alias("production")
    assert champion is not None
    assert champion.provenance is not None
    arrive(tmp_path, champion.provenance.snapshot_ids[-1].split("@")[0])
    watch = watcher(stores, tmp_path, started)
    assert [watch.look() for _ in range(3)] == [None] * 3
    arrive(tmp_path, "2030-01-31")
    assert [watch.look() is not None for _ in range(3)] == [False, True, False]
    assert [name for name, _ in started.runs] == ["2030-01-31"]


def stored(*snapshots: Snapshot) -> FakeSnapshots:
    store = FakeSnapshots()
    for snapshot in snapshots:
        store.put(snapshot, {}, None)
    return store


def snapshot_of(day: str, *, labelled: bool) -> Snapshot:
    return Snapshot(day, date.fromisoformat(day), 10, 10 if labelled else 0, f"features of {day}", "labels" if labelled else "")


def test_labels_that_come_late_start_one_run_also_when_the_champion_knows_a_later_month(tmp_path: Path) -> None:
    stores, started = FakeStores(), Started()
    stores.in_production(stores.add_version())
    store = stored(snapshot_of("2023-12-31", labelled=False), snapshot_of("2024-01-31", labelled=True))
    for day in ("2023-12-31", "2024-01-31"):
        arrive(tmp_path, day)
    watch = watcher(stores, tmp_path, started, store)
    assert [watch.look() for _ in range(2)] == [None, None]
    (tmp_path / "2023-12-31" / "y.csv").write_text("id,left\n1,0\n")
    said = [watch.look() for _ in range(4)]
    assert [bool(line) for line in said] == [False, True, False, False]
    assert said[1] == "[WATCH] the labels of 2023-12-31 have come: run run 1"


def test_a_month_that_comes_with_the_labels_of_the_one_before_starts_one_run(tmp_path: Path) -> None:
    stores, started = FakeStores(), Started()
    before = snapshot_of("2024-02-29", labelled=False)
    store = stored(before)
    arrive(tmp_path, "2024-02-29")
    (tmp_path / "2024-02-29" / "y.csv").write_text("id,left\n1,0\n")
    arrive(tmp_path, "2024-03-31")
    watch = watcher(stores, tmp_path, started, store)
    assert [watch.look() is None for _ in range(2)] == [True, False]
    store.put(snapshot_of("2024-02-29", labelled=True), {}, {})  # the run has taken both in, and changed nothing
    store.put(snapshot_of("2024-03-31", labelled=False), {}, None)
    assert [watch.look() for _ in range(3)] == [None] * 3
    assert started.calls == 1


def test_what_came_while_nobody_looked_is_taken_in_with_the_newest_oldest_first(tmp_path: Path) -> None:
    for month in range(1, 7):
        arrive(tmp_path, f"2024-{month:02}-28")
    (tmp_path / "2024-01-28" / "y.csv").write_text("id,left\n1,0\n")
    source = TableSource(tmp_path, DATED)
    store = stored(*(snapshot_of(f"2024-{month:02}-28", labelled=month == 2) for month in (1, 2, 3)))
    days = [f"2024-{month:02}-28" for month in (1, 4, 5)]
    assert waiting(source, store, NOTHING, "2024-06-28", DATED.date_of) == days
    assert waiting(source, store, NOTHING, "2024-05-28", DATED.date_of) == days[:1], "another than the newest was asked for by name"
    assert waiting(source, stored(), NOTHING, "2024-06-28", DATED.date_of) == [], "the first run begins with what it was asked for"


def test_a_folder_without_a_date_is_one_sentence(tmp_path: Path) -> None:
    arrive(tmp_path, "2024-03-31")
    arrive(tmp_path, "notes")
    with pytest.raises(DataError, match="'notes' has no date"):
        watcher(FakeStores(), tmp_path, Started()).look()


def test_an_empty_place_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no folder of a snapshot"):
        watcher(FakeStores(), tmp_path, Started()).look()


def test_labels_that_trickle_in_start_a_run_with_each_change_of_their_file_and_none_without(tmp_path: Path) -> None:
    stores, started = FakeStores(), Started()
    stores.in_production(stores.add_version())
    some = Snapshot("2023-12-31", date(2023, 12, 31), 10, 4, "features", "labels")
    store = stored(some, snapshot_of("2024-01-31", labelled=True))
    source = TableSource(tmp_path, DATED)
    for day in ("2023-12-31", "2024-01-31"):
        arrive(tmp_path, day)
    label_file = tmp_path / "2023-12-31" / "y.csv"
    label_file.write_text("id,left\n1,0\n")

    def taken() -> None:
        labels_from = source.labels_fingerprint("2023-12-31")
        event = Ingested(snapshot=some.id, name=some.name, rows=10, labelled_rows=4, hash=some.hash, labels_from=labels_from)
        stores.journal.append(event, key="2023-12-31")

    taken()
    watch = watcher(stores, tmp_path, started, store)
    assert [watch.look() for _ in range(3)] == [None] * 3
    label_file.write_text("id,left\n1,0\n2,1\n")
    assert [bool(watch.look()) for _ in range(3)] == [False, True, False]
    taken()
    assert [watch.look() for _ in range(3)] == [None] * 3
    assert waiting(source, store, stores.journal.history(), "2024-01-31", DATED.date_of) == []


@dataclass
class Time:
    """A clock that goes on by a minute with each look at it."""

    at: datetime = datetime(2024, 4, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at


def test_an_upload_that_stalls_is_waited_for_and_said_to_be(tmp_path: Path) -> None:
    stores, started = FakeStores(), Started()
    watch = replace(watcher(stores, tmp_path, started), quiet=timedelta(minutes=5), clock=Time())
    arrive(tmp_path, "2024-03-31", "id\n1\n")
    assert [watch.look() for _ in range(4)] == [None] * 4
    assert watch.waits == "[WATCH] 2024-03-31 is waited for: taken when nothing has changed for 300 s"
    arrive(tmp_path, "2024-03-31", "id\n1\n22\n")  # goes on after four minutes
    assert [watch.look() is not None for _ in range(7)] == [False] * 5 + [True, False]
    assert watch.waits == ""
    assert started.calls == 1


@pytest.mark.parametrize("marker", ["", "done.txt"])
def test_a_marker_is_waited_for_where_uploads_end_with_one(tmp_path: Path, marker: str) -> None:
    stores, started = FakeStores(), Started()
    arrive(tmp_path, "2024-02-29")
    (tmp_path / "2024-02-29" / "_SUCCESS").touch()
    arrive(tmp_path, "2024-03-31")
    watch = replace(watcher(stores, tmp_path, started), quiet=timedelta(minutes=5), clock=Time(), marker=marker)
    assert [watch.look() for _ in range(20)] == [None] * 20
    assert watch.waits == f"[WATCH] 2024-03-31 is waited for: its upload is done when {marker or '_SUCCESS'} lies beside its tables"
    (tmp_path / "2024-03-31" / (marker or "_SUCCESS")).touch()
    assert watch.look() is not None, "with its marker it is whole, and no time has to pass"


def test_a_marker_that_is_older_than_the_tables_says_nothing(tmp_path: Path) -> None:
    stores, started = FakeStores(), Started()
    arrive(tmp_path, "2024-03-31")
    marker = tmp_path / "2024-03-31" / "_SUCCESS"
    marker.touch()
    os.utime(marker, (1, 1))
    watch = replace(watcher(stores, tmp_path, started), quiet=timedelta(minutes=3), clock=Time())
    assert [watch.look() is not None for _ in range(4)] == [False, False, False, True]
