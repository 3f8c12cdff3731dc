"""What is around the steps: the name of the latest snapshot, tries after an outage, the record of a run's end."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import pytest

from components.shell import attempt
from ratchet.core.decision import Verdict
from ratchet.core.errors import DataError, Unavailable, UserError
from ratchet.core.events import Cause, Gated, Moved, MoveState, Triggered
from ratchet.core.trigger import Action
from ratchet.ledger.journal import Journal
from ratchet.sources.folder import TableSource
from ratchet.steps import ingest, record_run
from ratchet.wiring import Wiring
from tests.support.fakes import FakeLedger
from tests.support.loop import PROJECT, Loop


def test_latest_is_the_newest_date_and_not_the_last_name(tmp_path: Path) -> None:
    project = PROJECT.model_copy(update={"snapshots": {"zulu": date(2024, 1, 31), "alpha": date(2024, 3, 31)}})
    for name in ("zulu", "alpha", "2024-02-29"):
        (tmp_path / name).mkdir()
    assert TableSource(tmp_path, project).newest() == "alpha"


def test_latest_without_a_place_is_the_newest_that_is_stored() -> None:
    loop = Loop()
    with pytest.raises(DataError, match="no snapshot was ingested yet"):
        ingest.run(None, loop.store, loop.features, loop.at.journal, "latest", say=loop.said.append)
    loop.arrive(2)
    newest = loop.arrive(3)
    assert ingest.run(None, loop.store, loop.features, loop.at.journal, "latest", say=loop.said.append) == newest


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """An installation with three tries; the pauses between them are noted and not waited for."""
    pauses: list[float] = []
    (tmp_path / "ratchet.yaml").write_text(Path("ratchet.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setenv("RATCHET_PROJECT", str(tmp_path / "ratchet.yaml"))
    monkeypatch.setenv("RATCHET_STEP_TRIES", "3")
    monkeypatch.setattr(time, "sleep", pauses.append)  # tenacity's
    return pauses


def test_a_step_is_tried_again_while_a_store_is_away(shell: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    tries = []

    def body(_: Wiring) -> str:
        tries.append(1)
        if len(tries) < 3:
            raise Unavailable("the ledger cannot be reached")
        return "PASS"

    assert attempt("evaluate", body) == "PASS"
    assert len(shell) == 2
    assert shell[0] < shell[1]
    assert capsys.readouterr().out.count("[RETRY] evaluate: the ledger cannot be reached") == 2


def test_a_store_that_stays_away_ends_the_step_with_its_exit_code(shell: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    def body(_: Wiring) -> str:
        raise Unavailable("the ledger cannot be reached")

    with pytest.raises(SystemExit) as ended:
        attempt("evaluate", body)
    assert (ended.value.code, len(shell)) == (75, 2)
    assert '[ERROR] {"step": "evaluate", "code": 75' in capsys.readouterr().out


def test_what_a_person_must_change_is_not_tried_again(shell: list[float]) -> None:
    def body(_: Wiring) -> str:
        raise UserError("no such snapshot")

    with pytest.raises(SystemExit) as ended:
        attempt("ingest", body)
    assert (ended.value.code, shell) == (2, [])


def test_without_the_setting_there_is_one_try(shell: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RATCHET_STEP_TRIES")

    def body(_: Wiring) -> str:
        raise Unavailable("the ledger cannot be reached")

    with pytest.raises(SystemExit):
        attempt("ingest", body)
    assert shell == []


@pytest.mark.parametrize(
    "state", ["SUCCEEDED", "COMPLETE", "RUNNING"]
)  # of kfp.local; of a backend; there when a branch was left out
def test_a_run_that_did_not_fail_is_recorded_as_succeeded(state: str) -> None:
    ledger = FakeLedger()
    record_run.run(Journal(ledger, "m"), state=state, error="", run_id="r1", snapshot="month_001")
    assert ledger.records("run")[0].body["state"] == "succeeded"


def test_the_end_of_a_run_is_recorded_once_with_what_it_had_reached() -> None:
    ledger = FakeLedger()
    journal = Journal(ledger, "m")
    journal.append(Triggered(snapshot="s", champion=None, action=Action.RETRAIN, reasons=(), run_id="r1"))
    gate = Gated(snapshot="s", candidate=1, champion=None, verdict=Verdict.PASS, reasons=(), decisive=(), run_id="r1")
    journal.append(gate)
    journal.append(Moved(state=MoveState.DONE, to=1, before=None, cause=Cause.GATE, reasons=(), run_id="another"))
    for _ in range(2):  # KFP may try an exit task again
        record_run.run(journal, state="FAILED", error="OOMKilled", run_id="r1", snapshot="month_001")
    (record,) = ledger.records("run")
    assert record.key == "r1"
    assert record.body == {
        "state": "failed",
        "error": "OOMKilled",
        "reached": ["trigger", "gate"],
        "snapshot": "month_001",
        "run_id": "r1",
        "model": "m",
        "form": 2,
    }
