"""The Grafana dashboard: `python -m cluster.dashboard > charts/ratchet/files/dashboard.json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from cluster.images import ROOT
from cluster.panels import ROWS

FILE = ROOT / "charts" / "ratchet" / "files" / "dashboard.json"
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_COLUMNS, _WIDTH, _HEIGHT = 3, 8, 7  # Grafana's grid is 24 wide
_HERE = 'namespace=~"$namespace", release=~"$release"'


def _panels() -> Iterator[dict[str, Any]]:
    number, top = 0, 0
    for row, panels in ROWS.items():
        number += 1
        yield {"id": number, "title": row, "type": "row", "collapsed": False, "panels": [], "gridPos": _place(24, 1, 0, top)}
        top += 1
        for index, panel in enumerate(panels):
            number += 1
            down, across = divmod(index, _COLUMNS)
            yield {
                "id": number,
                "title": panel.title,
                "type": panel.kind,
                "datasource": _SOURCE,
                "gridPos": _place(_WIDTH, _HEIGHT, across * _WIDTH, top + down * _HEIGHT),
                "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
                "targets": [
                    {"refId": chr(ord("A") + place), "datasource": _SOURCE, "expr": _expression(query), "legendFormat": legend}
                    for place, (query, legend) in enumerate(panel.queries)
                ],
            }
        top += -(-len(panels) // _COLUMNS) * _HEIGHT


def _expression(query: str) -> str:
    return query.replace("{}", f"{{{_HERE}}}")


def _place(width: int, height: int, across: int, down: int) -> dict[str, int]:
    return {"h": height, "w": width, "x": across, "y": down}


def _variable(name: str, query: str) -> dict[str, Any]:
    """One that a person chooses by. `allValue` lets a Prometheus without that label show its series too."""
    return {
        "name": name,
        "type": "query",
        "datasource": _SOURCE,
        "query": query,
        "refresh": 2,
        "includeAll": True,
        "allValue": ".*",
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
    }


def dashboard() -> dict[str, Any]:
    """Grafana's JSON model. A release is a model: where there are several, their figures stand apart when one is chosen."""
    variables = [
        {"name": "datasource", "type": "datasource", "query": "prometheus"},
        _variable("namespace", "label_values(ratchet_model_ready, namespace)"),
        _variable("release", 'label_values(ratchet_model_ready{namespace=~"$namespace"}, release)'),
    ]
    return {
        "title": "Ratchet",
        "uid": "ratchet",
        "schemaVersion": 39,
        "version": 1,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "templating": {"list": variables},
        "panels": list(_panels()),
    }


def text() -> str:
    """The file's content."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
