"""`make cluster-…` and `make run`: the commands behind them. `python -m cluster --help` lists them."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cluster import host, images, packages, trial
from cluster.jobs import follow, in_toolbox, start_job, upload
from cluster.kind import NAMESPACE, Cluster, named
from cluster.models import CHART, chosen, models
from cluster.new_model import add
from cluster.releases import build, install, own_tools, present, see_that_it_is_there
from cluster.shell import console, stage
from cluster.up import Source, bring_up
from ratchet.core.errors import RatchetError, UserError

app = typer.Typer(help="The local cluster.", no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


class Runner(StrEnum):
    """Where a run's tasks run."""

    JOB = "job"
    KFP = "kfp"


Images = Annotated[Source, typer.Option(help="official: pulled; packages: built from Debian packages, Go modules and PyPI.")]
NewProject = Annotated[
    Path | None, typer.Option("--project", help="A ratchet.yaml for the first model; without it the deployed one stays.")
]


@app.command()
def up(
    source: Images = Source.OFFICIAL,
    kubeflow: Annotated[
        str, typer.Option(help="on, off, or a file of values for the chart kubeflow-pipelines; by default on with official images.")
    ] = "",
    project: NewProject = None,
) -> None:
    """Bring the cluster up with the charts and example data on it. Safe to repeat: what is there stays."""
    bring_up(source, kubeflow, afresh=False, project=project)


@app.command()
def load(project: NewProject = None) -> None:
    """Rebuild our image, give it to the node and upgrade platform and every model to it; what else was set stays."""
    see_that_it_is_there(project)
    cluster = present()
    parts = packages.make() if cluster.is_of_packages() else None
    ours = build(parts)
    with stage("images on the node"):
        cluster.load([ours])
    install(cluster, ours, parts, project=project)


@app.command()
def down() -> None:
    """Delete the cluster and all that is on it. Built images and the cache stay; the next `up` is quick."""
    cluster = Cluster(named(), own_tools())
    if not cluster.exists():
        console.print(f"there is no cluster {cluster.name}")
        return
    with stage(f"cluster {cluster.name} deleted"):
        cluster.delete()


@app.command("test")
def try_out(
    source: Images = Source.PACKAGES,
    arguments: Annotated[list[str] | None, typer.Argument(help="Further arguments of pytest, after --.")] = None,
) -> None:
    """Bring up a cluster of its own, test on it and take it away again, with every image that this made."""
    host.check(source)
    before = images.present()
    os.environ["RATCHET_CLUSTER"] = "ratchet-test"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KUBECONFIG"] = str(Path(folder) / "kubeconfig")
        try:
            bring_up(source, "", afresh=True)  # what a run that was killed has left is not what is to be tested
            cluster = present()
            trial.report_memory(cluster)
            code = trial.run_tests(cluster, arguments or [])
        finally:
            _take_away()
            if not os.environ.get("RATCHET_KEEP_IMAGES"):
                images.remove(images.present() - before)
    raise typer.Exit(code)


def _take_away() -> None:
    """As `down`, also before there is a kind to ask, when there can be no cluster."""
    if (own_tools() or shutil.which("kind")) and Cluster(named(), own_tools()).exists():
        down()


@app.command()
def status() -> None:
    """What runs, and what serves, of every model."""
    cluster = present()
    there = models(cluster)
    for namespace in dict.fromkeys([NAMESPACE, *(model.namespace for model in there)]):
        console.print(cluster.within(namespace).kubectl("get", "pods,pvc", "--output", "wide"), markup=False)
    failed: UserError | None = None
    for model in there:
        if len(there) > 1:
            console.print(f"== {model.release} in namespace {model.namespace}", markup=False)
        try:
            console.print(model.on(cluster).kubectl("exec", model.toolbox, "--", "ratchet", "status"), markup=False)
        except UserError as error:  # the others are shown too
            console.print(str(error), markup=False)
            failed = error
    if failed:
        raise typer.Exit(failed.exit_code)


@app.command("model")
def add_model(
    name: Annotated[str, typer.Argument(help="Name of the release, for `make run MODEL=...`.")],
    project: Annotated[Path, typer.Option(help="Its ratchet.yaml, whose `model:` no other release has.")],
    namespace: Annotated[str, typer.Option(help="Namespace; it is made where there is none.")] = NAMESPACE,
) -> None:
    """Install another model beside the first one, or upgrade it to a changed ratchet.yaml."""
    model = add(present(), name, project, namespace)
    console.print(f"\n{name} is there; no version of it is in production yet. Next:")
    console.print(f"  make run MODEL={name} SNAPSHOT=month_000 DATA=folder      # uploads the one and runs on it")
    console.print(f"  kubectl -n {model.namespace} exec {model.toolbox} -- ratchet status", markup=False)


@app.command()
def run(
    snapshot: Annotated[str, typer.Argument(help="Snapshot's name.")],
    data: Annotated[Path | None, typer.Option(help="Folder of raw snapshots: this one is uploaded first.")] = None,
    force: Annotated[bool, typer.Option(help="Train and compare although nothing asks for it.")] = False,  # noqa: FBT002
    replace: Annotated[bool, typer.Option(help="Accept other content under a date that is stored.")] = False,  # noqa: FBT002
    runner: Annotated[
        Runner, typer.Option(help="job: all of it in one pod; kfp: a pod a task, on the cluster's Kubeflow.")
    ] = Runner.JOB,
    model: Annotated[str, typer.Option(help="The model: its release of the ratchet chart.")] = CHART,
    namespace: Annotated[str, typer.Option(help="Its namespace, needed only where several have a release of that name.")] = "",
) -> None:
    """Run the pipeline on the cluster and follow it."""
    cluster = present()
    meant = chosen(cluster, model, namespace)
    if data is not None:
        with stage(f"{snapshot} uploaded"):
            upload(cluster, data, snapshot, meant, replace=replace)
    arguments = ["run", "--data", meant.data(cluster), "--snapshot", snapshot]
    arguments += [*(["--force"] if force else []), *(["--replace"] if replace else [])]
    if runner is Runner.KFP:
        raise typer.Exit(in_toolbox(cluster, [*arguments, "--runner", "kfp"], meant))
    raise typer.Exit(follow(cluster, start_job(cluster, arguments, meant), meant))


@app.command()
def score(
    snapshot: Annotated[str, typer.Argument(help="Stored snapshot's name, date or id, or latest.")],
    out: Annotated[str, typer.Option(help="s3://bucket/prefix/scores.parquet (or .csv), or postgresql+psycopg://…#table.")],
    version: Annotated[int | None, typer.Option(min=1, help="Version that scores; by default the one in production.")] = None,
    model: Annotated[str, typer.Option(help="The model: its release of the ratchet chart.")] = CHART,
    namespace: Annotated[str, typer.Option(help="Its namespace, needed only where several have a release of that name.")] = "",
) -> None:
    """Score a stored snapshot on the cluster and follow it."""
    if "://" not in out:
        message = "OUT would be a file in the pod, which goes with it: name s3://…/scores.parquet or postgresql+psycopg://…#table"
        raise UserError(message)
    cluster = present()
    meant = chosen(cluster, model, namespace)
    arguments = ["score", snapshot, "--out", out, *(["--version", str(version)] if version else [])]
    raise typer.Exit(follow(cluster, start_job(cluster, arguments, meant, meant.score, "score"), meant))


def main() -> None:
    """Entry point: errors are one line and an exit code."""
    try:
        app()
    except RatchetError as error:
        console.print(f"error: {error}", markup=False)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
