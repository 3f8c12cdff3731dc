"""Servers as processes: started on ports of their own, waited for, their memory and CPU time read, ended."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.trained import REPOSITORY, Trained
from ratchet.rollout.local_deployment import LocalDeployment

_PATIENCE = 180.0  # seconds that a server may take to start
_PEERS = "benchmarks.serving.peers"


@dataclass(frozen=True, slots=True)
class Server:
    """Something that answers POST /predict: the processes that it is, and the ports that clients use."""

    name: str
    ports: tuple[int, ...]
    processes: tuple[psutil.Process, ...] = field(repr=False)

    def _tree(self) -> list[psutil.Process]:
        return [one for process in self.processes for one in (process, *process.children(recursive=True))]

    def memory_mib(self) -> float:
        """Of all its processes; what they share is counted once (PSS)."""
        return float(sum(process.memory_full_info().pss for process in self._tree())) / 2**20

    def cpu_seconds(self) -> float:
        """That its processes have spent so far."""
        return float(sum(times.user + times.system for times in (process.cpu_times() for process in self._tree())))

    def ask(self, entity: str, port: int | None = None) -> dict[str, Any]:
        """One answer. Raises RuntimeError with what came instead."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.ports[0], timeout=30)
        connection.request("POST", "/predict", json.dumps({"user_id": entity}), {"content-type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status != http.client.OK:
            message = f"{self.name} answered {answer.status}: {content[:300]!r}"
            raise RuntimeError(message)
        return dict(json.loads(content))


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def process(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[psutil.Process]:
    """Run `python ARGUMENTS`; at the end it and its children are asked to stop, and killed when they do not."""
    with log.open("ab") as output:
        popen = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(environment),
            cwd=REPOSITORY,
            start_new_session=True,
        )
    try:
        yield psutil.Process(popen.pid)
    finally:
        if popen.poll() is None:
            os.killpg(popen.pid, signal.SIGTERM)
        try:
            popen.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(popen.pid, signal.SIGKILL)
            popen.wait()


def wait_ready(running: psutil.Process, port: int, path: str, log: Path, pause: float = 0.05) -> None:
    """Until the path answers 200. Raises RuntimeError with the log's end when the process has ended or takes too long."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and running.is_running() and running.status() != psutil.STATUS_ZOMBIE:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(pause)
    message = f"no answer from port {port}{path}: {log.read_text(errors='replace')[-2000:]}"
    raise RuntimeError(message)


@contextmanager
def lab(trained: Trained, workers: int, folder: Path) -> Iterator[Server]:
    """FastAPI + mlflow.pyfunc + Feast."""
    yield from _uvicorn("lab", trained, workers, folder, f"{_PEERS}.lab:app")


@contextmanager
def echo(trained: Trained, workers: int, folder: Path) -> Iterator[Server]:
    """A bare FastAPI."""
    yield from _uvicorn("fastapi echo", trained, workers, folder, f"{_PEERS}.echo:app")


def _uvicorn(name: str, trained: Trained, workers: int, folder: Path, app: str) -> Iterator[Server]:
    port, log = free_port(), folder / f"{name.replace(' ', '-')}-{workers}.log"
    with process(_uvicorn_command(app, port, workers), trained.environment, log) as running:
        wait_ready(running, port, "/ready", log)
        yield Server(name, (port,), (running,))


def _uvicorn_command(app: str, port: int, workers: int) -> list[str]:
    return ["-m", "uvicorn", app, "--port", str(port), "--workers", str(workers), "--no-access-log", "--log-level", "warning"]


@contextmanager
def mlflow_serve(trained: Trained, workers: int, folder: Path) -> Iterator[Server]:
    """`mlflow models serve` behind the same look-up."""
    scorer, front, log = free_port(), free_port(), folder / f"mlflow-{workers}.log"
    serve = ["-m", "mlflow", "models", "serve", "--model-uri", trained.model_uri, "--port", str(scorer)]
    serve += ["--workers", str(workers), "--env-manager", "local"]
    environment = {**trained.environment, "MLFLOW_TRACKING_URI": trained.environment["RATCHET_TRACKING_URI"]}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"  # it starts `uvicorn` by name
    with process(serve, environment, log) as scoring:
        wait_ready(scoring, scorer, "/ping", log)
        asking = {**trained.environment, "BENCH_SCORER": f"http://127.0.0.1:{scorer}"}
        with process(_uvicorn_command(f"{_PEERS}.behind:app", front, workers), asking, log) as running:
            wait_ready(running, front, "/ready", log)
            yield Server("mlflow models serve", (front,), (running, scoring))


@contextmanager
def bento_pandas(trained: Trained, workers: int, folder: Path) -> Iterator[Server]:
    """BentoML with pandas."""
    yield from _bento("bentoml pandas", trained, workers, folder, f"{_PEERS}.bento_pandas:BentoPandas")


@contextmanager
def bento_empty(trained: Trained, workers: int, folder: Path) -> Iterator[Server]:
    """BentoML with nothing."""
    yield from _bento("bentoml empty", trained, workers, folder, f"{_PEERS}.bento_empty:BentoEmpty")


@contextmanager
def bento_mount(trained: Trained, workers: int, folder: Path) -> Iterator[Server]:
    """BentoML with nothing, as a mounted app."""
    yield from _bento("bentoml empty mount", trained, workers, folder, f"{_PEERS}.bento_mount:BentoMount")


def _bento(name: str, trained: Trained, workers: int, folder: Path, service: str) -> Iterator[Server]:
    port, log = free_port(), folder / f"{name.replace(' ', '-')}-{workers}.log"
    environment = {**trained.environment, "BENCH_WORKERS": str(workers)}
    with process(["-m", "bentoml", "serve", service, "--host", "127.0.0.1", "--port", str(port)], environment, log) as running:
        wait_ready(running, port, "/readyz", log)
        yield Server(name, (port,), (running,))


@contextmanager
def pods(trained: Trained, workers: int, folder: Path) -> Iterator[Server]:
    """What a cluster runs: `python -m serving.pod`, a process a pod, as many as there are workers."""
    with ExitStack() as stack:
        started = [stack.enter_context(_pod(trained, folder / f"ratchet-{number}.log")) for number in range(workers)]
        yield Server("ratchet pod", tuple(port for port, _ in started), tuple(running for _, running in started))


@contextmanager
def _pod(trained: Trained, log: Path) -> Iterator[tuple[int, psutil.Process]]:
    port = free_port()
    environment = {**trained.environment, "RATCHET_DRAIN_SECONDS": "0.1"}
    with process(["-m", "serving.pod", "--port", str(port)], environment, log) as running:
        wait_ready(running, port, "/readyz", log)
        yield port, running


@contextmanager
def gateway(trained: Trained, workers: int, folder: Path) -> Iterator[Server]:
    """What one machine runs: the gateway, and behind it one process, however many workers the others have."""
    del workers
    port, log = free_port(), folder / "gateway.log"
    environment = {**trained.environment, "RATCHET_PORT": str(port), "RATCHET_DRAIN_SECONDS": "0.1"}
    deployment = LocalDeployment(
        Path(trained.environment["RATCHET_HOME"]) / "models" / trained.environment["RATCHET_MODEL"] / "serving"
    )
    deployment.change(trained.version, deployment.desired().generation)
    with process(["-m", "serving.gateway"], environment, log) as running:
        wait_ready(running, port, "/readyz", log)
        yield Server("ratchet gateway", (port,), (running,))


Start = Callable[[Trained, int, Path], Any]
"""Gives a context manager of a Server: the trained project, workers, a folder for logs."""
STARTS: dict[str, Start] = {
    "lab": lab,
    "mlflow models serve": mlflow_serve,
    "bentoml pandas": bento_pandas,
    "ratchet pod": pods,
    "ratchet gateway": gateway,
    "bentoml empty": bento_empty,
    "bentoml empty mount": bento_mount,
    "fastapi echo": echo,
}
