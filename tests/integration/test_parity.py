"""The compiled pipeline and the local runner take the same branches, whatever the steps say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.images import ROOT
from pipelines.runners.kubeflow.runner import compile_to
from tests.support.ir_walk import Walk

QUIET, RETRAIN, PASS = {"drift-check": "NO_ACTION"}, {"drift-check": "RETRAIN"}, {"drift-check": "RETRAIN", "evaluate": "PASS"}
TO_DRIFT, TO_GATE = ["ingest", "drift-check"], ["ingest", "drift-check", "train", "evaluate"]
GOOD, BAD = "record-run SUCCEEDED", "record-run FAILED"
CASES = {
    "no drift": (QUIET, [*TO_DRIFT, GOOD]),
    "too few rows to tell": ({"drift-check": "UNKNOWN"}, [*TO_DRIFT, GOOD]),
    "drift, FAIL": ({**RETRAIN, "evaluate": "FAIL"}, [*TO_GATE, GOOD]),
    "drift, UNKNOWN": ({**RETRAIN, "evaluate": "UNKNOWN"}, [*TO_GATE, GOOD]),
    "drift, PASS": ({**PASS, "promote": "done"}, [*TO_GATE, "promote", GOOD]),
    "awaiting approval": ({**PASS, "promote": "awaiting_approval"}, [*TO_GATE, "promote", GOOD]),
    "ingest fails": ({**PASS, "fails": "ingest"}, ["ingest", BAD]),
    "drift check fails": ({**PASS, "fails": "drift-check"}, [*TO_DRIFT, BAD]),
    "train fails": ({**PASS, "fails": "train"}, [*TO_DRIFT, "train", BAD]),
    "evaluate fails": ({**PASS, "fails": "evaluate"}, [*TO_GATE, BAD]),
    "promote fails": ({**PASS, "fails": "promote"}, [*TO_GATE, "promote", BAD]),
}
GROUPS = ["0-5", "5-9"]  # of rows, as the stand-in for ingest makes them
WIDE = {
    "no drift": (QUIET, ["ingest", "profile-rows", "drift-check", GOOD]),
    "drift, PASS": ({**PASS, "promote": "done"}, ["ingest", "profile-rows", *TO_GATE[1:], "promote", GOOD]),
    "counting fails": ({**PASS, "fails": "profile-rows"}, ["ingest", "profile-rows", BAD]),
}


def compiled(folder: Path, *, wide: bool = False) -> list[dict[str, Any]]:
    path = folder / "pipeline.yaml"
    compile_to(path, "example.com/ratchet@sha256:1", wide=wide)
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return compiled(tmp_path_factory.mktemp("compiled"))[0]


def run_here(folder: Path, outcomes: dict[str, str], *form: str) -> tuple[int, list[str]]:
    """Run the stand-ins by kfp.local; the exit code and the tasks that ran."""
    log = folder / "ran"
    made = {"PARITY_OUTCOMES": json.dumps(outcomes), "PARITY_LOG": str(log), "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    command = [sys.executable, "-m", "tests.support.parity_program", str(folder / "root"), *form]
    done = subprocess.run(command, env={**os.environ, **made}, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr or done.returncode, done.stderr
    return done.returncode, log.read_text().splitlines()


@pytest.mark.parametrize("case", CASES)
def test_the_compiled_pipeline_runs_the_tasks_that_the_outcome_asks_for(spec: dict[str, Any], case: str) -> None:
    outcomes, expected = CASES[case]
    walk = Walk(spec, outcomes)
    assert walk.start({"snapshot": "month_000"}) == ("fails" not in outcomes)
    assert walk.ran == expected


@pytest.mark.parametrize("case", CASES)
def test_the_local_runner_runs_the_same_tasks(case: str, tmp_path: Path) -> None:
    outcomes, expected = CASES[case]
    assert run_here(tmp_path, outcomes) == (int("fails" in outcomes), expected)


@pytest.mark.parametrize("case", WIDE)
def test_in_the_wide_form_both_count_every_group_before_the_drift_check(case: str, tmp_path: Path) -> None:
    outcomes, expected = WIDE[case]
    walk = Walk(compiled(tmp_path, wide=True)[0], {**outcomes, "ingest": GROUPS})
    assert walk.start({"snapshot": "month_000"}) == ("fails" not in outcomes)
    code, ran = run_here(tmp_path, outcomes, "wide")
    assert code == int("fails" in outcomes)
    for each in (walk.ran, ran):
        assert list(dict.fromkeys(each)) == expected
        assert "fails" in outcomes or each.count("profile-rows") == len(GROUPS)


@pytest.mark.parametrize("wide", [False, True])
def test_the_stand_ins_make_the_same_graph(wide: bool, tmp_path: Path) -> None:
    spec = compiled(tmp_path, wide=wide)[0]
    program = (
        "import sys; from kfp import compiler; from tests.support.parity_program import stand_in; "
        f"compiler.Compiler().compile(stand_in(wide={wide}), sys.argv[1])"
    )
    path = tmp_path / "stand_in.yaml"
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, str(path)], cwd=ROOT, check=True)
    other = next(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    assert other["components"] == spec["components"]
    assert other["root"]["dag"] == spec["root"]["dag"]


def test_a_run_is_ended_after_its_time_and_what_is_left_of_it_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def config() -> dict[str, Any]:
        found: dict[str, Any] = compiled(tmp_path)[1]["platforms"]["kubernetes"]["pipelineConfig"]
        return found

    assert config() == {"activeDeadlineSeconds": 8 * 3600, "resourceTtlOnCompletion": 86400}
    monkeypatch.setenv("RATCHET_KFP_DEADLINE", "600")
    monkeypatch.setenv("RATCHET_KFP_TTL", "0")
    assert config() == {"activeDeadlineSeconds": 600}


def test_no_task_is_cached_and_each_has_limits_and_its_addresses(tmp_path: Path) -> None:
    spec, platform = compiled(tmp_path, wide=True)
    for component in spec["components"].values():
        for task in component.get("dag", {}).get("tasks", {}).values():
            assert not task.get("cachingOptions", {}).get("enableCache", False)
    executors = spec["deploymentSpec"]["executors"]
    pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert set(pods) == set(executors)
    for name, executor in executors.items():
        container, pod = executor["container"], pods[name]
        assert container["image"] == "example.com/ratchet@sha256:1"
        assert "pip install" not in " ".join(container["command"])
        assert {"resourceCpuRequest", "resourceMemoryRequest", "resourceMemoryLimit"} <= set(container["resources"])
        assert int(pod["activeDeadlineSeconds"]) == 3600
        assert {item["secretName"] for item in pod["secretAsEnv"]} == {"ratchet-connections"}
        assert {item["configMapName"] for item in pod["configMapAsEnv"]} == {"ratchet-pipeline"}
        assert {item["name"] for item in pod["fieldPathAsEnv"]} == {"RATCHET_ACTOR", "RATCHET_RUN_ID"}
