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
from cluster.shell import console, stage
from ratchet.core.errors import UserError

PLATFORM = "platform"
KUBEFLOW = "kubeflow-pipelines"
PAGES = "http://127.0.0.1:8080"  # of Kubeflow, where README has them forwarded to
TOOLS = images.ROOT / ".cluster" / "bin"
PROJECT = images.ROOT / "ratchet.yaml"


def build(parts: packages.Parts | None) -> str:
    """Build our image, on the base of Debian packages when there is one; its tag."""
    image, tag = images.ours(parts.python if parts else None)
    with stage(f"our image {tag}"):
        images.build(image, tag, classic=parts is not None)
    return tag


def install(
    cluster: Cluster,
    ours: str,
    parts: packages.Parts | None,
    *,
    kubeflow: Path | bool = False,
    project: Path | None = None,
) -> None:
    """Install or upgrade the charts to our image, the ratchet chart's for each model; what else is deployed stays as it is.

    Args:
        cluster: where.
        ours: our image.
        parts: what was made of packages, where the platform's images are of them.
        kubeflow: whether Kubeflow Pipelines is wanted, or a file of values that says which images of it this site has. Where it is
            on the cluster already it stays.
        project: a ratchet.yaml that takes the place of the first model's. None leaves the one that is deployed; where none is,
            it is the one of this folder.
    """
    repository, _, tag = ours.rpartition(":")
    image = {
        "image.repository": repository,
        "image.tag": tag,
        "image.digest": "",
    }  # of an image that is built here nobody knows one
    with stage("chart platform: Postgres, S3, MLflow"):
        cluster.install(PLATFORM, {**image, **(_made(cluster.values(PLATFORM) or {}) if parts else {})}, wait=True)
    if isinstance(kubeflow, Path):
        with stage("Kubeflow's images on the node, as far as docker has them"):
            cluster.load([name for name in named_images(values_of(kubeflow)) if images.exists(name)])
    if kubeflow:
        with stage("chart kubeflow-pipelines: API server, Argo, MySQL"):
            over = kubeflow if isinstance(kubeflow, Path) else None
            cluster.install(KUBEFLOW, {**image, **_let_in(cluster, values_of(over) if over else None)}, over=over, wait=True)
    deployed = cluster.values(CHART)
    values = {**image, **_kubeflow(cluster, deployed or {})}
    if project is None and deployed is not None:
        _say_which_project_stays(str(deployed["project"]))
        files = {}
    else:
        files = {"project": project or PROJECT}
    with stage("chart ratchet: serving, promoter, pipeline"):
        cluster.install(CHART, values, files=files, wait=False)
    for model in models(cluster):
        if (model.release, model.namespace) != (FIRST.release, FIRST.namespace):
            with stage(f"chart ratchet: {model.release} in {model.namespace}"):
                model.on(cluster).install(model.release, image, chart=CHART, wait=False)


def see_that_it_is_there(project: Path | None) -> None:
    """Raise UserError when the project that is to be taken is no file: before anything else is done."""
    if project is not None and not project.is_file():
        message = f"there is no file {project}: PROJECT is the ratchet.yaml that takes the place of the one that is deployed"
        raise UserError(message)


def _made(deployed: dict[str, Any]) -> dict[str, str]:
    """The values that name the platform's images of packages; one that somebody has set to another image stays."""
    values: dict[str, str] = {}
    for name, picture in (("postgres", packages.POSTGRES), ("s3", packages.VERSITYGW)):
        repository, _, tag = picture.rpartition(":")
        if not deployed or deployed[name]["image"]["repository"] == repository:
            values |= {f"{name}.image.repository": repository, f"{name}.image.tag": tag, f"{name}.image.digest": ""}
    return values


def _let_in(cluster: Cluster, over: Any) -> dict[str, str]:
    """The namespaces that Kubeflow's policies let in: those that are set, by that file or before, and those of the models."""
    for values in (over, cluster.values(KUBEFLOW)):
        section = values.get("networkPolicy") if isinstance(values, dict) else None
        if isinstance(section, dict) and "namespaces" in section:
            said = [str(name) for name in section["namespaces"] or []]
            break
    else:
        said = []
    names = dict.fromkeys([*said, *(model.namespace for model in models(cluster) if model.namespace != cluster.namespace)])
    return {"networkPolicy.namespaces": "{" + ",".join(names) + "}"} if names else {}


def _kubeflow(cluster: Cluster, deployed: dict[str, Any]) -> dict[str, str]:
    """Where Kubeflow is, as far as nobody has said so yet."""
    said = deployed.get("kubeflow", {})
    values: dict[str, str] = {}
    if not said.get("url") and cluster.has("service", "ml-pipeline"):
        values["kubeflow.url"] = "http://ml-pipeline:8888"
    if not said.get("uiUrl") and cluster.has("service", "ml-pipeline-ui"):
        values["kubeflow.uiUrl"] = PAGES
    return values


def _say_which_project_stays(deployed: str) -> None:
    if deployed.strip() != PROJECT.read_text(encoding="utf-8").strip():
        console.print("  the ratchet.yaml that is deployed stays, the one of this folder differs: PROJECT=ratchet.yaml takes that")


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
