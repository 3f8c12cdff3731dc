"""`ratchet init` at the command line: what it shows, when it asks, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from ratchet.apps.cli import console
from ratchet.project.file import load_project
from tests.integration.test_init_of_peoples_data import ROWS, people
from tests.support.club import Club, Ran
from tests.support.shop import put


@pytest.fixture
def club(tmp_path: Path) -> Club:
    """Data with a copy of the label and row numbers in it."""
    frames = people()
    frames["customers"] = frames["customers"].assign(refund=frames["labels"]["churned"] * 3, row=range(ROWS))
    club = Club(tmp_path, text="model: none\n")
    put(club.raw / "2024-01", frames)
    return club


def init(club: Club, *more: str) -> Ran:
    return club.ratchet("init", str(club.raw), "--replace", "--output", str(club.project), *more)


def test_what_was_taken_as_what_and_what_was_left_out_is_shown_and_nothing_asked_without_a_terminal(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.out, "width", 200)  # no cell is broken in two
    ran = init(club)
    assert ran.code == 0, ran.err
    for text in (
        "customers.customer_id",
        "int 0 to 200",
        "category basic, max, pro",
        "a copy of the label",
        "numbers of rows, 0 to 299",
    ):
        assert text in ran.out
    assert f"`ratchet data check {club.raw} 2024-01`" in ran.out.replace("\n", "")
    assert [column.name for column in load_project(club.project).features] == ["age", "income", "plan"]


def test_at_a_terminal_it_asks_about_what_is_doubtful_and_whether_to_write(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(question: str, *, default: bool) -> bool:
        asked.append(f"{question} {default}")
        return True

    at_a_terminal(monkeypatch, answer)
    ran = init(club)
    assert ran.code == 0, ran.err
    assert asked == [*["  take it as a feature all the same? False"] * 2, f"Write {club.project}? True"]
    assert [column.name for column in load_project(club.project).features] == ["age", "income", "plan", "refund", "row"]
    asked.clear()
    assert init(club, "--yes").code == 0
    assert asked == []


def test_a_no_leaves_the_file_as_it_was(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_terminal(monkeypatch, lambda *_, **__: False)
    ran = init(club)
    assert ran.code == 2
    assert ran.error == f"{club.project} is not written; --entity, --label and --positive say what was guessed wrong"
    assert club.project.read_text(encoding="utf-8") == "model: none\n"


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    monkeypatch.setattr("ratchet.apps.cli.project.at_a_terminal", lambda: True)
    monkeypatch.setattr(typer, "confirm", answer)
