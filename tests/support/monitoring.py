"""A real Prometheus and a real Alertmanager (Debian's) over what a test runs, and the receiver of the alerts."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import yaml

from cluster import dashboard
from cluster.images import ROOT
from tests.support.rollout_harness import free_port, until

PROGRAMS = ("prometheus", "promtool", "prometheus-alertmanager")
RULES = ROOT / "charts" / "ratchet" / "files" / "rules.yaml"
MISSING = [name for name in PROGRAMS if shutil.which(name) is None]


@dataclass
class Receiver:
    """Takes what Alertmanager sends; `alerts` grows."""

    alerts: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        alerts = self.alerts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                alerts.extend(body["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def states(self, alert: str) -> list[str]:
        """What was reported of the alert, in order."""
        return [item["status"] for item in self.alerts if item["labels"]["alertname"] == alert]


def panels(namespace: str) -> Iterator[tuple[str, str]]:
    """Title and query of every panel of the dashboard, as Grafana asks it for all releases of that namespace (a pattern)."""
    for panel in dashboard.dashboard()["panels"]:
        for target in panel.get("targets", []):
            query = target["expr"].replace("$namespace", namespace).replace("$release", ".*")
            yield panel["title"], query.replace("$__rate_interval", "15s")


@dataclass(frozen=True)
class Prometheus:
    """The server behind a URL."""

    url: str

    def ask(self, path: str, **parameters: str) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30, trust_env=False).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an instant query that have a number."""
        found = self.ask("query", query=expression)["result"]
        return [series for series in found if series["value"][1] != "NaN"]

    def firing(self) -> set[str]:
        return {alert["labels"]["alertname"] for alert in self.ask("alerts")["alerts"] if alert["state"] == "firing"}


def scrape(job: str, *ports: int, path: str = "/metrics", **labels: str) -> dict[str, Any]:
    """A scrape config for ports of this machine."""
    targets = [f"127.0.0.1:{port}" for port in ports]
    return {"job_name": job, "metrics_path": path, "static_configs": [{"targets": targets, "labels": labels}]}


@contextlib.contextmanager
def running(folder: Path, scraped: Sequence[Mapping[str, Any]], receiver: Receiver) -> Iterator[Prometheus]:
    """Both servers, which scrape and evaluate every second; the chart's rules as they are but for their patience of 2 s."""
    port, manager = free_port(), free_port()
    content = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    for rule in (rule for group in content["groups"] for rule in group["rules"]):
        rule["for"] = "2s"
    (folder / "rules.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{manager}"]}]}]},
        "scrape_configs": list(scraped),
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    hook = {"name": "test", "webhook_configs": [{"url": f"http://127.0.0.1:{receiver.port}/", "send_resolved": True}]}
    route = {"receiver": "test", "group_by": ["alertname"], "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h"}
    (folder / "alertmanager.yaml").write_text(yaml.safe_dump({"route": route, "receivers": [hook]}), encoding="utf-8")
    with (
        _program(
            folder,
            manager,
            "prometheus-alertmanager",
            "--config.file=alertmanager.yaml",
            "--storage.path=alertmanager",
            "--cluster.listen-address=",
        ),
        _program(folder, port, "prometheus", "--config.file=prometheus.yaml", "--storage.tsdb.path=prometheus"),
    ):
        yield Prometheus(f"http://127.0.0.1:{port}")


@contextlib.contextmanager
def _program(folder: Path, port: int, name: str, *options: str) -> Iterator[None]:
    program = shutil.which(name) or name
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, f"--web.listen-address=127.0.0.1:{port}", *options], cwd=folder, stdout=output, stderr=output
        )
    try:
        until(lambda: _is_up(process, port), bool)
        yield
    finally:
        process.terminate()
        process.wait()


def _is_up(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None, "it ended at start: its log says why"
    try:
        return httpx.get(f"http://127.0.0.1:{port}/-/ready", timeout=5, trust_env=False).is_success
    except httpx.TransportError:
        return False
