"""`ratchet backtest` as a user types it, on generated months, with processes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ratchet.backtest.run import prepare
from ratchet.core.errors import UserError
from ratchet.core.schema import Columns, Snapshot
from ratchet.snapshots.parquet import ParquetSnapshots
from tests.support.club import Club
from tests.support.loop import PROJECT
from tests.support.months import put

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


@dataclass
class Fatal(ParquetSnapshots):
    """A store that ends each process but the one that made it, as the kernel does when memory runs out."""

    folder: Path
    maker: int = field(default_factory=os.getpid)

    def __post_init__(self) -> None:
        columns = [column.feature for column in PROJECT.columns]
        super().__init__(self.folder, PROJECT.entity, PROJECT.label.name, columns)

    def columns(self, snapshot: Snapshot, names: Sequence[str], rows: range | None = None) -> Columns:
        if os.getpid() != self.maker:
            os._exit(137)
        return super().columns(snapshot, names, rows)


def test_a_process_that_is_ended_from_outside_ends_the_backtest_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("ratchet.backtest.crew.cores", lambda: 2)
    store, temporary = Fatal(tmp_path / "snapshots"), tmp_path / "temporary"
    temporary.mkdir()
    for number in range(1, 4):
        put(store, number, rows=300)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    environment = dict(os.environ)
    with pytest.raises(UserError, match="ended from outside, perhaps for want of memory: fewer --jobs"):
        prepare(PROJECT, store).run(jobs=2)
    assert list(temporary.iterdir()) == []
    assert dict(os.environ) == environment


def test_too_few_months_and_a_folder_that_is_not_there_are_a_sentence(tmp_path: Path) -> None:
    club = Club(tmp_path)
    few = club.ratchet("backtest", "-o", str(tmp_path / "few.html"))
    assert few.code == 2
    assert few.error.startswith("the snapshot store of club_churn has no labelled snapshot that can be used: a backtest needs 3")
    nowhere = club.ratchet("backtest", "-o", str(tmp_path / "nowhere" / "few.html"))
    assert (nowhere.code, nowhere.error.partition(": ")[2]) == (2, "its folder is not there; name another file by --output")
    assert not list(tmp_path.glob("*.html"))
