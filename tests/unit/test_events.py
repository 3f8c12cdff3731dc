"""Events: what is written reads the same, what earlier releases wrote is read, and nothing that is stored raises."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.decision import Verdict
from ratchet.core.events import (
    KINDS,
    Cause,
    DriftFound,
    DriftTest,
    Event,
    Gated,
    Ingested,
    LiveMeasured,
    Measured,
    Moved,
    MoveState,
    Proof,
    Pruned,
    Reconciled,
    Role,
    RunClaimed,
    RunEnded,
    RunState,
    Trained,
    Triggered,
    Unreadable,
    entry_of,
    read,
)
from ratchet.core.record import canonical, verify
from ratchet.core.trigger import Action
from tests.support.stored import stored

TEST = DriftTest(feature="a", effect=0.3, threshold=0.1, verdict=Verdict.PASS, reason="a 0.3 >= 0.1", p=0.0, measure="wasserstein")
EVENTS: list[Event] = [
    Ingested(model="m", snapshot="2024-01-31@a", name="month_000", rows=7, labelled_rows=5, replace=True, hash="ab"),
    Triggered(model="m", snapshot="2024-01-31@a", champion=None, action=Action.RETRAIN, reasons=("no champion",)),
    Triggered(
        model="m",
        snapshot="2024-01-31@a",
        champion=1,
        action=Action.NO_ACTION,
        reasons=("quiet",),
        drift=DriftFound(
            verdict=Verdict.PASS,
            drift_share=0.5,
            reasons=("x",),
            drifted=("a",),
            tests=(TEST, replace(TEST, effect=None, verdict=Verdict.UNKNOWN)),
            informative=(replace(TEST, verdict=Verdict.FAIL),),
        ),
        run_id="r",
        judged="2024-01-31@a",
        wishes=("drift", "age"),
        waits=("drift",),
        candidate=3,
    ),
    Gated(model="m", snapshot="s", candidate=1, champion=None, verdict=Verdict.PASS, reasons=("a", "b"), decisive=("b",)),
    Gated(
        model="m",
        snapshot="s",
        candidate=2,
        champion=1,
        verdict=Verdict.FAIL,
        reasons=(),
        decisive=(),
        metric="rmse",
        candidate_value=3.0,
        champion_value=2.5,
        delta=0.5,
        delta_low=0.25,
        confidence=0.98,
        attempt=2,
        rows=10,
        proof=Proof.PROBATION,
        out_of_time=0.01,
        out_of_time_se=0.005,
    ),
    *(
        Moved(model="m", state=state, to=2, before=1, cause=cause, reasons=("why",))
        for state in MoveState
        for cause in (Cause.GATE, Cause.ROLLBACK)
    ),
    Moved(model="m", state=MoveState.FAILED, to=2, before=None, cause=Cause.APPROVAL, reasons=(), error="no", undone=False),
    Moved(model="m", state=MoveState.DONE, to=2, before=1, cause=Cause.GATE, reasons=(), reconciled=True, project_hash="p"),
    Reconciled(model="m", to=1, before=None, reason="pods were pinned"),
    LiveMeasured(model="m", version=1, labelled=9, rows=5, counts={"positive": 2}, value=0.5, low=None, high=None, promised=0.75),
    Trained(model="m", snapshot="2024-02-29@b", version=2, months=3, run_id="r"),
    Measured(
        model="m",
        snapshot="2024-02-29@b",
        snapshot_hash="h",
        version=2,
        role=Role.CHALLENGER,
        rows=1400,
        counts={"positive": 340},
        metric="auc",
        confidence=0.98,
        value=0.75,
        se=0.01,
        low=0.73,
        high=0.77,
        against=1,
        delta=None,
        delta_se=None,
        run_id="r",
    ),
    RunEnded(model="m", state=RunState.FAILED, error="x", reached=("trigger",), snapshot="month_000", run_id="r"),
    RunClaimed(model="m", name="month_000", champion=None, fingerprint="f", run_id="r"),
    Pruned(model="m", before=datetime(2024, 1, 1, tzinfo=UTC), answers=3),
]
STORED = stored()


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_an_event_reads_as_it_was_written(event: Event) -> None:
    body = event.to_body()
    canonical(body)  # as JSON has it
    assert (body["model"], body["form"]) == ("m", 2)
    assert read(event.kind, body) == event


def test_each_kind_has_a_round_trip() -> None:
    assert {event.kind for event in EVENTS} == set(KINDS)


def test_a_figure_that_is_not_finite_is_not_known() -> None:
    (event,) = [event for event in EVENTS if isinstance(event, Gated) and event.champion]
    assert replace(event, delta=float("nan")).to_body()["delta"] is None


# --- form 1 ---


def test_the_release_before_is_read_whole() -> None:
    assert verify(STORED) == len(STORED)
    assert {record.kind for record in STORED} == set(KINDS) - {"measure", "train"}  # which came after it
    entries = [entry_of(record, "ours") for record in STORED]
    assert [entry.kind for entry in entries] == [record.kind for record in STORED]
    assert not [entry for entry in entries if isinstance(entry.event, Unreadable)]
    assert {entry.event.model for entry in entries} == {"ours"}
    assert [(e.seq, e.at, e.actor, e.key, e.hash) for e in entries] == [(r.seq, r.at, r.actor, r.key, r.hash) for r in STORED]


@pytest.mark.parametrize("record", STORED, ids=lambda record: f"{record.seq} {record.kind}")
def test_every_value_of_form_1_is_in_the_event(record: Any) -> None:
    new = read(record.kind, record.body).to_body()
    renamed = {"candidate_auc": "candidate_value", "champion_auc": "champion_value", "auc": "value", "holdout_auc": "promised"}
    was = {renamed.get(name, name): value for name, value in record.body.items()}
    if record.kind == "live":
        was["counts"] = {"positive": was.pop("positives")}
    if record.body.get("state") == "error":
        was["state"] = "failed"
    assert {name: new[name] for name in was} == was
    assert (new["form"], new.get("metric")) == (2, "auc" if record.kind in {"gate", "live"} else None)


def test_what_the_first_bodies_lacked_has_a_default() -> None:
    first = [read(record.kind, record.body) for record in STORED[:4]]
    ingested, live, moved, ended = first
    assert isinstance(ingested, Ingested)
    assert ingested.as_of == date(2023, 11, 30)
    assert isinstance(live, LiveMeasured)
    assert (live.labelled, live.counts) == (120, {"positive": 40})
    assert isinstance(moved, Moved)
    assert (moved.digest, moved.reconciled) == ("", False)
    assert isinstance(ended, RunEnded)
    assert ended.state is RunState.FAILED


def test_a_drift_test_without_a_verdict_is_read_by_what_came_of_it() -> None:
    found = {name: value for name, value in TEST.to_body().items() if name != "verdict"}
    verdicts = [
        DriftTest.read({**found, "drifted": d, "enough": e}).verdict for d, e in ((True, True), (False, True), (False, False))
    ]
    assert verdicts == [Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN]


# --- what cannot be read ---


@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        ("something", {"a": 1}, "its kind is not known to this release"),
        ("prune", {"form": 3, "before": "2024-01-01", "answers": 1}, "form 3 is not known to this release"),
        ("prune", {"form": "2", "before": "2024-01-01", "answers": 1}, "form is of another type"),
        ("prune", {"before": "2024-01-01"}, "answers is missing"),
        ("prune", {"before": "yesterday", "answers": 1}, "before is of another type"),
        ("prune", {"before": "2024-01-01", "answers": True}, "answers is of another type"),
        ("prune", ["no object"], "no object"),
        ("trigger", {**STORED[5].body, "drift": {"verdict": "PASS"}}, "drift: drift_share is missing"),
    ],
)
def test_what_is_of_no_known_form_is_shown_as_it_stands(kind: str, body: Any, why: str) -> None:
    found = read(kind, body, "m")
    assert isinstance(found, Unreadable)
    assert (found.kind, found.why, found.model) == (kind, why, "m")
    assert found.to_body() == (body if isinstance(body, dict) else {"": body})


WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=3),
    st.integers(),
    st.just(10**400),
    st.floats(),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=2)), max_size=2),
    st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value in a body, at any depth."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from _places(inner, (*path, name))


def changed(value: Any, path: tuple[Any, ...], drop: bool, new: Any) -> Any:
    """A copy with the value at that place dropped or replaced."""
    (name, *rest) = path
    copied = value.copy()
    if rest:
        copied[name] = changed(value[name], tuple(rest), drop, new)
    elif drop:
        del copied[name]
    else:
        copied[name] = new
    return copied


BODIES = [(record.kind, dict(record.body)) for record in STORED] + [(event.kind, event.to_body()) for event in EVENTS]


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, Any]:
    """A body of some record with one to three values dropped or replaced, at any depth."""
    kind, body = draw(st.sampled_from(BODIES))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(body))
        if places:
            body = changed(body, draw(st.sampled_from(places)), draw(st.booleans()), draw(WRONG))
    return kind, body


@given(damaged(), st.sampled_from([*KINDS, "else"]))
def test_nothing_that_is_stored_raises(found: tuple[str, Any], other: str) -> None:
    kind, body = found
    event = read(kind, body)
    assert event.kind == kind
    event.to_body()
    assert read(other, body).kind == other


@given(st.sampled_from(BODIES), st.data())
def test_a_value_of_another_type_is_never_taken(found: tuple[str, Any], data: st.DataObject) -> None:
    kind, body = found
    name = data.draw(st.sampled_from(sorted(set(body) - {"form"})))
    event = read(kind, {**body, name: object()})
    assert isinstance(event, Unreadable) or read(kind, {**event.to_body()}) == event
