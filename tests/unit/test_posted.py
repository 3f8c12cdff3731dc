"""Features that a request brings: alone, over stored ones, and refused by the rules that ingest has."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import create_engine, text

from ratchet.core.schema import EMPTY, LONGEST_CELL, DType, FeatureValue, GoldenRow, StoredRow, features_hash
from ratchet.project.columns import Column
from ratchet.project.file import Project
from ratchet.sources.cells import typed
from ratchet.sources.dates import typed_dates
from ratchet.sources.tolerance import unfit
from serving.bodies import ONE, batch_limit, limit_of
from serving.cell import Misfit, reader
from serving.connection import LARGEST_BODY
from tests.support.fake_wiring import PROJECT, ROWS, linear_bundle
from tests.unit import test_serving_api
from tests.unit.test_serving_api import Server

AGE = {"name": "age", "table": "facts", "dtype": "float", "nullable": True, "range": [0, 120]}
VIP = {"name": "vip", "table": "facts", "dtype": "bool", "nullable": True}
SINCE = {"name": "since", "column": "Kunde seit", "table": "facts", "dtype": "date", "nullable": True}
TARIFF = {"name": "tariff", "table": "facts", "dtype": "category", "nullable": True, "categories": ["1", "2", "NA"]}
SLOPPY = {"name": "sloppy", "table": "facts", "dtype": "int", "on_unknown": "missing", "range": [0, 9]}
MORE = (AGE, VIP, SINCE, TARIFF, SLOPPY)  # what the served version does not know yet


def project_of(posted: str = "alone", *, store: str = "feast", nullable: bool = True, **serving: object) -> Project:
    given = PROJECT.model_dump()
    visits, plan = given["features"]
    features = [{**visits, "nullable": nullable, "range": [0, 50]}, {**plan, "categories": ["basic", "gold"]}, *MORE]
    changes = {"features": features, "feature_store": store, "serving": {"posted": posted, "max_batch": 5, **serving}}
    return Project.model_validate({**given, **changes})


Make = Callable[..., Server]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Server] = []

    def server(*given: Any, **changes: Any) -> Server:
        made.append(Server(tmp_path, project=project_of(*given, **changes)).ready())
        return made[-1]

    yield server
    for server_ in made:
        server_.close()


def ask(server: Server, features: Any, path: str = "/predict", **body: object) -> Any:
    response = server.client.post(path, content=json.dumps({**body, "features": features}))  # in ASCII, half characters too
    return response.json() | {"status": response.status_code}


def kept(server: Server) -> list[tuple[str, str, str | None]]:
    """Entity, features' hash and what was posted, as the request log has them."""
    server.log.close()
    server.wiring.requests.migrate()  # a log that nothing was written to has no tables yet
    with create_engine(f"sqlite:///{server.wiring.settings.home / 'requests.db'}").connect() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT entity, features_hash, posted FROM answers ORDER BY entity"))]


NOTHING = {"age": None, "vip": None, "since": None, "tariff": None, "sloppy": None}


def test_features_alone_are_scored_without_a_look_up_and_without_a_name(make: Make) -> None:
    server = make("alone")
    server.wiring.features.path.unlink()  # nobody can be looked up
    answer = ask(server, {"visits": 3, "plan": "gold"})
    assert answer["probability"] == linear_bundle(0.25).scorer.row({"visits": 3.0, "plan": "gold"})
    assert answer["features_used"] == {"visits": 3.0, "plan": "gold", **NOTHING}
    assert (answer["status"], answer["features_as_of"], "customer" in answer) == (200, None, False)
    assert ask(server, {"visits": 3}, customer="new one")["customer"] == "new one"


def test_posted_features_lie_over_the_stored_ones_and_the_answer_says_of_when_those_are(make: Make) -> None:
    server = make("over")
    answer = ask(server, {"plan": "gold"}, customer="anna")
    assert answer["features_used"] == {**ROWS["anna"], "plan": "gold"}
    assert (answer["customer"], answer["features_as_of"]) == ("anna", "2024-02-29")
    assert ask(server, {"visits": None}, customer="anna")["features_used"]["visits"] is None
    unknown = ask(server, {"plan": "gold"}, customer="zoe")
    assert (unknown["status"], "for the posted ones to lie over" in unknown["error"]) == (404, True)
    assert ask(server, {"plan": "gold"})["error"].startswith("the body has no field customer")
    whole = ask(server, {"visits": 1, "plan": "gold", **NOTHING}, customer="zoe")
    assert (whole["status"], whole["features_as_of"]) == (200, None)  # nothing of the store is needed


def test_a_request_without_features_is_looked_up_as_before(make: Make) -> None:
    for posted in ("alone", "over"):
        answer = make(posted).client.post("/predict", json={"customer": "ben"}).json()
        assert (answer["features_used"], answer["features_as_of"]) == (ROWS["ben"], "2024-02-29")


def test_a_project_without_a_store_takes_features_alone_and_asks_for_them(make: Make) -> None:
    server = make("never", store="none")
    server.wiring.features.path.unlink()
    assert ask(server, {"visits": 1, "plan": "basic"})["status"] == 200
    response = server.client.post("/predict", json={"customer": "anna"})
    assert (response.status_code, "has no field features" in response.json()["error"]) == (422, True)
    health = server.client.get("/health")
    assert (health.status_code, health.json()["feature_store"]) == (200, "none: requests bring the features")


def test_a_project_that_has_not_said_so_takes_no_features(make: Make) -> None:
    answer = ask(make("never"), {"visits": 1}, customer="anna")
    assert (answer["status"], "unknown field 'features'" in answer["error"]) == (422, True)


def test_dates_become_what_the_version_was_trained_on(make: Make) -> None:
    server = make("alone")
    today = datetime.now(UTC).date()
    for written in ((today - timedelta(days=40)).isoformat(), f"{today - timedelta(days=40)}T23:59:59+09:00"):
        found = ask(server, {"visits": 1, "since": written})["features_used"]["since"]
        assert found in {40.0, 41.0}  # midnight may pass
    assert ask(server, {"visits": 1, "since": -3})["features_used"]["since"] == -3.0
    for part, value in (("weekday", 3.0), ("month", 2.0)):
        column = project_of().features[4].model_copy(update={"of_date": part})
        read = reader(column, lambda: date(2024, 3, 1), may_miss=False)
        assert read("2024-02-29") == value


@pytest.mark.parametrize(
    ("features", "sentence"),
    [
        ([], "features must be an object"),
        (None, "features must be an object"),
        ("x", "features must be an object"),
        ({"visits": "3"}, "features.visits is '3', not a whole number (dtype: int)"),
        ({"visits": 3.5}, "features.visits is 3.5, not a whole number (dtype: int)"),
        ({"visits": True}, "features.visits is true, not a whole number (dtype: int)"),
        ({"visits": [1]}, "features.visits is a list, not a whole number (dtype: int)"),
        ({"visits": {"visits": 1}}, "features.visits is an object, not a whole number (dtype: int)"),
        ({"visits": 51}, "features.visits is 51, outside 0 to 50 (range)"),
        ({"visits": 2**53 + 1}, "too large for an exact int (beyond 2**53) (dtype: int)"),
        ({"age": 10**400}, "features.age is too large: as a float it is infinite (dtype: float)"),
        ({"age": False}, "features.age is false, not a number (dtype: float)"),
        ({"vip": "yes"}, "features.vip is 'yes', not true, false, 1 or 0 (dtype: bool)"),
        ({"vip": 2}, "features.vip is 2, not true, false, 1 or 0 (dtype: bool)"),
        ({"since": "29.02.2024"}, "features.since is '29.02.2024', not a date as 2024-01-31 (dtype: date)"),
        ({"since": "2024-02-30"}, "not a date as 2024-01-31"),
        ({"since": "٢٠٢٤-01-31"}, "not a date as 2024-01-31"),
        ({"since": 1.5}, "not a whole number"),
        ({"since": True}, "not a date as 2024-01-31"),
        ({"plan": "golden"}, "features.plan is 'golden', none of basic, gold (categories)"),
        ({"plan": "x" * 300}, "features.plan is 'xxx"),
        ({"plan": "x" * 65_537}, "features.plan has 65,537 bytes, more than the 65,536 that a category may have (dtype: category)"),
        ({"plan": "\ud800"}, "features.plan has characters that no text can have (dtype: category)"),
        ({"plan": True}, "not text, or a whole number that is a code (dtype: category)"),
        ({"plan": 1.5}, "not text, or a whole number that is a code (dtype: category)"),
        ({"Visits": 1}, "unknown field 'Visits' in features: is visits meant?"),
        ({"Kunde seit": "2024-01-31"}, "unknown field 'Kunde seit' in features: is since meant?"),
        ({"visit": 1}, "unknown field 'visit' in features: is visits meant?"),
        ({"__proto__": {"visits": 1}}, "unknown field '__proto__' in features: the project has no such feature"),
        ({"constructor": 1}, "unknown field 'constructor' in features"),
        ({"": 1}, "unknown field '' in features"),
        ({"y" * 30_000: 1}, "unknown field 'yyy"),
        ({"\ud800": 1}, "unknown field '\\ud800' in features"),
        ({"sloppy": [1]}, "features.sloppy is a list"),
        ({"visits": "a", "age": "b", "vip": "c"}, "features.visits is 'a', not a whole number (dtype: int) (and 2 more)"),
    ],
)
def test_what_breaks_a_rule_is_told_which_field_and_which_rule(make: Make, features: Any, sentence: str) -> None:
    server = make("alone")
    for path in ("/predict", "/explain"):
        answer = ask(server, features, path)
        assert (answer["status"], list(answer)) == (422, ["error", "status"])
        assert sentence in answer["error"]
        assert len(answer["error"]) < 300
    item, good = server.client.post(
        "/predict_batch", content=json.dumps([{"features": features}, {"features": {"visits": 1}}])
    ).json()
    assert (item["status"], sentence in item["error"], good["model_version"]) == (422, True, 1)


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b'{"features": {"age": NaN}}', 400, "NaN is no JSON value"),
        (b'{"features": {"age": -Infinity}}', 400, "-Infinity is no JSON value"),
        (b'{"features": {"age": 1e999}}', 422, "features.age is too large: as a float it is infinite"),
        (b'{"features": {"visits": 1e999}}', 422, "not a whole number"),
        (b'{"features": {"visits": ' + b"9" * 5000 + b"}}", 400, "is not JSON"),
        (b'{"features": {"visits": ' + b"9" * 4000 + b"}}", 422, "is a very long number, too large for an exact int"),
        (b'{"features": {"visits": 1, "age": 2, "visits": 1}}', 422, "field 'visits' is sent more than once"),
        (b'{"features": {"visits": 1}, "features": {"visits": 2}}', 422, "field 'features' is sent more than once"),
        (b'{"features": {"visits": 1}, "customer": null}', 422, "customer must be text"),
        (b'{"features": {"visits": 1}, "id": 1}', 422, "unknown field 'id': send customer and features alone"),
        (b'{"features": {"visits": ' + b"[" * 30_000 + b"]" * 30_000 + b"}}", 400, "is not JSON"),
        (b'{"features": {"plan": "' + b"x" * 100_000 + b'"}}', 413, "the body is larger than"),
    ],
)
def test_a_hostile_body_is_refused_in_one_sentence(make: Make, body: bytes, status: int, sentence: str) -> None:
    response = make("alone").client.post("/predict", content=body)
    assert (response.status_code, sentence in response.json()["error"]) == (status, True)
    assert len(response.json()["error"]) < 300


def test_what_the_project_allows_none_of_must_be_posted(make: Make) -> None:
    server = make("alone", nullable=False)
    for features in ({"plan": "gold"}, {"visits": None, "plan": "gold"}):
        answer = ask(server, features)
        assert (answer["status"], "features.visits" in answer["error"], "(nullable)" in answer["error"]) == (422, True, True)
    assert ask(server, {"visits": 1})["status"] == 200


@pytest.mark.parametrize("number", [20_240_131, -20_240_131, 20_240_131.0, 3_652_060, -3_652_060, 1_706_659_200, 2**53])
def test_a_number_that_no_date_gives_is_no_date(make: Make, number: float) -> None:
    answer = ask(make("alone"), {"visits": 1, "since": number})
    assert (answer["status"], "not a date as 2024-01-31 (dtype: date)" in answer["error"]) == (422, True)


def test_whole_days_are_taken_as_far_as_dates_reach() -> None:
    read = reader(project_of().features[4], lambda: date.max, may_miss=False)
    assert read("0001-01-01") == read(3_652_058) == 3_652_058.0
    assert [read(days) for days in (-3_652_059, 0, 10_101)] == [-3_652_059.0, 0.0, 10_101.0]


def test_values_are_read_as_ingest_reads_them(make: Make) -> None:
    server = make("alone")
    sent = {"visits": 3.0, "vip": 1, "tariff": 2.0, "sloppy": 10}
    assert ask(server, sent)["features_used"] == {**NOTHING, "visits": 3.0, "vip": 1.0, "tariff": "2", "plan": None}
    assert ask(server, {"tariff": "2.0"})["features_used"]["tariff"] == "2"
    assert ask(server, {"tariff": "NA"})["features_used"]["tariff"] == "NA"  # the project declares it
    assert {ask(server, {"plan": word})["features_used"]["plan"] for word in EMPTY} == {None}
    assert ask(server, {"sloppy": "no number"})["features_used"]["sloppy"] is None


def test_items_of_a_batch_are_posted_named_or_both(make: Make) -> None:
    server = make("over")
    items = [
        {"customer": "anna"},
        {"customer": "anna", "features": {"plan": "gold"}},
        {"customer": "zoe", "features": {}},
        {"features": {}},
    ]
    first, second, third, fourth = server.client.post("/predict_batch", json=items).json()
    assert (first["features_used"], second["features_used"]) == (ROWS["anna"], {**ROWS["anna"], "plan": "gold"})
    assert first["probability"] != second["probability"]
    assert ((third["customer"], third["status"]), fourth["status"]) == (("zoe", 404), 422)
    twice = server.client.post("/predict_batch", content=b'[{"customer": "anna", "customer": "ben"}, {"customer": "ben"}]').json()
    assert ([item.get("status") for item in twice], twice[1]["customer"]) == ([422, None], "ben")


def test_a_batch_of_too_many_is_refused_before_the_rest_of_it_is_read(make: Make) -> None:
    response = make("alone").client.post("/predict_batch", content=b"[" + b"{}," * 6 + b"no JSON")
    assert (response.status_code, "more than the 5 that one batch may have" in response.json()["error"]) == (422, True)


def test_an_explanation_is_of_the_posted_features(make: Make) -> None:
    answer = ask(make("alone"), {"visits": 4, "plan": "gold"}, "/explain")
    assert answer["contributions"]["plan"] == pytest.approx(1.3)
    assert (answer["features_as_of"], "prediction_id" in answer) == (None, False)


def test_the_request_log_keeps_what_makes_the_scored_row_again(make: Make) -> None:
    server = make("over")
    ask(server, {"plan": "gold"}, customer="anna")
    server.client.post("/predict", json={"customer": "ben"})
    (entity, digest, posted), (_, _, nothing) = kept(server)
    content = json.loads(posted or "")
    assert (entity, content, nothing) == ("anna", {"features": {"plan": "gold"}, "as_of": "2024-02-29"}, None)
    assert features_hash({**ROWS["anna"], **content["features"]}) == digest


PROBE = {"x-ratchet-probe": "1"}
OF_OLD: dict[str, FeatureValue] = {"visits": None, "plan": "a plan of old"}


@pytest.fixture
def of_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """The served version has a golden row that fits the rules of its time."""
    bundle = linear_bundle(0.25)
    golden = GoldenRow("zoe", OF_OLD, bundle.scorer.row(OF_OLD))
    monkeypatch.setattr(test_serving_api, "linear_bundle", lambda _: replace(bundle, golden=(*bundle.golden, golden)))


@pytest.mark.usefixtures("of_old")
def test_a_probe_is_answered_by_the_rules_of_the_versions_own_time_and_not_logged(make: Make) -> None:
    server = make("alone", nullable=False)
    for golden in (OF_OLD, {"plan": "a plan of old"}, {**OF_OLD, "age": None}):
        for path in ("/predict", "/explain"):
            assert server.client.post(path, json={"features": golden}, headers=PROBE).status_code == 200
    assert kept(server) == []


@pytest.mark.usefixtures("of_old")
@pytest.mark.parametrize(
    "features",
    [
        {"visits": None, "plan": "basic"},
        {"visits": 1, "plan": "a plan of old"},
        {"visits": 51, "plan": "gold"},
        {**OF_OLD, "age": 121},
        {**OF_OLD, "age": []},
        {"visits": {}},
        {},
        [],
    ],
)
def test_a_probe_with_a_row_of_its_own_is_held_to_the_rules(make: Make, features: Any) -> None:
    server = make("alone", nullable=False)
    for path in ("/predict", "/explain"):
        asked = [server.client.post(path, json={"features": features}, headers=given) for given in (PROBE, {})]
        assert [answer.status_code for answer in asked] == [422, 422]
        assert asked[0].json() == asked[1].json()
    sent = [{"features": features}, {"features": OF_OLD}]
    alone, golden = server.client.post("/predict_batch", json=sent, headers=PROBE).json()
    assert (alone["status"], golden["model_version"]) == (422, 1)
    assert [item["status"] for item in server.client.post("/predict_batch", json=sent).json()] == [422, 422]


def test_a_version_of_other_types_refuses_what_fits_the_project_alone(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    server = make("alone")
    monkeypatch.setattr(server.app.state.parts.asking, "_readers", {"visits": lambda value: value})
    answer = ask(server, {"visits": "many"})
    assert (answer["status"], "version 1 cannot score the posted features: visits is 'many'" in answer["error"]) == (422, True)
    (item,) = server.client.post("/predict_batch", json=[{"features": {"visits": "many"}}]).json()
    assert (item["status"], item["error"]) == (422, answer["error"])


DAYS = {"days": 30, "then": "warn"}


def test_old_features_are_warned_of_or_refused_as_the_project_says_and_counted(make: Make) -> None:
    server = make("over", stale=DAYS)
    answer = ask(server, {"plan": "gold"}, customer="anna")
    assert answer["warning"].startswith("the stored features are of 2024-02-29, ")
    assert answer["warning"].endswith(" days old: more than 30 (serving.stale)")
    assert "warning" in server.client.post("/explain", json={"customer": "anna"}).json()
    assert 'ratchet_stale_features_total{then="warned",version="1"} 2.0' in server.client.get("/metrics").text.splitlines()
    strict = make("over", stale={**DAYS, "then": "refuse"})
    for path in ("/predict", "/explain"):
        refused = strict.client.post(path, json={"customer": "anna"})
        assert (refused.status_code, list(refused.json())) == (409, ["error"])
    old, new = strict.client.post(
        "/predict_batch", json=[{"customer": "anna"}, {"customer": "x", "features": {"visits": 1, "plan": "gold", **NOTHING}}]
    ).json()
    assert (old["customer"], old["status"], new["features_as_of"], "warning" in new) == ("anna", 409, None, False)
    assert 'ratchet_stale_features_total{then="refused",version="1"} 3.0' in strict.client.get("/metrics").text.splitlines()
    probe = strict.client.post("/predict", json={"customer": "anna"}, headers={"x-ratchet-probe": "1"})
    assert (probe.status_code, "warning" in probe.json()) == (200, True)  # a promotion compares versions, not months
    strict.wiring.features.put({**ROWS, "zoe": ROWS["anna"]})
    refused = strict.client.post("/predict", json={"customer": "zoe"}, headers=PROBE)
    assert (refused.status_code, list(refused.json())) == (409, ["error"])  # no golden row is hers
    assert 'ratchet_stale_features_total{then="refused",version="1"} 3.0' in strict.client.get("/metrics").text.splitlines()


def test_features_of_today_or_of_an_unknown_day_are_not_old(make: Make) -> None:
    server = make("never", stale=DAYS)
    for day in (datetime.now(UTC).date(), None):
        server.wiring.features.as_of = day
        answer = server.client.post("/predict", json={"customer": "anna"}).json()
        assert (answer["features_as_of"], "warning" in answer) == (day.isoformat() if day else None, False)


def test_bodies_may_be_as_large_as_the_projects_features_need() -> None:
    plain, posted = project_of("never"), project_of("alone")
    assert limit_of(plain) == ONE
    assert limit_of(posted) > ONE + 2 * 4 * 256  # two categories, each of 256 characters
    assert ONE < batch_limit(plain) < batch_limit(posted) <= LARGEST_BODY
    assert batch_limit(project_of("alone", max_batch=10_000)) == LARGEST_BODY


def test_a_text_that_ingest_takes_is_posted_whole_and_one_too_long_is_refused_by_both() -> None:
    free = {"name": "note", "table": "facts", "dtype": "category", "nullable": True}
    project = project_of()
    project = Project.model_validate({**project.model_dump(), "features": [*project.model_dump()["features"], free]})
    column, longest = project.features[-1], '\n"' * (LONGEST_CELL // 2)
    assert posted(column, longest) == ingested(column, longest) == longest
    assert posted(column, longest + "x") == ingested(column, longest + "x") == REFUSED
    assert len(json.dumps({"customer": "anna", "features": {"note": longest}})) < limit_of(project)
    assert limit_of(project) > limit_of(project_of()) + LONGEST_CELL


def test_a_row_is_the_dict_of_its_features_and_its_date_beside_it() -> None:
    assert StoredRow({"a": 1.0}, date(2024, 2, 29)) == {"a": 1.0}


SCALARS = (0, 1, 2, 9, 10, -1, 50, 51, 1.0, 1.5, 2.0, 120.0, 121, 2**53, 2**53 + 2, -(2**60), True, False)
WORDS = ("basic", "gold", "Basic", "1", "1.0", "2.", "007", "", "NA", "null", "none", " gold", "x")
DATED = (
    "2024-02-29",
    "2024-02-30",
    "2024-02-29T23:59:59Z",
    "2024-02-29 10:00",
    "24-02-29",
    "1e3",
    "NaT",
    "",
    "2024-2-9",
    "20240229",
)


REFUSED = object()
THEN = date(2024, 3, 1)


def ingested(column: Column, value: Any) -> Any:
    """What ingest makes of a value in a Parquet file."""
    table = pa.chunked_array([pa.array([value])])
    dated = column.dtype is DType.DATE
    cells = typed_dates(table, column.of_date, THEN) if dated else typed(table, column.dtype, column.categories)
    (found,) = cells.values.to_pylist()  # noqa: PD011 - no pandas
    if cells.faulty[0] or (found is not None and unfit(pd.Series([found]), column)[0]):
        return None if column.on_unknown == "missing" else REFUSED
    return float(found) if isinstance(found, bool | int) else found


def posted(column: Column, value: Any) -> Any:
    try:
        return reader(column, lambda: THEN, may_miss=True)(value)
    except Misfit:
        return REFUSED


@pytest.mark.parametrize("column", project_of().features, ids=lambda column: column.name)
def test_a_value_is_taken_or_refused_as_ingest_takes_or_refuses_it_in_a_table(column: Column) -> None:
    """JSON's types as Parquet has them; text is compared where it is no number's, which a request sends as a number."""
    tried: dict[DType, tuple[Any, ...]] = {DType.CATEGORY: (*SCALARS[:-2], *WORDS), DType.DATE: DATED}
    values = tried.get(column.dtype, SCALARS)
    assert [posted(column, value) for value in values] == [ingested(column, value) for value in values]


WRITTEN = (
    *(
        "41",
        " 41 ",
        "41.0",
        "41.",
        "+41",
        "-41",
        "007",
        "1e1",
        "1E+1",
        ".5",
        "5.5",
        "1_000",
        "1,5",
        "0x1f",
        "9" * 16,
        "9" * 17,
        "9" * 18,
    ),
    *(
        "true",
        "True",
        "TRUE",
        "false",
        "1",
        "1.0",
        "0",
        "0.0",
        "yes",
        "t",
        "no",
        "٤١",
        "inf",
        "-Infinity",
        "nan",
        "1e999",
        "",
        " ",
        "NA",
    ),
    *(
        "True ",
        "False",
        "basic",
        "gold",
        "\xa041",
        "null",
        "4 1",
        "--1",
        ".",
        "+",
        "e1",
        "1e",
        "-0",
        "0" * 9000 + "41",
        "x" * 300,
        "x" * 65_536,
        "x" * 65_537,
        "é" * 32_769,
    ),
)
TOLERANT = [
    Column.model_validate({"name": "a", "table": "facts", "on_unknown": "missing", **given})
    for given in (
        {"dtype": "int"},
        {"dtype": "int", "range": [0, 40]},
        {"dtype": "float"},
        {"dtype": "float", "range": [0, 40]},
        {"dtype": "bool"},
        {"dtype": "category"},
        {"dtype": "category", "categories": ["True", "basic", "41", "NA"]},
        {"dtype": "category", "categories": ["true", "1"]},
    )
]


@pytest.mark.parametrize("column", TOLERANT, ids=lambda column: f"{column.dtype}-{column.range or column.categories}")
def test_tolerance_covers_what_ingest_would_call_unfit_and_nothing_else(column: Column) -> None:
    # a column of whole numbers is refused for one that is not exact, a CSV's of floats is not: and JSON does not tell them apart
    scalars = tuple(value for value in SCALARS if column.dtype is not DType.FLOAT or abs(value) <= 2**53)
    values = (*scalars, *WRITTEN, *WORDS)
    wrong = {repr(value): (posted(column, value), ingested(column, value)) for value in values}
    assert {value: both for value, both in wrong.items() if both[0] != both[1] or type(both[0]) is not type(both[1])} == {}


def test_an_entity_called_features_is_refused_where_requests_bring_them() -> None:
    assert Project.model_validate({**project_of("never").model_dump(), "entity": "features"}).entity == "features"
    with pytest.raises(ValueError, match="the entity cannot be called features"):
        Project.model_validate({**project_of("over").model_dump(), "entity": "features"})
