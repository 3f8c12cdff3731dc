"""What is brought onto the cluster: our image and the charts; and which cluster and tools are meant."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from cluster import images, packages
from cluster.kind import Cluster, named
from cluster.models import CHART, FIRST, models
from cluster.shell import stage
from ratchet.core.errors import UserError

PLATFORM = "platform"
KUBEFLOW = "kubeflow-pipelines"
PAGES = "http://127.0.0.1:8080"  # of Kubeflow, where README has them forwarded to
TOOLS = images.ROOT / ".cluster" / "bin"


def build(parts: packages.Parts | None) -> str:
    """Build our image, on the base of Debian packages when there is one; its tag."""
    image, tag = images.ours(parts.python if parts else None)
    with stage(f"our image {tag}"):
        images.build(image, tag, classic=parts is not None)
    return tag


def install(cluster: Cluster, ours: str, parts: packages.Parts | None, *, kubeflow: Path | bool = False) -> None:
    """Install or upgrade the charts to our image, the ratchet chart's for each model; promoted versions stay.

    `kubeflow`: whether Kubeflow Pipelines is wanted, or a file of values that says which images of it this site has. Where it is
    on the cluster already it stays.
    """
    repository, _, tag = ours.rpartition(":")
    image = {"image.repository": repository, "image.tag": tag}
    own = {}
    if parts:
        for name, picture in (("postgres", packages.POSTGRES), ("s3", packages.VERSITYGW)):
            own[f"{name}.image.repository"], _, own[f"{name}.image.tag"] = picture.rpartition(":")
    with stage("chart platform: Postgres, S3, MLflow"):
        cluster.install(PLATFORM, {**image, **own}, wait=True)
    if isinstance(kubeflow, Path):
        with stage("Kubeflow's images on the node, as far as docker has them"):
            cluster.load([name for name in named_images(values_of(kubeflow)) if images.exists(name)])
    if kubeflow:
        with stage("chart kubeflow-pipelines: API server, Argo, MySQL"):
            cluster.install(KUBEFLOW, image, over=kubeflow if isinstance(kubeflow, Path) else None, wait=True)
    there = {**image, "image.digest": ""}  # of an image that is built here nobody knows one
    if cluster.has("service", "ml-pipeline"):
        there["kubeflow.url"] = "http://ml-pipeline:8888"
    if cluster.has("service", "ml-pipeline-ui"):
        there["kubeflow.uiUrl"] = PAGES
    with stage("chart ratchet: serving, promoter, pipeline"):
        cluster.install(CHART, there, files={"project": images.ROOT / "ratchet.yaml"}, wait=False)
    for model in models(cluster):
        if (model.release, model.namespace) != (FIRST.release, FIRST.namespace):
            with stage(f"chart ratchet: {model.release} in {model.namespace}"):
                model.on(cluster).install(model.release, {**image, "image.digest": ""}, chart=CHART, wait=False)


def values_of(file: Path) -> Any:
    """A file of values. Raises UserError when it is no YAML."""
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        message = f"{file} cannot be read as a file of values: {str(error).splitlines()[0]}"
        raise UserError(message) from error


def named_images(values: Any) -> Iterator[str]:
    """The images that values name: every mapping with a repository and a tag."""
    if not isinstance(values, dict):
        return
    if values.get("repository") and values.get("tag"):
        yield f"{values['repository']}:{values['tag']}"
    for inner in values.values():
        yield from named_images(inner)


def own_tools() -> Path | None:
    """The folder of the tools that `up` built, None where it used those on PATH.

    In a checkout that has brought nothing up they are those of another's, from the cache, unless kind is on PATH.
    """
    if (TOOLS / "kubectl").exists():
        return TOOLS.resolve()
    return None if shutil.which("kind") else packages.built_tools()


def present() -> Cluster:
    """The cluster. Raises UserError when there is none."""
    cluster = Cluster(named(), own_tools())
    if not cluster.exists():
        message = f"there is no cluster {cluster.name}: `make cluster-up` makes it"
        raise UserError(message)
    return cluster
