"""What is brought from elsewhere is named by what it is, not by a name that somebody can move."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from cluster import images
from cluster.images import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_a_commit_with_its_version_beside_it(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    used = re.findall(r"uses: (.+)", text)
    assert used
    for action in used:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
    assert yaml.safe_load(text)["jobs"]


def test_uv_is_installed_by_the_hashes_of_its_wheels() -> None:
    lines = (ROOT / "tools" / "uv.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if not line.startswith("#")]
    assert re.fullmatch(r"uv==[\d.]+ \\", wanted[0])
    assert len(wanted) > 10
    assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in wanted[1:])
    for place in ("Dockerfile", "tools/setup.sh"):
        text = (ROOT / place).read_text(encoding="utf-8")
        joined = text.replace("\\\n", " ")
        assert re.search(r"bin/pip\"? install .*--require-hashes --requirement .*uv\.txt", joined), place
        assert "uv==" not in text, place


def test_what_the_image_is_made_of_reaches_docker() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = {name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE) for name in line.split()}
    copied.discard("site-ca.pe[m]")
    assert "tools/uv.txt" in copied
    image, _ = images.ours(None)
    for name in copied:
        assert any(file == name or file.startswith(f"{name}/") for file in image.files), name
    ignored = ROOT / ".dockerignore"
    kept = set(re.findall(r"^!(.+)$", ignored.read_text(encoding="utf-8"), re.MULTILINE)) if ignored.exists() else copied
    assert copied <= kept
