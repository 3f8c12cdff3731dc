from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from components.adapters.sql_requests import SqlRequestLog
from components.core.errors import DataError, Unavailable
from components.core.ports import JoinReport
from components.core.schema import Columns, LoggedAnswer


def answer(key: str, entity: str = "u1", version: int = 1, probability: float = 0.5, at: float = 100.0) -> LoggedAnswer:
    return LoggedAnswer(key, entity, version, probability, "f" * 32, at)


def labels(**columns: list[object]) -> Columns:
    return {name: np.array(values, dtype=object) for name, values in columns.items()}


def pairs(log: SqlRequestLog, version: int | None = None) -> dict[int, list[tuple[int, float]]]:
    return {v: list(zip(a.labels.tolist(), a.scores.tolist(), strict=True)) for v, a in log.labelled(version).items()}


@pytest.fixture
def log(tmp_path: Path) -> SqlRequestLog:
    return SqlRequestLog(f"sqlite:///{tmp_path / 'deep' / 'requests.db'}")


def test_labels_join_their_answer_by_prediction_id(log: SqlRequestLog) -> None:
    log.append([answer("a", probability=0.9), answer("b", "u2", version=2, probability=0.2)])
    assert log.join(labels(prediction_id=["a", "b"], label=[1, 0])).joined == 2
    assert pairs(log) == {1: [(1, 0.9)], 2: [(0, 0.2)]}
    assert pairs(log, version=2) == {2: [(0, 0.2)]}
    found = log.labelled()[1]
    y, p = found.labels, found.scores
    assert (y.dtype.name, p.dtype.name) == ("int8", "float64")


def test_a_label_by_entity_joins_the_latest_answer_of_each_version_before_it_was_observed(log: SqlRequestLog) -> None:
    log.append(
        [
            answer("early", version=1, probability=0.1, at=100),
            answer("latest", version=1, probability=0.2, at=200),
            answer("too late", version=1, probability=0.3, at=400),
            answer("other version", version=2, probability=0.4, at=150),
            answer("somebody else", "u2", probability=0.5, at=150),
        ]
    )
    assert log.join(labels(entity=["u1"], label=[1], observed_at=[300.0])) == JoinReport(joined=2, unknown=0)
    assert pairs(log) == {1: [(1, 0.2)], 2: [(1, 0.4)]}


def test_a_label_by_entity_without_a_time_joins_the_latest_answer_and_follows_it(log: SqlRequestLog) -> None:
    log.append([answer("a", probability=0.1, at=100)])
    log.join(labels(entity=["u1"], label=[1]))
    log.append([answer("b", probability=0.2, at=200)])
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
        ({"entity": ["u1", "u2"], "label": [1, 2]}, "row 2: label '2' is not 0 or 1"),
        ({"entity": ["u1"], "label": [None]}, "row 1: label 'None' is not 0 or 1"),
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


def test_the_newest_labelled_answer_of_each_version_is_told(log: SqlRequestLog) -> None:
    assert log.newest_labelled() == {}
    log.append([answer("a", at=100.0), answer("b", "u2", at=300.0), answer("c", "u3", at=900.0), answer("d", "u4", 2, at=200.0)])
    log.join(labels(prediction_id=["a", "b", "d"], label=[1, 0, 1]))
    assert log.newest_labelled() == {1: 300.0, 2: 200.0}


def test_an_answer_written_twice_is_stored_once(log: SqlRequestLog) -> None:
    log.append([answer("a", probability=0.3)])
    log.append([answer("a", probability=0.3), answer("b", "u2")])
    log.append([])
    assert log.join(labels(prediction_id=["a", "b"], label=[0, 1])).joined == 2
    assert pairs(log) == {1: [(0, 0.3), (1, 0.5)]}


def test_of_a_long_write_only_what_is_new_is_added(log: SqlRequestLog) -> None:
    answers = [answer(f"p{n}", f"u{n}", probability=n / 1000) for n in range(401)]
    log.append(answers[100:250])
    log.append([replace(one, probability=1.0) for one in answers])
    assert log.volume(1).counts == {1: [401]}
    log.join(labels(prediction_id=[one.prediction_id for one in answers], label=[1] * 401))
    changed = [score for _, score in pairs(log)[1] if score == 1.0]
    assert len(changed) == 401 - 150


def test_two_processes_logs_on_one_file_see_each_other(log: SqlRequestLog, tmp_path: Path) -> None:
    other = SqlRequestLog(f"sqlite:///{tmp_path / 'deep' / 'requests.db'}")
    log.append([answer("a")])
    assert other.join(labels(prediction_id=["a"], label=[1])).joined == 1


def test_a_store_that_cannot_be_opened_is_unavailable_and_says_where(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    with pytest.raises(Unavailable, match=r"the request log at sqlite:///.*requests\.db cannot be used"):
        SqlRequestLog(f"sqlite:///{blocked / 'requests.db'}").append([answer("a")])


def test_labels_of_a_month_join_only_answers_to_that_months_features_and_leave_the_others(log: SqlRequestLog) -> None:
    log.append(
        [replace(answer("may", probability=0.1, at=100), features_hash="m"), replace(answer("june", at=200), features_hash="j")]
    )
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
