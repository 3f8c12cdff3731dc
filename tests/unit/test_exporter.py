from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from ratchet.apps.exporter.collector import LastSeen
from ratchet.apps.exporter.history import History
from ratchet.apps.exporter.sources import Labelled, LedgerReader, Look, Production, Serving, Source
from ratchet.core.errors import Unavailable
from ratchet.core.record import Record
from ratchet.core.schema import ModelVersion
from ratchet.project.file import Project
from ratchet.rollout.state import PodReport, State
from tests.support.fakes import FakeLedger, provenance
from tests.support.loop import PROJECT
from tests.support.rollout_harness import until

START = datetime(2024, 3, 1, tzinfo=UTC)


def history(*told: tuple[str, Mapping[str, Any]], key: str = "k") -> History:
    """Records a minute apart."""
    records = [
        Record(seq, START + timedelta(minutes=seq), kind, str(body.get("key", key)), "tester", body, "", f"h{seq}")
        for seq, (kind, body) in enumerate(told)
    ]
    found = History()
    found.add(records)
    return found


def trigger(action: str, verdict: str = "PASS", snapshot: str = "s", run: str = "r") -> tuple[str, dict[str, Any]]:
    tests = [
        {"feature": feature, "effect": effect, "threshold": 0.1, "drifted": False, "enough": True, "reason": ""}
        for feature, effect in (("a", 0.02), ("b", 0.25), ("c", None))
    ]
    drift = {"verdict": verdict, "drift_share": 0.5, "tests": tests, "informative": [], "drifted": [], "reasons": []}
    return "trigger", {"action": action, "snapshot": snapshot, "champion": 1, "reasons": [], "drift": drift, "run_id": run}


def gate(verdict: str, run: str = "r") -> tuple[str, dict[str, Any]]:
    body = {"verdict": verdict, "snapshot": "s", "run_id": run, "candidate": 2, "champion": 1, "decisive": [], "reasons": []}
    return "gate", body


def promotion(state: str, run: str = "r", **more: Any) -> tuple[str, dict[str, Any]]:
    body = {"state": state, "to": 2, "from": 1, "cause": "gate", "reasons": [], "snapshot": "s", "run_id": run}
    return "promotion", {**body, **more}


LIVE = {"auc": 0.7, "low": 0.6, "high": 0.8, "rows": 100, "positives": 40}


def ingested(day: str) -> tuple[str, dict[str, Any]]:
    return "ingest", {"key": day, "snapshot": f"{day}@x", "name": day, "rows": 1, "labelled_rows": 1}


def ended(state: str = "succeeded", run: str = "r") -> tuple[str, dict[str, Any]]:
    return "run", {"state": state, "error": "", "reached": [], "snapshot": "s", "run_id": run}


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ([trigger("NO_ACTION", "FAIL"), ended()], "no_action"),
        ([trigger("UNKNOWN", "UNKNOWN"), ended()], "unknown"),
        ([trigger("RETRAIN"), gate("FAIL"), ended()], "skipped"),
        ([trigger("RETRAIN"), gate("UNKNOWN"), ended()], "unknown"),
        ([trigger("RETRAIN"), gate("PASS"), promotion("intent"), promotion("done"), ended()], "promoted"),
        ([trigger("RETRAIN"), gate("PASS"), promotion("awaiting_approval"), ended()], "awaiting_approval"),
        ([trigger("RETRAIN"), gate("PASS"), promotion("intent"), promotion("failed"), ended("failed")], "failed"),
        ([trigger("RETRAIN"), ended("failed")], "failed"),
        ([ended("failed")], "failed"),
    ],
)
def test_a_run_is_counted_by_what_it_came_to(told: list[tuple[str, dict[str, Any]]], outcome: str) -> None:
    assert history(*told).runs == {outcome: 1}


def test_a_record_of_another_form_counts_as_far_as_it_can_be_read() -> None:
    strange: list[tuple[str, dict[str, Any]]] = [
        ("gate", {}),
        ("gate", {"verdict": "PASS"}),
        ("trigger", {"action": "RETRAIN"}),
        ("trigger", {"drift": 1, "action": "X"}),
        ("promotion", {"state": "done"}),
        ("live", {"version": 3}),
        ("run", {}),
        ("ingest", {"key": "no date"}),
    ]
    found = history(*strange, ("live", {**LIVE, "version": 2}), trigger("NO_ACTION", "FAIL"), ended())
    assert found.decisions["gate", "PASS"] == found.decisions["trigger", "NO_ACTION"] == 1
    assert (set(found.live), found.runs, found.ingested) == ({2}, {"no_action": 1}, {})


def test_two_runs_at_once_are_told_apart() -> None:
    found = history(
        trigger("RETRAIN", run="a"), trigger("NO_ACTION", run="b"), gate("FAIL", run="a"), ended(run="b"), ended(run="a")
    )
    assert found.runs == {"no_action": 1, "skipped": 1}


@pytest.mark.parametrize(
    ("told", "unanswered"),
    [
        ([trigger("RETRAIN")], True),
        ([trigger("UNKNOWN")], True),  # the labels have not arrived
        ([trigger("RETRAIN"), gate("FAIL")], False),
        ([trigger("RETRAIN"), gate("UNKNOWN")], True),
        ([trigger("RETRAIN"), gate("PASS")], True),  # until the promotion is done
        ([trigger("RETRAIN"), gate("PASS"), promotion("intent"), promotion("failed")], True),
        ([trigger("RETRAIN"), gate("PASS"), promotion("intent"), promotion("done")], False),
        ([trigger("RETRAIN"), gate("PASS"), promotion("awaiting_approval")], False),
        ([trigger("RETRAIN"), trigger("NO_ACTION", "FAIL")], False),  # the next month is quiet
        ([trigger("RETRAIN"), trigger("UNKNOWN", "UNKNOWN")], True),  # the next month has too few rows to tell
        ([trigger("NO_ACTION")], False),  # decided before on the same snapshot
        ([trigger("RETRAIN", snapshot="other"), gate("FAIL")], True),
    ],
)
def test_drift_is_answered_by_a_gates_no_or_a_promotion(told: list[tuple[str, dict[str, Any]]], unanswered: bool) -> None:
    found = history(*told)
    assert (found.unanswered is not None) == unanswered
    if unanswered:
        assert found.unanswered == START  # the first sign of it counts
    assert (found.drift_share, found.worst) == (0.5, ("b", 2.5))


def test_a_promotion_is_open_from_its_intent_to_its_end_and_its_time_is_taken() -> None:
    begun = promotion("intent")
    assert history(begun).open == ("k", START)
    done = history(begun, promotion("done"))
    assert (done.open, done.in_production, done.durations.total, done.durations.counts[4]) == (None, 2, 60.0, 1)
    mended = history(begun, promotion("done", reconciled=True))
    assert (mended.open, mended.durations.total) == (None, 0.0)
    assert history(begun, promotion("failed", undone=True)).open is None
    assert history(begun, ("promotion", {"state": "failed", "to": 3, "snapshot": "s", "key": "other"})).open == ("k", START)


def test_a_parked_candidate_waits_until_it_is_promoted_or_stale() -> None:
    assert len(history(promotion("awaiting_approval")).waiting) == 1
    assert len(history(promotion("awaiting_approval"), promotion("intent"), promotion("failed")).waiting) == 1
    assert not history(promotion("awaiting_approval"), promotion("stale")).waiting


def test_the_time_between_snapshots_is_the_median_of_their_dates() -> None:
    months = [ingested(day) for day in ("2024-01-31", "2024-02-29", "2024-03-31", "2024-03-31")]
    assert history(months[0]).interval is None
    assert history(*months).interval == 30 * 86400.0


def test_live_figures_of_old_versions_are_forgotten_unless_one_is_in_production() -> None:
    live = [("live", {**LIVE, "version": number}) for number in range(1, 30)]
    found = history(promotion("done"), *live)
    assert list(found.live) == [2, *range(20, 30)]


# --- reading the ledger ---


def test_the_ledger_is_read_on_from_where_the_last_look_ended() -> None:
    ledger = FakeLedger()
    reader = LedgerReader(ledger)
    assert reader.look().decisions == {}
    for count in (1, 2, 3):
        ledger.append(*gate("FAIL"))
        assert reader.look().decisions["gate", "FAIL"] == count
    assert reader.look().decisions["gate", "FAIL"] == 3  # nothing new


def test_a_ledger_that_was_restored_from_a_backup_is_read_anew() -> None:
    ledger = FakeLedger()
    reader = LedgerReader(ledger)
    for _ in range(3):
        ledger.append(*gate("FAIL"))
    reader.look()
    ledger.stored = ledger.stored[:1]
    ledger.append(*gate("PASS"))
    assert reader.look().decisions == {("gate", "FAIL"): 1, ("gate", "PASS"): 1}


# --- a scrape ---

CHAMPION = ModelVersion(2, "run", "d", START, provenance(), {"holdout_auc": 0.8, "holdout_auc_low": 0.75, "holdout_auc_high": 0.85})
PODS = [PodReport("p1", 2, ready=True), PodReport("p2", 2, ready=False)]


def scrape(project: Project = PROJECT, **looks: Look | Callable[[], Look]) -> Callable[..., float | None]:
    """One look at each source, then a reader of samples."""
    told: list[str] = []
    sources = [Source(name, look if callable(look) else lambda look=look: look) for name, look in looks.items()]  # type: ignore[misc]
    seen = LastSeen(sources, project, 60.0, told.append)
    for source in sources:
        seen.look(source)
    registry = CollectorRegistry()
    registry.register(seen)
    return lambda name, **labels: registry.get_sample_value(name, labels)


def away() -> Look:
    message = "the registry is away"
    raise Unavailable(message)


def test_a_source_that_is_away_is_told_and_keeps_the_rest() -> None:
    value = scrape(registry=away, ledger=history(gate("FAIL")), rollout=Serving(2, PODS, State.READY))
    assert (value("ratchet_up", source="registry"), value("ratchet_up", source="ledger")) == (0.0, 1.0)
    assert value("ratchet_decisions_total", kind="gate", outcome="FAIL") == 1.0
    assert value("ratchet_pinned_version") == 2.0
    assert value("ratchet_champion_version") is None
    assert value("ratchet_alias_pods_agree") is None  # nobody can tell
    assert value("ratchet_source_read_timestamp_seconds", source="registry") is None


def test_its_figures_end_when_a_source_goes_away_and_the_time_of_the_last_look_stays() -> None:
    answers: list[Look] = [Production(CHAMPION)]
    told: list[str] = []
    source = Source("registry", lambda: answers.pop() if answers else away())
    seen = LastSeen([source], PROJECT, 60.0, told.append)
    registry = CollectorRegistry()
    registry.register(seen)
    seen.look(source)
    before = registry.get_sample_value("ratchet_source_read_timestamp_seconds", {"source": "registry"})
    assert registry.get_sample_value("ratchet_champion_version") == 2.0
    for _ in range(2):
        seen.look(source)
    assert registry.get_sample_value("ratchet_champion_version") is None
    assert registry.get_sample_value("ratchet_source_read_timestamp_seconds", {"source": "registry"}) == before
    assert told == ["the registry is away"]  # once


def test_a_scrape_reads_no_store() -> None:
    looks: list[int] = []

    def look() -> Look:
        looks.append(1)
        return Production(None)

    value = scrape(registry=look)
    for _ in range(20):
        assert value("ratchet_up", source="registry") == 1.0
    assert len(looks) == 1


@pytest.mark.parametrize(
    ("production", "pinned", "pods", "agrees"),
    [
        (CHAMPION, 2, PODS, 1.0),
        (CHAMPION, 1, PODS, 0.0),
        (CHAMPION, 2, [*PODS, PodReport("p3", 1, ready=True)], 0.0),
        (CHAMPION, 2, [], 1.0),
        (None, None, [], 1.0),
        (None, 2, PODS, 0.0),
    ],
)
def test_alias_and_pods_agree_when_template_and_all_pods_are_at_it(
    production: ModelVersion | None, pinned: int | None, pods: list[PodReport], agrees: float
) -> None:
    value = scrape(registry=Production(production), rollout=Serving(pinned, pods, State.READY))
    assert value("ratchet_alias_pods_agree") == agrees


def test_what_is_known_is_told() -> None:
    live = {"version": 2, "auc": 0.7, "low": 0.6, "high": None, "rows": 90, "positives": 30}
    seen = history(ingested("2024-02-29"), trigger("RETRAIN"), promotion("intent"), promotion("done"), ("live", live))
    aged = PROJECT.model_copy(update={"policy": PROJECT.policy.model_copy(update={"max_age_days": 30})})
    value = scrape(
        aged,
        registry=Production(CHAMPION),
        ledger=seen,
        requests=Labelled({2: START.timestamp()}),
        rollout=Serving(2, PODS, State.WAITING),
    )
    expected = {
        ("ratchet_champion_info", ("version", "2"), ("trained_on", "2024-01-31")): 1.0,
        ("ratchet_champion_trained_on_timestamp_seconds",): datetime(2024, 1, 31, tzinfo=UTC).timestamp(),
        ("ratchet_policy_max_age_seconds",): 30 * 86400.0,
        ("ratchet_holdout_auc_low", ("version", "2")): 0.75,
        ("ratchet_last_decision_timestamp_seconds", ("kind", "promotion"), ("outcome", "done")): (
            START + timedelta(minutes=3)
        ).timestamp(),
        ("ratchet_drift_share_ratio",): 0.5,
        ("ratchet_drift_worst_effect_ratio", ("feature", "b")): 2.5,
        ("ratchet_drift_unanswered_seconds",): 0.0,
        ("ratchet_live_auc_low", ("version", "2")): 0.6,
        ("ratchet_live_auc_high", ("version", "2")): None,
        ("ratchet_live_rows", ("version", "2"), ("label", "0")): 60.0,
        ("ratchet_runs_total", ("outcome", "promoted")): 0.0,
        ("ratchet_promotion_seconds_bucket", ("le", "60.0")): 1.0,
        ("ratchet_promotion_seconds_bucket", ("le", "30.0")): 0.0,
        ("ratchet_promotion_seconds_sum",): 60.0,
        ("ratchet_snapshot_as_of_timestamp_seconds",): datetime(2024, 2, 29, tzinfo=UTC).timestamp(),
        ("ratchet_pods_ready", ("version", "2")): 1.0,
        ("ratchet_rollout_state", ("state", "WAITING")): 1.0,
        ("ratchet_rollout_state", ("state", "READY")): 0.0,
    }
    found = {key: value(key[0], **dict(key[1:])) for key in expected}  # type: ignore[arg-type]
    assert found == expected
    age, delay = value("ratchet_champion_age_seconds"), value("ratchet_live_label_delay_seconds", version="2")
    assert age is not None
    assert delay is not None
    assert min(age, delay) > 0


def test_a_version_without_provenance_has_no_date_and_an_age_all_the_same() -> None:
    value = scrape(registry=Production(replace(CHAMPION, provenance=None)))
    assert value("ratchet_champion_trained_on_timestamp_seconds") is None
    assert value("ratchet_champion_age_seconds") is not None


def test_the_watch_looks_again_and_again_and_ends_by_a_defect_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    defects: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda told: defects.append(told.exc_type))  # pytest's would fail the session

    def look() -> Look:
        looks.append(1)
        if len(looks) == 2:
            return away()
        if len(looks) == 4:
            message = "a defect"
            raise TypeError(message)
        return Production(None)

    told: list[str] = []
    LastSeen([Source("registry", look)], PROJECT, 0.001, told.append).watch()
    assert (len(looks), told) == (4, ["the registry is away"])
    assert until(lambda: defects, bool) == [TypeError]


def test_the_request_log_is_read_seldom_but_soon_again_when_it_was_away() -> None:
    source = Source("requests", lambda: Labelled({}), every=10)
    seen = LastSeen([source], PROJECT, 1.0, lambda _: None)
    seen.look(source)
    assert seen.pace(source) == 10
    gone = Source("requests", away, every=10)
    seen.look(gone)
    assert seen.pace(gone) == 1
