from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pipelines.runners.kubeflow.api import KubeflowApi
from pipelines.runners.kubeflow.orchestrator import KubeflowRunner
from pipelines.runners.kubeflow.runs import Pod, Version
from pipelines.runners.kubeflow.settings import KubeflowSettings
from ratchet.core.errors import Unavailable, UserError
from ratchet.ledger.journal import Journal
from tests.support.fakes import FakeLedger
from tests.support.kubeflow_stub import Kubeflow, serving

TAGS = {"ratchet-model": "m"}
POD = Pod("w-1", "w-system-container-impl-1", "Running")


@pytest.fixture
def kubeflow() -> Kubeflow:
    return Kubeflow()


@pytest.fixture
def url(kubeflow: Kubeflow) -> Iterator[str]:
    with serving(kubeflow) as address:
        yield address


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "pipeline.yaml"
    path.write_text("pipelineInfo: {name: continuous-training}\n")
    return path


def test_a_version_is_uploaded_once_and_is_the_only_one(kubeflow: Kubeflow, url: str, package: Path) -> None:
    api = KubeflowApi(KubeflowSettings(url=url))
    assert api.upload("ratchet-m", "abc", package, TAGS) == (Version("ratchet-m", "abc"), True)
    assert api.upload("ratchet-m", "abc", package, TAGS) == (Version("ratchet-m", "abc"), False)
    assert api.upload("ratchet-m", "def", package, TAGS) == (Version("ratchet-m", "def"), True)
    assert kubeflow.pipelines == {"ratchet-m": ["abc", "def"]}
    assert kubeflow.tags == {"abc": TAGS, "def": TAGS}


def test_an_experiment_that_somebody_else_makes_in_this_moment_is_found(kubeflow: Kubeflow, url: str) -> None:
    kubeflow.hidden = 1
    assert KubeflowApi(KubeflowSettings(url=url)).experiment("ratchet/m") == "e1"
    kubeflow.hidden = 100
    with pytest.raises(UserError, match="Already exist error"):
        KubeflowApi(KubeflowSettings(url=url)).experiment("ratchet/m")


def test_a_run_is_started_under_the_account_and_listed_with_its_parameters(kubeflow: Kubeflow, url: str) -> None:
    api = KubeflowApi(KubeflowSettings(url=url, service_account="trainer", ui_url="https://kubeflow/"))
    run_id = api.start(api.experiment("ratchet/m"), "month_001", Version("p", "v"), {"snapshot": "month_001", "force": False})
    assert kubeflow.runs[0]["service_account"] == "trainer"
    assert kubeflow.runs[0]["experiment_id"] == "e1"
    run = api.run(run_id)
    assert (run.state, run.ended, run.finished_at, run.tasks) == ("", False, None, ())
    assert run.parameters == {"snapshot": "month_001", "force": False}
    assert [found.id for found in api.runs("e1", 10, "month_001")] == [run_id]
    assert api.runs("e1", 10, "month_002") == []
    assert api.link(run_id) == "https://kubeflow/#/runs/details/run-1"


def test_a_log_comes_from_the_pod_else_from_the_archive_else_there_is_none(kubeflow: Kubeflow, url: str) -> None:
    api = KubeflowApi(KubeflowSettings(url=url))
    assert api.log("run-1", POD) == ""
    kubeflow.logs[POD.node] = "kept\n"
    assert api.log("run-1", POD) == "kept\n"
    kubeflow.logs[POD.name] = "[INGEST] month_001\n"
    assert api.log("run-1", POD) == "[INGEST] month_001\n"


def test_every_request_bears_the_token_of_the_moment(kubeflow: Kubeflow, url: str, tmp_path: Path) -> None:
    KubeflowApi(KubeflowSettings(url=url, token=SecretStr("secret"))).experiment("e")
    assert {header for _, _, header in kubeflow.asked} == {"Bearer secret"}
    kubeflow.asked.clear()
    file = tmp_path / "token"
    file.write_text("first")
    api = KubeflowApi(KubeflowSettings(url=url, token_file=file))
    api.experiment("e")
    file.write_text("second")
    api.experiment("e")
    api.log("run-1", POD)
    headers = [header for _, _, header in kubeflow.asked]
    assert (headers[0], headers[-1]) == ("Bearer first", "Bearer second")


def test_on_a_kubeflow_with_many_users_the_namespace_must_be_named(kubeflow: Kubeflow, url: str) -> None:
    kubeflow.many_users = True
    with pytest.raises(UserError, match="RATCHET_KFP_NAMESPACE"):
        KubeflowApi(KubeflowSettings(url=url)).experiment("e")
    assert KubeflowApi(KubeflowSettings(url=url, namespace="team")).experiment("e") == "e1"


@pytest.mark.parametrize(
    ("status", "error", "sentence"),
    [
        (401, UserError, r"refuses \(401\): check RATCHET_KFP_TOKEN and the rights; somebody's reason"),
        (403, UserError, "RATCHET_KFP_TOKEN"),
        (400, UserError, r"refuses \(400\): somebody's reason"),
        (500, Unavailable, "cannot be reached"),
        (503, Unavailable, "cannot be reached"),
    ],
)
def test_a_refusal_is_one_sentence(kubeflow: Kubeflow, url: str, status: int, error: type[Exception], sentence: str) -> None:
    kubeflow.refuses = status
    with pytest.raises(error, match=sentence):
        KubeflowApi(KubeflowSettings(url=url)).experiment("e")


def test_a_page_to_sign_in_on_is_no_run_without_tasks(kubeflow: Kubeflow, url: str) -> None:
    api = KubeflowApi(KubeflowSettings(url=url))
    run_id = api.start("e1", "n", Version("p", "v"), {})
    kubeflow.page = "<html>sign in</html>"
    with pytest.raises(Unavailable, match="its answer is no JSON"):
        api.run(run_id)


def test_a_log_that_a_broken_server_keeps_is_not_an_empty_one(kubeflow: Kubeflow, url: str) -> None:
    kubeflow.refuses = 502
    with pytest.raises(Unavailable):
        KubeflowApi(KubeflowSettings(url=url)).log("run-1", POD)


def test_an_unknown_run_is_one_sentence(url: str) -> None:
    with pytest.raises(UserError, match="Run nope not found"):
        KubeflowApi(KubeflowSettings(url=url)).run("nope")


def test_a_server_that_is_not_there_is_unavailable_and_never_an_empty_list() -> None:
    api = KubeflowApi(KubeflowSettings(url="http://127.0.0.1:9"))
    for call in (lambda: api.runs("e", 1), lambda: api.log("run-1", POD)):
        with pytest.raises(Unavailable, match=r"Kubeflow at http://127\.0\.0\.1:9 cannot be reached"):
            call()


@pytest.mark.parametrize(
    ("workflow", "state", "error"),
    [
        ({"spec": {"activeDeadlineSeconds": 0}}, "CANCELED", "somebody terminated it on Kubeflow, it did not fail by itself"),
        (
            {"spec": {"activeDeadlineSeconds": 60}, "status": {"message": "Step exceeded its deadline"}},
            "FAILED",
            "it had 60 s: Step exceeded its deadline",
        ),
        ({"spec": {}, "status": {"message": "child 'x' failed"}}, "FAILED", "child 'x' failed"),
        ({}, "FAILED", ""),
    ],
)
def test_a_terminated_run_one_whose_time_was_over_and_a_failed_one_are_told_apart(
    kubeflow: Kubeflow, url: str, workflow: dict[str, Any], state: str, error: str
) -> None:
    api = KubeflowApi(KubeflowSettings(url=url))
    run_id = api.start("e1", "month_001", Version("p", "v"), {})
    kubeflow.runs[0]["state"], kubeflow.workflow = "FAILED", workflow
    run = api.run(run_id)
    assert (run.state, run.error, run.ended) == (state, error, True)
    (listed,) = KubeflowRunner(api, "m", Journal(FakeLedger(), "m"), 1).runs(5)
    assert listed.state == state.lower()


def test_a_run_that_succeeded_is_no_terminated_one(kubeflow: Kubeflow, url: str) -> None:
    api = KubeflowApi(KubeflowSettings(url=url))
    run_id = api.start("e1", "month_001", Version("p", "v"), {})
    kubeflow.runs[0]["state"], kubeflow.workflow = "SUCCEEDED", {"spec": {"activeDeadlineSeconds": 0}}
    assert (api.run(run_id).state, api.run(run_id).error) == ("SUCCEEDED", "")
