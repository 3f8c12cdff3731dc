"""Signing in, and what may be done then: over fakes, by hostile hands too."""

from __future__ import annotations

from threading import Event

import pytest
from starlette.testclient import TestClient

from ratchet.core.errors import Unavailable
from tests.support.loop import PROJECT, Loop, first_champion
from tests.support.ui_site import TOKEN, UiSite, csrf, sign_in, text_of

MANUAL = PROJECT.model_copy(update={"policy": PROJECT.policy.model_copy(update={"approval": "manual"})})


@pytest.fixture(scope="module")
def trained() -> Loop:
    """Version 2 has replaced version 1."""
    loop = first_champion()
    assert loop.run(loop.arrive(2, turn=1, shift=1)) == "done"
    return loop


@pytest.fixture
def site(trained: Loop) -> UiSite:
    """A copy for each test: training takes longer than all that is tested here."""
    return UiSite(trained.copy())


def go_back(client: TestClient, proof: str, **changes: str) -> int:
    form = {"csrf": proof, "champion": "2", "to": "1", "reason": "wrong labels", **changes}
    return client.post("/rollback", data=form, follow_redirects=False).status_code


def test_a_rollback_is_carried_out_and_stands_in_the_ledger_with_its_actor(site: UiSite) -> None:
    with site.client() as client:
        assert go_back(client, sign_in(client, "  Ann   Lee ")) == 303
    assert (site.loop.production, site.loop.at.consistent) == (1, True)
    last = site.ledger.stored[-1]
    assert (last.actor, last.body["state"], last.body["cause"]) == ("Ann Lee (ui, self-declared)", "done", "rollback")
    assert last.body["reasons"] == ["gate skipped: rollback by hand", "wrong labels"]


def test_an_approval_is_carried_out_and_stands_in_the_ledger_with_its_actor() -> None:
    loop = Loop(project=MANUAL)
    assert loop.run(loop.arrive(1)) == "awaiting_approval"
    site = UiSite(loop)
    with site.client() as client:
        proof = sign_in(client)
        assert "Version 1 waits for approval" in text_of(client.get("/").text)
        assert client.post("/approve", data={"csrf": proof, "version": "1"}, follow_redirects=False).status_code == 303
    assert loop.production == 1
    assert (site.ledger.stored[-1].actor, site.ledger.stored[-1].body["cause"]) == ("Ann (ui, self-declared)", "approval")


def test_an_action_that_failed_leaves_production_as_it_was_and_says_why(site: UiSite, capfd: pytest.CaptureFixture[str]) -> None:
    site.rollout.stuck.add(1)
    with site.client() as client:
        go_back(client, sign_in(client))
    assert site.loop.production == 2
    assert site.ledger.stored[-1].body["state"] == "failed"
    assert "was not done: " in capfd.readouterr().err


def test_a_page_that_shows_an_older_champion_cannot_roll_back_the_present_one(
    site: UiSite, capfd: pytest.CaptureFixture[str]
) -> None:
    with site.client() as client:
        assert go_back(client, sign_in(client), champion="1", to="2") == 303
    assert site.loop.production == 2
    sentence = "version 2 is in production now, the page had shown version 1: look again"
    assert sentence in " ".join(capfd.readouterr().err.split())


def test_while_an_action_is_under_way_no_other_one_begins_and_the_page_says(site: UiSite) -> None:
    entered, gate = Event(), Event()

    def hold() -> None:
        entered.set()
        gate.wait(60)

    site.rollout.on_pin = hold
    with site.client() as client:
        proof = sign_in(client)
        assert go_back(client, proof) == 303
        assert entered.wait(60)
        assert go_back(client, proof) == 409
        page = client.get("/")
        assert "Rollback from version 2 to version 1, by Ann (ui, self-declared)" in text_of(page.text)
        assert "under way" in text_of(page.text)
        assert page.headers["refresh"] == "3; url=/"
        stranger = TestClient(client.app, base_url="http://127.0.0.1:3001")
        assert "Ann" not in text_of(stranger.get("/").text).partition("Who was in production")[0]
        gate.set()
    assert len([record for record in site.ledger.records("promotion") if record.body["cause"] == "rollback"]) == 2  # intent, done


def test_without_a_token_in_the_settings_nobody_can_act(site: UiSite) -> None:
    reader = UiSite(site.loop, token="")
    client = reader.client()
    assert "read-only" in text_of(client.get("/").text)
    assert "<form" not in client.get("/").text
    assert "Nobody can sign in here" in text_of(client.get("/sign-in").text)
    for token in ("", TOKEN):
        assert client.post("/sign-in", data={"name": "Ann", "token": token}).status_code == 403
    assert go_back(client, "0" * 64) == 403
    assert site.loop.production == 2


@pytest.mark.parametrize(
    "form",
    [
        {"name": "Ann", "token": "wrong"},
        {"name": "Ann", "token": ""},
        {"name": "Ann"},
        {"name": "Ann", "token": TOKEN + "\x00"},
        {"name": "Ann", "token": TOKEN.upper()},
        {"name": "Ann", "token": "ü" * 20},
        {"name": "", "token": TOKEN},
        {"name": "x" * 81, "token": TOKEN},
        {"name": "Ann\x1b[31m", "token": TOKEN},
        {"name": "Ann\u202e", "token": TOKEN},
    ],
)
def test_without_token_or_name_nobody_signs_in(site: UiSite, form: dict[str, str]) -> None:
    client = site.client()
    answer = client.post("/sign-in", data=form)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert "Sign in" in text_of(client.get("/").text)
    assert form.get("token") not in {text for text in answer.text.split('"') if text}


def test_the_session_is_out_of_reach_of_scripts_and_of_other_sites(site: UiSite) -> None:
    client = site.client()
    answer = client.post("/sign-in", data={"name": "Ann", "token": TOKEN}, follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie  # plain HTTP on this machine
    assert TOKEN not in cookie
    safe = TestClient(client.app, base_url="https://127.0.0.1")
    answer = safe.post("/sign-in", data={"name": "Ann", "token": TOKEN}, follow_redirects=False)
    assert "secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("change", ["", "x", ".", "a.b.c", "é"])
def test_a_forged_session_is_none(site: UiSite, change: str) -> None:
    client = site.client()
    proof = sign_in(client)
    value = client.cookies["ratchet_session"]
    client.cookies.clear()
    forged = change or f"{value[:10]}A{value[11:]}"
    headers = {b"cookie": f"ratchet_session={forged}".encode()}
    assert "Sign out" not in client.get("/", headers=headers).text
    assert client.post("/rollback", data={"csrf": proof}, headers=headers).status_code == 403


def test_another_token_ends_all_sessions(site: UiSite) -> None:
    client = site.client()
    sign_in(client)
    other = UiSite(site.loop, token="another token, long enough").client()  # noqa: S106 - no secret
    other.cookies.update(client.cookies)
    assert "Sign out" not in other.get("/").text


def test_signing_out_ends_the_session(site: UiSite) -> None:
    client = site.client()
    proof = sign_in(client)
    client.post("/sign-out", data={"csrf": proof})
    assert "ratchet_session" not in client.cookies
    assert "Sign out" not in client.get("/").text


@pytest.mark.parametrize("proof", ["", "0" * 64, "é", "x" * 5000])
@pytest.mark.parametrize("address", ["/rollback", "/approve", "/sign-out"])
def test_a_form_without_the_sessions_proof_does_nothing(site: UiSite, address: str, proof: str) -> None:
    client = site.client()
    sign_in(client)
    form = {"champion": "2", "to": "1", "reason": "r", "version": "2", **({"csrf": proof} if proof else {})}
    assert client.post(address, data=form).status_code == 403
    assert (site.loop.production, site.actors) == (2, [])


def test_the_proof_of_another_session_is_none(site: UiSite) -> None:
    client = site.client()
    mine = sign_in(client)
    other = TestClient(client.app, base_url="http://127.0.0.1:3001")
    theirs = sign_in(other, "Bob")
    assert mine != theirs
    assert csrf(client) == mine
    assert go_back(client, theirs) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_from_another_site_does_nothing(site: UiSite, headers: dict[str, str]) -> None:
    client = site.client()
    proof = sign_in(client)
    form = {"csrf": proof, "champion": "2", "to": "1", "reason": "r"}
    assert client.post("/rollback", data=form, headers=headers).status_code == 403
    assert client.post("/sign-in", data={"name": "Ann", "token": TOKEN}, headers=headers).status_code == 403
    assert site.actors == []


def test_a_form_of_our_own_page_is_taken_with_what_browsers_send(site: UiSite) -> None:
    with site.client() as client:
        proof = sign_in(client)
        headers = {"origin": "http://127.0.0.1:3001", "sec-fetch-site": "same-origin"}
        form = {"csrf": proof, "champion": "2", "to": "1", "reason": "r"}
        assert client.post("/rollback", data=form, headers=headers, follow_redirects=False).status_code == 303
    assert site.loop.production == 1


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"a=" + b"x" * 9000, "application/x-www-form-urlencoded", 413),
        (b"x" * 3_000_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a%d=1" % index for index in range(40)), "application/x-www-form-urlencoded", 400),
        (b"name=\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"name=%ff%fe", "application/x-www-form-urlencoded", 400),
        (b'{"name": "Ann"}', "application/json", 415),
        (b"--x\r\n", "multipart/form-data; boundary=x", 415),
        (b"name=Ann", "", 415),
    ],
)
def test_what_is_no_form_of_ours_is_refused(site: UiSite, body: bytes, kind: str, status: int) -> None:
    answer = site.client().post("/sign-in", content=body, headers={"content-type": kind})
    assert answer.status_code == status
    assert "Not possible" in text_of(answer.text)


@pytest.mark.parametrize(
    "changes",
    [
        {"to": ""},
        {"to": "x"},
        {"to": "-1"},
        {"to": "1.0"},
        {"to": "99999999999"},
        {"to": "\u0661"},
        {"champion": ""},
        {"reason": ""},
        {"reason": "  "},
        {"reason": "x" * 301},
        {"reason": "a\x1b[2Jb"},
    ],
)
def test_a_rollback_with_fields_that_make_no_sense_is_refused(site: UiSite, changes: dict[str, str]) -> None:
    client = site.client()
    assert go_back(client, sign_in(client), **changes) == 400
    assert site.actors == []


@pytest.mark.parametrize("address", ["/rollback", "/approve", "/sign-out"])
def test_looking_changes_nothing(site: UiSite, address: str) -> None:
    client = site.client()
    sign_in(client)
    assert client.get(address).status_code == 405
    assert site.actors == []


def test_an_action_that_a_store_did_not_let_happen_is_said_and_can_be_tried_again(site: UiSite) -> None:
    with site.client() as client:
        proof = sign_in(client)
        site.registry.down = Unavailable("the registry cannot be reached")
        assert go_back(client, proof) == 303
    site.registry.down = None
    assert site.loop.production == 2
    with site.client() as client:
        assert go_back(client, sign_in(client)) == 303
    assert site.loop.production == 1


def test_no_secret_is_in_the_log(site: UiSite, capfd: pytest.CaptureFixture[str]) -> None:
    with site.client() as client:
        client.post("/sign-in", data={"name": "Eve", "token": "a guess of the token"})
        proof = sign_in(client)
        go_back(client, proof)
        cookie = client.cookies["ratchet_session"]
    said = capfd.readouterr()
    assert "[UI] rollback from version 2 to version 1, by Ann (ui, self-declared)" in said.out
    for secret in (TOKEN, "a guess of the token", proof, cookie):
        assert secret not in said.out + said.err


@pytest.mark.filterwarnings("ignore:Setting per-request cookies")
def test_where_a_proxy_says_who_asks_nobody_says_it_himself(site: UiSite) -> None:
    site.user_header = "X-Auth-Request-Email"
    ann, eve = {"X-Auth-Request-Email": "ann@example.com"}, {"x-auth-request-email": "eve@example.com"}
    with site.client() as client:
        alone = client.post("/sign-in", data={"name": "Ann", "token": TOKEN}, follow_redirects=False)
        assert alone.status_code == 403
        assert "does not say who you are: it has to set the header X-Auth-Request-Email" in text_of(alone.text)
        twice = client.post("/sign-in", data={"token": TOKEN}, headers=[*ann.items(), *eve.items()], follow_redirects=False)
        assert twice.status_code == 403
        assert 'name="name"' not in client.get("/sign-in", headers=ann).text
        client.headers.update(ann)
        proof = sign_in(client, "the boss")
        assert "ann@example.com, as your proxy says" in text_of(client.get("/sign-in").text)
        client.headers.update(eve)
        assert go_back(client, proof) == 403, "another user of the same browser"
        del client.headers["X-Auth-Request-Email"]
        assert go_back(client, proof) == 403, "round the proxy"
        client.headers.update(ann)
        assert go_back(client, proof) == 303
    assert site.ledger.stored[-1].actor == "ann@example.com (ui, by proxy)"


def test_a_header_is_nobody_where_no_proxy_is_named(site: UiSite) -> None:
    with site.client() as client:
        client.headers.update({"X-Auth-Request-Email": "boss@example.com"})
        go_back(client, sign_in(client))
    assert site.ledger.stored[-1].actor == "Ann (ui, self-declared)"
