"""A home as release 0.1 left it: the model that it is of goes on in it, another model gets a folder beside it."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ratchet.clients.home import take_over
from ratchet.core.errors import UserError
from ratchet.settings import Settings
from ratchet.steps import ingest
from ratchet.wiring import Wiring
from tests.support.club import PROJECT, Club
from tests.support.release_0_1 import DIGEST, HEAD, MODEL, PROMOTED, fill


def old_home(root: Path) -> Path:
    """Databases and folders, with a lock that a promoter of that release may hold."""
    home = root / "home"
    for name in ("snapshots", "feast", "reports", "serving", "runs"):
        (home / name).mkdir(parents=True)
    (home / "reports" / "decision_v1_on_2024-01-31.html").write_text("<p>v1</p>", encoding="utf-8")
    (home / "promotion.lock").touch()
    fill(f"sqlite:///{home / 'ledger.db'}", "ledger")
    fill(f"sqlite:///{home / 'requests.db'}", "requests")
    return home


def settings(home: Path, model: str) -> Settings:
    return Settings(home=home, model=model)


def test_the_model_goes_on_where_its_files_lie(tmp_path: Path) -> None:
    home = old_home(tmp_path)
    mine, other = settings(home, MODEL), settings(home, "upsell")
    take_over(mine, lambda: True)
    take_over(other, lambda: False)
    assert (mine.snapshots, mine.feast, mine.lock) == (home / "snapshots", home / "feast", home / "promotion.lock")
    assert (other.snapshots, other.lock) == (home / "models/upsell/snapshots", home / "models/upsell/promotion.lock")
    assert (home / "models" / MODEL / "reports" / "decision_v1_on_2024-01-31.html").read_text(encoding="utf-8") == "<p>v1</p>"
    moved = tmp_path / "elsewhere"
    home.rename(moved)
    assert settings(moved, MODEL).reports == moved / "reports", "a home can be moved and restored from a backup"


def test_processes_that_take_over_at_once_leave_one_folder(tmp_path: Path) -> None:
    home = old_home(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: take_over(settings(home, MODEL), lambda: True), range(40)))
    assert [path.name for path in (home / "models").iterdir()] == [MODEL]
    assert settings(home, MODEL).runs == home / "runs"


def test_a_new_home_links_nothing_and_asks_nobody(tmp_path: Path) -> None:
    def never() -> bool:
        raise AssertionError

    one = settings(tmp_path / "home", "club_churn")
    take_over(one, never)
    assert not one.home.exists()
    one.snapshots.mkdir(parents=True)
    take_over(one, never)
    assert one.snapshots == tmp_path / "home/models/club_churn/snapshots"


def test_who_a_home_belongs_to_is_not_guessed_when_its_registry_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = old_home(tmp_path)
    (tmp_path / "ratchet.yaml").write_text(PROJECT, encoding="utf-8")
    monkeypatch.setenv("RATCHET_PROJECT", str(tmp_path / "ratchet.yaml"))
    monkeypatch.setenv("RATCHET_HOME", str(home))
    with pytest.raises(UserError, match=r"the ledger has records of release 0\.1"):
        Wiring.load()
    monkeypatch.setattr(Wiring, "_digest_of", lambda _self, version: DIGEST if version == PROMOTED else None)
    wiring = Wiring.load()
    assert wiring.ledger.verify() == HEAD
    assert wiring.settings.reports == home / "reports"
    assert wiring.requests.count_before(1e11) > 0
    assert wiring.reports.load("decision_v1_on_2024-01-31.html") == "<p>v1</p>"


def test_snapshots_and_features_of_release_0_1_serve_on_without_being_loaded_again(tmp_path: Path) -> None:
    club = Club(tmp_path)
    club.ratchet("data", "generate", str(club.raw), "--snapshot", "month_000", "--users", "600")
    wiring = Wiring(club.wiring.settings, club.wiring.project)
    ingest.run(wiring.source(club.raw), wiring.store, wiring.features, wiring.journal, "month_000")
    old = [club.home / name for name in ("snapshots", "feast", "reports", "serving", "runs")]
    assert all(not path.exists() for path in old)
    shutil.rmtree(club.folder)
    for path in old:
        path.mkdir()
    first = club.wiring  # takes the home over, and fills it as release 0.1 did
    assert first.settings.snapshots == club.home / "snapshots"
    ingest.run(first.source(club.raw), first.store, first.features, first.journal, "month_000")
    shutil.rmtree(club.home / "models")  # as it was before
    again = club.wiring
    assert again.store.snapshots() == first.store.snapshots()
    entity = str(again.store.columns(again.store.get("month_000"), [again.project.entity])[again.project.entity][0])
    assert again.features.online([entity]) == first.features.online([entity]) != [None]
