"""`ratchet prune` on a real request log: what it counts, deletes, keeps and writes down."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from ratchet.core.errors import Unavailable
from ratchet.core.events import Pruned
from ratchet.core.record import MAC, SIGNATURE
from ratchet.core.schema import LoggedAnswer
from ratchet.ledger.journal import Journal
from ratchet.steps.prune import forget, old_answers
from tests.support.club import Club
from tests.support.fakes import FakeLedger, FakeRequests

DAY = 86_400.0
AGES = (1, 40, 400, 800)  # days


@pytest.fixture
def club(tmp_path: Path) -> Club:
    club, now = Club(tmp_path), time.time()
    log = club.wiring.requests
    log.append([LoggedAnswer(f"p{age}", "u", 1, 0.5, "f" * 32, now - age * DAY) for age in AGES])
    keys = np.array(["p1", "p800"], dtype=object)
    assert log.join({"prediction_id": keys, "label": np.array([1, 0], dtype=object)}).joined == 2
    return club


def test_without_yes_old_answers_are_only_counted(club: Club) -> None:
    asked = club.ratchet("prune", "--answers", "365")
    assert asked.code == 0
    assert "2 answers are from before" in asked.out
    assert "--yes deletes them" in asked.out
    assert club.ratchet("prune", "--answers", "365", "--json").document["answers"] == 2
    assert club.wiring.ledger.records() == []
    assert len(club.wiring.requests.labelled()[1].labels) == 2


def test_old_answers_go_with_their_labels_and_the_ledger_and_the_volume_keep_that_they_were(club: Club) -> None:
    done = club.ratchet("prune", "--answers", "365", "--yes", "--json")
    assert (done.code, done.document["deleted"]) == (0, 2)
    assert club.wiring.requests.labelled()[1].labels.tolist() == [1]
    assert club.wiring.requests.volume(60).total(1) == len(AGES)
    (record,) = club.wiring.ledger.records(Pruned.KIND)
    body = {"before": done.document["before"], "answers": 2, "model": "club_churn", "form": 2}
    assert (record.actor, {name: value for name, value in record.body.items() if name not in {MAC, SIGNATURE}}) == ("tester", body)
    shown = club.ratchet("history", "--kind", "prune")
    assert "2 of them" in " ".join(shown.out.split())
    again = club.ratchet("prune", "--answers", "365", "--yes")
    assert (again.code, "there are no answers from before" in again.out) == (0, True)
    assert len(club.wiring.ledger.records(Pruned.KIND)) == 1


@pytest.mark.parametrize("days", ["0", "-1", "1.5", "36501", "", "all", "9" * 40])
def test_what_is_no_number_of_days_deletes_nothing(club: Club, days: str) -> None:
    refused = club.ratchet("prune", f"--answers={days}", "--yes")
    assert (refused.code, refused.out) == (2, "")
    assert club.wiring.ledger.records() == []
    assert club.ratchet("prune", "--yes").code == 2, "nothing is deleted by default"


@pytest.mark.parametrize(("variable", "where"), [("RATCHET_REQUESTS_URL", "the request log"), ("RATCHET_LEDGER_URL", "the ledger")])
def test_a_store_that_is_away_is_one_sentence_and_nothing_is_deleted(club: Club, variable: str, where: str) -> None:
    refused = club.ratchet("prune", "--answers", "365", "--yes", **{variable: "sqlite:////proc/nowhere/x.db"})
    assert (refused.code, refused.out) == (75, "")
    assert where in refused.error
    assert len(club.wiring.requests.labelled()[1].labels) == 2


def test_a_deletion_that_is_interrupted_is_in_the_ledger_already() -> None:
    class Away(FakeRequests):
        def delete_before(self, moment: float) -> int:  # noqa: ARG002 - as the port has it
            raise Unavailable("away")

    requests, ledger = Away(), FakeLedger()
    requests.times = {1: [0.0]}
    old = old_answers(requests, 1, datetime(2024, 1, 1, tzinfo=UTC))
    with pytest.raises(Unavailable):
        forget(Journal(ledger, "m"), requests, old)
    body = {"before": "2023-12-31T00:00:00+00:00", "answers": 1, "model": "m", "form": 2}
    assert [dict(record.body) for record in ledger.records(Pruned.KIND)] == [body]
