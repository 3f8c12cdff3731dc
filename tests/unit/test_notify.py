"""What is recorded is posted to a webhook, and a webhook that is away stops nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from cluster.images import ROOT
from ratchet.core.errors import PromotionFailed, UserError
from ratchet.core.events import Pruned
from ratchet.ledger.journal import Journal
from ratchet.notify.webhook import Webhook
from ratchet.promotion.protocol import carry_out
from ratchet.wiring import Wiring
from tests.support.effects import two_versions
from tests.support.fakes import FakeLedger
from tests.support.rollout_harness import free_port

EVENT = Pruned(before=datetime(2024, 3, 1, tzinfo=UTC), answers=7)


@contextmanager
def listener(status: int = 204) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An address, and the documents that came there."""
    came: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook/secret", came
        finally:
            server.shutdown()
            thread.join()


def journal(url: str, said: list[str]) -> Journal:
    return Journal(FakeLedger(), "shop", [Webhook(url, said.append).notify])


def test_each_event_is_posted_as_it_stands_in_the_ledger() -> None:
    said: list[str] = []
    with listener() as (url, came):
        made = journal(url, said)
        made.append(EVENT, key="k")
        made.append(EVENT)
    first, second = (made.record(seq) for seq in (1, 2))
    assert first is not None
    assert second is not None
    assert came[0] == {
        "model": "shop",
        "kind": "prune",
        "seq": 1,
        "at": first.at.isoformat(),
        "actor": first.actor,
        "key": "k",
        "hash": first.hash,
        "body": first.body,
    }
    assert [document["hash"] for document in came] == [first.hash, second.hash]
    assert said == []


@pytest.mark.parametrize(
    ("variable", "value", "url"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:1", "http://127.0.0.1:9/hook"),
        ("ALL_PROXY", "nonsense://127.0.0.1:1", "http://127.0.0.1:9/hook"),
        ("SSL_CERT_FILE", "/there/is/none.pem", "http://127.0.0.1:9/hook"),
        ("NO_PROXY", "*", "http://a..b/hook"),
    ],
)
def test_a_machine_whose_network_is_set_up_wrong_loses_a_line_and_no_record(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, url: str
) -> None:
    monkeypatch.setenv(variable, value)
    said: list[str] = []
    made = journal(url, said)
    assert made.append(EVENT).seq == 1
    assert [line.partition(":")[0] for line in said] == ["[NOTIFY] record 1 (prune) did not reach RATCHET_NOTIFY_URL"]


@pytest.mark.parametrize("status", [301, 404, 500])
def test_a_webhook_that_refuses_is_one_line_without_its_address(status: int) -> None:
    said: list[str] = []
    with listener(status) as (url, came):
        assert journal(url, said).append(EVENT).seq == 1
    assert len(came) == 1
    assert said == [f"[NOTIFY] record 1 (prune) was refused at RATCHET_NOTIFY_URL: status {status}"]


def test_a_webhook_that_is_away_is_one_line_and_the_record_stands() -> None:
    said: list[str] = []
    made = journal(f"http://127.0.0.1:{free_port()}/hook/secret", said)
    assert made.append(EVENT).event.answers == 7
    assert made.history().seq == 1
    assert said == ["[NOTIFY] record 1 (prune) did not reach RATCHET_NOTIFY_URL: ConnectError"]


def test_a_slow_webhook_holds_no_promotion_lock() -> None:
    at = two_versions()
    got: list[tuple[str, bool]] = []
    journal = Journal(at.ledger, "m", [lambda entry: got.append((entry.kind, at.lock.held))])
    production = replace(at.production, journal=journal)
    carry_out(production, at.move(2, 1))
    assert [kind for kind, _ in got] == [record.kind for record in at.ledger.stored][-len(got) :]
    assert len(got) >= 2, "intent and done at least"
    assert not any(held for _, held in got)


def test_what_is_recorded_before_a_promotion_fails_is_said_after_it() -> None:
    at = two_versions()
    at.rollout.wrong_answers.add(2)
    got: list[tuple[str, bool]] = []
    journal = Journal(at.ledger, "m", [lambda entry: got.append((entry.kind, at.lock.held))])
    with pytest.raises(PromotionFailed):
        carry_out(replace(at.production, journal=journal), at.move(2, 1))
    assert got
    assert not any(held for _, held in got)


def test_listeners_that_wait_get_each_entry_once_and_in_order() -> None:
    said: list[str] = []
    with listener() as (url, came):
        made = journal(url, said)
        with made.listeners_wait():
            made.append(EVENT, key="a")
            with made.listeners_wait():
                made.append(EVENT, key="b")
            with ThreadPoolExecutor(1) as pool:
                pool.submit(made.append, EVENT, "other thread").result()
            assert [document["key"] for document in came] == ["other thread"]
        made.append(EVENT, key="c")
    assert [document["key"] for document in came] == ["other thread", "a", "b", "c"]


def test_the_environment_names_the_webhook_and_its_failures_leave_standard_output_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RATCHET_HOME", str(tmp_path))
    monkeypatch.setenv("RATCHET_PROJECT", str(ROOT / "ratchet.yaml"))
    assert Wiring.load().notifiers == ()
    with listener() as (url, came):
        monkeypatch.setenv("RATCHET_NOTIFY_URL", url)
        Wiring.load().journal.append(EVENT)
    assert [document["kind"] for document in came] == ["prune"]
    Wiring.load().journal.append(EVENT)  # it listens no more
    printed = capsys.readouterr()
    assert printed.out == ""
    anchored, *said = printed.err.splitlines()
    assert anchored.startswith("[LEDGER] the head, record 1, is anchored at ")
    assert said == ["[NOTIFY] record 2 (prune) did not reach RATCHET_NOTIFY_URL: ConnectError"]


def test_an_address_that_is_none_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_NOTIFY_URL", "hooks.example/secret")
    with pytest.raises(UserError, match="RATCHET_NOTIFY_URL is not usable") as raised:
        Wiring.load()
    assert "secret" not in str(raised.value)
