"""What is secret stays where it was given: in nothing that is printed or answered, and with no child that has no use for it."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import pytest

from ratchet.clients.children import environment, serving_environment
from ratchet.clients.home import keep_private
from ratchet.core.errors import Misconfigured, RatchetError, Unavailable
from ratchet.settings import Settings
from tests.support.club import Club
from tests.support.fakes import FakeRegistry
from tests.support.loop import Loop
from tests.support.sloppy import address, told
from tests.support.ui_site import UiSite
from tests.unit.test_serving_api import Server

SETTINGS = {
    "RATCHET_TRACKING_URI": "http",
    "RATCHET_LEDGER_URL": "postgresql",
    "RATCHET_REQUESTS_URL": "postgresql",
    "RATCHET_ONLINE_URL": "postgresql",
    "RATCHET_SNAPSHOTS_URL": "s3",
    "RATCHET_REPORTS_URL": "s3",
    "RATCHET_NOTIFY_URL": "https",
    "RATCHET_SERVING_URL": "http",
}
COMMANDS = [
    ["status"],
    ["status", "--json"],
    ["history"],
    ["runs"],
    ["run", "--snapshot", "month_000"],
    ["run", "--data", "raw", "--snapshot", "month_000", "--json"],
    ["reconcile"],
    ["rollback"],
    ["approve", "1"],
    ["predict", "anna"],
    ["labels", "labels.csv"],
    ["data", "check", "raw", "month_000"],
    ["data", "ingest", "raw", "month_000"],
    ["backtest"],
    ["serve"],
    ["ui"],
    ["exporter"],
    ["watch", "--data", "raw"],
]
SECRET = "the store at db:5432 says: password hush-sesame is wrong"  # noqa: S105 - the words that are looked for


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> Club:
    return Club(tmp_path_factory.mktemp("sloppy"))


@pytest.mark.parametrize(
    ("command", "variable"),
    [*((command, "RATCHET_LEDGER_URL") for command in COMMANDS), *((["status"], variable) for variable in SETTINGS)],
    ids=str,
)
def test_no_command_prints_the_password_of_an_address_that_is_wrong(club: Club, command: list[str], variable: str) -> None:
    for form in ("an @", "port is the password"):
        refused = club.ratchet(*command, **{variable: address(form, SETTINGS[variable])})
        assert refused.code == 2, (form, refused)
        assert refused.error.startswith(f"{variable} is not usable: ")
        assert told(refused.out + refused.err) == []
    traced = club.ratchet(*command, **{variable: address("an @", SETTINGS[variable]), "RATCHET_DEBUG": "1"})
    assert "Traceback" in traced.err
    assert told(traced.out + traced.err) == []


@pytest.mark.parametrize("form", ["well-formed", "an @", "jdbc", "in the query"])
def test_data_at_a_sloppy_address_is_refused_without_it(club: Club, form: str) -> None:
    refused = club.ratchet("data", "check", address(form, "postgresql"), "month_000")
    assert refused.code == 2
    assert told(refused.out + refused.err) == []


@pytest.fixture(params=[Unavailable(SECRET), Misconfigured(SECRET)], ids=["away", "refuses"])
def trouble(request: pytest.FixtureRequest) -> RatchetError:
    error: RatchetError = request.param
    return error


def test_no_client_of_serving_hears_what_a_store_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, trouble: RatchetError
) -> None:
    def away(*_: object) -> None:
        raise trouble

    server = Server(tmp_path).ready()
    try:
        monkeypatch.setattr(server.wiring.features, "online", away)
        with caplog.at_level(logging.WARNING):
            answers = [
                server.client.post("/predict", json={"customer": "anna"}),
                server.client.post("/predict_batch", json=[{"customer": "anna"}]),
                server.client.post("/explain", json={"customer": "anna"}),
                server.client.get("/health"),
                server.client.get("/metrics"),
                server.client.get("/openapi.json"),
            ]
    finally:
        server.close()
    assert [answer.status_code for answer in answers] == [503, 503, 503, 503, 200, 200]
    assert told("".join(answer.text for answer in answers)) == []
    assert "db:5432" not in "".join(answer.text for answer in answers)
    assert SECRET in caplog.text  # who may read the log needs it


def test_nor_why_its_version_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: RatchetError) -> None:
    def away(*_: object) -> None:
        raise trouble

    server = Server(tmp_path)
    monkeypatch.setattr(server.wiring.registry, "version", away)
    server.model.start()
    try:
        while "model registry" not in server.model.state.detail:
            pass
        answers = [server.client.post("/predict", json={"customer": "anna"}), server.client.get("/health")]
    finally:
        monkeypatch.undo()
        server.close()
    assert [answer.status_code for answer in answers] == [503, 503]
    assert told("".join(answer.text for answer in answers)) == []
    assert "db:5432" not in "".join(answer.text for answer in answers)


@pytest.fixture
def site() -> UiSite:
    return UiSite(Loop())


@pytest.mark.parametrize("page", ["/", "/history", "/history/1", "/drift", "/performance", "/snapshots", "/reports/drift_x.html"])
def test_no_visitor_of_a_page_hears_what_a_store_says(
    site: UiSite, monkeypatch: pytest.MonkeyPatch, trouble: RatchetError, page: str
) -> None:
    def away(*_: object, **__: object) -> None:
        raise trouble

    for place, names in (
        (site.ledger, ["records"]),
        (FakeRegistry, ["alias", "versions"]),
        (site.rollout, ["pinned"]),
        (site.requests, ["volume"]),
        (site.reports, ["load"]),
    ):
        for name in names:
            monkeypatch.setattr(place, name, away)
    answer = site.client().get(page)
    assert told(answer.text) == []
    assert "db:5432" not in answer.text


def test_a_child_gets_what_it_needs_and_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = {
        "GITHUB_TOKEN": "x",
        "SLACK_WEBHOOK": "x",
        "OPENAI_API_KEY": "x",
        "RATCHET_UI_TOKEN": "x",
        "RATCHET_KFP_TOKEN": "x",
        "DATABASE_PASSWORD": "x",
        "MINE": "x",
        "AWS_SECRET_ACCESS_KEY": "needed",
        "PATH": "/usr/bin",
        "KUBECONFIG": "/k",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = Settings(home=tmp_path, notify_url="https://hooks.example/x", hand_on="MINE, OTHER", ledger_key="k" * 32)
    child, server = environment(settings), serving_environment(settings)
    assert set(given) & child.keys() == {"AWS_SECRET_ACCESS_KEY", "PATH", "KUBECONFIG", "MINE"}
    assert set(given) & server.keys() == {"AWS_SECRET_ACCESS_KEY", "PATH", "MINE"}
    for name in ("RATCHET_NOTIFY_URL", "RATCHET_LEDGER_KEY"):
        assert child[name]
        assert name not in server


def test_a_home_is_its_users_alone(tmp_path: Path) -> None:
    """Its locks are files in it: who cannot open the folder can hold none of them."""
    club = Club(tmp_path)
    club.home.mkdir(mode=0o755)
    made = club.ratchet("data", "generate", str(club.raw), "--snapshot", "month_000", "--users", "300")
    assert made.code == 0, made.err
    assert club.ratchet("data", "ingest", str(club.raw), "month_000").code == 0
    with club.wiring.lock.hold():
        found = {path: stat.S_IMODE(path.lstat().st_mode) for path in club.home.rglob("*") if not path.is_symlink()}
    assert club.home.stat().st_mode & 0o777 == 0o700
    assert any(path.name.endswith(".lock") for path in found)
    assert {path for path, mode in found.items() if mode & 0o077} == set()


def mode_after(home: Path, *entries: str, before: int = 0o755) -> int:
    """Of a folder that was so open, with these files in it, once it has been taken for a home."""
    home.mkdir()
    for name in entries:
        (home / name).touch()
    home.chmod(before)
    mask = os.umask(0)
    try:
        keep_private(home)
    finally:
        os.umask(mask)
    return stat.S_IMODE(home.stat().st_mode)


@pytest.mark.parametrize("entries", [("notes.txt",), ("ledger.db", "notes.txt"), (".bashrc",), ("models", "data"), ("mlflow.dbx",)])
def test_a_folder_that_holds_anything_else_stays_open(tmp_path: Path, entries: tuple[str, ...]) -> None:
    """RATCHET_HOME may name a shared folder by mistake: shut, it would be lost to everybody else."""
    assert mode_after(tmp_path / "shared", *entries) == 0o755


@pytest.mark.parametrize("entries", [(), ("ledger.db",), ("models", "ledger.key")])
def test_a_sticky_folder_stays_open(tmp_path: Path, entries: tuple[str, ...]) -> None:
    assert mode_after(tmp_path / "tmp", *entries, before=0o1777) == 0o1777


@pytest.mark.parametrize(
    "entries",
    [
        (),
        (
            "ledger.db",
            "ledger.db-wal",
            "ledger.db-shm",
            "ledger.key",
            "mlflow.db",
            "artifacts",
            "requests.db",
            "models",
            "serve.log",
        ),
        ("snapshots", "feast", "reports", "serving", "runs", "promotion.lock"),
        (".ledger.key-0123456789abcdef", "models"),
        ("lost+found", "models"),
    ],
)
def test_a_home_that_an_earlier_release_left_open_is_shut(tmp_path: Path, entries: tuple[str, ...]) -> None:
    assert mode_after(tmp_path / "state", *entries) == 0o700


def test_the_folder_beside_the_project_is_a_home_whatever_else_is_in_it(tmp_path: Path) -> None:
    assert mode_after(tmp_path / ".ratchet", "ledger.db", "notes.txt") == 0o700


def test_a_home_that_is_another_users_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    monkeypatch.setattr("os.umask", lambda _: 0)
    keep_private(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755
