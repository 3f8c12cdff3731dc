"""The same cases for the request log in SQLite and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from ratchet.core.errors import DataError, UserError
from ratchet.core.schema import Columns, LoggedAnswer
from ratchet.requests.port import JoinReport
from ratchet.requests.sql import SqlRequestLog
from tests.support.addresses import POSTGRES, fresh_database, only


def answer(key: str, entity: str = "u1", version: int = 1, score: float = 0.5, at: float = 100.0) -> LoggedAnswer:
    return LoggedAnswer(key, entity, version, score, "f" * 32, at)


def labels(**columns: list[object]) -> Columns:
    return {name: np.array(values, dtype=object) for name, values in columns.items()}


def pairs(log: SqlRequestLog, version: int | None = None) -> dict[int, list[tuple[int, float]]]:
    return {v: list(zip(a.labels.tolist(), a.scores.tolist(), strict=True)) for v, a in log.labelled(version).items()}


@pytest.fixture(params=["sqlite", *only(POSTGRES, "postgres")])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'deep' / 'requests.db'}"
        return
    with fresh_database() as fresh:
        yield fresh


@pytest.fixture
def log(url: str) -> SqlRequestLog:
    return SqlRequestLog(url, "churn")


def counted(log: SqlRequestLog) -> dict[int, int]:
    found = log.volume(60)
    return {version: found.total(version) for version in found.counts}


POSTED = '{"features":{"age":41.0,"plan":null,"\\u0000":"\\u0000\u00fc"},"as_of":"2024-02-29"}'


def test_what_a_request_brought_is_kept_with_its_answer_and_joined_with_the_label(log: SqlRequestLog) -> None:
    brought = [replace(answer(f"p{number}", "", at=number), posted=POSTED) for number in range(300)]
    log.append([answer("a"), *brought, answer("b")])
    log.append(brought[:1])  # a write that is tried again
    assert log.join(labels(prediction_id=["p7"], label=[1])).joined == 1
    found = list(log.posted())
    assert [item.prediction_id for item in found] == [f"p{number}" for number in range(300)]
    assert (found[7].label, found[8].label, found[7].entity) == (1, None, "")
    assert (found[7].features, found[7].as_of) == ({"age": 41.0, "plan": None, "\0": "\0\u00fc"}, date(2024, 2, 29))
    assert [item.prediction_id for item in log.posted(version=1, since=298)] == ["p298", "p299"]
    assert counted(log) == {1: 302}


def test_an_answer_about_nobody_is_no_held_out_entity_and_no_label_by_entity_finds_it(log: SqlRequestLog) -> None:
    log.append([replace(answer("a", ""), posted=POSTED), answer("b", "u1")])
    log.join(labels(prediction_id=["a", "b"], label=[1, 0]))
    assert log.labelled()[1].entities.tolist() == ["u1"]
    with pytest.raises(DataError, match="neither prediction_id nor entity is given"):
        log.join(labels(entity=[""], label=[1]))


def test_what_a_request_brought_goes_with_its_answer(log: SqlRequestLog) -> None:
    log.append([replace(answer("a", at=1.0), posted=POSTED), replace(answer("b", at=9.0), posted=POSTED)])
    assert log.delete_before(5.0) == 1
    assert [item.prediction_id for item in log.posted()] == ["b"]


def test_labels_join_their_answer_by_prediction_id(log: SqlRequestLog) -> None:
    log.append([answer("a", score=0.9), answer("b", "u2", version=2, score=0.2)])
    assert log.join(labels(prediction_id=["a", "b"], label=[1, 0])).joined == 2
    assert pairs(log) == {1: [(1, 0.9)], 2: [(0, 0.2)]}
    assert pairs(log, version=2) == {2: [(0, 0.2)]}
    found = log.labelled()[1]
    y, p = found.labels, found.scores
    assert (y.dtype.kind, p.dtype.name) == ("i", "float64"), "what whole numbers they are, the task knows"


def test_a_label_by_entity_joins_the_latest_answer_of_each_version_before_it_was_observed(log: SqlRequestLog) -> None:
    log.append(
        [
            answer("early", version=1, score=0.1, at=100),
            answer("latest", version=1, score=0.2, at=200),
            answer("too late", version=1, score=0.3, at=400),
            answer("other version", version=2, score=0.4, at=150),
            answer("somebody else", "u2", score=0.5, at=150),
        ]
    )
    assert log.join(labels(entity=["u1"], label=[1], observed_at=[300.0])) == JoinReport(joined=2, unknown=0)
    assert pairs(log) == {1: [(1, 0.2)], 2: [(1, 0.4)]}


def test_a_label_by_entity_without_a_time_joins_the_latest_answer_and_follows_it(log: SqlRequestLog) -> None:
    log.append([answer("a", score=0.1, at=100)])
    log.join(labels(entity=["u1"], label=[1]))
    log.append([answer("b", score=0.2, at=200)])
    log.join(labels(entity=["u1"], label=[1]))
    assert pairs(log) == {1: [(1, 0.2)]}


def test_the_same_labels_again_change_nothing(log: SqlRequestLog) -> None:
    log.append([answer("a", at=1), answer("b", "u2", at=2), answer("c", "u3", at=3)])
    given = labels(prediction_id=["a", None, None], entity=[None, "u2", "u3"], label=[1, 0, 1], observed_at=[None, "2024-02-29", 7])
    first = (log.join(given), pairs(log))
    assert (log.join(given), pairs(log)) == first
    assert first[0] == JoinReport(joined=3, unknown=0)


def test_a_changed_label_replaces_the_one_before_it(log: SqlRequestLog) -> None:
    log.append([answer("a")])
    log.join(labels(prediction_id=["a"], label=[1]))
    log.join(labels(prediction_id=["a"], label=[0]))
    assert pairs(log) == {1: [(0, 0.5)]}


def test_a_label_by_prediction_id_outranks_one_by_entity(log: SqlRequestLog) -> None:
    log.append([answer("a")])
    log.join(labels(prediction_id=["a"], label=[1]))
    log.join(labels(entity=["u1"], label=[0]))
    assert pairs(log) == {1: [(1, 0.5)]}


def test_labels_about_no_answer_are_counted_and_the_others_joined(log: SqlRequestLog) -> None:
    log.append([answer("a")])
    report = log.join(labels(prediction_id=["a", "nobody", None], entity=["u1", None, "ghost"], label=[1, 1, 0]))
    assert report == JoinReport(joined=1, unknown=2)


def test_more_labels_than_a_statement_takes_are_all_joined(log: SqlRequestLog) -> None:
    log.append([answer(f"p{n}", f"u{n}", at=float(n)) for n in range(1203)])
    half = 600
    given = labels(
        prediction_id=[f"p{n}" if n < half else None for n in range(1203)],
        entity=[None if n < half else f"u{n}" for n in range(1203)],
        label=[n % 2 for n in range(1203)],
    )
    assert log.join(given) == JoinReport(joined=1203, unknown=0)
    assert [y for y, _ in pairs(log)[1]] == [n % 2 for n in range(1203)]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"entity": ["u1"]}, "no column `label`"),
        ({"label": [1]}, "neither `prediction_id` nor the entity"),
        ({"entity": ["u1", "u2"], "label": [1, "2"]}, "row 2: label '2' is not a whole number"),
        ({"entity": ["u1"], "label": [None]}, "row 1: label 'None' is not a whole number"),
        ({"entity": ["u1"], "label": [1], "observed_at": ["soon"]}, "observed_at 'soon' is not a date"),
        ({"entity": [None], "label": [1]}, "row 1: neither prediction_id nor entity"),
    ],
)
def test_labels_that_cannot_be_read_are_refused_whole(log: SqlRequestLog, columns: dict[str, list[object]], sentence: str) -> None:
    log.append([answer("a")])
    with pytest.raises(DataError, match=sentence):
        log.join(labels(**columns))
    assert pairs(log) == {}


def test_a_date_without_a_time_means_the_end_of_that_day(log: SqlRequestLog) -> None:
    noon = 1709208000.0  # 2024-02-29T12:00Z
    log.append([answer("that day", at=noon), answer("next day", at=noon + 86400)])
    log.join(labels(entity=["u1"], label=[1], observed_at=["2024-02-29"]))
    with_time = log.join(labels(entity=["u1"], label=[1], observed_at=["2024-02-29T11:59:59+00:00"]))
    assert with_time == JoinReport(joined=0, unknown=1)
    assert pairs(log) == {1: [(1, 0.5)]}


def test_the_newest_labelled_answer_of_each_version_is_said(log: SqlRequestLog) -> None:
    assert log.newest_labelled() == {}
    log.append([answer("a", at=100.0), answer("b", "u2", at=300.0), answer("c", "u3", at=900.0), answer("d", "u4", 2, at=200.0)])
    log.join(labels(prediction_id=["a", "b", "d"], label=[1, 0, 1]))
    assert log.newest_labelled() == {1: 300.0, 2: 200.0}


def test_an_answer_written_twice_is_stored_once(log: SqlRequestLog) -> None:
    log.append([answer("a", score=0.3)])
    log.append([answer("a", score=0.3), answer("b", "u2")])
    log.append([])
    assert log.join(labels(prediction_id=["a", "b"], label=[0, 1])).joined == 2
    assert pairs(log) == {1: [(0, 0.3), (1, 0.5)]}


def test_of_a_long_write_only_what_is_new_is_added(log: SqlRequestLog) -> None:
    answers = [answer(f"p{n}", f"u{n}", score=n / 1000) for n in range(401)]
    log.append(answers[100:250])
    log.append([replace(one, score=1.0) for one in answers])
    assert log.volume(1).counts == {1: [401]}
    log.join(labels(prediction_id=[one.prediction_id for one in answers], label=[1] * 401))
    changed = [score for _, score in pairs(log)[1] if score == 1.0]
    assert len(changed) == 401 - 150


def test_two_processes_logs_on_one_database_see_each_other(log: SqlRequestLog, url: str) -> None:
    other = SqlRequestLog(url, "churn")
    log.append([answer("a")])
    assert other.join(labels(prediction_id=["a"], label=[1])).joined == 1


def test_a_store_whose_place_is_wrong_is_not_tried_again_and_says_where(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    with pytest.raises(UserError, match=r"the request log at sqlite:///.*requests\.db cannot be used"):
        SqlRequestLog(f"sqlite:///{blocked / 'requests.db'}", "churn").append([answer("a")])


def test_labels_of_a_month_join_only_answers_to_that_months_features_and_leave_the_others(log: SqlRequestLog) -> None:
    log.append([replace(answer("may", score=0.1, at=100), features_hash="m"), replace(answer("june", at=200), features_hash="j")])
    assert log.join(labels(entity=["u1"], label=[1], features_hash=["m"])) == JoinReport(joined=1, unknown=0)
    assert log.join(labels(entity=["u1"], label=[0], features_hash=["j"])) == JoinReport(joined=1, unknown=0)
    assert log.join(labels(entity=["u1"], label=[1], features_hash=["april"])) == JoinReport(joined=0, unknown=1)
    assert [label for label, _ in pairs(log)[1]] == [1, 0]


def test_answers_are_counted_by_version_and_time(log: SqlRequestLog) -> None:
    log.append([answer("a", at=100.0), answer("b", at=100.9), answer("c", at=103.0), answer("d", version=2, at=104.999)])
    found = log.volume(60)
    assert (found.start, found.width, found.slots) == (100.0, 1.0, 5)
    assert found.counts == {1: [2, 0, 0, 1, 0], 2: [0, 0, 0, 0, 1]}
    assert (found.total(1), found.total(2), found.total(3)) == (3, 1, 0)


def test_a_long_time_is_counted_in_wide_slots_that_lose_no_answer(log: SqlRequestLog) -> None:
    moments = [1.7e9 + step * 86400.0 * 3.7 for step in range(400)]
    log.append([answer(f"a{at}", at=at) for at in moments])
    found = log.volume(60)
    assert found.slots <= 60
    assert found.start <= moments[0]
    assert found.start + found.slots * found.width > moments[-1]
    assert found.total(1) == len(moments)


def test_a_log_without_answers_has_no_volume(log: SqlRequestLog) -> None:
    assert log.volume(60).slots == 0


def test_answers_that_are_written_again_are_counted_once(log: SqlRequestLog) -> None:
    answers = [answer(f"p{n}", at=n * 60.0, version=n % 2) for n in range(2000)]
    log.append(answers[:1000])
    log.append([*answers, *answers[1990:]])
    log.append(answers[500:700])
    assert counted(log) == {0: 1000, 1: 1000}


def test_writers_of_the_same_minutes_at_one_time_lose_no_count_and_no_answer(url: str) -> None:
    def write(writer: int) -> None:
        log = SqlRequestLog(url, "churn")
        for batch in range(10):
            log.append([answer(f"w{writer}b{batch}n{n}", at=n * 30.0, version=n % 3) for n in range(150)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    log = SqlRequestLog(url, "churn")
    assert counted(log) == {0: 2000, 1: 2000, 2: 2000}
    assert log.count_before(1e9) == 6000


def test_deleted_answers_are_gone_with_their_labels_and_still_counted(log: SqlRequestLog) -> None:
    log.append([answer(f"p{n}", f"u{n}", at=n * 60.0) for n in range(200)])
    log.join(labels(prediction_id=["p10", "p99", "p100", "p150"], label=[1, 1, 0, 1]))
    before = log.volume(30)
    assert log.count_before(6000.0) == 100
    assert log.delete_before(6000.0) == 100
    assert log.count_before(6000.0) == log.delete_before(6000.0) == 0
    assert [label for label, _ in pairs(log)[1]] == [0, 1]
    assert log.volume(30) == before
    assert log.join(labels(prediction_id=["p10", "p199"], label=[1, 1])) == JoinReport(joined=1, unknown=1)


def test_a_short_log_whose_answers_are_all_deleted_is_still_counted(log: SqlRequestLog) -> None:
    log.append([answer("a", at=100.0), answer("b", at=101.0), answer("c", version=2, at=150.0)])
    assert log.delete_before(1000.0) == 3
    found = log.volume(60)
    assert (found.start, found.width, found.counts) == (60.0, 60.0, {1: [2, 0], 2: [0, 1]})


def test_more_answers_than_one_transaction_deletes_are_all_deleted(log: SqlRequestLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ratchet.requests.sql._DELETED_AT_ONCE", 10)
    log.append([answer(f"p{n:03}", at=float(n % 50)) for n in range(100)])
    assert log.delete_before(25.0) == 50
    assert log.delete_before(float("inf")) == 50


def test_a_log_from_before_there_were_counts_is_counted_when_it_is_opened(url: str) -> None:
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir()
    engine = create_engine(url)
    columns = "prediction_id VARCHAR(64) PRIMARY KEY, entity VARCHAR(256), version INTEGER, probability DOUBLE PRECISION"
    rows = "('a', 'u1', 1, 0.5, 'f', 59.9), ('b', 'u1', 1, 0.5, 'f', 60.0), ('c', 'u1', 2, 0.5, 'f', 7200.0)"
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE answers ({columns}, features_hash VARCHAR(64), answered_at DOUBLE PRECISION)"))
        connection.execute(text("CREATE INDEX answers_by_entity ON answers (entity, version, answered_at)"))
        connection.execute(text(f"INSERT INTO answers VALUES {rows}"))  # noqa: S608 - as above
    engine.dispose()
    later = SqlRequestLog(url, "churn")
    assert (later.volume(121).start, later.volume(121).counts[1][:2], counted(later)) == (0.0, [1, 1], {1: 2, 2: 1})
    later.append([answer("d", at=59.95)])
    assert counted(later) == {1: 3, 2: 1}


def test_a_process_that_opens_the_log_beside_others_finds_one_count(url: str) -> None:
    def first(writer: int) -> None:
        SqlRequestLog(url, "churn").append([answer(f"w{writer}", at=100.0 + writer)])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(first, range(6)))
    assert counted(SqlRequestLog(url, "churn")) == {1: 6}


def test_a_label_finds_its_answer_however_its_key_is_written(log: SqlRequestLog) -> None:
    log.append([answer("a", "1000", score=0.9), answer("b", "1001.0", version=2, score=0.2)])  # as an earlier release logged it
    assert log.join(labels(entity=[1000.0, " 1001"], label=[1, 0])) == JoinReport(joined=2, unknown=0)
    assert pairs(log) == {1: [(1, 0.9)], 2: [(0, 0.2)]}
    assert log.labelled()[2].entities.tolist() == ["1001"]
    assert log.join(labels(entity=["1001.0"], label=[1])) == JoinReport(joined=1, unknown=0)
    assert pairs(log)[2] == [(1, 0.2)], "a changed label replaces the one before it"


def test_a_label_about_no_key_is_refused(log: SqlRequestLog) -> None:
    with pytest.raises(DataError, match=r"row 1: entity '1.5' is not text or a whole number"):
        log.join(labels(entity=[1.5], label=[1]))


def test_labels_that_contradict_each_other_are_refused_whole_and_named(log: SqlRequestLog) -> None:
    log.append([answer("a"), answer("b", "u2")])
    for given in (
        labels(entity=["u1", "u2", "u1"], label=[1, 1, 0]),
        labels(prediction_id=["a", "a"], label=[1, 0]),
        labels(entity=["u1", " u1"], label=[1, 0], observed_at=["2024-02-29", "20240229"]),
    ):
        with pytest.raises(DataError, match=r"contradict each other: 1 with both labels, (entity u1|answer a); leave one each"):
            log.join(given)
    assert pairs(log) == {}


def test_a_label_that_is_given_twice_counts_once(log: SqlRequestLog) -> None:
    log.append([answer("a")])
    assert log.join(labels(entity=["u1", "u1"], label=[1, 1])) == JoinReport(joined=1, unknown=0)


def test_of_two_labels_of_one_entity_the_one_that_was_seen_later_counts_whatever_the_order(log: SqlRequestLog) -> None:
    log.append([answer("a", at=1709208000.0)])
    given = labels(entity=["u1", "u1"], label=[1, 0], observed_at=["2024-03-31", "2024-02-29"])
    assert log.join(given) == JoinReport(joined=1, unknown=0)
    assert pairs(log) == {1: [(1, 0.5)]}


@pytest.mark.parametrize(
    "moment", ["20240229", "1709208000", "1709208000000", "2024-02-29 12:00:00 UTC", "2024-02-29T13:00:00+01:00"]
)
def test_a_moment_is_taken_however_it_is_written(log: SqlRequestLog, moment: str) -> None:
    log.append([answer("then", at=1709208000.0), answer("later", at=1709300000.0, score=0.9)])
    assert log.join(labels(entity=["u1"], label=[1], observed_at=[moment])) == JoinReport(joined=1, unknown=0)
    assert pairs(log) == {1: [(1, 0.5)]}
