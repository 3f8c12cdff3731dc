"""What `helm template` makes of a chart, and the pods and objects in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from cluster.releases import own_tools
from cluster.shell import run


class Renderer(Protocol):
    """Who has a helm: a cluster's toolbox, or this machine."""

    def helm(self, *arguments: str) -> str: ...


@dataclass(frozen=True)
class Helm:
    """The helm of this machine, which needs no cluster to render."""

    program: Path

    def helm(self, *arguments: str) -> str:
        return run([self.program, *arguments], timeout=60.0)


def found_helm() -> Helm | None:
    """The helm that the cluster's tests use, else that on PATH."""
    folder = Path(named) if (named := os.environ.get("RATCHET_TEST_TOOLS")) else own_tools()
    program = str(folder / "helm") if folder else shutil.which("helm")
    return Helm(Path(program)) if program else None


def rendered(
    helm: Renderer,
    chart: str,
    *values: str,
    namespace: str = "ratchet",
    release: str = "",
    files: Sequence[Path] = (),
    cluster: Path | None = None,
) -> list[dict[str, Any]]:
    """The objects of a chart; with the kubeconfig of a cluster as an upgrade there finds what is stored."""
    sets = [argument for value in values for argument in ("--set", value)]
    project = ["--set-file", "project=ratchet.yaml"] if chart == "ratchet" and "project=" not in values else []
    command = ["template", release or chart, f"charts/{chart}", "--namespace", namespace, "--kube-version", "1.34.4"]
    texts = [argument for file in files for argument in ("--values", str(file))]
    where = ["--kubeconfig", str(cluster), "--dry-run=server"] if cluster else []
    text = helm.helm(*command, *where, *project, *texts, *sets)
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


def pods(documents: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for document in documents:
        if (template := pod_template(document)) is not None:
            yield f"{document['kind']} {document['metadata']['name']}", template["spec"]


def pod_template(document: dict[str, Any]) -> dict[str, Any] | None:
    """The pod of an object that makes pods, or is one: its metadata and spec."""
    spec = document.get("spec", {})
    if document["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    if document["kind"] in {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"}:
        template: dict[str, Any] = spec["template"]
        return template
    return document if "containers" in spec else None


def one(documents: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = [document for document in documents if document["kind"] == kind and document["metadata"]["name"] == name]
    return found
