"""Late labels: joined to the answers that were given, and every version's live figures on record."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from ratchet.apps.cli import serving
from ratchet.core.errors import DataError, Unavailable
from ratchet.core.holdout import held_out
from ratchet.core.live import LabelledAnswers
from ratchet.core.schema import Columns, features_hash
from ratchet.estimators.plain.encoding import row_of
from ratchet.requests.port import JoinReport
from ratchet.steps import labels
from tests.support.fakes import FakeRequests
from tests.support.loop import PROJECT, Loop, first_champion

LATE: Columns = {"entity": np.array(["e1"], dtype=object), "label": np.array([1])}


class Requests(FakeRequests):
    """A request log in which every label is about an answer."""

    def join(self, labels: Columns) -> JoinReport:
        return JoinReport(len(labels["label"]), 0)


class Down(FakeRequests):
    def join(self, labels: Columns) -> JoinReport:
        message = f"the request log is away, with {len(labels)} columns to join"
        raise Unavailable(message)


def held_out_answers(count: int, *, right: float) -> LabelledAnswers:
    """Answers about held-out entities, half of each label, of which a share has its score on the right side."""
    entities = np.array([name for name in (f"e{number}" for number in range(50 * count)) if is_held_out(name)], dtype=object)[
        :count
    ]
    truth = (np.arange(count) % 2).astype(np.int8)
    scores = np.where(np.arange(count) < right * count, truth, 1 - truth) * 0.8 + 0.1
    return LabelledAnswers(entities, truth, scores)


def is_held_out(entity: str) -> bool:
    return bool(held_out(PROJECT.holdout.salt, PROJECT.holdout.share, np.array([entity], dtype=object))[0])


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ([1, 2], "row 2: label '2' is not 0 or 1"),
        ([None], "row 1: label 'None' is not 0 or 1"),
        (["1", "yes"], "row 2: label 'yes'"),
    ],
)
def test_what_is_no_label_of_the_task_is_refused_and_nothing_is_joined(loop: Loop, cells: list[object], sentence: str) -> None:
    late: Columns = {"entity": np.array(["e1"] * len(cells), dtype=object), "label": np.array(cells, dtype=object)}
    with pytest.raises(DataError, match=sentence):
        labels.run(PROJECT, loop.at.registry, loop.at.journal, Down(), late)


@pytest.mark.parametrize("cells", [["1", " True ", "1.0"], [1, True, np.int8(1)], [1.0, np.float64(1), np.True_]])
def test_a_label_is_read_however_it_is_written(loop: Loop, cells: list[object]) -> None:
    given: list[Columns] = []

    class Given(Requests):
        def join(self, labels: Columns) -> JoinReport:
            given.append(labels)
            return super().join(labels)

    late: Columns = {"entity": np.array(["e1", "e2", "e3"], dtype=object), "label": np.array(cells, dtype=object)}
    labels.run(PROJECT, loop.at.registry, loop.at.journal, Given(), late)
    assert given[0]["label"].tolist() == [1, 1, 1]


@pytest.fixture
def loop() -> Loop:
    """January made version 1 the champion."""
    return first_champion()


def test_each_versions_live_figures_are_recorded(loop: Loop) -> None:
    requests = Requests()
    requests.pairs = {2: held_out_answers(100, right=1.0), 1: held_out_answers(100, right=0.9)}
    done = labels.run(PROJECT, loop.at.registry, loop.at.journal, requests, LATE)
    assert done.report == JoinReport(1, 0)
    first, second = done.versions
    assert [entry.event for entry in loop.at.journal.history().live_measurements] == [first, second]
    assert (first.version, first.rows, first.counts, first.metric) == (1, 100, {"positive": 50}, "auc")
    assert first.low is not None
    assert first.value is not None
    assert first.high is not None
    assert first.low < first.value < first.high
    assert first.promised == pytest.approx(loop.at.registry.version(1).metrics["holdout_auc"], abs=1e-6)
    assert (second.version, second.value, second.promised) == (2, 1.0, None), "a version that the registry has lost"


def test_labels_of_one_class_say_nothing_about_ranking(loop: Loop) -> None:
    requests = Requests()
    answers = held_out_answers(20, right=1.0)
    requests.pairs = {1: LabelledAnswers(answers.entities, np.zeros(20, dtype=np.int8), answers.scores)}
    (figures,) = labels.run(PROJECT, loop.at.registry, loop.at.journal, requests, LATE).versions
    assert (figures.value, figures.low, figures.high) == (None, None, None)
    assert (figures.rows, figures.counts) == (20, {"positive": 0})


def test_a_request_log_that_is_away_leaves_no_record(loop: Loop) -> None:
    with pytest.raises(Unavailable, match="is away"):
        labels.run(PROJECT, loop.at.registry, loop.at.journal, Down(), LATE)
    assert not loop.at.ledger.records("live")


def test_a_snapshots_labels_are_about_answers_to_its_own_features(loop: Loop) -> None:
    snapshot = loop.arrive(2)
    found = labels.labels_of(PROJECT, loop.store, snapshot)
    columns = loop.store.columns(snapshot, ["id", "a", "b", "c"])
    assert len(found["features_hash"]) == len(found["label"]) == snapshot.labelled_rows
    entity = found["entity"][3]
    row = int(np.flatnonzero(columns["id"] == entity)[0])
    assert found["features_hash"][3] == features_hash(row_of(PROJECT.inputs, columns, row))


def test_a_snapshot_without_labels_is_one_sentence(loop: Loop) -> None:
    with pytest.raises(DataError, match="m3 has no labels yet: ingest them first"):
        labels.labels_of(PROJECT, loop.store, loop.arrive(3, labelled=False))


def by_cli(loop: Loop, monkeypatch: pytest.MonkeyPatch, snapshot: str) -> None:
    """`ratchet labels --snapshot`, over the loop's ports."""
    ports = {"project": PROJECT, "store": loop.store, "registry": loop.at.registry, "journal": loop.at.journal}
    wiring = SimpleNamespace(**ports, requests=Requests())
    monkeypatch.setattr(serving, "Wiring", SimpleNamespace(load=lambda: wiring))
    serving.labels(None, snapshot, as_json=True)


def test_a_snapshots_labels_measure_the_versions_too_once(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loop.arrive(2)
    for measured in (1, 0):
        by_cli(loop, monkeypatch, "m2")
        given = json.loads(capsys.readouterr().out)["measured"]
        assert len(given) == measured
    (entry,) = loop.at.journal.history().measurements(1)
    assert entry.event.snapshot == loop.store.get("m2").id


def test_labels_that_have_not_come_measure_nothing(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    loop.arrive(2, labelled=False)
    with pytest.raises(DataError, match="has no labels yet"):
        by_cli(loop, monkeypatch, "m2")
    assert not loop.at.journal.history().measurements(1)
