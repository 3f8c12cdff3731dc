"""The models on the cluster: each is a release of the chart ratchet with a ratchet.yaml of its own."""

from __future__ import annotations

from dataclasses import dataclass

from cluster.kind import NAMESPACE, Cluster
from ratchet.core.errors import UserError

CHART = "ratchet"  # and the release of it that `up` installs
_PIPELINES = "app.kubernetes.io/part-of=ratchet,app.kubernetes.io/name=pipeline"


@dataclass(frozen=True)
class Model:
    """One release, its namespace, and what the names of its objects begin with: its own, unless the values say else."""

    release: str = CHART
    namespace: str = NAMESPACE
    name: str = CHART

    @property
    def toolbox(self) -> str:
        """Its toolbox, as kubectl takes it."""
        return f"deploy/{self.name}-toolbox"

    @property
    def pipeline(self) -> str:
        """The CronJob that its runs are made from, as kubectl takes it."""
        return f"cronjob/{self.name}-pipeline"

    @property
    def score(self) -> str:
        """The CronJob that its scoring Jobs are made from, as kubectl takes it."""
        return f"cronjob/{self.name}-score"

    def on(self, cluster: Cluster) -> Cluster:
        """The cluster, in the model's namespace."""
        return cluster.within(self.namespace)

    def data(self, cluster: Cluster) -> str:
        """The place of its raw snapshots."""
        settings = self.on(cluster).read("configmap", f"{self.name}-pipeline")["data"]
        return str(settings["RATCHET_DATA"])


FIRST = Model()


def models(cluster: Cluster) -> list[Model]:
    """Every model of the cluster, in all namespaces, that of `up` first."""
    found = [
        Model(
            item["metadata"]["labels"]["app.kubernetes.io/instance"],
            item["metadata"]["namespace"],
            item["metadata"]["name"].removesuffix("-pipeline"),
        )
        for item in cluster.read("cronjobs", selector=_PIPELINES, everywhere=True)["items"]
    ]
    return sorted(found, key=lambda model: (model.namespace != NAMESPACE, model.release != CHART, model.namespace, model.release))


def chosen(cluster: Cluster, release: str = CHART, namespace: str = "") -> Model:
    """The model of that release. Raises UserError when there is none, or when several namespaces have one and none is named."""
    there = models(cluster)
    found = [model for model in there if model.release == release and namespace in {"", model.namespace}]
    if len(found) > 1:
        message = (
            f"there are releases {release} in the namespaces {', '.join(model.namespace for model in found)}: NAMESPACE names one"
        )
        raise UserError(message)
    if not found:
        where = f" in namespace {namespace}" if namespace else ""
        others = ", ".join(f"{model.release} in {model.namespace}" for model in there) or "none"
        message = f"there is no release {release} of the chart ratchet{where}; there is: {others}. `make model` installs another"
        raise UserError(message)
    return found[0]
