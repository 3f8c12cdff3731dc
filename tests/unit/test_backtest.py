"""The backtest on months whose truth is known: what each policy would have done, and what it may not touch."""

from __future__ import annotations

import hashlib
import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from ratchet.backtest import crew
from ratchet.backtest.bench import Bench
from ratchet.backtest.path import made_of
from ratchet.backtest.run import prepare
from ratchet.core.errors import DataError
from ratchet.core.estimate import Estimate
from ratchet.core.replay import OWN, Replay, mean_difference
from ratchet.project.file import Policy, Project
from ratchet.reports.html.backtest import backtest_report, sentence
from ratchet.snapshots.parquet import ParquetSnapshots
from ratchet.tasks.catalogue import task_of
from tests.support.loop import PROJECT, trained_once
from tests.support.months import put, store_in

TURNED = 3  # the month from which on the label depends on the features the other way round
LAST = 6
TASK_PACKAGE = "ratchet.tasks.binary"


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with trained_once():
        yield


@cache
def turned() -> ParquetSnapshots:
    """Six months, the last four with another truth behind the same features."""
    store = store_in(Path(mkdtemp(prefix="ratchet-months-")))
    for number in range(1, LAST + 1):
        put(store, number, turn=1.0 if number >= TURNED else 0.0)
    return store


@cache
def replayed(lag: int) -> Replay:
    return prepare(PROJECT, turned(), lag).run(jobs=1)


@pytest.fixture
def store(tmp_path: Path) -> ParquetSnapshots:
    return store_in(tmp_path / "snapshots")


def contents(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


# --- policies ---


def test_on_quiet_months_the_projects_policy_promotes_nothing_and_is_the_policy_never(store: ParquetSnapshots) -> None:
    for number in range(1, 5):
        put(store, number)
    found = prepare(PROJECT, store).run(jobs=1)
    own, never = found.outcome(OWN), found.outcome("never")
    assert own.promoted == never.promoted == ()
    assert [item.value for item in own.figures.values()] == [item.value for item in never.figures.values()]
    assert own.regret == never.regret
    assert found.months == (date(2024, 2, 1), date(2024, 3, 1), date(2024, 4, 1))
    assert [move.decided for move in found.outcome("always").promoted] == list(found.months)
    assert {item.name for item in found.outcomes} >= {
        "never",
        "always",
        "in-time gate",
        "out-of-time gate",
        "window 1",
        "window 3",
        OWN,
    }


def test_another_truth_is_answered_with_its_first_labels_and_regret_is_near_zero() -> None:
    found = replayed(0)
    own = found.outcome(OWN)
    (promoted,) = own.promoted
    assert promoted.decided == date(2024, TURNED, 1)
    assert promoted.after == date(2024, TURNED + 1, 1)
    assert promoted.gain.value > 0.3
    assert abs(own.regret.value) < 0.01
    assert found.outcome("never").regret.value > 0.2
    worst = own.worst(more_is_better=True)
    assert worst is not None
    assert worst[0] == date(2024, TURNED, 1), "nobody could know before its labels"


def test_labels_that_come_a_month_late_bring_the_same_answer_a_month_later() -> None:
    found = replayed(1)
    assert [move.decided for move in found.outcome(OWN).promoted] == [date(2024, TURNED + 1, 1)]
    assert [move.decided for move in found.outcome("in-time gate").promoted] == [date(2024, TURNED + 1, 1)]
    assert found.months[0] == date(2024, 3, 1), "January's labels come with February"


def test_the_gate_out_of_time_waits_for_a_recipe_that_has_not_seen_the_judged_month() -> None:
    found = replayed(0)
    assert [move.decided for move in found.outcome("in-time gate").promoted] == [date(2024, TURNED, 1)]
    assert [move.decided for move in found.outcome("out-of-time gate").promoted] == [date(2024, TURNED + 1, 1)]


@pytest.mark.parametrize(("wish", "promoted"), [("drift", []), ("performance", [date(2024, TURNED, 1)])])
def test_all_the_policy_counts_and_approval_is_taken_as_given(tmp_path: Path, wish: str, promoted: list[date]) -> None:
    policy = Policy.model_validate({"retrain": [wish], "approval": "manual"})
    work = prepare(PROJECT.model_copy(update={"policy": policy}), turned())
    path = Bench(work.project, work.store, work.timeline, tmp_path).replay(lambda _: None)
    assert [step.decided for step in path.steps[1:]] == promoted


# --- what is stored ---


def test_nothing_that_is_stored_is_written_and_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store = store_in(tmp_path / "home" / "snapshots")
    for number in range(1, 4):
        put(store, number, rows=1200)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    before = contents(tmp_path / "home")
    prepare(PROJECT, store).run(jobs=1)
    assert contents(tmp_path / "home") == before
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("months", "lag", "said"),
    [
        ([], 0, "has no labelled snapshot that can be used: a backtest needs 3 with labels, one to learn from"),
        ([True, True, False], 0, "has 2 labelled snapshots that can be used (2024-01-01, 2024-02-01): a backtest needs 3"),
        ([True, True, True], 1, "needs 3 with labels, and with labels 1 snapshots late 4"),
    ],
)
def test_too_few_snapshots_are_one_sentence(store: ParquetSnapshots, months: list[bool], lag: int, said: str) -> None:
    for number, labelled in enumerate(months, start=1):
        put(store, number, labelled=labelled, rows=50)
    with pytest.raises(DataError) as raised:
        prepare(PROJECT, store, lag)
    assert said in str(raised.value)
    assert "`ratchet data ingest` adds snapshots" in str(raised.value)
    assert str(raised.value).isprintable()


def test_a_snapshot_without_a_feature_is_left_out_and_named(tmp_path: Path) -> None:
    fewer = PROJECT.model_copy(update={"features": PROJECT.features[:2]})
    put(store_in(tmp_path, fewer), 1, rows=1200)
    store = store_in(tmp_path)
    for number in range(2, 5):
        put(store, number, rows=1200)
    found = prepare(PROJECT, store).run(jobs=1)
    assert found.snapshots[0] == date(2024, 2, 1)
    assert found.left_out == (
        "2024-01-01 is left out: snapshot m1 was ingested without c: ingest it again with --replace (make run: REPLACE=1)",
    )


def test_a_month_of_one_class_teaches_nothing_and_stops_nothing(store: ParquetSnapshots) -> None:
    for number in range(1, 5):
        put(store, number, rows=1200, one_class=number == 2)
    found = prepare(PROJECT, store).run(jobs=1)
    assert any(text.startswith("nothing is made of 2024-02-01 to 2024-02-01: ") for text in found.left_out)
    assert math.isnan(found.outcome(OWN).figures[date(2024, 2, 1)].value)
    assert math.isfinite(found.outcome("window 2").mean)


def test_rows_that_hang_together_are_held_out_and_counted_together(tmp_path: Path) -> None:
    group = {"name": "g", "table": "t", "dtype": "category"}
    project = Project.model_validate({**PROJECT.model_dump(), "holdout": {"salt": "x", "share": 0.3, "group": group}})
    store = store_in(tmp_path / "snapshots", project)
    for number in range(1, 4):
        put(store, number, rows=500, household=3)
    (tmp_path / "table").mkdir()
    work = prepare(project, store)
    bench = Bench(project, store, work.timeline, tmp_path / "table")
    bench.label()
    first = work.timeline.labelled[:1]
    assert bench.score(first) == ""
    name, month = made_of(first).name, date(2024, 2, 1)
    found = bench.table.figure(task_of(project), name, month)
    alone = task_of(project).figure(bench.table.labels(month), bench.table.scores(name, month))
    assert found.value == alone.value
    assert found.se == pytest.approx(alone.se * math.sqrt(3), rel=0.02)


# --- the report ---


def test_the_report_is_a_page_of_its_own_that_loads_nothing() -> None:
    hostile = '<script>alert("x")</script>'
    found = replace(replayed(0), model=hostile, left_out=(hostile,))
    page = backtest_report(found, TASK_PACKAGE)
    ET.fromstring(page.replace("<!DOCTYPE html>", "").strip())  # noqa: S314 - our own text
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "Your policy would have promoted one version in 5 months" in page
    assert "5 months are few" in page


def test_the_report_says_so_where_nothing_would_have_served() -> None:
    found = replayed(0)
    own = replace(found.outcome(OWN), first=None, promoted=(), figures={}, behind={})
    page = backtest_report(replace(found, outcomes=(*found.outcomes[:-1], own)), TASK_PACKAGE)
    assert "Under this ratchet.yaml nothing would have served" in page


def test_the_sentence_says_which_policy_is_ahead() -> None:
    found = replayed(0)
    own = found.outcome(OWN)

    def said(regret: float) -> str:
        behind = {day: Estimate(regret, 0.01) for day in own.behind}
        return sentence(replace(found, outcomes=(*found.outcomes[:-1], replace(own, behind=behind))))

    assert "0.020 behind that of the best fixed policy" in said(0.02)
    assert "0.020 ahead of that of the best fixed policy" in said(-0.02)
    assert said(0.0).endswith(f"is that of the best fixed policy, {found.best}.")
    assert "they have no month in common" in said(math.nan)


# --- arithmetic ---


@pytest.mark.parametrize(("limit", "most"), [("max 100000", 99), ("150000 100000", 2), ("50000 100000", 1), ("", 99)])
def test_a_container_uses_no_more_cores_than_its_limit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: str, most: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(99))
    (tmp_path / "cpu.max").write_text(limit)
    assert crew.cores(tmp_path / "cpu.max") == most
    assert crew.cores(tmp_path / "none") == 99


@pytest.mark.parametrize(
    ("months", "mean", "se"),
    [
        ([], math.nan, math.nan),
        ([Estimate(0.1, 0.02)], 0.1, 0.02),
        ([Estimate(0.1, 0.03), Estimate(0.1, 0.04)], 0.1, 0.025),  # months that agree by chance: the rows' error
        ([Estimate(0.0, 0.0), Estimate(0.2, 0.0)], 0.1, 0.1),  # the months' spread
    ],
)
def test_a_mean_difference_is_no_surer_than_its_rows_and_its_months(months: list[Estimate], mean: float, se: float) -> None:
    found = mean_difference(months)
    assert found.value == pytest.approx(mean, nan_ok=True)
    assert found.se == pytest.approx(se, nan_ok=True)
