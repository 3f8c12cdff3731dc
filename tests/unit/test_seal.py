"""What the owner of the ledger's database cannot do without being noticed."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ratchet.apps.cli.main import main
from ratchet.clients.durable import write_synced
from ratchet.clients.kubernetes import Conflict
from ratchet.core.decision import Verdict
from ratchet.core.errors import LedgerError, Unavailable, UserError
from ratchet.core.events import Gated, Moved
from ratchet.core.record import GENESIS, MAC, SIGNATURE, Record, canonical, chain, digest, mac_of
from ratchet.ledger import anchor_file
from ratchet.ledger.anchor_deployment import HEAD, DeploymentAnchor
from ratchet.ledger.anchor_file import AnchorFile, KeyFile, KeyText
from ratchet.ledger.journal import Journal
from ratchet.ledger.seal import Anchor, Key, Seal
from ratchet.ledger.sql import SqlLedger
from ratchet.promotion import by_hand
from ratchet.promotion.champion import champion_of
from ratchet.promotion.protocol import carry_out
from ratchet.promotion.reconcile import reconcile, reconcile_first
from ratchet.steps import promote
from ratchet.wiring import Wiring
from tests.support.fake_stores import FakeStores

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Home:
    """A ledger in a file, its key and its published head."""

    folder: Path
    said: list[str] = field(default_factory=list)
    key: Key | None = None

    @property
    def database(self) -> Path:
        return self.folder / "ledger.db"

    @property
    def head(self) -> AnchorFile:
        return AnchorFile(self.folder / "models" / "head.json")

    @property
    def journal(self) -> Journal:
        key = self.key or KeyFile(self.folder / "ledger.key", make=True)
        seal = Seal("m", key, self.head, self.said.append)
        return Journal(SqlLedger(f"sqlite:///{self.database}", "ann", "m", secret=seal.secret), "m", (), seal)

    @property
    def unsealed(self) -> Journal:
        """As a release that knows no seal writes, or whoever has the database alone."""
        return Journal(SqlLedger(f"sqlite:///{self.database}", "mallory", "m"), "m")

    def change(self, *statements: str) -> None:
        """What the database's owner may do: the triggers are his to drop."""
        with closing(sqlite3.connect(self.database)) as database:
            database.executescript("DROP TRIGGER ledger_no_UPDATE; DROP TRIGGER ledger_no_DELETE;" + ";".join(statements))

    def rewrite(self, change: Callable[[dict[str, object]], object]) -> None:
        """Change bodies, and compute the whole chain anew."""
        self.change()
        with closing(sqlite3.connect(self.database)) as database:
            previous = GENESIS
            rows = database.execute("SELECT seq, at, kind, key, actor, body FROM ledger ORDER BY seq").fetchall()
            for seq, at, kind, key, actor, text in rows:
                body = json.loads(text)
                change(body)
                made = digest(seq, datetime.fromisoformat(at), kind, key, actor, body, previous)
                values = (canonical(body), previous, made, seq)
                database.execute("UPDATE ledger SET body = ?, previous = ?, hash = ? WHERE seq = ?", values)
                previous = made
            database.commit()


GATE = Gated(snapshot="s", candidate=2, champion=1, verdict=Verdict.FAIL, reasons=("worse",), decisive=("worse",))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Three records."""
    made = Home(tmp_path)
    for candidate in (2, 3, 4):
        made.journal.append(replace(GATE, candidate=candidate))
    return made


def forge(home: Home) -> None:
    home.unsealed.append(replace(GATE, candidate=9, verdict=Verdict.PASS))


def better(body: dict[str, object]) -> None:
    if body["candidate"] == 2:
        body["verdict"] = "PASS"


def unsigned(body: dict[str, object]) -> None:
    better(body)
    body.pop(MAC, None)


DEEP = "UPDATE ledger SET body = '" + "[" * 90_000 + "' WHERE seq = 2"
ATTACKS: dict[str, tuple[Callable[[Home], object], str]] = {
    "a record rewritten, and the chain anew": (lambda home: home.rewrite(better), "record 3 is not the one published at"),
    "likewise, signatures taken away": (lambda home: home.rewrite(unsigned), "record 3 is not the one published at"),
    "the end cut off": (lambda home: home.change("DELETE FROM ledger WHERE seq = 3"), "has no record 3, .* its end was cut off"),
    "all removed": (lambda home: home.change("DELETE FROM ledger"), "has no record 3, .* its end was cut off"),
    "a record appended": (forge, "record 4 .* is not signed by the key"),
    "a record changed": (
        lambda home: home.change("UPDATE ledger SET actor = 'bob' WHERE seq = 2"),
        "record 2 .* does not fit the chain",
    ),
    "a body that is no JSON": (lambda home: home.change("UPDATE ledger SET body = '{' WHERE seq = 2"), "record 2 cannot be read"),
    "a body that is no object": (
        lambda home: home.change("UPDATE ledger SET body = '[1]' WHERE seq = 2"),
        "record 2 cannot be read",
    ),
    "a body of endless depth": (
        lambda home: home.change(DEEP),
        "record 2 cannot be read",
    ),
    "a moment that is none": (lambda home: home.change("UPDATE ledger SET at = 'noon' WHERE seq = 2"), "record 2 cannot be read"),
    "a blob for a text": (lambda home: home.change("UPDATE ledger SET kind = x'00ff' WHERE seq = 2"), "record 2 cannot be read"),
}


@pytest.mark.parametrize(("attack", "sentence"), ATTACKS.values(), ids=ATTACKS)
def test_what_the_databases_owner_does_stops_every_act_with_a_sentence(
    home: Home, attack: Callable[[Home], object], sentence: str
) -> None:
    home.journal.trusted()
    attack(home)
    with pytest.raises(LedgerError, match=sentence):
        home.journal.trusted()


def test_a_record_forged_while_a_process_runs_is_noticed_by_it_too(home: Home) -> None:
    journal = home.journal
    journal.trusted()
    forge(home)
    with pytest.raises(LedgerError, match=r"record 4 .* is not signed"):
        journal.trusted()


def test_a_good_record_after_a_forged_one_does_not_make_it_good(home: Home) -> None:
    forge(home)
    home.journal.append(GATE)  # somebody who does not look first
    found = home.head.read()
    assert found is not None
    assert found.seq == 3
    with pytest.raises(LedgerError, match="record 4"):
        home.journal.trusted()


def test_a_head_that_was_made_without_the_key_is_refused(home: Home) -> None:
    home.rewrite(better)
    forged = home.unsealed.history()
    home.head.publish(Anchor(3, forged.head, "0" * 64))
    with pytest.raises(LedgerError, match="is not signed by the key"):
        home.journal.trusted()


def test_an_older_ledger_is_anchored_on_the_first_act_and_that_is_said_once(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.unsealed.append(GATE)
    home.journal.trusted()  # nobody has signed yet, and looking signs nothing
    assert home.head.read() is None
    home.journal.append(GATE)
    home.journal.append(GATE)
    assert len(home.said) == 1
    assert home.said[0].startswith("[LEDGER] the head, record 2, is anchored at ")
    assert home.journal.trusted().seq == 3
    home.rewrite(better)
    with pytest.raises(LedgerError):
        home.journal.trusted()


def test_the_key_is_the_owners_alone_and_nobody_acts_without_it(home: Home) -> None:
    key = home.folder / "ledger.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.unlink()
    with pytest.raises(LedgerError, match=r"the ledger is signed, and its key is not at .*ledger\.key: bring the key back"):
        home.journal.trusted()
    assert home.journal.broken() == ""  # who only looks needs no key
    with pytest.raises(LedgerError, match=r"the ledger is signed, and its key is not at .*ledger\.key: bring the key back"):
        home.journal.append(GATE)
    assert not key.exists()  # no other key takes its place unasked
    assert home.journal.history().seq == 3  # and nothing unsigned gets in


def test_who_has_no_key_neither_adds_to_a_signed_ledger_nor_takes_its_head_over(home: Home) -> None:
    before = home.head.read()
    for kept in (KeyText("", "RATCHET_LEDGER_KEY"), KeyFile(home.folder / "not-mounted", make=False)):
        home.key = kept
        for act in (lambda: home.journal.append(GATE), home.journal.anchor):
            with pytest.raises(LedgerError, match="the ledger is signed, and its key is not at "):
                act()
    home.key = None
    forge(home)  # of an older release: with it the head is not followed either
    seal = Seal("m", KeyText("", "RATCHET_LEDGER_KEY"), home.head, home.said.append)
    with pytest.raises(LedgerError, match="its key is not at RATCHET_LEDGER_KEY"):
        seal.follow(lambda after: SqlLedger(f"sqlite:///{home.database}", "ann", "m").records(after=after))
    assert home.head.read() == before


def looking(home: Home) -> Journal:
    """Who has no key, as the exporter and a page without a token."""
    seal = Seal("m", KeyText("", "RATCHET_LEDGER_KEY"), home.head, home.said.append)
    return Journal(SqlLedger(f"sqlite:///{home.database}", "exporter", "m"), "m", (), seal)


def test_who_has_no_key_sees_a_record_that_was_only_appended_by_the_public_half(home: Home) -> None:
    journal = looking(home)
    assert journal.history().seq == 3
    assert journal.broken() == ""
    home.journal.append(GATE)
    assert journal.history().seq == 4
    assert journal.broken() == ""
    forge(home)
    assert journal.history().seq == 5  # what stands there is shown, and said to be forged
    assert re.search(r"record 5 .* is not signed by the key whose public half stands at", journal.broken())
    assert "record 5" in looking(home).broken()


def test_a_signature_is_of_its_record_alone(home: Home) -> None:
    records = SqlLedger(f"sqlite:///{home.database}", "ann", "m").records()
    forge(home)
    home.rewrite(lambda body: body.update({SIGNATURE: records[1].body[SIGNATURE]}) if body["candidate"] == 9 else None)
    assert "record 4" in looking(home).broken()


@pytest.mark.parametrize("public", ["", "no hex", "00" * 32, "ab" * 31])
def test_a_public_half_that_is_none_vouches_for_nothing_and_breaks_nothing_else(home: Home, public: str) -> None:
    before = home.head.read()
    assert before is not None
    home.head.publish(replace(before, public=public))
    forge(home)
    assert bool(looking(home).broken()) == bool(public)
    with pytest.raises(LedgerError, match=r"record 4|is not that of the key"):
        home.journal.trusted()


def test_records_and_heads_of_a_release_that_signed_by_hmac_alone_go_on_verifying(tmp_path: Path) -> None:
    home = Home(tmp_path)
    secret = KeyFile(tmp_path / "ledger.key", make=True).made()
    ledger = SqlLedger(f"sqlite:///{home.database}", "ann", "m")
    made = chain(1, datetime.now(UTC), "gate", "", "ann", replace(GATE, model="m").to_body(), GENESIS, secret)
    ledger.records()  # which makes the table
    with closing(sqlite3.connect(home.database)) as database:
        row = ("m", 1, made.at.isoformat(), "gate", "", "ann", canonical(made.body), GENESIS, made.hash)
        database.execute("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        database.commit()
    home.head._path.parent.mkdir()  # noqa: SLF001 - the file as that release wrote it
    mac = mac_of(secret, f"head|m|1|{made.hash}")
    home.head._path.write_text(json.dumps({"seq": 1, "hash": made.hash, "mac": mac}))  # noqa: SLF001
    assert looking(home).broken() == ""
    assert home.journal.trusted().seq == 1
    home.journal.append(GATE)  # and the next head has the public half
    forge(home)
    assert "record 3" in looking(home).broken()


def test_another_key_signs_a_ledger_whose_key_is_lost_once_somebody_has_looked(home: Home) -> None:
    home.key = KeyText("n" * 64, "RATCHET_LEDGER_KEY")
    home.journal.anchor()
    home.journal.append(GATE)
    assert home.journal.trusted().seq == 4


def test_an_illegible_head_is_mended_by_anchor(home: Home) -> None:
    (home.folder / "models" / "head.json").write_text('{"seq":')
    home.journal.anchor()
    assert home.journal.trusted().seq == 3


def test_anchor_takes_a_ledger_as_it_stands_after_somebody_has_looked(home: Home) -> None:
    forge(home)
    (home.folder / "ledger.key").unlink()
    assert home.journal.anchor().seq == 4
    assert home.journal.trusted().seq == 4
    home.journal.append(GATE)
    assert home.journal.trusted().seq == 5


def test_anchor_does_not_take_a_chain_that_does_not_verify(home: Home) -> None:
    home.change("UPDATE ledger SET actor = 'bob' WHERE seq = 2")
    with pytest.raises(LedgerError, match="record 2"):
        home.journal.anchor()
    empty = Home(home.folder / "other")
    with pytest.raises(UserError, match="no record yet"):
        empty.journal.anchor()


def test_without_any_key_the_published_head_alone_shows_what_was_rewritten(tmp_path: Path) -> None:
    home = Home(tmp_path, key=KeyText("", "RATCHET_LEDGER_KEY"))
    home.journal.append(GATE)
    assert "without a key (RATCHET_LEDGER_KEY)" in home.said[0]
    home.journal.trusted()
    home.rewrite(better)
    with pytest.raises(LedgerError, match="record 1 is not the one published"):
        home.journal.trusted()


def test_a_key_that_comes_later_asks_for_a_look(tmp_path: Path) -> None:
    home = Home(tmp_path, key=KeyText("", "RATCHET_LEDGER_KEY"))
    home.journal.append(GATE)
    home.key = KeyText("k" * 64, "RATCHET_LEDGER_KEY")
    with pytest.raises(LedgerError, match=r"published without a key, and now there is one: .*`ratchet anchor`"):
        home.journal.trusted()
    home.journal.anchor()
    home.journal.trusted()


def test_a_key_that_is_too_short_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="RATCHET_LEDGER_KEY has 3 bytes, of 16 at least"):
        Home(tmp_path, key=KeyText("abc", "RATCHET_LEDGER_KEY")).journal.append(GATE)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"seq": 1}'])
def test_a_published_head_that_is_not_ours_is_one_sentence(home: Home, text: str) -> None:
    (home.folder / "models" / "head.json").write_text(text)
    with pytest.raises(LedgerError, match="is not the ledger's head that was written there"):
        home.journal.trusted()


def test_two_that_publish_at_once_do_not_share_a_temporary_file(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Anchor(4, "a" * 64, ""), Anchor(5, "b" * 64, "")

    def overtaken(path: Path, write: Callable[[Any], Any]) -> None:
        write_synced(path, write)
        monkeypatch.setattr(anchor_file, "write_synced", write_synced)
        home.head.publish(second)

    monkeypatch.setattr(anchor_file, "write_synced", overtaken)
    home.head.publish(first)
    assert home.head.read() == first


def test_a_head_only_grows_although_a_writer_was_overtaken_after_it_read(home: Home) -> None:
    records = SqlLedger(f"sqlite:///{home.database}", "ann", "m").records()
    seal = Seal("m", KeyFile(home.folder / "ledger.key", make=True), home.head, home.said.append)
    seal.accept(records[0])
    with ThreadPoolExecutor(1) as pool:
        other: list[Future[None]] = []

        def slow(seq: int) -> list[Record]:
            if not other:
                other.append(pool.submit(seal.follow, lambda after: records[after:]))
                wait(other, timeout=0.5)  # it waits for its turn, or has had it
            return records[seq:2]  # what this writer has seen: no third record yet

        seal.follow(slow)
        other[0].result()
    found = home.head.read()
    assert found is not None
    assert found.seq == 3


def test_a_write_that_was_killed_leaves_the_head_before_and_hinders_no_later_one(home: Home) -> None:
    folder = home.folder / "models"
    for name in (".new-head.json", ".new-head.json-dead"):
        (folder / name).write_text('{"seq":')
    assert home.journal.trusted().seq == 3
    home.journal.append(GATE)
    found = home.head.read()
    assert found is not None
    assert found.seq == 4
    assert sorted(path.name for path in folder.iterdir()) == [".head.json.lock", ".new-head.json", "head.json"]


class Away(AnchorFile):
    """The place of the head, which does not answer while it is `away`; it counts who asks."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.away, self.asked = False, 0

    def read(self) -> Anchor | None:
        self.asked += 1
        if self.away:
            message = "the cluster cannot be reached"
            raise Unavailable(message)
        return super().read()


def test_history_is_read_although_the_place_of_the_head_is_away_and_nobody_acts_on_it(home: Home) -> None:
    place = Away(home.folder / "models" / "head.json")
    seal = Seal("m", KeyFile(home.folder / "ledger.key", make=True), place, home.said.append)
    journal = Journal(SqlLedger(f"sqlite:///{home.database}", "ann", "m", secret=seal.secret), "m", (), seal)
    journal.trusted()
    place.away = True
    forge(home)
    assert journal.history().seq == 4
    for act in (journal.trusted, journal.broken):
        with pytest.raises(Unavailable, match="cluster cannot be reached"):
            act()
    place.away = False
    with pytest.raises(LedgerError, match="record 4"):  # what nobody could check then is checked now
        journal.trusted()


def test_whoever_has_the_key_asks_no_cluster_for_it(home: Home) -> None:
    place = Away(home.folder / "models" / "head.json")
    Seal("m", KeyFile(home.folder / "ledger.key", make=True), place, home.said.append).check_key()
    assert place.asked == 0


class FakeApi:
    """A Deployment whose metadata can be read and patched; others change it right after it is read, as often as `others` says."""

    def __init__(self, *others: Callable[[FakeApi], object]) -> None:
        self.annotations: dict[str, str] = {}
        self.version = 1
        self.others = list(others)

    def read(self, *_: object) -> dict[str, Any]:
        found = {"name": "serving", "resourceVersion": str(self.version), "annotations": dict(self.annotations)}
        if self.others:
            self.others.pop(0)(self)
            self.version += 1
        return {"metadata": found}

    def patch(self, _kind: object, _name: str, body: dict[str, Any]) -> None:
        given = body["metadata"]
        if given.get("resourceVersion", str(self.version)) != str(self.version):
            message = "Deployment serving is being changed by somebody else: try again"
            raise Conflict(message)
        self.version += 1
        for name, value in given["annotations"].items():
            if value is None:
                self.annotations.pop(name, None)
            else:
                self.annotations[name] = value


def test_on_a_cluster_the_head_stands_on_the_deployment_and_changes_no_pod() -> None:
    api = FakeApi()
    at = DeploymentAnchor(api, "serving")  # type: ignore[arg-type]  # what it asks of a cluster
    assert at.read() is None
    for anchor in (Anchor(7, "a" * 64, ""), Anchor(8, "b" * 64, "c" * 64), Anchor(9, "b" * 64, "c" * 64, "d" * 64)):
        at.publish(anchor)
        assert at.read() == anchor
    at.publish(Anchor(10, "b" * 64, ""))
    assert at.read() == Anchor(10, "b" * 64, "")
    api.annotations[HEAD] = "8:nonsense"
    with pytest.raises(LedgerError, match=r"the annotation ratchet.dev/ledger-head of Deployment serving is not"):
        at.read()


def on_a_cluster(home: Home, api: FakeApi) -> tuple[Seal, SqlLedger]:
    at = DeploymentAnchor(api, "serving")  # type: ignore[arg-type]  # as above
    seal = Seal("m", KeyFile(home.folder / "ledger.key", make=True), at, home.said.append)
    return seal, SqlLedger(f"sqlite:///{home.database}", "ann", "m", secret=seal.secret)


def test_a_newer_head_that_another_promoter_published_meanwhile_is_not_put_back(home: Home) -> None:
    def another(api: FakeApi) -> None:
        """It appends a record, and publishes it, between our look and our word."""
        theirs, ledger = on_a_cluster(home, api)
        ledger.append("gate", GATE.to_body())
        theirs.follow(lambda after: ledger.records(after=after))

    api = FakeApi()
    seal, ledger = on_a_cluster(home, api)
    seal.follow(lambda after: ledger.records(after=after))
    assert api.annotations[HEAD].startswith("3:")
    ledger.append("gate", GATE.to_body())
    api.others = [another]
    stale = ledger.records(after=2)
    seen = [stale]  # what was read before the other appended, and then what is there
    seal.follow(lambda after: seen.pop() if seen else ledger.records(after=after))
    assert api.annotations[HEAD].startswith("5:")


def test_a_deployment_that_changes_all_the_time_gets_the_head_in_the_end(home: Home) -> None:
    api = FakeApi(*[lambda _: None] * 5)  # the controller writes its status
    seal, ledger = on_a_cluster(home, api)
    seal.follow(lambda after: ledger.records(after=after))
    assert api.annotations[HEAD].startswith("3:")
    assert looking_at(home, api).broken() == ""


def test_a_head_that_is_never_let_in_is_said_to_be_that_and_the_next_record_brings_it(home: Home) -> None:
    api = FakeApi(*[lambda _: None] * 100)
    seal, ledger = on_a_cluster(home, api)
    with pytest.raises(Unavailable, match="changed by somebody else"):
        seal.follow(lambda after: ledger.records(after=after))
    assert not api.annotations
    api.others = []
    Journal(ledger, "m", (), seal).append(GATE)
    assert api.annotations[HEAD].startswith("4:")


def looking_at(home: Home, api: FakeApi) -> Journal:
    at = DeploymentAnchor(api, "serving")  # type: ignore[arg-type]  # as above
    seal = Seal("m", KeyText("", "RATCHET_LEDGER_KEY"), at, home.said.append)
    return Journal(SqlLedger(f"sqlite:///{home.database}", "exporter", "m"), "m", (), seal)


ACTS: dict[str, Callable[[FakeStores], object]] = {
    "promote": lambda at: carry_out(at.production, at.move(2, 1)),
    "the step that promotes": lambda at: promote.passed_gate(at.production, 2),
    "rollback": lambda at: by_hand.rollback(at.production, None, ""),
    "approve": lambda at: by_hand.approve(at.production, None, 2, "p"),  # type: ignore[arg-type]  # it gets no further
    "approve without comparison": lambda at: by_hand.approve_without_comparison(at.production, 2),
    "adopt": lambda at: by_hand.adopt(at.production, None, ""),
    "reconcile": lambda at: reconcile(at.production),
    "a run's first step": lambda at: reconcile_first(at.production, only_open=True),
    "a run's other steps": lambda at: champion_of(at.registry, at.journal),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_broken_chain_stops_every_act_and_status_says_so(act: Callable[[FakeStores], object]) -> None:
    at = FakeStores()
    at.add_version()
    at.add_version()
    at.in_production(1)
    record = at.ledger.stored[0]
    assert record.kind == Moved.KIND
    at.ledger.stored[0] = replace(record, actor="mallory")
    before = at.state
    with pytest.raises(LedgerError, match=r"ledger record 1 .* does not fit the chain"):
        act(at)
    assert at.state == before
    assert "does not fit the chain" in by_hand.status(at.registry, at.journal, at.rollout).trouble


def test_history_cries_no_wolf_when_somebody_appends_while_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RATCHET_HOME", str(tmp_path))
    monkeypatch.setenv("RATCHET_PROJECT", str(ROOT / "ratchet.yaml"))
    Wiring.load().journal.append(GATE)
    read, meanwhile = SqlLedger.records, [GATE]

    def slowly(self: SqlLedger, *asked: Any, **how: Any) -> list[Record]:
        found = read(self, *asked, **how)
        if meanwhile:
            Wiring.load().journal.append(meanwhile.pop())
        return found

    monkeypatch.setattr(SqlLedger, "records", slowly)
    monkeypatch.setattr(sys, "argv", ["ratchet", "history"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code, capsys.readouterr().err
