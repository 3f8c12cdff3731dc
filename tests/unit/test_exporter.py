from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from ratchet.apps.exporter.collector import LastRead
from ratchet.apps.exporter.sources import Chain, Labelled, Production, Seen, Serving, Source, sources
from ratchet.core.errors import Unavailable
from ratchet.core.events import entry_of
from ratchet.core.history import History
from ratchet.core.record import Record
from ratchet.core.schema import ModelVersion
from ratchet.project.file import Project
from ratchet.rollout.state import PodReport, State
from ratchet.settings import Settings
from ratchet.wiring import Wiring
from tests.support.counting import CountingLedger
from tests.support.fakes import provenance
from tests.support.loop import PROJECT
from tests.support.rollout_harness import until

START = datetime(2024, 3, 1, tzinfo=UTC)


def history(*given: tuple[str, Mapping[str, Any]], key: str = "k") -> History:
    """Records a minute apart."""
    records = [
        Record(seq, START + timedelta(minutes=seq - 1), kind, str(body.get("key", key)), "tester", body, "", f"h{seq}")
        for seq, (kind, body) in enumerate(given, start=1)
    ]
    return History().fold(*(entry_of(record) for record in records))


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


def measure(version: int, day: str, value: float, against: int | None = None, **more: Any) -> tuple[str, dict[str, Any]]:
    body = {
        "snapshot": f"{day}@x",
        "snapshot_hash": day,
        "version": version,
        "role": "champion" if against is None else "previous",
        "rows": 900,
        "counts": {},
        "metric": "auc",
        "confidence": 0.98,
        "value": value,
        "se": 0.01,
        "low": value - 0.02,
        "high": value + 0.02,
        "against": against,
    }
    return "measure", {**body, **more}


def ingested(day: str) -> tuple[str, dict[str, Any]]:
    return "ingest", {"key": day, "snapshot": f"{day}@x", "name": day, "rows": 1, "labelled_rows": 1}


def ended(state: str = "succeeded", run: str = "r") -> tuple[str, dict[str, Any]]:
    return "run", {"state": state, "error": "", "reached": [], "snapshot": "s", "run_id": run}


@pytest.mark.parametrize(
    ("given", "outcome"),
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
def test_a_run_is_counted_by_what_it_came_to(given: list[tuple[str, dict[str, Any]]], outcome: str) -> None:
    assert history(*given).outcomes() == {outcome: 1}


def test_a_record_of_another_form_is_counted_nowhere() -> None:
    strange: list[tuple[str, dict[str, Any]]] = [
        ("gate", {}),
        ("gate", {"verdict": "PASS"}),
        ("trigger", {"action": "RETRAIN"}),
        ("trigger", {"drift": 1, "action": "X"}),
        ("promotion", {"state": "done"}),
        ("live", {"version": 3}),
        ("run", {}),
        ("ingest", {"snapshot": "no date"}),
    ]
    value = scrape(ledger=history(*strange, ("live", {**LIVE, "version": 2}), trigger("NO_ACTION", "FAIL"), ended()))
    assert [value("ratchet_decisions_total", kind="gate", outcome=verdict) for verdict in ("PASS", "FAIL", "UNKNOWN")] == [0.0] * 3
    assert value("ratchet_decisions_total", kind="promotion", outcome="done") == 0.0
    assert (
        value("ratchet_decisions_total", kind="trigger", outcome="NO_ACTION")
        == value("ratchet_runs_total", outcome="no_action")
        == 1.0
    )
    assert [value("ratchet_live_auc", version=version) for version in ("2", "3")] == [0.7, None]
    assert value("ratchet_snapshot_ingested_timestamp_seconds") is None


WRONG = [None, 3, -1.5, "text", "", ["a"], [], {}, {"a": 1}, True]


@pytest.mark.parametrize("kind", ["trigger", "gate", "promotion", "live", "ingest", "run", "measure"])
def test_no_value_of_another_type_stops_a_scrape(kind: str) -> None:
    bodies = dict(
        [
            trigger("RETRAIN"),
            gate("PASS"),
            promotion("done"),
            ("live", {**LIVE, "version": 2}),
            ingested("2024-01-31"),
            ended(),
            measure(2, "2024-02-29", 0.8),
        ]
    )
    for name in bodies[kind]:
        for wrong in WRONG:
            strange = (kind, {**bodies[kind], name: wrong})
            value = scrape(registry=Production(CHAMPION), ledger=history(promotion("done"), strange, gate("FAIL")))
            assert value("ratchet_decisions_total", kind="gate", outcome="FAIL") == 1.0


def test_two_runs_at_once_are_kept_apart() -> None:
    found = history(
        trigger("RETRAIN", run="a"), trigger("NO_ACTION", run="b"), gate("FAIL", run="a"), ended(run="b"), ended(run="a")
    )
    assert found.outcomes() == {"no_action": 1, "skipped": 1}


@pytest.mark.parametrize(
    ("given", "unanswered"),
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
def test_drift_is_answered_by_a_gates_no_or_a_promotion(given: list[tuple[str, dict[str, Any]]], unanswered: bool) -> None:
    found = history(*given)
    assert (found.unanswered_drift is not None) == unanswered
    if unanswered:
        assert found.unanswered_drift == START  # the first sign of it counts
    value = scrape(ledger=found)
    assert (value("ratchet_drift_share_ratio"), value("ratchet_drift_worst_effect_ratio", feature="b")) == (0.5, 2.5)


def test_a_promotion_is_open_from_its_intent_to_its_end_and_its_time_is_taken() -> None:
    begun = promotion("intent")

    def found(*ends: tuple[str, dict[str, Any]]) -> tuple[bool, float | None, float | None]:
        value = scrape(ledger=history(begun, *ends))
        is_open = value("ratchet_promotion_open_seconds") != 0.0
        return is_open, value("ratchet_promotion_seconds_count"), value("ratchet_promotion_seconds_sum")

    assert found() == (True, 0.0, 0.0)
    assert found(promotion("done")) == (False, 1.0, 60.0)
    assert found(promotion("done", reconciled=True)) == (False, 0.0, 0.0)
    assert found(promotion("failed", undone=True)) == (False, 0.0, 0.0)
    assert found(promotion("failed", to=3, key="other")) == (True, 0.0, 0.0)


def test_a_parked_candidate_waits_until_it_is_promoted_or_stale() -> None:
    def waiting(*moves: tuple[str, dict[str, Any]]) -> float | None:
        return scrape(ledger=history(*moves))("ratchet_promotions_awaiting_approval")

    assert waiting(promotion("awaiting_approval")) == 1.0
    assert waiting(promotion("awaiting_approval"), promotion("intent"), promotion("failed")) == 1.0
    assert waiting(promotion("awaiting_approval"), promotion("stale")) == 0.0


def test_the_time_between_snapshots_is_the_median_of_their_dates() -> None:
    months = [ingested(day) for day in ("2024-01-31", "2024-02-29", "2024-03-31", "2024-03-31")]
    assert history(months[0]).interval is None
    assert history(*months).interval == 30 * 86400.0


def test_live_figures_of_old_versions_are_left_out_unless_one_is_in_production() -> None:
    value = scrape(ledger=history(promotion("done"), *(("live", {**LIVE, "version": number}) for number in range(1, 30))))
    shown = [number for number in range(1, 30) if value("ratchet_live_auc", version=str(number)) is not None]
    assert shown == [2, *range(20, 30)]


def test_the_newest_measurements_are_shown_with_their_dates() -> None:
    served = [promotion("done"), measure(2, "2024-03-31", 0.79), measure(2, "2024-02-29", 0.81), measure(1, "2024-03-31", 0.6, 2)]
    value = scrape(ledger=history(*served))
    champion, previous = {"version": "2", "role": "champion"}, {"version": "1", "role": "previous"}
    assert [value(f"ratchet_measured_auc{end}", **champion) for end in ("", "_low", "_high")] == [0.79, 0.77, 0.81]
    assert value("ratchet_measured_auc", **previous) == 0.6
    assert value("ratchet_measured_as_of_timestamp_seconds", **champion) == datetime(2024, 3, 31, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(("figure", "fell"), [(0.79, 0.0), (0.52, 1.0)])
def test_a_champion_that_fell_is_shown_while_registry_and_ledger_can_be_read(figure: float, fell: float) -> None:
    seen = history(promotion("done"), measure(2, "2024-03-31", figure))
    assert scrape(registry=Production(CHAMPION), ledger=seen)("ratchet_champion_fell", version="2") == fell
    assert scrape(registry=away, ledger=seen)("ratchet_champion_fell", version="2") is None


def test_wishes_that_wait_for_labels_are_counted_until_they_are_answered() -> None:
    kind, body = trigger("UNKNOWN", snapshot="2024-02-29@x")
    asked = (kind, {**body, "wishes": ["drift", "age"], "waits": ["drift", "age"], "champion": 2})
    value = scrape(ledger=history(promotion("done"), asked))
    assert value("ratchet_wishes_waiting") == 2.0
    since = value("ratchet_wish_waiting_seconds")
    assert since is not None
    assert since > 0
    answered = ("gate", {**gate("FAIL")[1], "snapshot": "2024-03-31@x"})
    value = scrape(ledger=history(promotion("done"), asked, answered))
    assert (value("ratchet_wishes_waiting"), value("ratchet_wish_waiting_seconds")) == (0.0, 0.0)


def test_probation_lasts_until_a_run_has_looked_at_a_labelled_month() -> None:
    served = [("gate", {**gate("PASS")[1], "proof": "probation"}), promotion("done")]

    def seen(*later: tuple[str, dict[str, Any]]) -> float | None:
        return scrape(ledger=history(*served, *later))("ratchet_champion_on_probation")

    month = measure(2, "2024-03-31", 0.79)
    assert [seen(), seen(month), seen(month, trigger("NO_ACTION"))] == [1.0, 1.0, 0.0]


# --- reading the ledger ---


def over(ledger: CountingLedger) -> Source:
    """The exporter's source of that ledger, as the wiring makes it."""
    wiring = Wiring(Settings(), PROJECT)
    wiring.__dict__["ledger"] = ledger
    return next(source for source in sources(wiring) if source.name == "ledger")


def failed_gates(source: Source) -> int:
    found = source.read()
    assert isinstance(found, History)
    return found.decisions().get(("gate", "FAIL"), 0)


def test_each_reading_of_the_ledger_reads_only_what_is_new() -> None:
    ledger = CountingLedger()
    source = over(ledger)
    for _ in range(50):
        ledger.append(*gate("FAIL"))
    assert failed_gates(source) == ledger.read.pop() == 50
    assert failed_gates(source) == 50  # nothing new
    for count in (51, 52, 53):
        ledger.append(*gate("FAIL"))
        assert failed_gates(source) == count
    assert ledger.read == [1, 2, 2, 2]  # the last one known, to see that it is the same ledger, and the new one
    assert ledger.walks == 0


def test_a_ledger_that_was_restored_from_a_backup_is_read_anew() -> None:
    ledger = CountingLedger()
    source = over(ledger)
    for _ in range(3):
        ledger.append(*gate("FAIL"))
    assert failed_gates(source) == 3
    ledger.stored = ledger.stored[:1]
    ledger.append(*gate("PASS"))
    assert failed_gates(source) == 1


# --- a scrape ---

CHAMPION = ModelVersion(2, "run", "d", START, provenance(), {"holdout_auc": 0.8, "holdout_auc_low": 0.75, "holdout_auc_high": 0.85})
PODS = [PodReport("p1", 2, ready=True), PodReport("p2", 2, ready=False)]


def scrape(project: Project = PROJECT, **looks: Seen | Callable[[], Seen]) -> Callable[..., float | None]:
    """One reading of each source, then a reader of samples."""
    said: list[str] = []
    sources = [Source(name, look if callable(look) else lambda look=look: look) for name, look in looks.items()]  # type: ignore[misc]
    seen = LastRead(sources, project, 60.0, said.append)
    for source in sources:
        seen.read(source)
    registry = CollectorRegistry()
    registry.register(seen)
    return lambda name, **labels: registry.get_sample_value(name, labels)


def away() -> Seen:
    message = "the registry is away"
    raise Unavailable(message)


def test_a_source_that_is_away_is_said_and_keeps_the_rest() -> None:
    value = scrape(registry=away, ledger=history(gate("FAIL")), rollout=Serving(2, PODS, State.READY))
    assert (value("ratchet_up", source="registry"), value("ratchet_up", source="ledger")) == (0.0, 1.0)
    assert value("ratchet_decisions_total", kind="gate", outcome="FAIL") == 1.0
    assert value("ratchet_pinned_version") == 2.0
    assert value("ratchet_champion_version") is None
    assert value("ratchet_alias_pods_agree") is None  # nobody can tell
    assert value("ratchet_source_read_timestamp_seconds", source="registry") is None


def test_its_figures_end_when_a_source_goes_away_and_the_time_of_the_last_look_stays() -> None:
    answers: list[Seen] = [Production(CHAMPION)]
    said: list[str] = []
    source = Source("registry", lambda: answers.pop() if answers else away())
    seen = LastRead([source], PROJECT, 60.0, said.append)
    registry = CollectorRegistry()
    registry.register(seen)
    seen.read(source)
    before = registry.get_sample_value("ratchet_source_read_timestamp_seconds", {"source": "registry"})
    assert registry.get_sample_value("ratchet_champion_version") == 2.0
    for _ in range(2):
        seen.read(source)
    assert registry.get_sample_value("ratchet_champion_version") is None
    assert registry.get_sample_value("ratchet_source_read_timestamp_seconds", {"source": "registry"}) == before
    assert said == ["the registry is away"]  # once


def test_a_scrape_reads_no_store() -> None:
    looks: list[int] = []

    def look() -> Seen:
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


@pytest.mark.parametrize(
    ("promoted", "pinned", "pod", "agrees"),
    [
        ("d", "d", "d", 1.0),
        ("d", "", "", 1.0),
        ("d", "other", "d", 0.0),
        ("d", "d", "other", 0.0),
        ("", "", "", 1.0),
    ],
    ids=["all agree", "template and pods of an older release", "another template", "a pod with other files", "older records"],
)
def test_alias_and_pods_agree_by_the_ledgers_digest_too(promoted: str, pinned: str, pod: str, agrees: float) -> None:
    pods = [PodReport("p1", 2, ready=True, digest=pod)]
    serving = Serving(2, pods, State.READY, pinned)
    value = scrape(registry=Production(CHAMPION), ledger=history(promotion("done", digest=promoted)), rollout=serving)
    assert value("ratchet_alias_pods_agree") == agrees


def test_alias_and_pods_that_agree_on_what_the_ledger_did_not_promote_do_not_agree() -> None:
    elsewhere = history(promotion("done", to=1))
    value = scrape(registry=Production(CHAMPION), ledger=elsewhere, rollout=Serving(2, PODS, State.READY))
    assert value("ratchet_alias_pods_agree") == 0.0


@pytest.mark.parametrize(("why", "broken"), [("", 0.0), ("ledger record 2 does not fit the chain", 1.0)])
def test_a_broken_ledger_is_a_metric(why: str, broken: float) -> None:
    assert scrape(chain=Chain(why))("ratchet_ledger_broken") == broken


def test_the_chain_is_a_source_of_its_own_that_reads_what_the_journal_says(monkeypatch: pytest.MonkeyPatch) -> None:
    wiring = Wiring(Settings(), PROJECT)
    monkeypatch.setattr(type(wiring.journal), "broken", lambda _: "record 2 was rewritten")
    (chain,) = [source for source in sources(wiring) if source.name == "chain"]
    assert chain.read() == Chain("record 2 was rewritten")


@pytest.mark.parametrize(
    ("named", "moves", "foreign"),
    [
        (CHAMPION, ["done"], 0.0),
        (None, ["done"], 1.0),
        (CHAMPION, [], 1.0),
        (CHAMPION, ["intent"], 0.0),
        (None, [], 0.0),
    ],
    ids=["promoted", "no alias", "promoted by nobody", "on its way", "nothing yet"],
)
def test_an_alias_that_nobody_promoted_is_a_metric(named: ModelVersion | None, moves: list[str], foreign: float) -> None:
    value = scrape(registry=Production(named), ledger=history(*(promotion(state) for state in moves)))
    assert value("ratchet_alias_foreign") == foreign


def test_aliases_that_were_set_back_are_counted() -> None:
    back = {"to": 2, "from": 3, "reason": "nobody promoted it", "refused": True}
    assert scrape(ledger=history(("reconcile", back), ("reconcile", back)))("ratchet_alias_refused_total") == 2.0
    assert scrape(ledger=history())("ratchet_alias_refused_total") == 0.0


def test_what_is_known_is_said() -> None:
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
    monkeypatch.setattr(threading, "excepthook", lambda hook: defects.append(hook.exc_type))  # pytest's would fail the session

    def look() -> Seen:
        looks.append(1)
        if len(looks) == 2:
            return away()
        if len(looks) == 4:
            message = "a defect"
            raise TypeError(message)
        return Production(None)

    said: list[str] = []
    LastRead([Source("registry", look)], PROJECT, 0.001, said.append).watch()
    assert (len(looks), said) == (4, ["the registry is away"])
    assert until(lambda: defects, bool) == [TypeError]


def test_the_request_log_is_read_seldom_but_soon_again_when_it_was_away() -> None:
    source = Source("requests", lambda: Labelled({}), every=10)
    seen = LastRead([source], PROJECT, 1.0, lambda _: None)
    seen.read(source)
    assert seen.pace(source) == 10
    gone = Source("requests", away, every=10)
    seen.read(gone)
    assert seen.pace(gone) == 1
