"""A Kubeflow API server in memory, as pipelines/runners/kubeflow/runner.py sees it: each look shows the run's next state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.runners.kubeflow.runs import KubeflowRun, Pod, Schedule, Task, Version
from ratchet.core.errors import Unavailable


@dataclass
class FakeKubeflow:
    """`story` is what each look at a run shows: its state and the phases of its tasks' tries (`Error Running`: the second runs);
    `logs` what a try has printed, by task and number of the try (`train 1`).
    """

    story: Sequence[tuple[str, dict[str, str]]] = ()
    logs: dict[str, str] = field(default_factory=dict)
    away: set[int] = field(default_factory=set)  # looks at which the server does not answer
    packages: dict[str, dict[str, str]] = field(default_factory=dict)
    started: list[KubeflowRun] = field(default_factory=list)
    recurring: list[tuple[str, Schedule]] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)  # of a try that does not start or has failed
    drivers: tuple[Task, ...] = ()  # Kubeflow's own pods
    looks: int = 0

    def upload(self, pipeline: str, version: str, package: Path, tags: Mapping[str, str]) -> tuple[Version, bool]:
        versions = self.packages.setdefault(pipeline, {})
        new = version not in versions
        versions.setdefault(version, package.read_text(encoding="utf-8"))
        return Version(pipeline, version), new

    def experiment(self, name: str) -> str:
        return f"id of {name}"

    def start(self, experiment: str, name: str, version: Version, parameters: dict[str, Any]) -> str:
        made = KubeflowRun(f"run-{len(self.started) + 1}", name, "", datetime.now(UTC), None, parameters, (), "")
        self.started.append(made)
        return made.id

    def run(self, run_id: str) -> KubeflowRun:
        (run,) = [run for run in self.started if run.id == run_id]
        self.looks += 1
        if self.looks in self.away:
            raise Unavailable("Kubeflow cannot be reached")
        state, tasks = self.story[min(self.looks, len(self.story)) - 1]
        tasks_seen = tuple(self._task(name, phases) for name, phases in tasks.items())
        return replace(run, state=state, tasks=tasks_seen, drivers=self.drivers)

    def runs(self, experiment: str, count: int, name: str = "") -> list[KubeflowRun]:
        return [run for run in reversed(self.started) if name in {"", run.name}][:count]

    def log(self, run_id: str, pod: Pod) -> str:
        return self.logs.get(pod.node, "")

    def schedules(self, experiment: str, name: str) -> list[Schedule]:
        return [item for known, item in self.recurring if known == name]

    def add_schedule(self, experiment: str, name: str, cron: str, version: Version, parameters: dict[str, Any]) -> str:
        made = Schedule(f"schedule-{len(self.recurring) + 1}", cron, enabled=True, parameters=parameters)
        self.recurring.append((name, made))
        return made.id

    def stop_schedule(self, schedule: str) -> None:
        self.recurring = [(name, replace(item, enabled=item.enabled and item.id != schedule)) for name, item in self.recurring]

    def remove_schedule(self, schedule: str) -> None:
        self.recurring = [(name, item) for name, item in self.recurring if item.id != schedule]

    def link(self, run_id: str) -> str:
        return f"https://kubeflow/#/runs/details/{run_id}"

    def _task(self, name: str, phases: str) -> Task:
        tries = [(f"{name} {number}", phase) for number, phase in enumerate(phases.split())]
        return Task(name, tuple(Pod(node, f"pod {node}".replace(" ", "-"), phase, self.why.get(node, "")) for node, phase in tries))
