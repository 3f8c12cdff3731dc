"""`make model`: another model beside those that are there, as a release of the chart ratchet with its own ratchet.yaml."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from cluster.kind import NAMESPACE, Cluster
from cluster.models import CHART, FIRST, Model, chosen, models
from cluster.releases import KUBEFLOW, PAGES, PLATFORM, values_of
from cluster.shell import stage
from ratchet.core.errors import UserError

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,40}[a-z0-9])?")  # a CronJob's name has room for no more


def add(cluster: Cluster, release: str, project: Path, namespace: str = NAMESPACE) -> Model:
    """Install the release, or upgrade it to the project; it shares image, platform and Kubeflow with the first one.

    Its raw snapshots go to a place of their own. Raises UserError when the name or the model is another release's.
    """
    there = models(cluster)
    _check(cluster, there, release, project, namespace)
    first = _values(cluster, chosen(cluster, FIRST.release, FIRST.namespace).release)
    values = {f"image.{key}": str(first["image"].get(key, "")) for key in ("repository", "tag", "digest")}
    if release not in {model.release for model in there}:
        values["pipeline.data"] = f"s3://ratchet/{release}/raw"
    values |= _kubeflow(cluster, namespace, (cluster.within(namespace).values(release) or {}).get("kubeflow", {}))
    if namespace != NAMESPACE:
        with stage(f"namespace {namespace}, with the connections"):
            _connect(cluster, namespace)
    with stage(f"chart ratchet: {release} in {namespace}"):
        cluster.within(namespace).install(release, values, chart=CHART, files={"project": project}, wait=False)
    return chosen(cluster, release, namespace)


def _check(cluster: Cluster, there: list[Model], release: str, project: Path, namespace: str) -> None:
    """Raise UserError for what would get into another release's way."""
    if _NAME.fullmatch(release) is None or release in {PLATFORM, KUBEFLOW}:
        message = (
            f"{release} cannot be a model's release: small letters, digits and -, 42 at most, and not {PLATFORM} or {KUBEFLOW}"
        )
        raise UserError(message)
    if (release, namespace) == (FIRST.release, FIRST.namespace):
        message = f"{release} is the release of `make cluster-up`, with the ratchet.yaml of this folder: name another"
        raise UserError(message)
    others = [model for model in there if (model.release, model.namespace) != (release, namespace)]
    for model in others:
        if model.release == release:
            message = f"there is a release {release} in namespace {model.namespace}: name this one otherwise"
            raise UserError(message)
    name = _model_of(values_of(project), str(project))
    for model in others:
        text = model.on(cluster).read("configmap", f"{model.name}-project")["data"]["ratchet.yaml"]
        if _model_of(yaml.safe_load(text), model.release) == name:
            message = f"the model {name} is that of release {model.release}: `model:` in {project} has to name another"
            raise UserError(message)


def _model_of(project: Any, place: str) -> str:
    name = project.get("model") if isinstance(project, dict) else None
    if not isinstance(name, str):
        message = f"{place} is no ratchet.yaml: it names no model"
        raise UserError(message)
    return name


def _values(cluster: Cluster, release: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(cluster.helm("get", "values", release, "--all", "--output", "json"))
    return content


def _kubeflow(cluster: Cluster, namespace: str, said: dict[str, Any]) -> dict[str, str]:
    """Where Kubeflow is, seen from that namespace: the pods of its runs stay in its own. What was `said` of it before stays."""
    if said.get("url") or not cluster.has("service", "ml-pipeline"):
        return {}
    values = {"kubeflow.url": "http://ml-pipeline:8888"}
    if namespace != NAMESPACE:
        values = {"kubeflow.url": f"http://ml-pipeline.{NAMESPACE}.svc:8888", "kubeflow.namespace": NAMESPACE}
    if not said.get("uiUrl") and cluster.has("service", "ml-pipeline-ui"):
        values["kubeflow.uiUrl"] = PAGES
    return values


def _connect(cluster: Cluster, namespace: str) -> None:
    """See that the namespace is there, in it the Secret with the addresses, and that its pods reach platform and Kubeflow."""
    if not cluster.has("namespace", namespace):
        cluster.kubectl("create", "namespace", namespace)
    _name_it(cluster, PLATFORM, "connections", namespace)
    if cluster.has("networkpolicy", "ml-pipeline"):  # our chart's, which lets in those that it knows
        _name_it(cluster, KUBEFLOW, "networkPolicy", namespace)


def _name_it(cluster: Cluster, release: str, section: str, namespace: str) -> None:
    """Add the namespace to those that the release knows in that section of its values."""
    known = [str(name) for name in _values(cluster, release).get(section, {}).get("namespaces", [])]
    if namespace not in known:
        cluster.install(release, {f"{section}.namespaces": "{" + ",".join([*known, namespace]) + "}"}, wait=True)
