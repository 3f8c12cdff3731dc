"""Rules, runbook, dashboard and table of metrics fit each other and the code."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from typer.main import get_command

from cluster import dashboard
from cluster.images import ROOT
from docs.generators import metrics as metrics_page
from ratchet.apps.cli.main import app
from ratchet.core.metric import Kind
from tests.support.monitoring import RULES

CASES = ROOT / "tests" / "rules_test.yaml"
NAME = re.compile(r"\bratchet_[a-z_]+")
PROMTOOL = shutil.which("promtool") or ""
needs_promtool = pytest.mark.skipif(not PROMTOOL, reason="promtool is missing: apt-get install prometheus")


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def declared() -> set[str]:
    """Every name that Prometheus will show."""
    names = set()
    for metric in (metric for metrics in metrics_page.TABLES.values() for metric in metrics):
        ends = ("_bucket", "_sum", "_count") if metric.kind is Kind.HISTOGRAM else ("",)
        names |= {metric.name + end for end in ends}
    return names


def expressions() -> Iterator[str]:
    for panel in dashboard.dashboard()["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))


@needs_promtool
def test_the_alerts_fire_when_they_should_and_not_otherwise() -> None:
    done = subprocess.run([PROMTOOL, "test", "rules", str(CASES)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    fires: set[str] = set()
    rests: set[str] = set()
    for case in yaml.safe_load(CASES.read_text(encoding="utf-8"))["tests"]:
        for asked in case.get("alert_rule_test", []):
            (fires if asked["exp_alerts"] else rests).add(asked["alertname"])
        for asked in case.get("promql_expr_test", []):
            text = " ".join(sample["labels"] for sample in asked["exp_samples"])
            fires |= set(re.findall(r'alertname="(\w+)"', text))
            if not asked["exp_samples"]:
                pattern = re.search(r'alertname=~?"([^"]+)"', asked["expr"])
                assert pattern is not None
                rests |= {rule["alert"] for rule in rules() if re.fullmatch(pattern[1], rule["alert"])}
    alerts = {rule["alert"] for rule in rules()}
    assert fires == alerts
    assert rests == alerts


def test_every_alert_links_to_its_section_of_the_runbook_and_the_runbook_has_no_other() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (\w+)$", runbook, re.MULTILINE)
    assert sections == [rule["alert"] for rule in rules()]
    for rule in rules():
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"critical", "warning"}
    for section in re.split(r"^## ", runbook, flags=re.MULTILINE)[1:]:
        assert all(f"**{part}.**" in section for part in ("Meaning", "See", "Do")), section


def test_the_runbook_names_commands_that_there_are() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    known = set(get_command(app).commands)  # type: ignore[attr-defined]  # the app is a group
    named = set(re.findall(r"(?:`|^|-- )ratchet ([a-z]+)", runbook, re.MULTILINE))
    assert {"status", "reconcile", "rollback", "history", "exporter"} <= named
    assert named <= known


def test_alerts_and_panels_ask_for_metrics_that_the_code_declares() -> None:
    asked = {name for text in (*expressions(), *(rule["expr"] for rule in rules())) for name in NAME.findall(text)}
    assert asked <= declared()


def test_every_metric_that_is_declared_is_shown_or_alerted_on() -> None:
    """But for what the exporter says of its own work, and what a person asks for by hand."""
    asked = {name for text in (*expressions(), *(rule["expr"] for rule in rules())) for name in NAME.findall(text)}
    names = {metric.name for metrics in metrics_page.TABLES.values() for metric in metrics}
    unseen = {name for name in names if not any(found.startswith(name) for found in asked)}
    assert unseen == {
        "ratchet_source_read_timestamp_seconds",
        "ratchet_source_read_seconds",
        "ratchet_champion_info",
        "ratchet_pinned_version",
    }


def test_the_dashboard_in_the_chart_is_the_one_that_the_code_makes() -> None:
    assert dashboard.FILE.read_text(encoding="utf-8") == dashboard.text(), (
        "run `python -m cluster.dashboard > charts/ratchet/files/dashboard.json`"
    )


def test_no_two_panels_stand_in_one_place() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard.dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_the_table_of_metrics_is_current() -> None:
    assert metrics_page.FILE.read_text(encoding="utf-8") == metrics_page.text(), (
        "run `python -m docs.generators.metrics > docs/metrics.md`"
    )


def test_names_follow_prometheus_convention() -> None:
    for name in (metric for metrics in metrics_page.TABLES.values() for metric in metrics):
        assert re.fullmatch(r"ratchet(_[a-z]+)+", name.name), name
        assert name.name.endswith("_total") == (name.kind is Kind.COUNTER), name
        assert (name.kind is Kind.HISTOGRAM) == bool(name.buckets), name
        # labels of the target, which the Prometheus operator sets: a metric's own of that name would come out as exported_...
        assert not {"namespace", "pod", "container", "service", "endpoint", "job", "instance"} & set(name.labels), name
