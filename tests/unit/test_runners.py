"""Both orchestrators behind the one port: what starts, lists and logs a run does not know which it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.runners.choice import Orchestrator, present
from pipelines.runners.kubeflow import runner as kubeflow_runner
from pipelines.runners.kubeflow.orchestrator import KubeflowRunner
from pipelines.runners.local.orchestrator import LocalRunner
from pipelines.runners.port import Runner
from ratchet.core.errors import UserError
from ratchet.ledger.journal import Journal
from ratchet.settings import Settings
from tests.support.fake_kubeflow import FakeKubeflow
from tests.support.fakes import FakeLedger

ARGUMENTS = {"snapshot": "month_001", "data": "s3://ratchet/raw", "replace": False, "force": False}
ENDED = {"run_id": "20990101-000000-aaaa", "state": "succeeded", "error": "", "reached": [], "snapshot": "month_001"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without compiling: tests/integration/test_parity.py does."""
    monkeypatch.setattr(kubeflow_runner, "compile_to", lambda path, image, wide: path.write_text(f"{image} {wide}"))


@pytest.fixture(params=list(Orchestrator))
def runner(request: pytest.FixtureRequest, tmp_path: Path) -> Runner:
    if request.param is Orchestrator.KFP:
        return KubeflowRunner(FakeKubeflow([("RUNNING", {})]), "m", Journal(FakeLedger(), "m"), 1000)
    return LocalRunner(Settings(home=tmp_path), Journal(FakeLedger(), "m"))


def test_a_run_is_started_once_under_a_name_and_anew_without_one(runner: Runner) -> None:
    first = runner.start(ARGUMENTS, "key").run_id
    assert runner.start(ARGUMENTS, "key").run_id == first
    assert (
        len({first, runner.start(ARGUMENTS, "other").run_id, runner.start(ARGUMENTS).run_id, runner.start(ARGUMENTS).run_id}) == 4
    )


def test_there_is_no_run_before_the_first(runner: Runner) -> None:
    assert runner.runs(20) == []


def test_a_run_on_this_machine_is_listed_with_what_the_ledger_knows_of_its_end(tmp_path: Path) -> None:
    ledger = FakeLedger()
    ended, killed = "20990101-000000-aaaa", "20980101-000000-bbbb"
    ledger.append("run", ENDED, key=ended)
    for run_id in (ended, killed):
        (tmp_path / "runs" / run_id).mkdir(parents=True)
    first, second = LocalRunner(Settings(home=tmp_path), Journal(ledger, "m")).runs(20)
    assert (first.run, first.state, first.snapshot) == (ended, "succeeded", "month_001")
    assert (second.run, second.state, second.seconds) == (killed, "unfinished", None)
    assert second.started == "2098-01-01T00:00:00+00:00"
    assert LocalRunner(Settings(home=tmp_path), Journal(ledger, "m")).runs(1) == [first]


def test_a_local_log_is_written_as_it_lies_in_the_runs_folder(tmp_path: Path) -> None:
    runner, written = LocalRunner(Settings(home=tmp_path), Journal(FakeLedger(), "m")), list[str]()
    (tmp_path / "runs" / "a").mkdir(parents=True)
    (tmp_path / "runs" / "a" / "log.txt").write_text("[INGEST] month_001\n", encoding="utf-8")
    assert runner.log("a", written.append) == ""
    assert written == ["[INGEST] month_001\n"]
    for nowhere in ("b", "../a", "\0"):
        with pytest.raises(UserError, match=r"there is no run .* here"):
            LocalRunner(Settings(home=tmp_path / "runs"), Journal(FakeLedger(), "m")).log(nowhere, written.append)


def test_a_run_on_kubeflow_is_listed_with_its_address_and_may_have_no_log_yet() -> None:
    runner = KubeflowRunner(FakeKubeflow([("RUNNING", {}), ("SUCCEEDED", {})]), "m", Journal(FakeLedger(), "m"), 1000)
    started = runner.start(ARGUMENTS)
    assert started.place == "in ratchet/m, a new version of the pipeline"
    (listed,) = runner.runs(20)
    assert (listed.run, listed.snapshot, listed.state, listed.where) == (started.run_id, "month_001", "pending", started.where)
    said: list[str] = []
    assert runner.log(started.run_id, said.append).startswith("ended and left no log")
    assert said == []


def test_a_folder_of_this_machine_is_no_data_for_kubeflow() -> None:
    api = FakeKubeflow()
    with pytest.raises(UserError, match="a pod of Kubeflow does not see the folder /data"):
        KubeflowRunner(api, "m", Journal(FakeLedger(), "m"), 1000).start({**ARGUMENTS, "data": "/data"})
    assert not api.started
    assert not api.packages


def test_runs_are_kubeflows_where_its_address_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RATCHET_KFP_URL", raising=False)
    assert present() is Orchestrator.LOCAL
    monkeypatch.setenv("RATCHET_KFP_URL", "http://ml-pipeline:8888")
    assert present() is Orchestrator.KFP


def test_a_schedule_on_kubeflow_takes_the_place_of_the_one_before_and_is_ended() -> None:
    api = FakeKubeflow()
    scheduler = KubeflowRunner(api, "m", Journal(FakeLedger(), "m"), 1000).scheduler
    assert (scheduler.scheduled(), scheduler.unschedule()) == ([], [])
    assert scheduler.schedule("0 3 * * *", ARGUMENTS) == []
    assert scheduler.schedule("0 4 * * *", ARGUMENTS) == []
    (one,) = scheduler.scheduled()
    assert (one.cron, one.when, one.arguments) == ("0 0 4 * * *", "0 0 4 * * * (seconds first)", ARGUMENTS)
    assert scheduler.unschedule() == []
    assert scheduler.scheduled() == []


@pytest.mark.parametrize(
    ("cron", "data", "sentence"), [("daily", "s3://a/b", "five fields"), ("0 3 * * *", "", "give --data s3://")]
)
def test_what_cannot_be_scheduled_leaves_the_schedule_before(cron: str, data: str, sentence: str) -> None:
    scheduler = KubeflowRunner(FakeKubeflow(), "m", Journal(FakeLedger(), "m"), 1000).scheduler
    scheduler.schedule("0 3 * * *", ARGUMENTS)
    with pytest.raises(UserError, match=sentence):
        scheduler.schedule(cron, {**ARGUMENTS, "data": data})
    assert len(scheduler.scheduled()) == 1


def test_a_runner_that_cannot_schedule_says_so_in_one_sentence(tmp_path: Path) -> None:
    runner = LocalRunner(Settings(home=tmp_path), Journal(FakeLedger(), "m"))
    with pytest.raises(UserError, match=r"not started by the clock: .*RATCHET_KFP_URL$"):
        _ = runner.scheduler
