"""What `helm template` makes of a chart, and the pods and objects in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from tests.cluster.toolbox import Toolbox


def rendered(toolbox: Toolbox, chart: str, *values: str, namespace: str = "ratchet") -> list[dict[str, Any]]:
    sets = [argument for value in values for argument in ("--set", value)]
    project = ["--set-file", "project=ratchet.yaml"] if chart == "ratchet" and "project=" not in values else []
    text = toolbox.helm("template", chart, f"charts/{chart}", "--namespace", namespace, "--kube-version", "1.34.4", *project, *sets)
    return [document for document in yaml.safe_load_all(text) if document]


def pods(documents: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for document in documents:
        spec = document.get("spec", {})
        if document["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if document["kind"] in {"Deployment", "StatefulSet", "CronJob"}:
            spec = spec["template"]["spec"]
        if "containers" in spec:
            yield f"{document['kind']} {document['metadata']['name']}", spec


def one(documents: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = [document for document in documents if document["kind"] == kind and document["metadata"]["name"] == name]
    return found
