"""Where Kubeflow Pipelines is and what its pods need, from the environment (RATCHET_KFP_*); the ratchet chart sets all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from ratchet.settings import read_environment

_PREFIX = "RATCHET_KFP_"


def _address(value: str) -> str:
    if value and not value.startswith(("http://", "https://")):
        message = "an address is http://host:port or https://host:port"
        raise ValueError(message)
    return value


Address = Annotated[str, AfterValidator(_address)]


class KubeflowSettings(BaseSettings):
    """Each field is the variable RATCHET_KFP_<FIELD>."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, extra="ignore")

    url: Address = ""  # of the API server, http://ml-pipeline.<namespace>:8888
    ui_url: Address = ""  # that people open; runs are shown as links below it
    token: SecretStr = SecretStr("")  # bearer token of a Kubeflow that asks for one
    token_file: Path | None = None  # likewise, read anew for each request: a projected token of the pod's service account
    ca_file: Path | None = None  # certificates that the URL's is signed by
    namespace: str = ""  # of runs, on a Kubeflow with many users
    service_account: str = "pipeline-runner"  # of the pods; the ratchet chart lets it promote

    image: str = ""  # of the tasks, best by digest
    connections: str = "ratchet-connections"  # Secret with the addresses of registry, databases and S3
    settings: str = "ratchet-pipeline"  # ConfigMap with the other RATCHET_* of a step
    project: str = "ratchet-project"  # ConfigMap with ratchet.yaml

    cpu_request: str = "200m"
    memory_request: str = "1Gi"
    memory_limit: str = "4Gi"
    timeout: int = Field(default=3600, ge=60)  # seconds that a task may take
    deadline: int = Field(default=0, ge=0)  # seconds that a run may take; 0: those of eight tasks
    ttl: int = Field(default=86400, ge=0)  # seconds that a finished run's workflow and pods stay; 0: as the backend has it


def load_kubeflow_settings() -> KubeflowSettings:
    """Read the environment. Raises UserError naming the variable that does not fit."""
    return read_environment(KubeflowSettings, _PREFIX)
