"""Which orchestrator runs the pipeline: the one place where that is chosen."""

from __future__ import annotations

from enum import StrEnum

from pipelines.runners.kubeflow.settings import load_kubeflow_settings
from pipelines.runners.port import Runner
from ratchet.wiring import Wiring


class Orchestrator(StrEnum):
    """Where the tasks run."""

    LOCAL = "local"
    KFP = "kfp"


def present() -> Orchestrator:
    """Kubeflow where RATCHET_KFP_URL is set, else this machine."""
    return Orchestrator.KFP if load_kubeflow_settings().url else Orchestrator.LOCAL


def runner_of(orchestrator: Orchestrator, wiring: Wiring) -> Runner:
    """The runner, with the settings that the environment gives it. Raises UserError when these do not do."""
    if orchestrator is Orchestrator.KFP:
        from pipelines.runners.kubeflow.api import KubeflowApi
        from pipelines.runners.kubeflow.orchestrator import KubeflowRunner

        api = KubeflowApi(load_kubeflow_settings())
        return KubeflowRunner(api, wiring.project.model, wiring.journal, wiring.settings.rows_per_pod)
    from pipelines.runners.local.orchestrator import LocalRunner

    return LocalRunner(wiring.settings, wiring.journal)
