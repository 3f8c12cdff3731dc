"""Run the pipeline on Kubeflow: compiled, uploaded when it changed, started, followed by its tasks' states and logs."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from pipelines.runners.events import Event, Run, failure, plain, step_line
from pipelines.runners.kubeflow.runs import TERMINATED, Backend, KubeflowRun, Pod, Schedule, Version
from pipelines.runners.kubeflow.settings import load_kubeflow_settings
from ratchet.core.errors import Unavailable, UserError
from ratchet.core.events import Ingested
from ratchet.core.history import History

TASKS = ("ingest", "profile-rows", "drift-check", "train", "evaluate", "promote", "record-run")
_LOOK_SECONDS = 2.0
_PATIENCE = 120.0  # seconds that the API server may be away while a run is followed
_PAUSE_SECONDS = 5.0  # between tries meanwhile
_TAIL = 20  # lines of a failed task's log that are shown
_FATAL = re.compile(r"F\d{4} \d\d:")  # klog's, as Kubeflow's drivers and launchers write before they end
_HASH = 12
_LONGEST_TAG = 63  # characters that Kubeflow takes
_FAILED = {"Failed", "Error"}
_COMING = ("", "PodInitializing", "ContainerCreating")  # nothing to say of
_LOOKED_AT = 100  # the newest runs, among which one that goes on is looked for


@dataclass(frozen=True, slots=True)
class Prepared:
    """The place of a model's runs: experiment, and the uploaded version of the pipeline as it is in this installation."""

    experiment: str
    version: Version
    uploaded: bool


def has_many_rows(history: History, per_pod: int) -> bool:
    """Whether the snapshot that came in last is more than one pod shall count."""
    taken = history.of(Ingested)
    return bool(taken) and taken[-1].event.rows > per_pod


def compile_to(path: Path, image: str, *, wide: bool = False) -> None:
    """Write the pipeline as KFP's YAML, its tasks in that image; `wide`: several pods count a large snapshot.

    Raises UserError without an image or when the file cannot be written.
    """
    if not image:
        message = "the tasks' image is not known: give --image, or RATCHET_KFP_IMAGE (the chart's toolbox has it)"
        raise UserError(message)
    from kfp import compiler  # noqa: PLC0415 - takes 2 s, other commands do without

    from pipelines.continuous_training import make_pipeline  # noqa: PLC0415 - as above
    from pipelines.task_pods import in_pod, of_run  # noqa: PLC0415 - as above

    settings = load_kubeflow_settings()
    pipeline = make_pipeline(partial(in_pod, settings=settings), wide=wide, config=of_run(settings))
    for executor in pipeline.pipeline_spec.deployment_spec["executors"].values():
        executor["container"]["image"] = image
    try:
        compiler.Compiler().compile(pipeline, str(path))
    except (OSError, ValueError) as error:
        message = f"{path} cannot be written: {getattr(error, 'strerror', None) or error}"
        raise UserError(message) from error


def experiment_of(model: str) -> str:
    """Name of the experiment that a model's runs are in."""
    return f"ratchet/{model}"


def pipeline_of(model: str) -> str:
    """Name of a model's pipeline: what KFP takes, which is less than a model may be called."""
    return f"ratchet-{re.sub(r'[^a-z0-9]+', '-', model.lower()).strip('-')}"


def tags_of(model: str) -> dict[str, str]:
    """What people find a model's pipelines by on Kubeflow's pages; a backend before 2.16 passes over it."""
    return {"ratchet-model": model[:_LONGEST_TAG], "ratchet-release": metadata.version("ratchet-ct")}


def prepare(api: Backend, model: str, *, wide: bool = False) -> Prepared:
    """Compile and upload the pipeline; a version is named after its content, so that the same one is uploaded once."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "pipeline.yaml"
        compile_to(package, load_kubeflow_settings().image, wide=wide)
        name = hashlib.sha256(package.read_bytes()).hexdigest()[:_HASH]
        version, uploaded = api.upload(pipeline_of(model), name, package, tags_of(model))
    return Prepared(api.experiment(experiment_of(model)), version, uploaded)


def retire(api: Backend, experiment: str, schedules: Sequence[Schedule]) -> list[str]:
    """End schedules; ids of their runs that go on. A schedule with such a run is stopped only, and forgotten the next time.

    Called after a new one is there: an interruption leaves one too many, which decides nothing twice.
    """
    for schedule in schedules:
        api.stop_schedule(schedule.id)
    going_on = {run.schedule: run.id for run in api.runs(experiment, _LOOKED_AT) if not run.ended}
    for schedule in schedules:
        if schedule.id not in going_on:
            api.remove_schedule(schedule.id)
    return [going_on[schedule.id] for schedule in schedules if schedule.id in going_on]


@dataclass(slots=True)
class Follower:
    """Reports what is new about a run since the last look."""

    api: Backend
    run_id: str
    on_event: Callable[[Event], None]
    lines: list[str] = field(default_factory=list)
    _read: dict[str, int] = field(default_factory=dict)  # lines of each pod's log
    _ended: set[str] = field(default_factory=set)
    _waits: dict[str, str] = field(default_factory=dict)

    def look(self) -> KubeflowRun:
        """Read the run once, and report."""
        run = self.api.run(self.run_id)
        for driver in run.drivers:
            if driver.phase == "Pending":
                self._wait_for(driver.name, driver.pods[-1])
        for task in (task for task in run.tasks if task.name in TASKS):
            for pod in (pod for pod in task.pods if pod.node not in self._ended):
                if pod.node not in self._read:
                    self._read[pod.node] = 0
                    self.on_event(Event("started", task.name))
                if pod.phase == "Pending":
                    self._wait_for(task.name, pod)
                else:
                    self._report(pod)
                if pod.ended or run.ended:
                    self._ended.add(pod.node)
                    self.on_event(Event("ended", task.name))
        return run

    def _wait_for(self, task: str, pod: Pod) -> None:
        """Say why a pod does not start, when Argo knows: an image or a Secret that is not there, a node without room."""
        if pod.message not in {*_COMING, self._waits.get(pod.node)}:
            self._waits[pod.node] = pod.message
            self.on_event(Event("waiting", f"{task} waits: {pod.message}"))

    def _report(self, pod: Pod) -> None:
        text = self.api.log(self.run_id, pod).splitlines()
        for line in text[self._read[pod.node] :]:
            ours = step_line(plain(line))
            if ours is not None:
                self.lines.append(ours)
                self.on_event(Event("line", ours))
        self._read[pod.node] = max(len(text), self._read[pod.node])


def follow(api: Backend, run_id: str, on_event: Callable[[Event], None]) -> Run:
    """Watch a run to its end. An API server that is away for a while is waited for. Raises Unavailable when it stays away."""
    follower = Follower(api, run_id, on_event)
    patient = Retrying(
        retry=retry_if_exception_type(Unavailable), stop=stop_after_delay(_PATIENCE), wait=wait_fixed(_PAUSE_SECONDS), reraise=True
    )
    until_ended = Retrying(retry=retry_if_result(lambda run: not run.ended), wait=wait_fixed(_LOOK_SECONDS))
    ended: KubeflowRun = until_ended(patient, follower.look)
    run = Run(run_id, api.link(run_id) or f"ratchet logs {run_id}", follower.lines)
    if ended.state == TERMINATED:
        run.error = failure((), f"run {run_id} ended as {TERMINATED}: {ended.error or 'somebody terminated it'}")
    elif ended.state != "SUCCEEDED":
        run.error = failure(follower.lines, _last_lines(api, ended))
    return run


def _last_lines(api: Backend, run: KubeflowRun) -> str:
    """What is known of a failure that no step has reported: Argo's reason, and the task's log from its fatal line, else its end."""
    for task in (task for task in (*run.tasks, *run.drivers) if task.phase in _FAILED):
        text = next(filter(None, (api.log(run.id, pod) for pod in reversed(task.pods))), "")
        why = f" ({task.pods[-1].message})" if task.pods[-1].message else ""
        lines = [plain(line) for line in text.splitlines()]
        fatal = next((place for place, line in enumerate(lines) if _FATAL.match(line)), -_TAIL)
        tail = lines[fatal:][:_TAIL] or [f"no log is left of it: see the pod {task.pods[-1].name}"]
        return "\n".join([f"task {task.name} failed{why}:", *tail])
    return f"run {run.id} ended as {run.state} and no task of it had begun to fail: {run.error or 'Kubeflow names no reason'}"


def log_of(api: Backend, run_id: str, write: Callable[[str], None]) -> int:
    """Write the whole log of each task of a run, as they began, and of Kubeflow's drivers that failed; how many pods had one."""
    count = 0
    run = api.run(run_id)
    for task in (*run.tasks, *(driver for driver in run.drivers if driver.phase in _FAILED)):
        for pod in task.pods:
            if text := api.log(run_id, pod):
                write(f"==> {task.name} ({pod.phase.lower()}, pod {pod.name}) <==\n{text}")
                count += 1
    return count
