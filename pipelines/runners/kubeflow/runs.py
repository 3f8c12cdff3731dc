"""Runs on a Kubeflow Pipelines backend as we see them, and what is asked of its API server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

TERMINATED = "CANCELED"
ENDED = {"SUCCEEDED", "FAILED", TERMINATED, "SKIPPED"}


@dataclass(frozen=True, slots=True)
class Pod:
    """One try of a task. `phase` is Argo's word; `message` says why it failed where Argo knows, as `OOMKilled (exit code 137)`."""

    node: str  # its id in the workflow, by which the archive keeps its log
    name: str
    phase: str
    message: str = ""

    @property
    def ended(self) -> bool:
        """Whether it will not change any more."""
        return self.phase in {"Succeeded", "Failed", "Error", "Skipped", "Omitted"}


@dataclass(frozen=True, slots=True)
class Task:
    """A task of a run that has had a pod: its name in the DAG and its pods, the last try last."""

    name: str
    pods: tuple[Pod, ...]

    @property
    def phase(self) -> str:
        """Of the last try."""
        return self.pods[-1].phase


@dataclass(frozen=True, slots=True)
class KubeflowRun:
    """A run as the API server reports it. `state` is empty until the backend has looked at it.

    `run` alone has `tasks`, our pods, and `drivers`, in which Kubeflow prepares each of them (`root-driver`, `train-driver`).
    """

    id: str
    name: str
    state: str
    created_at: datetime
    finished_at: datetime | None
    parameters: dict[str, Any]
    tasks: tuple[Task, ...]
    error: str
    schedule: str = ""  # id of the recurring run that started it
    drivers: tuple[Task, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether it will not change any more."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an uploaded pipeline."""

    pipeline: str
    version: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """A recurring run. `cron` has KFP's six fields."""

    id: str
    cron: str
    enabled: bool
    parameters: dict[str, Any]


class Backend(Protocol):
    """What is asked of an API server. Every method raises Unavailable when it cannot be reached, and UserError when it refuses."""

    def upload(self, pipeline: str, version: str, package: Path, tags: Mapping[str, str]) -> tuple[Version, bool]:
        """The version of that name, uploaded with these tags if there is none; whether it was uploaded."""
        ...

    def experiment(self, name: str) -> str:
        """Id of the experiment of that name, made when there is none."""
        ...

    def start(self, experiment: str, name: str, version: Version, parameters: dict[str, Any]) -> str:
        """Create a run; its id."""
        ...

    def run(self, run_id: str) -> KubeflowRun:
        """One run. Raises UserError when there is none of that id."""
        ...

    def runs(self, experiment: str, count: int, name: str = "") -> list[KubeflowRun]:
        """The newest runs, newest first; of that name when one is given."""
        ...

    def log(self, run_id: str, pod: Pod) -> str:
        """What the task in that pod has printed so far; empty when that is not known (yet)."""
        ...

    def schedules(self, experiment: str, name: str) -> list[Schedule]:
        """The recurring runs of that name."""
        ...

    def add_schedule(self, experiment: str, name: str, cron: str, version: Version, parameters: dict[str, Any]) -> str:
        """A recurring run: one at a time, and none for times that were missed; its id."""
        ...

    def stop_schedule(self, schedule: str) -> None:
        """Let a recurring run start no further run."""
        ...

    def remove_schedule(self, schedule: str) -> None:
        """Forget a recurring run. A run of it that has not ended dies with it."""
        ...

    def link(self, run_id: str) -> str:
        """Where people see the run, empty when the UI's address is not known."""
        ...
