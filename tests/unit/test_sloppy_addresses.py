"""However an address is written, what it holds of a password is in no sentence, no line of a log and no trace."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.runners.kubeflow.api import KubeflowApi
from pipelines.runners.kubeflow.settings import KubeflowSettings, load_kubeflow_settings
from ratchet.clients.http import post_to
from ratchet.clients.s3 import S3Folder
from ratchet.clients.secrets import ScrubbingFormatter, scrubbed, trace_of
from ratchet.core.address import place_of, sqlite_file, sqlite_url
from ratchet.core.errors import RatchetError, UserError
from ratchet.core.events import Pruned
from ratchet.features.feast_postgres import online_store, parsed_url
from ratchet.features.sql_load_record import SqlLoadRecord
from ratchet.ledger.journal import Journal
from ratchet.ledger.sql import SqlLedger
from ratchet.notify.webhook import Webhook
from ratchet.private_names import set_mlflows_tries
from ratchet.registry import mlflow_registry
from ratchet.registry.mlflow_registry import MlflowRegistry
from ratchet.requests.sql import SqlRequestLog
from ratchet.settings import Settings, load_settings
from tests.support.fakes import FakeLedger
from tests.support.sloppy import SLOPPY, WELL, address, told

SCHEMES = {
    "RATCHET_TRACKING_URI": ("http", "postgresql"),
    "RATCHET_LEDGER_URL": ("postgresql+psycopg",),
    "RATCHET_REQUESTS_URL": ("postgresql+psycopg",),
    "RATCHET_ONLINE_URL": ("postgresql+psycopg",),
    "RATCHET_SNAPSHOTS_URL": ("s3",),
    "RATCHET_REPORTS_URL": ("s3",),
    "RATCHET_DATA": ("s3",),
    "RATCHET_NOTIFY_URL": ("https",),
    "RATCHET_SERVING_URL": ("http",),
    "RATCHET_KFP_URL": ("http",),
    "RATCHET_KFP_UI_URL": ("http",),
}


EVENT = Pruned(before=datetime(2024, 3, 1, tzinfo=UTC), answers=7)


def _asked(url: str, folder: Path) -> dict[str, Callable[[], object]]:
    """Each adapter by the setting that gives its address, built without the settings' check and asked once."""
    return {
        "RATCHET_TRACKING_URI": lambda: MlflowRegistry(url, "churn", folder).alias("production"),
        "RATCHET_LEDGER_URL": lambda: SqlLedger(url, "tester", "churn").records(),
        "RATCHET_REQUESTS_URL": lambda: SqlRequestLog(url, "churn").newest_labelled(),
        "RATCHET_ONLINE_URL": lambda: (online_store(parsed_url(url)), SqlLoadRecord(parsed_url(url), "churn", "d").is_empty()),
        "RATCHET_SNAPSHOTS_URL": lambda: S3Folder(url, "RATCHET_SNAPSHOTS_URL"),
        "RATCHET_REPORTS_URL": lambda: S3Folder(url, "RATCHET_REPORTS_URL"),
        "RATCHET_DATA": lambda: S3Folder(url, "RATCHET_DATA"),
        "RATCHET_SERVING_URL": lambda: post_to(lambda: url, "start it")("/predict", {}, {}),
        "RATCHET_KFP_URL": lambda: KubeflowApi(KubeflowSettings(url=url)).experiment("e"),
    }


def _raised(call: Callable[[], object]) -> RatchetError | ValueError | None:
    """What it raises: an error of ours, or a ValueError of a URL that nobody has checked; anything else fails the test."""
    try:
        call()
    except (RatchetError, ValueError) as error:
        return error
    return None


@pytest.mark.parametrize("form", SLOPPY)
def test_a_setting_is_taken_or_refused_and_its_password_is_not_repeated(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    for variable, schemes in SCHEMES.items():
        for scheme in schemes:
            monkeypatch.setenv(variable, address(form, scheme))
            refusal = _raised(load_kubeflow_settings if "_KFP_" in variable else load_settings)
            if refusal is not None:
                assert str(refusal).startswith(f"{variable} is not usable: "), (variable, str(refusal))
                assert told(trace_of(refusal) + str(refusal)) == [], variable
            monkeypatch.delenv(variable)


@pytest.mark.parametrize("form", SLOPPY)
def test_no_adapter_repeats_the_password_of_its_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], form: str
) -> None:
    """Even where nobody has checked the settings; what libraries log goes through a formatter of ours."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(mlflow_registry, "set_mlflows_tries", lambda utils, _: set_mlflows_tries(utils, 1))
    monkeypatch.setattr(caplog.handler, "formatter", ScrubbingFormatter("%(message)s"))
    for variable, schemes in SCHEMES.items():
        for scheme in schemes:
            url = address(form, scheme)
            asked = _asked(url, tmp_path).get(variable)
            if asked is None:
                continue
            monkeypatch.setenv(variable, url)
            with caplog.at_level(logging.INFO):
                error = _raised(asked)
            kept = trace_of(error) + str(error) if error else ""
            assert told(kept) == [], (variable, kept)
            monkeypatch.delenv(variable)
    printed = capfd.readouterr()
    assert told(printed.out + printed.err) == []


@pytest.mark.parametrize("form", SLOPPY)
def test_a_webhook_that_is_away_is_said_without_its_address(form: str) -> None:
    said: list[str] = []
    Journal(FakeLedger(), "churn", [Webhook(address(form, "http"), said.append).notify]).append(EVENT)
    assert len(said) == 1
    assert told(said[0]) == []


def test_what_is_refused_says_what_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_LEDGER_URL", address("an @", "postgresql"))
    with pytest.raises(UserError, match=r"in a user's name or password @ is written as %40"):
        load_settings()


@pytest.mark.parametrize(
    "form", ["well-formed", "blank before", "line break after", "a slash", "a colon", "a percent sign", "escaped", "unicode"]
)
def test_what_a_database_takes_is_taken(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    given = address(form, "postgresql+psycopg")
    monkeypatch.setenv("RATCHET_LEDGER_URL", given)
    assert load_settings().ledger_url == given.strip()


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (WELL.replace("{s}", "postgresql+psycopg"), "127.0.0.1:9/db"),
        ("http://u:p@mlflow:5000/hooks/secret?x=y", "mlflow:5000"),
        ("https://mlflow.example/hooks/secret", "https://mlflow.example"),
        ("postgresql://u:p@[::1]:5432/db", "[::1]:5432/db"),
        ("sqlite:////home/a%3Fb/x.db", "sqlite:////home/a?b/x.db"),
        ("u:p@host", "an address that cannot be read"),
    ],
)
def test_a_place_is_host_port_and_database(url: str, place: str) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize("path", ["/a%20b/x.db", "/a?b/x.db", "/a#b/x.db", "/a é b/x.db", "/a@b:c/x.db", "/100%/x.db"])
def test_a_file_of_any_name_has_a_url_and_comes_back_of_it(path: str) -> None:
    assert sqlite_file(sqlite_url(path)) == path


def test_what_the_environment_holds_is_taken_out_of_what_libraries_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-sesame")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:open-sesame@proxy:3128")
    assert told(scrubbed("key hush-sesame, proxy http://me:open-sesame@proxy:3128")) == []


def test_settings_that_are_shown_in_a_defect_hide_what_was_given() -> None:
    with pytest.raises(ValueError, match="ledger_url") as raised:
        Settings(ledger_url=address("no scheme", ""))
    assert told(str(raised.value)) == []
