from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.runners.events import Event, Run, failure
from pipelines.runners.kubeflow import runner as kubeflow_runner
from pipelines.runners.kubeflow.answers import tasks_of
from pipelines.runners.kubeflow.api import KubeflowApi
from pipelines.runners.kubeflow.runner import follow, has_many_rows, log_of, pipeline_of, prepare, retire, tags_of
from pipelines.runners.kubeflow.runs import Pod, Task
from pipelines.runners.kubeflow.schedules import six_fields
from pipelines.runners.kubeflow.settings import KubeflowSettings
from ratchet.core.errors import Unavailable, UserError
from ratchet.core.events import Ingested
from ratchet.ledger.journal import Journal
from tests.support.fake_kubeflow import FakeKubeflow
from tests.support.fakes import FakeLedger

QUIET = {
    "ingest 0": "[INGEST] month_001\nsome noise\n",
    "drift-check 0": "    NO_ACTION drift_share=0.000 < 0.020 -> the champion stays\n",
}
ERROR = {"step": "train", "code": 3, "type": "ArtifactError", "message": "version 1's files are not those that were registered"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pauses, and without compiling: tests/integration/test_parity.py does."""
    monkeypatch.setattr(
        kubeflow_runner,
        "compile_to",
        lambda path, image, wide: path.write_text(f"pipelineInfo: {{name: continuous-training}} # {image} {wide}\n"),
    )
    monkeypatch.setattr(kubeflow_runner, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(kubeflow_runner, "_PAUSE_SECONDS", 0.0)


def followed(api: FakeKubeflow) -> tuple[Run, list[Event]]:
    place = prepare(api, "m")
    run_id = api.start(place.experiment, "month_001", place.version, {})
    events: list[Event] = []
    return follow(api, run_id, events.append), events


def test_each_task_is_said_once_with_its_own_lines() -> None:
    running = {"ingest": "Running"}
    checked = {"ingest": "Succeeded", "drift-check": "Running"}
    done = {"ingest": "Succeeded", "drift-check": "Succeeded"}
    api = FakeKubeflow([("", {}), ("RUNNING", running), ("RUNNING", running), ("RUNNING", checked), ("SUCCEEDED", done)], QUIET)
    run, events = followed(api)
    assert not run.error
    assert run.lines == ["[INGEST] month_001", "NO_ACTION drift_share=0.000 < 0.020 -> the champion stays"]
    assert [(event.kind, event.text) for event in events if event.kind != "line"] == [
        ("started", "ingest"),
        ("ended", "ingest"),
        ("started", "drift-check"),
        ("ended", "drift-check"),
    ]
    assert run.log == "https://kubeflow/#/runs/details/run-1"


def test_a_failed_step_ends_the_run_with_its_own_exit_code() -> None:
    logs = {"train 0": f"[ERROR] {json.dumps(ERROR)}\nTraceback ...\n"}
    run, _ = followed(FakeKubeflow([("RUNNING", {"train": "Running"}), ("FAILED", {"train": "Failed"})], logs))
    assert run.error == ERROR


def test_a_task_that_could_say_nothing_is_said_by_the_end_of_its_log() -> None:
    logs = {"train 0": "\n".join(f"line {number}" for number in range(100))}
    run, _ = followed(FakeKubeflow([("RUNNING", {"train": "Running"}), ("FAILED", {"train": "Failed"})], logs))
    assert run.error["code"] == 1
    assert run.error["message"].splitlines()[0] == "task train failed:"
    assert run.error["message"].splitlines()[1:] == [f"line {number}" for number in range(80, 100)]


def test_a_task_that_was_killed_is_followed_in_its_next_try() -> None:
    story = [
        ("RUNNING", {"train": "Running"}),
        ("RUNNING", {"train": "Error Running"}),
        ("SUCCEEDED", {"train": "Error Succeeded"}),
    ]
    run, events = followed(FakeKubeflow(story, {"train 0": "[TRAIN] once\n", "train 1": "[TRAIN] once\n[TRAIN] version 2\n"}))
    assert not run.error
    assert run.lines == ["[TRAIN] once", "[TRAIN] once", "[TRAIN] version 2"]
    assert [event.text for event in events if event.kind == "started"] == ["train", "train"]


WORKFLOW = {  # as the API server of Kubeflow Pipelines 2.17.0 reports it, less what is not read
    "metadata": {"name": "hello-xrm25"},
    "status": {
        "nodes": {
            node["id"]: node
            for node in (
                {
                    "id": "hello-xrm25-1",
                    "name": "hello-xrm25(0).root-driver(0)",
                    "type": "Pod",
                    "templateName": "system-dag-driver",
                    "phase": "Failed",
                    "message": "Error (exit code 1)",
                },
                {"id": "hello-xrm25-2", "name": "hello-xrm25(0).root(0).exit-handler-1(0)", "type": "DAG", "startedAt": "1"},
                {
                    "id": "hello-xrm25-627164554",
                    "name": "hello-xrm25(0).root(0).exit-handler-1(0).condition-2(0).train(0).executor(1)",
                    "type": "Pod",
                    "templateName": "system-container-impl",
                    "phase": "Succeeded",
                    "startedAt": "2026-11-25T13:47:39Z",
                },
                {
                    "id": "hello-xrm25-5",
                    "name": "hello-xrm25(0).root(0).exit-handler-1(0).condition-2(0).train(0).executor(0)",
                    "type": "Pod",
                    "templateName": "system-container-impl",
                    "phase": "Error",
                    "message": "pod deleted",
                    "startedAt": "2026-11-25T13:47:30Z",
                },
                {
                    "id": "hello-xrm25-3077558676",
                    "name": "hello-xrm25.root.exit-handler-1.ingest.executor",  # of a backend that does not retry
                    "type": "Pod",
                    "templateName": "system-container-impl",
                    "phase": "Succeeded",
                    "startedAt": "2026-11-25T13:47:20Z",
                },
            )
        }
    },
}


def test_a_workflows_nodes_become_tasks_and_their_tries() -> None:
    (ingest, train), drivers = tasks_of(WORKFLOW)
    pod = Pod("hello-xrm25-1", "hello-xrm25-system-dag-driver-1", "Failed", "Error (exit code 1)")
    assert drivers == (Task("root-driver", (pod,)),)
    assert ingest == Task("ingest", (Pod("hello-xrm25-3077558676", "hello-xrm25-system-container-impl-3077558676", "Succeeded"),))
    assert (train.name, train.phase) == ("train", "Succeeded")
    assert [(pod.phase, pod.message) for pod in train.pods] == [("Error", "pod deleted"), ("Succeeded", "")]


@pytest.mark.parametrize("status", [{}, {"nodes": None}, {"nodes": {}}])
def test_a_workflow_that_has_not_begun_has_no_tasks(status: dict[str, Any]) -> None:
    assert tasks_of({"metadata": {"name": "w"}, "status": status}) == ((), ())
    assert tasks_of({}) == ((), ())


def test_a_pod_that_cannot_start_says_why_once() -> None:
    reason = "Failed to pull image"
    api = FakeKubeflow([("RUNNING", {"ingest": "Pending"})] * 3 + [("FAILED", {"ingest": "Failed"})], why={"ingest 0": reason})
    _, events = followed(api)
    assert [event.text for event in events if event.kind == "waiting"] == [f"ingest waits: {reason}"]


def test_a_driver_of_kubeflows_that_fails_is_named_with_its_log_and_its_pod() -> None:
    pod = Pod("n-1", "w-system-dag-driver-1", "Failed", "Error (exit code 1)")
    api = FakeKubeflow([("RUNNING", {}), ("FAILED", {})], {"n-1": "cannot reach MLMD\n"}, drivers=(Task("root-driver", (pod,)),))
    run, _ = followed(api)
    assert run.error["message"].splitlines() == ["task root-driver failed (Error (exit code 1)):", "cannot reach MLMD"]
    written: list[str] = []
    assert log_of(api, "run-1", written.append) == 1
    assert written == ["==> root-driver (failed, pod w-system-dag-driver-1) <==\ncannot reach MLMD\n"]
    api.logs.clear()
    run, _ = followed(api)
    assert "see the pod w-system-dag-driver-1" in run.error["message"]


def test_of_a_driver_that_says_why_it_ends_only_that_is_said() -> None:
    noise = "\n".join(f"I1126 12:14:27.{n} main.go:346] input" for n in range(50))
    pod = Pod("n-1", "w-system-dag-driver-1", "Failed", "Error (exit code 1)")
    fatal = "F1126 12:16:50.918445      16 main.go:127] KFP driver: connection refused"
    logs = {"n-1": f"{noise}\n{fatal}\ngoroutine 1\n"}
    run, _ = followed(FakeKubeflow([("FAILED", {})], logs, drivers=(Task("root-driver", (pod,)),)))
    assert run.error["message"].splitlines()[1:] == [fatal, "goroutine 1"]


def test_a_driver_that_cannot_start_says_why_once() -> None:
    pod = Pod("n-1", "w-system-dag-driver-1", "Pending", "Failed to pull image")
    _, events = followed(FakeKubeflow([("RUNNING", {})] * 3 + [("FAILED", {})], drivers=(Task("root-driver", (pod,)),)))
    assert [event.text for event in events if event.kind == "waiting"] == ["root-driver waits: Failed to pull image"]


def test_what_the_step_said_counts_and_not_what_recording_the_run_could_not_do() -> None:
    recording = {**ERROR, "step": "record_run", "code": 75}
    lines = ["[ERROR] {not ours}", f"[ERROR] {json.dumps(ERROR)}", f"[ERROR] {json.dumps(recording)}", '[ERROR] ["a list"]']
    assert failure(lines, "") == ERROR
    assert failure(lines[2:], "") == recording
    assert failure(lines[:1], "nothing is known")["message"] == "nothing is known"


def test_without_an_image_there_is_nothing_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    with pytest.raises(UserError, match="the tasks' image is not known"):
        kubeflow_runner.compile_to(tmp_path / "x.yaml", "")


def test_a_run_that_was_terminated_is_no_success() -> None:
    run, _ = followed(FakeKubeflow([("RUNNING", {"ingest": "Running"}), ("CANCELED", {"ingest": "Running"})]))
    assert run.error["message"] == "run run-1 ended as CANCELED: somebody terminated it"


def test_a_terminated_run_is_not_taken_for_what_a_task_said_before() -> None:
    story = [("RUNNING", {"train": "Running"}), ("CANCELED", {"train": "Failed"})]
    run, _ = followed(FakeKubeflow(story, {"train 0": f"[ERROR] {json.dumps(ERROR)}\n"}))
    assert "ended as CANCELED" in run.error["message"]


def test_a_models_pipelines_carry_tags_that_kubeflow_takes() -> None:
    tags = tags_of("m" * 200)
    assert set(tags) == {"ratchet-model", "ratchet-release"}
    assert all(len(value) <= 63 for value in tags.values())


def test_a_server_that_is_away_for_a_while_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    run, _ = followed(FakeKubeflow([("RUNNING", {}), ("SUCCEEDED", {})], away={1, 2}))
    assert not run.error
    monkeypatch.setattr(kubeflow_runner, "_PATIENCE", 0.05)
    with pytest.raises(Unavailable):
        followed(FakeKubeflow([("RUNNING", {})], away=set(range(1, 10_000))))


def test_the_same_pipeline_is_uploaded_once_and_another_image_makes_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    api = FakeKubeflow()
    assert [prepare(api, "streamflow_churn").uploaded for _ in range(2)] == [True, False]
    ((name, versions),) = api.packages.items()
    assert name == "ratchet-streamflow-churn"
    monkeypatch.setattr(kubeflow_runner, "compile_to", lambda path, image, wide: path.write_text(f"# another {image} {wide}\n"))
    assert prepare(api, "streamflow_churn").uploaded
    assert len(versions) == 2


def test_the_form_for_large_snapshots_is_taken_when_the_newest_is_large() -> None:
    api, journal = FakeKubeflow(), Journal(FakeLedger(), "m")
    assert not has_many_rows(journal.history(), 5_000_000)
    for rows in (9_000_000, 5_000_000, 5_000_001):
        journal.append(Ingested(snapshot="2024-01-31@a", name="month_000", rows=rows, labelled_rows=0))
        wide = has_many_rows(journal.history(), 5_000_000)
        assert wide == (rows != 5_000_000)
        assert prepare(api, "m", wide=wide).uploaded == (rows != 5_000_001), "each form is uploaded once"


def test_the_log_of_a_run_is_its_tasks_in_the_order_of_the_dag() -> None:
    api = FakeKubeflow([("SUCCEEDED", {"ingest": "Error Succeeded", "drift-check": "Succeeded"})], QUIET)
    api.start("e", "n", prepare(api, "m").version, {})
    written: list[str] = []
    assert log_of(api, "run-1", written.append) == 2
    assert written[0].startswith("==> ingest (error, pod pod-ingest-0) <==\n[INGEST] month_001")
    assert written[1].startswith("==> drift-check")


def test_a_new_schedule_takes_the_place_of_the_old_one_and_lets_its_run_end() -> None:
    api = FakeKubeflow()
    place = prepare(api, "m")
    old = [api.add_schedule("e", "m", cron, place.version, {}) for cron in ("0 0 1 * * *", "0 0 2 * * *")]
    api.start("e", "latest", place.version, {})
    api.started[0] = replace(api.started[0], state="RUNNING", schedule=old[1])
    before = api.schedules("e", "m")
    new = api.add_schedule("e", "m", "0 0 3 * * *", place.version, {})
    assert retire(api, "e", before) == ["run-1"]
    assert [(item.id, item.enabled) for item in api.schedules("e", "m")] == [(old[1], False), (new, True)]
    api.started.clear()  # it has ended
    assert retire(api, "e", [item for item in api.schedules("e", "m") if item.id != new]) == []
    assert [item.id for item in api.schedules("e", "m")] == [new]


@pytest.mark.parametrize(
    ("given", "taken"), [("0 3 * * *", "0 0 3 * * *"), ("*/5 * * * 1-5", "0 */5 * * * 1-5"), ("0 0 3 * * *", "0 0 3 * * *")]
)
def test_a_schedule_gets_kubeflows_seconds(given: str, taken: str) -> None:
    assert six_fields(given) == taken


@pytest.mark.parametrize("given", ["", "daily", "* * * *", "1 2 3 4 5 6 7"])
def test_what_is_no_schedule_is_one_sentence(given: str) -> None:
    with pytest.raises(UserError, match="is not a schedule: give five fields"):
        six_fields(given)


@pytest.mark.parametrize("model", ["streamflow_churn", "Streamflow Churn", "--streamflow.churn--"])
def test_a_models_pipeline_has_a_name_that_kubeflow_takes(model: str) -> None:
    assert pipeline_of(model) == "ratchet-streamflow-churn"


def test_without_an_address_there_is_one_sentence() -> None:
    with pytest.raises(UserError, match="RATCHET_KFP_URL is not set"):
        KubeflowApi(KubeflowSettings())
