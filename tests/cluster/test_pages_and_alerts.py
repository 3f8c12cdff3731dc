"""The exporter's and the status page's pods beside the ledger, and an alert's way.

Prometheus and Alertmanager run on this machine, the pods are behind the API server's proxy.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from cluster.kind import NAMESPACE
from ratchet.rollout.deployment_judge import VERSION
from tests.cluster.toolbox import Toolbox
from tests.support.monitoring import MISSING, Prometheus, Receiver, panels, running, scrape
from tests.support.rollout_harness import free_port, until

pytestmark = pytest.mark.timeout(900)
_SERVICES = f"/api/v1/namespaces/{NAMESPACE}/services"
_EXPORTER = f"{_SERVICES}/ratchet-exporter:metrics/proxy/metrics"
_UI = f"{_SERVICES}/ratchet-ui:http/proxy"
_SERVING = f"{_SERVICES}/ratchet-serving:http/proxy/metrics"
Figures = dict[tuple[tuple[str, str], ...], float]


@pytest.fixture(scope="module")
def proxy(toolbox: Toolbox) -> Iterator[int]:
    """Port of a `kubectl proxy`, with the exporter's and the status page's pods up behind it."""
    wanted = "exporter.enabled=true,exporter.intervalSeconds=1,ui.enabled=true"
    toolbox.helm("upgrade", "ratchet", "charts/ratchet", "--reuse-values", "--set", wanted)
    for name in ("exporter", "ui"):
        toolbox.rolled_out(f"deploy/ratchet-{name}")
    port = free_port()
    process = subprocess.Popen([*map(str, toolbox.cluster.kubectl_command()), "proxy", f"--port={port}"], stdout=subprocess.DEVNULL)
    try:
        until(lambda: "ratchet_up" in page(port), bool)
        yield port
    finally:
        process.terminate()
        process.wait()


def page(port: int, path: str = _EXPORTER) -> str:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=30, trust_env=False).text
    return ""


def verdict(port: int) -> str:
    """What the first page says first, without its markup."""
    html = page(port, f"{_UI}/").partition('<div class="verdict')[2].partition("</dl>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_the_page_and_the_figures_say_what_the_ledger_holds(toolbox: Toolbox, proxy: int) -> None:
    shown = json.loads(toolbox.ratchet("history", "--last", "1000", "--json"))
    records, production = shown["records"], toolbox.versions()[0]
    chain = f"The chain of {shown['verified']} records verifies"
    first = until(lambda: page(proxy, f"{_UI}/history"), lambda html: chain in html, 120)
    pages = int((re.findall(r"Page 1 of (\d+)", first) or ["1"])[0])
    seen = [  # the API server's proxy puts its own path before each link
        int(seq)
        for n in range(1, pages + 1)
        for seq in re.findall(r'href="[^"]*/history/(\d+)"', page(proxy, f"{_UI}/history?page={n}"))
    ]
    assert seen == [record["seq"] for record in reversed(records)]
    # a page goes without a store that is slow
    until(lambda: verdict(proxy), lambda text: f"Version {production} serves" in text, 60)
    judged = Counter(record["body"]["verdict"] for record in records if record["kind"] == "gate")
    wanted = {f'ratchet_decisions_total{{kind="gate",outcome="{verdict}"}} {count}.0' for verdict, count in judged.items()}
    lines = until(lambda: page(proxy).splitlines(), lambda lines: wanted <= set(lines), 120)
    assert judged
    assert f"ratchet_champion_version {production}.0" in lines


def test_the_exporters_account_suffices_to_see_all_and_moves_nothing(toolbox: Toolbox, proxy: int) -> None:
    wanted = {f'ratchet_up{{source="{name}"}} 1.0' for name in ("registry", "ledger", "chain", "requests", "rollout")}
    lines = until(lambda: page(proxy).splitlines(), lambda seen: wanted <= set(seen), 120)
    production, pinned, _, agree = toolbox.versions()
    assert agree
    assert {
        f"ratchet_champion_version {production}.0",
        f"ratchet_pinned_version {pinned}.0",
        "ratchet_alias_pods_agree 1.0",
    } <= set(lines)
    account = f"--as=system:serviceaccount:{NAMESPACE}:ratchet-exporter"
    for verb, kind in (
        ("patch", "deployment/ratchet-serving"),
        ("update", "lease/ratchet-promotion"),
        ("delete", "pods"),
        ("get", "secrets"),
    ):
        asked = [*map(str, toolbox.cluster.kubectl_command()), "auth", "can-i", verb, kind, account]
        assert subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() == "no", (verb, kind)


@pytest.fixture(scope="module")
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture(scope="module")
def prometheus(proxy: int, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It scrapes the exporter's pod and one pod of serving a time, as a Service answers."""
    if MISSING:
        pytest.skip(f"{', '.join(MISSING)} missing: apt-get install prometheus prometheus-alertmanager")
    places = [
        scrape("exporter", proxy, path=_EXPORTER, namespace=NAMESPACE),
        scrape("serving", proxy, path=_SERVING, namespace=NAMESPACE),
    ]
    with receiver.listening(), running(tmp_path_factory.mktemp("prometheus"), places, receiver) as server:
        yield server


def test_the_dashboards_panels_show_what_the_ledger_holds(toolbox: Toolbox, prometheus: Prometheus) -> None:
    records = json.loads(toolbox.ratchet("history", "--last", "1000", "--json"))["records"]
    fields = {"trigger": "action", "gate": "verdict", "promotion": "state"}
    bodies = [(record["kind"], record["body"]) for record in records]
    decided = Counter((kind, body[fields[kind]]) for kind, body in bodies if kind in fields)
    shares = [body["drift"]["drift_share"] for kind, body in bodies if kind == "trigger" and body["drift"]]
    wanted: dict[str, Figures] = {
        "Version in production": {(): float(toolbox.versions()[0] or 0)},
        "Alias and pods agree": {(): 1},
        "Decisions, by kind": {(("kind", kind), ("outcome", outcome)): n for (kind, outcome), n in decided.items()},
        "Drift share, and its bound": {(): shares[-1]},
    }
    asked: dict[str, str] = {}
    for title, query in panels(NAMESPACE):
        asked.setdefault(title, query)  # a panel's first query
    for title, figures in wanted.items():
        until(lambda query=asked[title]: shown(prometheus, query), lambda seen, figures=figures: seen == figures, 120)  # type: ignore[misc]  # bound now
    runs = sum(kind == "run" for kind, _ in bodies)
    assert runs
    until(lambda: sum(shown(prometheus, asked["Runs, by outcome"]).values()), lambda seen: seen == runs, 120)


def shown(prometheus: Prometheus, query: str) -> Figures:
    """A panel's figures by their labels."""
    return {tuple(sorted(series["metric"].items())): float(series["value"][1]) for series in prometheus.query(query)}


def test_pods_off_the_alias_are_said_by_alertmanager_until_they_are_back(
    toolbox: Toolbox, prometheus: Prometheus, receiver: Receiver
) -> None:
    status = toolbox.status()
    production, other = status["production"]["version"], status["previous"]["version"]
    until(lambda: prometheus.query("ratchet_alias_pods_agree == 1"), bool)
    until(prometheus.firing, lambda firing: "RatchetPodsOffAlias" not in firing)
    receiver.alerts.clear()
    until(lambda: prometheus.query(f'ratchet_model_ready{{version="{production}"}} == 1'), bool)  # one pod a scrape answers
    template = {"metadata": {"annotations": {VERSION: str(other)}}}  # as somebody does by hand
    patch = json.dumps({"spec": {"template": template}})
    toolbox.cluster.kubectl("patch", "deployment", "ratchet-serving", "--type", "merge", "--patch", patch)
    until(lambda: receiver.states("RatchetPodsOffAlias"), lambda states: states[:1] == ["firing"], 120)
    toolbox.ratchet("reconcile")
    until(lambda: receiver.states("RatchetPodsOffAlias"), lambda states: states[-1:] == ["resolved"], 120)
    assert toolbox.versions()[3]
