"""No secret in logs, in images or in what `helm get values` shows."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from cluster.images import ROOT
from docs.generators.values import rows
from ratchet.core.schema import LoggedAnswer
from ratchet.requests.sql import SqlRequestLog
from serving.metrics import Metrics
from serving.request_log import RequestLogWriter
from tests.support.rollout_harness import free_port, until

SOUNDS_SECRET = re.compile(r"password|token|secret|credential|key$|url$", re.IGNORECASE)


def test_a_store_that_is_away_is_logged_without_its_password(caplog: pytest.LogCaptureFixture) -> None:
    store = SqlRequestLog(f"postgresql+psycopg://ratchet:hush-hush@127.0.0.1:{free_port()}/ratchet", "churn")
    with caplog.at_level(logging.DEBUG):
        writer = RequestLogWriter(store, Metrics("1"), pause=0.01)
        writer.put(LoggedAnswer("p", "anna", 1, 0.5, "h", 0.0))
        until(lambda: caplog.text, lambda text: "answers wait in memory" in text)
        writer.close(seconds=0.05)
    assert "did not get into the request log" in caplog.text
    assert "hush-hush" not in caplog.text


@pytest.mark.parametrize("chart", sorted((ROOT / "charts").iterdir()), ids=lambda chart: chart.name)
def test_a_value_names_a_secret_and_never_holds_one(chart: Path) -> None:
    for path, default, comment in rows((chart / "values.yaml").read_text(encoding="utf-8")):
        if SOUNDS_SECRET.search(path.rpartition(".")[2]) and "image" not in path:
            assert re.search(r"\bSecrets?\b|entry with|[Aa]ddress of|Names of", comment), f"{path}={default}: {comment}"


def test_the_image_takes_what_it_lists_and_nothing_that_lies_about() -> None:
    taken = set()
    for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words[:1] == ["COPY"] and not words[1].startswith("--from"):
            taken.update(words[1:-1])
        assert not re.search(r"^\s*(ARG|ENV).*(password|token|secret)", line, re.IGNORECASE), line
    assert taken == {
        "pyproject.toml",
        "uv.lock",
        "site-ca.pe[m]",
        "tools/uv.txt",
        "README.md",
        "LICENSE",
        "components",
        "pipelines",
        "ratchet",
        "serving",
    }
