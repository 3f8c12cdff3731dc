"""`make cluster-up`: from nothing to a cluster with the charts and example data on it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from time import monotonic

from cluster import host, packages
from cluster.jobs import put_example_data
from cluster.kind import NAMESPACE, Cluster, named
from cluster.releases import TOOLS, build, install, see_that_it_is_there
from cluster.shell import console, stage
from ratchet.core.errors import UserError


class Source(StrEnum):
    """Where images come from."""

    OFFICIAL = "official"
    PACKAGES = "packages"


def bring_up(source: Source, kubeflow: str, *, afresh: bool, project: Path | None = None) -> None:
    """Make the cluster, bring everything onto it and say what comes next; what is there stays.

    Args:
        source: where images come from.
        kubeflow: on, off, a file of values for the chart kubeflow-pipelines, or empty: on with official images.
        afresh: a cluster of the name that is there already is deleted first.
        project: a ratchet.yaml for the first model, in place of the one that is deployed or of this folder's.

    Raises UserError with what the machine lacks, or what failed.
    """
    wanted = _kubeflow(source, kubeflow)
    see_that_it_is_there(project)
    host.check(source, kubeflow=bool(wanted))
    start = monotonic()
    parts = packages.make() if source is Source.PACKAGES else None
    if parts:
        packages.link_tools(parts.programs, TOOLS)
    cluster = Cluster(named(), parts.programs if parts else None)
    ours = build(parts)
    there = cluster.exists()
    if there and afresh:
        with stage(f"cluster {cluster.name} of before deleted"):
            cluster.delete()
    with stage("cluster"):
        if there and not afresh:
            cluster.connect()
        else:
            cluster.create(parts.node if parts else None)
    cluster.kubectl("config", "set-context", cluster.context, "--namespace", NAMESPACE)
    with stage("images on the node"):
        cluster.load([ours, *(parts.platform if parts else ())])
    install(cluster, ours, parts, kubeflow=wanted, project=project)
    with stage("example data"):
        put_example_data(cluster)
    console.print(f"\nup in {monotonic() - start:.0f} s. Next:")
    if parts:
        console.print(f"  export PATH={TOOLS}:$PATH   # the cluster's own kind, kubectl and helm")
    if not wanted and source is Source.PACKAGES:
        console.print(
            "  # without Kubeflow Pipelines: it cannot be built from packages. KUBEFLOW=values.yaml names the images that you have"
        )
    how = "RUNNER=kfp " if cluster.has("service", "ml-pipeline") else ""
    console.print(f"  make run {how}SNAPSHOT=month_000      # trains and promotes the first model")
    console.print("  make cluster-status")


def _kubeflow(source: Source, wish: str) -> Path | bool:
    """Whether Kubeflow is wanted, or the file of its values. Raises UserError when there is no such file."""
    if wish in {"", "on", "off"}:
        if wish == "on" and source is Source.PACKAGES:
            message = (
                "Kubeflow Pipelines cannot be built from packages: in place of `on` give a file of values with your own images"
            )
            raise UserError(message)
        return wish == "on" or (not wish and source is Source.OFFICIAL)
    file = Path(wish)
    if not file.is_file():
        message = f"there is no file {wish}: KUBEFLOW is on, off, or a file of values for the chart kubeflow-pipelines"
        raise UserError(message)
    return file
