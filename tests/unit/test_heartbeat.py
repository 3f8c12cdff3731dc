from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.apps.watch.heartbeat import RUN_SECONDS, Heartbeat
from ratchet.core.errors import UserError


def test_a_watcher_says_until_when_it_is_not_to_be_taken_for_dead(tmp_path: Path) -> None:
    file = tmp_path / "alive"
    heartbeat = Heartbeat(file, clock=lambda: 1000.9)
    heartbeat.expect_within(60)
    assert file.read_text() == "1060\n"
    heartbeat.expect_within(RUN_SECONDS)
    assert file.read_text() == "87400\n"
    assert [item.name for item in tmp_path.iterdir()] == ["alive"]


def test_without_a_file_nothing_is_written_and_a_file_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    Heartbeat(None).expect_within(1)
    with pytest.raises(UserError, match=r"--alive .*/gone/alive cannot be written: No such file or directory"):
        Heartbeat(tmp_path / "gone" / "alive").expect_within(1)
