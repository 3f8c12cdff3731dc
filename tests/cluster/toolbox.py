"""A model on a cluster, as the cases see it: by kubectl, helm and its toolbox."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cluster.jobs import follow, start_job
from cluster.kind import Cluster
from cluster.models import FIRST, Model

LOAD = Path(__file__).parent / "load_program.py"
PRELOADED = Path(__file__).parent / "preloaded_program.py"
SERVICE = "http://ratchet-serving:3000"
_STOP = "/tmp/load-ends"  # noqa: S108 - in the toolbox's own folder


@dataclass
class Load:
    """What the load program counted; empty until its block has ended."""

    result: dict[str, Any] = field(default_factory=dict)


@dataclass
class Preloaded:
    """A process in the toolbox that has the product imported, one command at a time (tests/cluster/preloaded_program.py).

    The toolbox's pod may be replaced between two commands: then the next one opens a process in the new pod.
    """

    cluster: Cluster
    model: Model = FIRST
    _process: subprocess.Popen[str] | None = None
    _pod: str = ""

    def run(self, argv: Sequence[str], program: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `ratchet ARGV`, or the program with these arguments."""
        line = json.dumps({"argv": argv, "program": program, "env": environment})
        answer = self._ask(line)
        return subprocess.CompletedProcess(list(argv), answer["code"], answer["out"], answer["err"])

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _ask(self, line: str) -> dict[str, Any]:
        process = self._open()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line + "\n")
        process.stdin.flush()
        content: dict[str, Any] = json.loads(process.stdout.readline())
        return content

    def _open(self) -> subprocess.Popen[str]:
        pods = self.model.on(self.cluster).read("pods", selector=selector(self.model, "toolbox"))["items"]
        (pod,) = [item["metadata"]["name"] for item in pods if "deletionTimestamp" not in item["metadata"]]
        if self._process is not None and self._process.poll() is None and pod == self._pod:
            return self._process
        self.close()
        command = [*map(str, self.model.on(self.cluster).kubectl_command()), "exec", "-i", pod, "--", "python", "-u", "-c"]
        command.append(PRELOADED.read_text(encoding="utf-8"))
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._pod = pod
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        return self._process


@dataclass(frozen=True)
class Toolbox:
    """The command line of a model's toolbox, and of its cluster in its namespace."""

    cluster: Cluster
    preloaded: Preloaded = field(compare=False)
    model: Model = FIRST

    @classmethod
    def of(cls, cluster: Cluster, model: Model = FIRST) -> Toolbox:
        return cls(model.on(cluster), Preloaded(cluster, model), model)

    def ratchet(self, *arguments: str) -> str:
        return _succeeded(self.preloaded.run(arguments))

    def status(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.ratchet("status", "--json"))
        return content

    def python(self, program: str, *arguments: str) -> str:
        return _succeeded(self.preloaded.run(arguments, program))

    def attempt(self, program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """As `python`, for a program whose exit code is the matter."""
        return self.preloaded.run(arguments, program, **environment)

    def versions(self) -> tuple[int | None, int | None, set[int | None], bool]:
        """In production, pinned, answered by the pods, and whether all agree."""
        status = self.status()
        production = status["production"]
        pods = {pod["version"] for pod in status["pods"]}
        return production["version"] if production else None, status["pinned"], pods, status["agree"]

    def run(self, snapshot: str, *more: str) -> int:
        return follow(self.cluster, self.start(snapshot, *more), self.model)

    def start(self, snapshot: str, *more: str) -> str:
        return start_job(self.cluster, ["run", "--data", self.model.data(self.cluster), "--snapshot", snapshot, *more], self.model)

    def serving_pods(self) -> list[dict[str, Any]]:
        pods = self.cluster.read("pods", selector=selector(self.model, "serving"))["items"]
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def rolled_out(self, what: str, seconds: int = 180) -> None:
        self.cluster.kubectl("rollout", "status", what, f"--timeout={seconds}s", timeout=seconds + 20)

    def entities(self) -> str:
        """Some that the online store knows, comma-separated: once known they stay."""
        return _entities(self)

    @contextmanager
    def load(self, seconds: float = 900) -> Iterator[Load]:
        """Constant load from inside the cluster for the length of the block: on a busy machine a run takes minutes."""
        entities, counted = self.entities(), Load()
        self.cluster.kubectl("exec", self.model.toolbox, "--", "rm", "-f", _STOP)
        command = [*self.cluster.kubectl_command(), "exec", "-i", self.model.toolbox, "--", "python", "-"]
        process = subprocess.Popen(
            [*command, f"http://{self.model.name}-serving:3000", "user_id", entities, str(seconds), _STOP],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            assert process.stdin is not None
            process.stdin.write(LOAD.read_bytes())
            process.stdin.close()
            process.stdin = None
            time.sleep(2)
            yield counted
            time.sleep(2)
            self.cluster.kubectl("exec", self.model.toolbox, "--", "touch", _STOP)
            output, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors.decode()
            counted.result.update(json.loads(output))
        finally:
            process.kill()
            process.wait()

    def helm(self, *arguments: str) -> str:
        return self.cluster.helm(*arguments)


def selector(model: Model, component: str) -> str:
    """The labels of a component's pods."""
    return f"app.kubernetes.io/name={component},app.kubernetes.io/instance={model.release}"


def _succeeded(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def _entities(toolbox: Toolbox) -> str:
    return toolbox.python(
        "from ratchet.wiring import Wiring\n"
        "w = Wiring.load()\n"
        "print(','.join(w.store.columns(w.store.snapshots()[-1], [w.project.entity])[w.project.entity][:40]))"
    ).strip()


def eventually(check: Callable[[], bool], seconds: float = 120.0) -> bool:
    """Whether it becomes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(1)
    return check()
