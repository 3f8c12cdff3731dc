"""Upgrades of a release that serves: what is there stays, and what is broken changes nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cluster.images import ROOT
from cluster.releases import install
from ratchet.core.errors import UserError
from tests.cluster.toolbox import Toolbox, eventually

pytestmark = pytest.mark.timeout(900)
UPGRADE = ("upgrade", "ratchet", "charts/ratchet", "--reuse-values")
AUTOSCALED = ("--set", "autoscaling.enabled=true", "--set", "autoscaling.minReplicas=2")


def asked_for(toolbox: Toolbox) -> int:
    return int(toolbox.cluster.read("deployment", "ratchet-serving")["spec"]["replicas"])


@contextmanager
def watched(toolbox: Toolbox, file: Path) -> Iterator[list[int]]:
    """How many pods the Deployment asks for, each time that anything of it changes in the block."""
    seen: list[int] = []
    command = [*map(str, toolbox.cluster.kubectl_command()), "get", "deploy", "ratchet-serving", "--watch"]
    with file.open("w") as out:
        process = subprocess.Popen([*command, "--output", 'jsonpath={.spec.replicas}{"\\n"}'], stdout=out)
    try:
        assert eventually(lambda: bool(file.read_text()))
        yield seen
    finally:
        process.terminate()
        process.wait()
        seen += [int(line) for line in file.read_text().split()]


@pytest.fixture
def manual(toolbox: Toolbox, tmp_path: Path) -> Iterator[str]:
    """The project with `approval: manual`, deployed for the length of a test."""
    text = (ROOT / "ratchet.yaml").read_text(encoding="utf-8")
    assert text.count("approval: auto") == 1
    changed = tmp_path / "manual.yaml"
    changed.write_text(text.replace("approval: auto", "approval: manual"), encoding="utf-8")
    toolbox.helm(*UPGRADE, "--set-file", f"project={changed}", "--set", "serving.env.NOTE=mine")
    yield changed.read_text(encoding="utf-8")
    toolbox.helm(*UPGRADE, "--set-file", f"project={ROOT / 'ratchet.yaml'}", "--set", "serving.env=null")
    toolbox.rolled_out("deploy/ratchet-serving")
    toolbox.rolled_out("deploy/ratchet-toolbox")


def project_of(toolbox: Toolbox) -> str:
    return str(toolbox.cluster.read("configmap", "ratchet-project")["data"]["ratchet.yaml"])


def test_an_autoscaler_takes_over_the_pods_that_run_and_ends_none(toolbox: Toolbox, tmp_path: Path) -> None:
    try:
        with watched(toolbox, tmp_path / "first") as seen:
            toolbox.helm(*UPGRADE, *AUTOSCALED)
        assert min(seen) >= 2, seen
        toolbox.cluster.kubectl("scale", "deploy/ratchet-serving", "--replicas", "3")  # as the autoscaler does under load
        with watched(toolbox, tmp_path / "later") as seen:
            toolbox.helm(*UPGRADE, "--set", "serving.env.NOTE=autoscaled")
        assert min(seen) == 3, seen
    finally:
        toolbox.helm(*UPGRADE, "--set", "autoscaling.enabled=false", "--set", "serving.env=null")
        toolbox.rolled_out("deploy/ratchet-serving")
    assert asked_for(toolbox) == 2


def test_a_broken_project_is_refused_before_anything_changes(toolbox: Toolbox, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text((ROOT / "ratchet.yaml").read_text(encoding="utf-8") + "\nno_such_key: 1\n", encoding="utf-8")
    before = generations(toolbox), project_of(toolbox)
    with pytest.raises(UserError, match=r"no_such_key: there is no such key"):
        toolbox.helm(*UPGRADE, "--set-file", f"project={broken}")
    assert (generations(toolbox), project_of(toolbox)) == before
    assert toolbox.versions()[3]


def generations(toolbox: Toolbox) -> dict[str, Any]:
    return {item["metadata"]["name"]: item["metadata"]["generation"] for item in toolbox.cluster.read("deployments")["items"]}


def test_load_keeps_the_deployed_project_and_settings_and_says_that_nothing_changes(
    toolbox: Toolbox, manual: str, capsys: pytest.CaptureFixture[str]
) -> None:
    values = toolbox.cluster.values("ratchet")
    assert values is not None
    install(toolbox.cluster, f"{values['image']['repository']}:{values['image']['tag']}", None)
    said = capsys.readouterr().out
    assert "the ratchet.yaml that is deployed stays, the one of this folder differs: PROJECT=ratchet.yaml takes that" in said
    assert "ratchet in ratchet: nothing changes" in said
    assert project_of(toolbox).strip() == manual.strip()
    assert toolbox.cluster.values("ratchet") == values


def test_what_an_upgrade_changes_is_shown_before_it_is_applied(toolbox: Toolbox, capsys: pytest.CaptureFixture[str]) -> None:
    toolbox.cluster.install("ratchet", {"retention.schedule": "0 5 1 1 *"}, wait=False)
    try:
        assert "this changes\n    + CronJob ratchet-retention comes\n" in capsys.readouterr().out
    finally:
        toolbox.helm(*UPGRADE, "--set", "retention.schedule=")
