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
from pipelines.kubeflow.runner import compile_to
from tests.ir_walk import Walk

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


def compiled(folder: Path) -> list[dict[str, Any]]:
    path = folder / "pipeline.yaml"
    compile_to(path, "example.com/ratchet@sha256:1")
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return compiled(tmp_path_factory.mktemp("compiled"))[0]


@pytest.mark.parametrize("case", CASES)
def test_the_compiled_pipeline_runs_the_tasks_that_the_outcome_asks_for(spec: dict[str, Any], case: str) -> None:
    outcomes, expected = CASES[case]
    walk = Walk(spec, outcomes)
    assert walk.start({"snapshot": "month_000"}) == ("fails" not in outcomes)
    assert walk.ran == expected


@pytest.mark.parametrize("case", CASES)
def test_the_local_runner_runs_the_same_tasks(case: str, tmp_path: Path) -> None:
    outcomes, expected = CASES[case]
    log = tmp_path / "ran"
    env = {
        **os.environ,
        "PARITY_OUTCOMES": json.dumps(outcomes),
        "PARITY_LOG": str(log),
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.parity_program", str(tmp_path / "root")],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == int("fails" in outcomes), done.stdout + done.stderr
    assert log.read_text().splitlines() == expected


def test_the_stand_ins_make_the_same_graph(spec: dict[str, Any], tmp_path: Path) -> None:
    program = (
        "import sys; from kfp import compiler; from tests.parity_program import stand_in; "
        "compiler.Compiler().compile(stand_in(), sys.argv[1])"
    )
    path = tmp_path / "stand_in.yaml"
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, str(path)], cwd=ROOT, check=True)
    other = next(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    assert other["components"] == spec["components"]
    assert other["root"]["dag"] == spec["root"]["dag"]


def test_no_task_is_cached_and_each_has_limits_and_its_addresses(tmp_path: Path) -> None:
    spec, platform = compiled(tmp_path)
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
