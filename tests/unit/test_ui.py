"""The status page's pages: what they tell, over fakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest

from ratchet.apps.ui.headers import REPORT_POLICIES
from ratchet.apps.ui.queries import Queries
from ratchet.apps.ui.settings import load_ui_settings
from ratchet.apps.ui.words import ago, report_name
from ratchet.core.errors import Unavailable, UserError
from ratchet.ledger import journal
from ratchet.promotion import by_hand
from tests.support.counting import CountingLedger
from tests.support.loop import Loop, first_champion
from tests.support.ui_site import UiSite, text_of

PAGES = ["/", "/history", "/history/1", "/drift", "/performance", "/snapshots", "/sign-in"]


@pytest.fixture(scope="module")
def lived() -> Loop:
    """A first champion, a quiet month, a drifted one that replaced it, answers with labels, and the way back."""
    loop = first_champion()
    assert loop.run(loop.arrive(2)) == "NO_ACTION"
    assert loop.run(loop.arrive(3, turn=1, shift=1)) == "done"
    for version, low, high in ((1, 0.40, 0.55), (2, 0.70, 0.80)):
        figures = {"auc": (low + high) / 2, "low": low, "high": high, "holdout_auc": 0.8}
        loop.at.ledger.append("live", {"version": version, "labelled": 900, "rows": 200, "positives": 80, **figures})
    loop.requests.times = {1: [1000.0, 1001.0, 1300.0], 2: [1200.0]}
    loop.at.ledger.append("ingest", {"snapshot": loop.store.snapshots()[-1].id, "name": "m3", "rows": 1, "labelled_rows": 1})
    by_hand.rollback(loop.at.production, None, "the third month was a test")
    return loop


@pytest.fixture
def site(lived: Loop) -> UiSite:
    return UiSite(lived)


def test_the_first_page_says_who_serves_since_when_and_why(site: UiSite) -> None:
    text = text_of(site.client().get("/").text)
    assert "Version 1 serves" in text
    assert "because tester rolled back from version 2: reason given: the third month was a test; a rollback skips the gate." in text
    assert "Trained on snapshot 2024-01-01" in text
    assert "Requests answered 3 of 4 by all versions" in text
    assert "Serving 1 of 1 ready" in text


def test_the_first_page_says_what_wants_attention(site: UiSite) -> None:
    text = text_of(site.client().get("/").text)
    assert "WANTS A LOOK" in text
    assert "Version 1 does worse on live answers than on the holdout when it was trained: upper end of live AUC 0.550 <" in text
    assert "The newest snapshot, 2024-03-01, has drifted from what version 1 was trained on: drift_share 0.333 >= 0.020." in text


def test_a_champion_without_trouble_wants_no_attention() -> None:
    loop = first_champion()
    text = text_of(UiSite(loop).client().get("/").text)
    assert "ALL WELL Version 1 serves" in text
    assert "Nothing wants attention" in text


def test_before_later_labels_the_figure_is_said_to_be_that_of_training() -> None:
    text = text_of(UiSite(first_champion()).client().get("/").text)
    assert "AUC at training, on 2024-01-01 0." in text
    assert "no later labels yet" in text


def test_the_newest_measurement_is_said_with_its_date_and_interval() -> None:
    loop = first_champion()
    loop.run(loop.arrive(2))
    loop.run(loop.arrive(3))
    (*_, newest) = loop.at.journal.history().measurements(1)
    found = newest.event
    text = text_of(UiSite(loop).client().get("/").text)
    figure = f"{found.value:.3f} {found.low:.3f} to {found.high:.3f}, {found.rows:,} held-out rows"
    assert f"AUC on 2024-03-01 {figure}" in text
    assert "at training" not in text
    assert "ALL WELL" in text


def test_all_is_not_well_with_a_champion_that_the_newest_labels_show_to_have_fallen() -> None:
    loop = first_champion()
    loop.measure(loop.arrive(2, turn=0.5))  # a concept change; no run has looked at it yet
    text = text_of(UiSite(loop).client().get("/").text)
    assert "WANTS A LOOK" in text
    assert "Version 1 does worse than it did, beyond doubt: AUC of 2024-02 0.5" in text


def test_a_champion_that_stays_down_goes_on_wanting_attention() -> None:
    loop = first_champion()
    for number in (2, 3, 4, 5):
        loop.measure(loop.arrive(number, turn=0.5))
    assert "Version 1 does worse than it did, beyond doubt" in text_of(UiSite(loop).client().get("/").text)


def test_a_wish_that_waits_for_labels_is_said_with_the_date_since_when() -> None:
    loop = first_champion()
    assert loop.run(loop.arrive(2, shift=1, labelled=False)) == "UNKNOWN"
    assert loop.run(loop.arrive(3, labelled=False)) == "UNKNOWN"
    text = text_of(UiSite(loop).client().get("/").text)
    assert "WANTS A LOOK" in text
    assert "A new model is wanted since 2024-02-01 and waits for labels: drift_share 0.333 >= 0.020" in text


def test_probation_is_said_until_a_labelled_month_was_stood() -> None:
    loop = first_champion()
    assert loop.run(loop.arrive(2, turn=1)) == "done"
    site = UiSite(loop)
    assert "Version 2 is on probation: version 1 comes back by itself" in text_of(site.client().get("/").text)
    assert loop.run(loop.arrive(3, turn=1)) == "NO_ACTION"
    assert "is on probation" not in text_of(site.client().get("/").text).partition("The last decisions")[0]


def test_the_figures_of_champion_and_previous_are_said_by_labelled_snapshot() -> None:
    loop = first_champion()
    loop.run(loop.arrive(2, turn=1))
    loop.run(loop.arrive(3, turn=1))
    text = text_of(UiSite(loop).client().get("/performance").text)
    first, second, third = (
        text.index(what)
        for what in (
            "2024-03-01 version 2, champion AUC 0.",
            "2024-03-01 version 1, previous AUC 0.",
            "2024-02-01 version 1, previous",
        )
    )
    assert first < second < third
    assert "Against version 2" in text[second:third]


def test_the_last_decision_is_said_with_every_inequality_and_what_became_of_it(site: UiSite) -> None:
    text = text_of(site.client().get("/").text)
    (*_, gate) = site.ledger.records("gate")
    assert all(reason in text for reason in gate.body["reasons"])
    assert "PASS Version 2 against version 1 , on the snapshot of 2024-03-01" in text
    assert "Version 2 went into production, and later was rolled back: version 1 took its place." in text
    assert 'href="/reports/decision_v2_on_2024-03-01.html"' in site.client().get("/").text


def test_a_comparison_in_another_releases_form_does_not_take_the_first_page_away() -> None:
    site = UiSite(first_champion())
    site.ledger.append("gate", {"candidate": 1, "champion": None, "verdict": "PASS", "decisive": [], "snapshot": "some@thing"})
    seq = site.ledger.records()[-1].seq
    text = text_of(site.client().get("/").text)
    assert "Version 1 serves" in text
    assert f"The last comparison, record {seq} , is of another form than this page can draw." in text
    shown = site.client().get(f"/history/{seq}")
    assert shown.status_code == 200
    assert "some@thing" in shown.text


def test_a_record_that_lacks_anything_of_its_form_takes_no_page_away(lived: Loop) -> None:
    site = UiSite(first_champion())
    first = len(site.ledger.stored)
    for record in lived.at.ledger.stored:
        for body in halves(record.body):
            site.ledger.append(record.kind, body, key=record.key)
    assert len(site.ledger.stored) > first + 100
    every_page_answers(site, first)
    text = text_of(site.client().get("/").text)
    assert "Version 1 serves" in text
    assert "a promotion, is of a form that this release does not know" in text


WRONG = [None, 3, -1.5, "text", ["a"], [], {"a": 1}]


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_a_record_with_a_value_of_another_type_takes_no_page_away(lived: Loop, wrong: Any) -> None:
    site = UiSite(Loop())
    site.loop.at.registry.__dict__.update(deepcopy(lived.at.registry.__dict__))
    first = len(site.ledger.stored)
    for record in lived.at.ledger.stored:
        for body in exchanged(record.body, wrong):
            site.ledger.append(record.kind, body, key=record.key)
    assert len(site.ledger.stored) > first + 100
    every_page_answers(site, first, step=7)


def test_a_last_comparison_with_a_value_of_another_type_is_drawn_or_pointed_to(lived: Loop) -> None:
    site = UiSite(deepcopy(lived))
    client = site.client()
    (*_, gate) = site.ledger.records("gate")
    for wrong in WRONG:
        for body in exchanged(gate.body, wrong):
            seq = site.ledger.append("gate", body).seq
            answer = client.get("/")
            assert answer.status_code == 200
            unread = f"The last comparison, record {seq} , is of another form than this page can draw."
            assert (unread in text_of(answer.text)) != ("Inequality, as it came out" in answer.text)


def every_page_answers(site: UiSite, first: int, step: int = 1) -> None:
    client = site.client()
    for page in (*PAGES, "/history?page=2"):
        assert client.get(page).status_code == 200, page
    for seq in range(first + 1, len(site.ledger.stored) + 1, step):
        assert client.get(f"/history/{seq}").status_code == 200, seq


def halves(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The body without each of its keys in turn, at every depth, and with none in place of drift's lists."""
    for name, value in body.items():
        yield {key: kept for key, kept in body.items() if key != name}
        if isinstance(value, Mapping):
            for part in (*halves(value), *({**value, inner: None} for inner in ("tests", "informative") if inner in value)):
                yield {**body, name: part}
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            for part in halves(value[0]):
                yield {**body, name: [part]}


def exchanged(body: Mapping[str, Any], wrong: Any) -> Iterator[dict[str, Any]]:
    """The body with `wrong` in place of each of its values in turn, at every depth."""
    for name, value in body.items():
        yield {**body, name: wrong}
        inner = value[0] if isinstance(value, list) and value else value
        if isinstance(inner, Mapping):
            for part in exchanged(inner, wrong):
                yield {**body, name: [part] if isinstance(value, list) else part}


def test_the_second_page_reads_only_what_is_new_of_the_ledger(lived: Loop) -> None:
    ledger = CountingLedger(lived.at.ledger.stored)
    loop = deepcopy(lived)
    loop.at.ledger = ledger
    client = UiSite(loop).client()
    count = len(ledger.stored)
    assert client.get("/").status_code == 200
    assert (ledger.read, ledger.walks) == ([count], 1)
    ledger.append("watch", {"name": "new", "champion": None, "run_id": "r"})
    for page in ("/history", "/drift", "/performance", "/snapshots", "/"):
        assert client.get(page).status_code == 200
    assert (ledger.read[1:], ledger.walks) == ([2, 1, 1, 1, 1], 1)  # the last one known, to see that it is the same ledger
    assert "new is new to version none" in text_of(client.get("/history").text)


def test_a_record_that_does_not_continue_the_chain_is_seen_by_the_next_page(lived: Loop) -> None:
    site = UiSite(deepcopy(lived))
    client = site.client()
    assert "SOMETHING IS WRONG" not in text_of(client.get("/").text)
    site.ledger.append("watch", {"name": "new", "champion": None, "run_id": "r"})
    site.ledger.stored[-1] = replace(site.ledger.stored[-1], actor="somebody else")
    assert f"ledger record {len(site.ledger.stored)} (" in text_of(client.get("/history").text)


def test_a_record_that_was_changed_after_it_was_read_is_seen_at_the_next_walk(lived: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    site = UiSite(deepcopy(lived))
    client = site.client()
    assert client.get("/").status_code == 200
    was = site.ledger.stored[1]
    site.ledger.stored[1] = replace(was, actor="somebody else")
    monkeypatch.setattr(journal, "_WALK_SECONDS", 0.0)
    assert "ledger record 2 (" in text_of(client.get("/").text)
    monkeypatch.undo()
    site.ledger.stored[1] = was  # mended
    assert "SOMETHING IS WRONG" not in text_of(client.get("/").text)


def test_who_was_in_production_is_said_newest_first(site: UiSite) -> None:
    text = text_of(site.client().get("/").text).partition("Who was in production")[2]
    first, second, third = (text.index(what) for what in ("rolled back from", "it beat version 1", "it was the first model"))
    assert first < second < third
    assert text.count("until now") == 1


def test_the_history_has_every_record_with_its_report(site: UiSite) -> None:
    page = site.client().get("/history").text
    assert f"The chain of {len(site.ledger.stored)} records verifies" in text_of(page)
    for record in site.ledger.stored:
        assert f'href="/history/{record.seq}"' in page
    for name in site.reports.saved:
        if name.endswith(".html"):
            assert f'href="/reports/{name}"' in page


def test_the_history_can_be_narrowed_to_a_kind(site: UiSite) -> None:
    page = site.client().get("/history?kind=gate").text
    seen = {record.seq for record in site.ledger.stored if f'href="/history/{record.seq}"' in page}
    assert seen == {record.seq for record in site.ledger.records("gate")}


def test_a_long_history_is_said_in_pages() -> None:
    loop = Loop()
    for number in range(95):
        loop.at.ledger.append("watch", {"name": f"month_{number}", "champion": None, "run_id": "r"})
    client = UiSite(loop).client()
    pages = [client.get(f"/history?page={page}").text for page in (1, 2, 3)]
    assert [page.count("<tr>") - 1 for page in pages] == [40, 40, 15]
    assert "month_94" in pages[0]
    assert "month_0 " in text_of(pages[2])
    assert client.get("/history?page=4").status_code == 404


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=x", "page=%00", "page=99999999999999999999", "page=\u0661", "kind=%3Cscript%3E"]
)
def test_a_page_of_the_history_that_is_not_there_is_refused_in_a_sentence(site: UiSite, query: str) -> None:
    answer = site.client().get(f"/history?{query}")
    assert answer.status_code == 404
    assert "There is no such page of the history." in text_of(answer.text)
    assert "<script" not in answer.text


def test_a_record_is_said_as_it_is_stored(site: UiSite) -> None:
    for record in site.ledger.stored:
        answer = site.client().get(f"/history/{record.seq}")
        assert answer.status_code == 200
        assert record.hash in answer.text
        assert record.previous in answer.text


@pytest.mark.parametrize(
    "address", ["/history/999", "/history/0", "/history/x", "/history/-1", "/nothing", "/reports/", "/history/1/2"]
)
def test_an_address_without_a_page_is_refused(site: UiSite, address: str) -> None:
    assert site.client().get(address).status_code == 404


def test_a_ledger_that_was_changed_is_said_on_the_first_page_and_in_the_history() -> None:
    loop = first_champion()
    loop.at.ledger.stored[1] = replace(loop.at.ledger.stored[1], actor="somebody else")
    client = UiSite(loop).client()
    assert "SOMETHING IS WRONG" in text_of(client.get("/").text)
    for address in ("/", "/history"):
        assert "ledger record 2 (" in text_of(client.get(address).text)


def test_drift_is_said_by_feature_over_time(site: UiSite) -> None:
    page = site.client().get("/drift").text
    text = text_of(page)
    assert "1 of 3 features have changed enough to matter" in text
    moved, _, rest = text.partition("The other features")
    assert "Features that drifted drifted b" in moved
    assert "2024-03-01: b wasserstein" in moved
    assert "2024-03-01: a wasserstein" in rest
    assert page.count('aria-label="2024-02-01: ') == 5  # three features, prediction and label


def test_live_and_holdout_auc_are_said_side_by_side(site: UiSite) -> None:
    text = text_of(site.client().get("/performance").text)
    assert "Version 1 of 2024-01-01 AUC at training 0." in text
    assert "Live AUC 0.475 (0.400 to 0.550)" in text
    assert "worse" in text.partition("Version 1 of")[2]


def test_requests_are_said_by_version(site: UiSite) -> None:
    text = text_of(site.client().get("/performance").text)
    assert "Version 2 1 answers" in text
    assert "Version 1 3 answers" in text


def test_snapshots_are_said_with_who_was_trained_on_them(site: UiSite) -> None:
    text = text_of(site.client().get("/snapshots").text)
    for snapshot in site.loop.store.snapshots():
        assert snapshot.as_of.isoformat() in text
    assert "Trained on by version 1" in text
    assert "Trained on by no version" in text


@pytest.mark.parametrize("page", PAGES)
def test_a_registry_that_is_away_costs_its_part_of_the_page_and_no_more(lived: Loop, page: str) -> None:
    lived.at.registry.down = Unavailable("the registry at http://mlflow cannot be reached")
    try:
        answer = UiSite(lived).client().get(page)
    finally:
        lived.at.registry.down = None
    assert answer.status_code == 200
    asked = page in {"/", "/history/1", "/performance", "/snapshots"}
    assert ("the registry at http://mlflow cannot be reached" in text_of(answer.text)) is asked
    if page == "/":
        assert "Version 1 serves" in text_of(answer.text)  # by the ledger and the pods


def test_a_ledger_that_is_away_is_said_on_every_page_that_needs_it(site: UiSite, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise Unavailable("the ledger at db cannot be reached")

    monkeypatch.setattr(site.ledger, "records", away)
    client = site.client()
    for page in ("/", "/history", "/drift", "/performance", "/snapshots"):
        answer = client.get(page)
        assert answer.status_code == 200
        assert "the ledger at db cannot be reached" in text_of(answer.text)
    assert client.get("/history/1").status_code == 503
    assert "Version 1 serves" in text_of(client.get("/").text)


def test_an_alias_that_nobody_promoted_is_said_and_is_not_the_champion(lived: Loop) -> None:
    was = dict(lived.at.registry.aliases)
    lived.at.registry.aliases["production"] = 2
    try:
        text = text_of(UiSite(lived).client().get("/").text)
    finally:
        lived.at.registry.aliases.update(was)
    assert "Version 1 serves" in text
    assert "The registry's alias names version 2, but the last promotion is of version 1: ratchet reconcile sets it back." in text


def test_pods_that_serve_another_version_are_said(lived: Loop) -> None:
    was = lived.at.rollout.version
    lived.at.rollout.version = 2
    try:
        text = text_of(UiSite(lived).client().get("/").text)
    finally:
        lived.at.rollout.version = was
    assert "Version 1 should serve" in text
    assert "The registry names version 1, the servers were given version 2: ratchet reconcile mends it." in text


def test_an_empty_project_is_said_as_such() -> None:
    client = UiSite(Loop()).client()
    expected = {
        "/": "No model is in production yet",
        "/history": "Nothing has happened yet",
        "/drift": "No snapshot has been compared",
        "/performance": "There is no version yet",
        "/snapshots": "No snapshot has been taken in yet",
    }
    for page, sentence in expected.items():
        assert sentence in text_of(client.get(page).text)


def test_a_store_that_does_not_answer_is_not_waited_for_and_not_asked_twice() -> None:
    gate, asked = Event(), []

    def slow() -> str:
        asked.append(1)
        gate.wait(60)
        return "at last"

    queries = Queries(0.05)
    try:
        for _ in range(3):
            seen = queries.ask({"registry": slow})["registry"]
            assert (seen.value, seen.problem) == (None, "registry did not answer within 0.05 s")
        assert len(asked) == 1
    finally:
        gate.set()
        queries.close()


def test_what_a_late_look_has_brought_is_not_shown_as_new() -> None:
    gate, answers = Event(), iter(["old", "new"])

    def slow() -> str:
        gate.wait(60)
        return next(answers)

    impatient, queries = Queries(0.01), Queries(60)
    queries._under_way = impatient._under_way  # noqa: SLF001 - the same queries, waited for with more patience
    assert impatient.ask({"registry": slow})["registry"].value is None
    (late,) = impatient._under_way.values()  # noqa: SLF001
    gate.set()
    assert late.result() == "old"
    assert queries.ask({"registry": slow})["registry"].value == "new"
    for each in (impatient, queries):
        each.close()


def test_a_defect_in_a_look_is_a_defect_of_the_page_and_is_said_without_its_trace(
    site: UiSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_most: int) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(site.requests, "volume", broken)
    answer = site.client().get("/performance")
    assert answer.status_code == 500
    assert "A defect: the log has its trace." in text_of(answer.text)
    assert "secret detail" not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("kind", ["decision", "drift"])
def test_a_report_is_served_as_it_was_stored_in_a_sandbox(site: UiSite, kind: str) -> None:
    name = next(name for name in site.reports.saved if name.startswith(kind) and name.endswith(".html"))
    answer = site.client().get(f"/reports/{name}")
    assert answer.text == site.reports.saved[name]
    policy = answer.headers["content-security-policy"]
    assert policy == REPORT_POLICIES[kind]
    assert policy.startswith("sandbox")
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert ("script" in policy) is (kind == "drift")


@pytest.mark.parametrize(
    "name",
    [
        "..%2f..%2fratchet.yaml",
        "%2e%2e%2fledger.db",
        "decision_v1_on_2024-01-01.html%2f..%2f..%2fx",
        "decision_v1_on_2024-01-01.html%00",
        "decision_v1_on_2024-01-01.html%0a",
        "decision_v%D9%A1_on_2024-01-01.html",
        "drift_2024-01-01_vs_2024-03-01.json",
        ".decision_v1_on_2024-01-01.html",
        "decision_v1_on_2024-01-01.HTML",
        "%5c..%5cdecision_v1_on_2024-01-01.html",
        "x" * 3000,
    ],
)
def test_no_other_file_is_served_as_a_report(site: UiSite, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(site.reports, "load", loaded.append)
    assert site.client().get(f"/reports/{name}").status_code == 404
    assert loaded == []


def test_a_report_that_is_gone_and_a_place_that_is_away_are_said(site: UiSite, monkeypatch: pytest.MonkeyPatch) -> None:
    client = site.client()
    gone = client.get("/reports/decision_v9_on_2024-01-01.html")
    assert (gone.status_code, "is not there any more" in gone.text) == (404, True)

    def away(_name: str) -> None:
        raise Unavailable("RATCHET_REPORTS_URL cannot be reached")

    monkeypatch.setattr(site.reports, "load", away)
    assert client.get("/reports/decision_v9_on_2024-01-01.html").status_code == 503


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("s3://bucket/reports/decision_v1_on_2024-01-31.html", "decision_v1_on_2024-01-31.html"),
        ("/home/x/reports/drift_2024-01-31_vs_2024-02-29.html", "drift_2024-01-31_vs_2024-02-29.html"),
        ("https://elsewhere.example/steal.html", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_only_reports_of_ours_become_links(place: str, name: str) -> None:
    assert report_name(place) == name


HOSTILE = "<script>alert(1)</script>\"'>{{7*7}}\u202e\x1b[31m"


def test_names_from_data_can_do_no_harm() -> None:
    loop = Loop()
    loop.at.ledger.actor = HOSTILE
    loop.at.ledger.append("watch", {"name": HOSTILE, "champion": None, "run_id": HOSTILE})
    loop.at.ledger.append(HOSTILE[:40], {"name": HOSTILE, HOSTILE: 1})
    client = UiSite(loop).client()
    for page in ("/", "/history", "/history/1", "/history/2", "/drift", "/performance", "/snapshots"):
        answer = client.get(page)
        assert answer.status_code == 200
        assert "<script" not in answer.text
        assert "\u202e" not in answer.text
        assert "\x1b" not in answer.text


@pytest.mark.parametrize("page", [*PAGES, "/nothing", "/livez", "/style.css"])
def test_every_answer_has_the_headers_that_keep_browsers_safe(site: UiSite, page: str) -> None:
    headers = site.client().get(page).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "script-src" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "unsafe-inline" not in headers["content-security-policy"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_loads_nothing_from_elsewhere_and_runs_no_script(site: UiSite, page: str) -> None:
    html = site.client().get(page).text
    assert "http:" not in html
    assert "https:" not in html
    assert "<script" not in html
    assert " style=" not in html  # the policy would not let it work


def test_bound_to_this_machine_it_answers_to_this_machines_names_only(site: UiSite) -> None:
    assert site.client().get("/", headers={"host": "evil.example"}).status_code == 400
    for host in ("localhost:3001", "127.0.0.1:8080", "[::1]:3001"):
        assert site.client().get("/", headers={"host": host}).status_code == 200
    assert replace(site, host="0.0.0.0").client().get("/", headers={"host": "ratchet.example.com"}).status_code == 200  # noqa: S104


@pytest.mark.parametrize("variable", [("TOKEN", "short"), ("PORT", "0"), ("PORT", "x"), ("LOOK_SECONDS", "0")])
def test_a_setting_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch, variable: tuple[str, str]) -> None:
    name = f"RATCHET_UI_{variable[0]}"
    monkeypatch.setenv(name, variable[1])
    with pytest.raises(UserError, match=f"{name} is not usable") as refused:
        load_ui_settings()
    assert "short" not in str(refused.value)


def test_times_are_said_in_whole_units() -> None:
    at = datetime(2026, 1, 2, 12, tzinfo=UTC)
    passed = [timedelta(seconds=5), timedelta(seconds=61), timedelta(minutes=5), timedelta(hours=3), timedelta(days=9)]
    assert [ago(at - delta, at) for delta in passed] == ["just now", "1 minute ago", "5 minutes ago", "3 hours ago", "9 days ago"]
    assert ago(at + timedelta(hours=1), at) == "just now"  # another machine's clock
