"""The status page over fakes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from pydantic import SecretStr
from starlette.testclient import TestClient

from ratchet.apps.cli.console import complain, line
from ratchet.apps.ui.app import make_app
from ratchet.apps.ui.settings import UiSettings
from ratchet.ledger.journal import Journal
from ratchet.project.file import Project
from ratchet.promotion.production import Production
from ratchet.snapshots.port import SnapshotStore
from tests.support.fakes import FakeLedger, FakeRegistry, FakeReports, FakeRequests, FakeRollout
from tests.support.loop import Loop

TOKEN = "correct horse battery staple"  # noqa: S105 - no secret


@dataclass
class UiSite:
    """Ports of the pages and of their actions, over one loop."""

    loop: Loop
    token: str = TOKEN
    user_header: str = ""
    host: str = "127.0.0.1"
    actors: list[str] = field(default_factory=list)
    look_seconds: float = 30.0

    @property
    def project(self) -> Project:
        return self.loop.project

    @property
    def ledger(self) -> FakeLedger:
        return self.loop.at.ledger

    @cached_property
    def journal(self) -> Journal:
        return self.loop.at.journal  # one for all pages, as a Wiring has one

    @property
    def registry(self) -> FakeRegistry:
        return self.loop.at.registry

    @property
    def rollout(self) -> FakeRollout:
        return self.loop.at.rollout

    @property
    def requests(self) -> FakeRequests:
        return self.loop.requests

    @property
    def store(self) -> SnapshotStore:
        return self.loop.store

    @property
    def reports(self) -> FakeReports:
        return self.loop.reports

    @property
    def production(self) -> Production:
        return self.loop.at.production

    def act_as(self, actor: str) -> UiSite:
        self.actors.append(actor)
        self.ledger.actor = actor
        return self

    def client(self) -> TestClient:
        """A browser; used as a context it also waits for actions at its end."""
        settings = UiSettings(
            host=self.host, token=SecretStr(self.token), look_seconds=self.look_seconds, user_header=self.user_header
        )
        app = make_app(self, self.act_as, settings, line, complain)
        return TestClient(app, base_url="http://127.0.0.1:3001", raise_server_exceptions=False)


def sign_in(client: TestClient, name: str = "Ann", token: str = TOKEN) -> str:
    """Sign in; the session's proof for forms."""
    answer = client.post("/sign-in", data={"name": name, "token": token}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return csrf(client)


def csrf(client: TestClient) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get("/").text)
    assert found is not None
    return found[1]


def text_of(html: str) -> str:
    """What a person reads of a page, in one line."""
    body = re.sub(r"<(svg|title)\b.*?</\1>", " ", html, flags=re.DOTALL)
    plain = re.sub(r"<[^>]+>", " ", body)
    for entity, character in (("&gt;", ">"), ("&lt;", "<"), ("&#39;", "'"), ("&#34;", '"'), ("&amp;", "&")):
        plain = plain.replace(entity, character)
    return " ".join(plain.split())
