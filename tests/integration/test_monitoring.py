"""The loop on one machine under a real Prometheus: every panel shows something, every rule can be evaluated, an alert arrives."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

import httpx
import pytest
import yaml

from ratchet.promotion.champion import PRODUCTION
from tests.support.club import MEMBERS, Club
from tests.support.monitoring import MISSING, RULES, Prometheus, Receiver, panels, running, scrape
from tests.support.rollout_harness import free_port, until

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} missing: apt-get install prometheus prometheus-alertmanager"),
    pytest.mark.timeout(1200),
]
QUIET = {  # what must not fire while all is well, however slow the machine is
    "RatchetNothingServes",
    "RatchetTwoVersionsServe",
    "RatchetAnswersNotLogged",
    "RatchetChampionStale",
    "RatchetLiveAucLow",
    "RatchetChampionFell",
    "RatchetNotMeasured",
    "RatchetWishWaits",
    "RatchetDriftUnanswered",
    "RatchetNoSnapshot",
    "RatchetRunFailed",
    "RatchetPodsOffAlias",
    "RatchetPromotionStuck",
    "RatchetRolloutStuck",
    "RatchetSourceAway",
    "RatchetExporterAway",
}
ROWS = 2000
T = TypeVar("T")


def soon(read: Callable[[], T], done: Callable[[T], bool]) -> T:
    """Wait for it, also on a machine that is busy with something else."""
    return until(read, done, 240.0)


@contextlib.contextmanager
def exporting(club: Club, port: int, **changes: str) -> Iterator[None]:
    """`ratchet exporter` for the length of the block."""
    process = club.start("exporter", "--port", str(port), "--interval", "0.5", **changes)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


@contextlib.contextmanager
def traffic(club: Club) -> Iterator[None]:
    """Clients of all kinds for the length of the block: known, unknown and malformed."""
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{club.port}", timeout=30, trust_env=False) as client:
            while not stop.wait(0.1):
                for member in (*MEMBERS, "nobody", ""):
                    client.post("/predict", json={"member": member})
                client.post("/explain", json={"member": MEMBERS[0]})

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def ask_everybody(club: Club) -> None:
    members = [{"member": f"U{number:07}"} for number in range(1, ROWS + 1)]
    for start in range(0, ROWS, 500):
        answer = httpx.post(
            f"http://127.0.0.1:{club.port}/predict_batch", json=members[start : start + 500], timeout=60, trust_env=False
        )
        assert answer.status_code == 200, answer.text


def month(club: Club, name: str, *options: str) -> None:
    made = club.ratchet("data", "generate", str(club.raw), "--snapshot", name, "--users", str(ROWS), *options)
    assert made.code == 0, made.err
    ran = club.process("run", "--data", str(club.raw), "--snapshot", name)
    assert ran.code == 0, ran.err
    assert "[DECISION] promoted" in ran.out
    ask_everybody(club)
    soon(lambda: httpx.get(f"http://127.0.0.1:{club.port}/health", trust_env=False).json()["request_log_backlog"], lambda n: n == 0)
    joined = club.ratchet("labels", "--snapshot", name, "--json")
    assert joined.document["joined"] > 0


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> Club:
    return Club(tmp_path_factory.mktemp("club"), more="policy: {max_age_days: 400}\n")


@pytest.fixture(scope="module")
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def prometheus(club: Club, receiver: Receiver, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Two months, the second one drifted, both promoted, both labelled, with clients all the time."""
    folder = tmp_path_factory.mktemp("prometheus")
    shared = tmp_path_factory.mktemp("shared")  # a variable of who starts it must not make two versions share their figures
    with (
        club.serving(PROMETHEUS_MULTIPROC_DIR=str(shared)),
        exporting(club, port),
        receiver.listening(),
        running(folder, [scrape("ratchet", club.port, port)], receiver) as server,
    ):
        club.wait_for_server()
        month(club, "month_000")
        with traffic(club):
            month(club, "month_001", "--drift", "0.8", "--concept", "1")
            soon(lambda: server.query("ratchet_champion_version"), lambda found: [x["value"][1] for x in found] == ["2"])
            soon(lambda: server.query("ratchet_live_label_delay_seconds"), lambda found: len(found) == 2)
            yield server


def test_no_panel_is_empty(prometheus: Prometheus) -> None:
    asked = 0
    for title, expression in panels(".*"):
        found = soon(lambda expression=expression: prometheus.query(expression), bool)  # type: ignore[misc]  # bound now
        assert found, title
        asked += 1
    assert asked > 30


def test_every_rule_is_evaluated_and_every_metric_that_it_asks_for_is_there(prometheus: Prometheus) -> None:
    def evaluated() -> list[dict[str, str]]:
        return [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]

    rules = soon(evaluated, lambda found: all(rule["health"] != "unknown" for rule in found))
    assert {rule["health"] for rule in rules} == {"ok"}, rules
    written = [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    assert len(rules) == len(written)
    for name in {name for rule in written for name in re.findall(r"\bratchet_[a-z_]+", rule["expr"])}:
        assert prometheus.query(f"count({name})"), name
    # a counter of failures is there before the first one, else Prometheus sees no increase in it
    assert prometheus.query('ratchet_refused_total{status="500"}')
    assert prometheus.query('ratchet_runs_total{outcome="failed"}')


def test_while_all_is_well_no_alert_says_otherwise(prometheus: Prometheus) -> None:
    soon(prometheus.firing, lambda firing: not firing & QUIET)
    figures = {
        name: prometheus.query(name)[0]["value"][1] for name in ("ratchet_alias_pods_agree", "ratchet_drift_unanswered_seconds")
    }
    assert figures == {"ratchet_alias_pods_agree": "1", "ratchet_drift_unanswered_seconds": "0"}
    outcomes = {item["metric"]["outcome"]: item["value"][1] for item in prometheus.query("ratchet_runs_total > 0")}
    assert outcomes == {"promoted": "2"}
    assert prometheus.query("ratchet_drift_share_ratio > 0")
    assert prometheus.query("ratchet_drift_worst_effect_ratio > 1")
    assert [item["value"][1] for item in prometheus.query("ratchet_promotion_seconds_count")] == ["2"]


def test_the_pages_pass_promtools_own_check(prometheus: Prometheus, club: Club, port: int) -> None:
    assert prometheus.query("up")
    for where in (club.port, port):
        page = httpx.get(f"http://127.0.0.1:{where}/metrics", timeout=30, trust_env=False).text
        done = subprocess.run(
            ["/usr/bin/env", "promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_store_that_is_away_takes_only_its_own_figures_with_it(prometheus: Prometheus, club: Club) -> None:
    assert prometheus.query("up")
    other = free_port()
    with exporting(club, other, RATCHET_TRACKING_URI="http://127.0.0.1:9"):

        def page() -> str:
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(f"http://127.0.0.1:{other}/metrics", timeout=30, trust_env=False).text
            return ""

        text = soon(page, lambda seen: seen.count("ratchet_up{") == 5)
        assert 'ratchet_up{source="registry"} 0.0' in text
        assert {f'ratchet_up{{source="{name}"}} 1.0' for name in ("ledger", "chain", "requests", "rollout")} <= set(
            text.splitlines()
        )
        assert "ratchet_champion_version" not in text
        assert 'ratchet_decisions_total{kind="promotion",outcome="done"} 2.0' in text


def test_a_port_that_is_taken_is_one_sentence(prometheus: Prometheus, club: Club, port: int) -> None:
    assert prometheus.query("up")
    refused = club.process("exporter", "--port", str(port))
    assert refused.code == 2
    assert refused.error == f"port {port} on 127.0.0.1 is taken by another program: choose another by --host and --port"


def test_pods_off_the_alias_reach_the_receiver_and_so_does_their_return(
    prometheus: Prometheus, club: Club, receiver: Receiver
) -> None:
    soon(prometheus.firing, lambda firing: "RatchetPodsOffAlias" not in firing)
    receiver.alerts.clear()
    club.wiring.registry.set_alias(PRODUCTION, 1)  # as somebody does on MLflow's page
    soon(lambda: receiver.states("RatchetPodsOffAlias"), lambda states: states[:1] == ["firing"])
    (alert,) = [item for item in receiver.alerts if item["labels"]["alertname"] == "RatchetPodsOffAlias"][:1]
    assert alert["labels"]["severity"] == "critical"
    assert alert["annotations"]["runbook_url"] == "docs/runbook.md#ratchetpodsoffalias"
    mended = club.process("reconcile")  # what the runbook says
    assert mended.code == 0, mended.err
    soon(lambda: receiver.states("RatchetPodsOffAlias"), lambda states: states[-1:] == ["resolved"])
    assert [item["value"][1] for item in prometheus.query("ratchet_alias_pods_agree")] == ["1"]
