"""What `ratchet predict` sends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from typer.testing import CliRunner

from ratchet.apps.cli import serving
from ratchet.wiring import Wiring
from tests.support.fake_wiring import FakeWiring


@pytest.fixture
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    bodies: list[str] = []

    def post(_url: str, *, content: str, **_options: Any) -> httpx.Response:
        bodies.append(content)
        return httpx.Response(200, json={"prediction": 1, "features_as_of": None})

    monkeypatch.setattr(httpx, "post", post)
    monkeypatch.setattr(Wiring, "load", lambda: FakeWiring(tmp_path))
    return bodies


def predict(*arguments: str) -> Any:
    app = typer.Typer()
    serving.add_to(app)
    return CliRunner().invoke(app, ["predict", *arguments], catch_exceptions=False)


def test_features_go_to_the_service_as_they_are_written_with_or_without_a_name(sent: list[str], tmp_path: Path) -> None:
    text = '{"visits": 3.0, "plan": "gold", "visits": 4}'
    file = tmp_path / "mail.json"
    file.write_text(f"\ufeff{text}\n", encoding="utf-8")
    for arguments in (["--features", text], ["--features", f"@{file}"], ["anna", "--features", text]):
        assert predict(*arguments).exit_code == 0
    assert sent[0] == f'{{"features": {text}}}'  # what is named twice is the service's to refuse
    assert json.loads(sent[1]) == json.loads(sent[0])
    assert json.loads(sent[2]) == {"customer": "anna", "features": {"visits": 4, "plan": "gold"}}


def test_an_entity_alone_is_sent_alone(sent: list[str]) -> None:
    predict("anna")
    assert [json.loads(body) for body in sent] == [{"customer": "anna"}]
