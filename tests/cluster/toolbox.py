"""A cluster with both charts, as the cases see it: by kubectl, helm and the toolbox."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cluster.jobs import TOOLBOX, follow, start_job
from cluster.kind import Cluster

LOAD = Path(__file__).parent / "load_program.py"
SERVICE = "http://ratchet-serving:3000"
_STOP = "/tmp/load-ends"  # noqa: S108 - in the toolbox's own folder


@dataclass
class Load:
    """What the load program counted; empty until its block has ended."""

    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Toolbox:
    """The cluster's command line."""

    cluster: Cluster

    def ratchet(self, *arguments: str) -> str:
        return self.cluster.kubectl("exec", TOOLBOX, "--", "ratchet", *arguments, timeout=600)

    def status(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.ratchet("status", "--json"))
        return content

    def python(self, program: str, *arguments: str) -> str:
        return self.cluster.kubectl("exec", "-i", TOOLBOX, "--", "python", "-", *arguments, stdin=program.encode(), timeout=600)

    def attempt(self, program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """As `python`, for a program whose exit code is the matter."""
        head = [*map(str, self.cluster.kubectl_command()), "exec", "-i", TOOLBOX, "--", "env"]
        variables = [f"{name}={value}" for name, value in environment.items()]
        command = [*head, *variables, "python", "-", *arguments]
        return subprocess.run(command, input=program, capture_output=True, text=True, check=False, timeout=600)

    def versions(self) -> tuple[int | None, int | None, set[int | None], bool]:
        """In production, pinned, answered by the pods, and whether all agree."""
        status = self.status()
        production = status["production"]
        pods = {pod["version"] for pod in status["pods"]}
        return production["version"] if production else None, status["pinned"], pods, status["agree"]

    def run(self, snapshot: str, *more: str) -> int:
        return follow(self.cluster, self.start(snapshot, *more))

    def start(self, snapshot: str, *more: str) -> str:
        return start_job(self.cluster, ["run", "--data", "s3://ratchet/raw", "--snapshot", snapshot, *more])

    def serving_pods(self) -> list[dict[str, Any]]:
        pods = self.cluster.read("pods", selector="app.kubernetes.io/name=serving")["items"]
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def rolled_out(self, what: str, seconds: int = 180) -> None:
        self.cluster.kubectl("rollout", "status", what, f"--timeout={seconds}s", timeout=seconds + 20)

    def entities(self) -> str:
        """Some that the online store knows, comma-separated: once known they stay."""
        return _entities(self)

    @contextmanager
    def load(self, seconds: float = 300) -> Iterator[Load]:
        """Constant load from inside the cluster for the length of the block."""
        entities, counted = self.entities(), Load()
        self.cluster.kubectl("exec", TOOLBOX, "--", "rm", "-f", _STOP)
        command = [*self.cluster.kubectl_command(), "exec", "-i", TOOLBOX, "--", "python", "-"]
        process = subprocess.Popen(
            [*command, SERVICE, "user_id", entities, str(seconds), _STOP],
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
            self.cluster.kubectl("exec", TOOLBOX, "--", "touch", _STOP)
            output, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors.decode()
            counted.result.update(json.loads(output))
        finally:
            process.kill()
            process.wait()

    def helm(self, *arguments: str) -> str:
        return self.cluster.helm(*arguments)


@cache
def _entities(toolbox: Toolbox) -> str:
    return toolbox.python(
        "from components.wiring import Wiring\n"
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
