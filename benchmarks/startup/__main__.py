"""`python -m benchmarks.startup [--quick]`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness import alternate, ratio, spread, write
from benchmarks.serving.servers import free_port, process, wait_ready
from benchmarks.startup import figure
from benchmarks.startup.measure import Start, import_seconds, start
from benchmarks.trained import Trained, prepare, train

_POD = ["-m", "serving.pod", "--port", "{port}"]
_UVICORN = ["-m", "uvicorn", "--port", "{port}", "--log-level", "warning"]
_PEERS = "benchmarks.serving.peers"
OURS = "ratchet pod"


@contextmanager
def mlflow_server(root: Path, trained: Trained) -> Iterator[Trained]:
    """The same data trained anew into a tracking server, as the charts run it, for the length of the block."""
    port, log = free_port(), root / "mlflow-server.log"
    command = ["-m", "mlflow", "server", "--port", str(port), "--workers", "1", "--serve-artifacts"]
    command += ["--backend-store-uri", f"sqlite:///{root / 'server.db'}", "--artifacts-destination", str(root / "server-artifacts")]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"  # it starts `uvicorn` by name
    environment = {**trained.environment, "PATH": path, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with process(command, environment, log) as running:
        wait_ready(running, port, "/health", log)
        yield train(root, {**trained.environment, "RATCHET_TRACKING_URI": f"http://127.0.0.1:{port}"})


def compare(root: Path, trained: Trained, served: Trained | None, *, repeats: int, warm_up: int = 1) -> dict[str, Any]:
    """Each case from its start to its first 200, `repeats` times in turn."""
    here = trained.environment
    cases: dict[str, tuple[list[str], Mapping[str, str], str]] = {OURS: (_POD, here, "/readyz")}
    if served is not None:
        cases[f"{OURS}, MLflow server"] = (_POD, served.environment, "/readyz")
        cases["bentoml pandas"] = (
            ["-m", "bentoml", "serve", f"{_PEERS}.bento_pandas:BentoPandas", "--host", "127.0.0.1", "--port", "{port}"],
            here,
            "/readyz",
        )
    cases["lab"] = ([*_UVICORN, f"{_PEERS}.lab:app"], here, "/ready")
    seen: dict[str, list[Start]] = {name: [] for name in cases}

    def case(name: str) -> Callable[[], float]:
        def once() -> float:
            command, environment, path = cases[name]
            seen[name].append(start(command, environment, path, root))
            return seen[name][-1].ready

        return once

    alternate({name: case(name) for name in cases}, repeats=repeats, warm_up=warm_up)
    results: dict[str, Any] = {}
    for name, starts in seen.items():
        taken = starts[-repeats:]  # without the warm-up, which reads the files into memory
        results[name] = {"ready_s": spread([one.ready for one in taken]), "cpu_s": spread([one.cpu for one in taken])}
        print(f"  {name:28s} ready after {results[name]['ready_s']} s, cpu {results[name]['cpu_s']} s", flush=True)
    ours = [one.ready for one in seen[OURS][-repeats:]]
    ratios = {f"{name} to ours": ratio([one.ready for one in seen[name][-repeats:]], ours) for name in seen if name != OURS}
    return {"starts": results, "ratios": ratios}


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description="from a process's start to ready")
    parser.add_argument("--quick", action="store_true", help="a short look, its results not for the record")
    quick = parser.parse_args().quick
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers end too, which are in sessions of their own
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="ratchet-bench-") as name:
        root = Path(name)
        trained = prepare(root, users=1500)
        if quick:
            results = compare(root, trained, None, repeats=1, warm_up=0)
        else:
            with mlflow_server(root, trained) as served:
                results = compare(root, trained, served, repeats=5)
        results["imports_s"] = import_seconds(trained.environment)
    print(f"  imports: {results['imports_s']}")
    path = write("startup", {"load_before": before, "load_after": os.getloadavg()[0], **results}, quick=quick)
    if not quick:
        figure.main()
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
