"""`ratchet validate`: what the chart's Job says of a project before an upgrade changes anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cluster.images import ROOT
from ratchet.apps.cli.main import app
from ratchet.core.errors import ProjectError

TEXT = (ROOT / "ratchet.yaml").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RATCHET_PROJECT", "")
    monkeypatch.setenv("RATCHET_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def validated(folder: Path, text: str) -> tuple[str, BaseException | None]:
    file = folder / "ratchet.yaml"
    file.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["--project", str(file), "validate"])
    return done.output, done.exception


def test_a_project_that_can_be_read_is_fine_and_nothing_is_stored(tmp_path: Path, home: Path) -> None:
    said, error = validated(tmp_path, TEXT)
    assert (said, error) == (f"{tmp_path}/ratchet.yaml: model streamflow_churn, 14 features, approval auto: fine\n", None)
    assert not home.exists()


@pytest.mark.parametrize("text", [f"{TEXT}\nno_such_key: 1\n", "a: [", TEXT.replace("approval: auto", "approval: perhaps")])
def test_a_broken_project_is_refused_with_its_sentence(tmp_path: Path, text: str) -> None:
    _, error = validated(tmp_path, text)
    assert isinstance(error, ProjectError)
    assert "ratchet.yaml" in str(error)
