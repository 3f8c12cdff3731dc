"""`ratchet backtest` as a user types it, on generated months, with processes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.support.club import PROJECT, Club

MONTHS = ("month_000", "month_001", "month_002", "month_003")


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> Club:
    """Four months, the last two with other weights behind the label."""
    made = Club(tmp_path_factory.mktemp("backtest"))
    for number, month in enumerate(MONTHS):
        more = ("--concept", "1") if number >= 2 else ()
        assert made.ratchet("data", "generate", str(made.raw), "--snapshot", month, "--users", "1500", *more).code == 0
    assert made.ratchet("data", "ingest", str(made.raw), *MONTHS).code == 0
    return made


def contents(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_months_are_replayed_by_several_processes_as_by_one_and_the_home_stays_as_it_was(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ratchet.backtest.crew.cores", lambda: 2)
    before = contents(club.home)
    several = club.ratchet("backtest", "--json", "--jobs", "9", "-o", str(club.root / "several.html"))
    one = club.ratchet("backtest", "--json", "--jobs", "1", "-o", str(club.root / "one.html"))
    assert (several.code, several.err) == (0, "")
    assert {**several.document, "report": ""} == {**one.document, "report": ""}
    assert contents(club.home) == before
    (own,) = (policy for policy in several.document["policies"] if policy["name"] == "own")
    assert [move["decided"] for move in own["promotions"]] == ["2024-03-31"]
    assert (club.root / "several.html").read_text(encoding="utf-8") == (club.root / "one.html").read_text(encoding="utf-8")
    again = club.ratchet("backtest", "-o", str(club.root / "one.html"))
    assert again.code == 2
    assert again.error == f"{club.root / 'one.html'} exists: name another file by --output, or overwrite it by --replace"


def test_the_table_says_what_would_have_been_promoted(club: Club) -> None:
    ran = club.ratchet("backtest", "--jobs", "1", "--lag", "1", "-o", str(club.root / "late.html"))
    assert ran.code == 0, ran.err
    assert "Your policy would have promoted one version in 2 months." in ran.out
    assert "promoted with 2024-04-30: version 2: delta" in ran.out
    assert "2 months are few" in ran.out


def test_too_few_months_and_a_folder_that_is_not_there_are_a_sentence(tmp_path: Path) -> None:
    club = Club(tmp_path, text=PROJECT)
    few = club.ratchet("backtest", "-o", str(tmp_path / "few.html"))
    assert few.code == 2
    assert few.error.startswith("the snapshot store of club_churn has no labelled snapshot that can be used: a backtest needs 3")
    nowhere = club.ratchet("backtest", "-o", str(tmp_path / "nowhere" / "few.html"))
    assert (nowhere.code, nowhere.error.partition(": ")[2]) == (2, "its folder is not there; name another file by --output")
    assert not list(tmp_path.glob("*.html"))
