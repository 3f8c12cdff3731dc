"""All servers beside each other: each load alternates between them, several times, and every answer was checked before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.harness import Spread, alternate, ratio, spread
from benchmarks.serving.servers import STARTS, Server
from benchmarks.serving.wrk import Load, load
from benchmarks.trained import Trained

OURS, LAB, EMPTY, MOUNT, ECHO = "ratchet pod", "lab", "bentoml empty", "bentoml empty mount", "fastapi echo"
_LIMITS = (EMPTY, MOUNT, ECHO)  # they predict nothing
_ASKED = 20  # entities whose answers are compared

Loads = dict[str, list[Load]]


def run(
    trained: Trained, names: Sequence[str], workers: int, connections: Sequence[int], folder: Path, *, seconds: float, repeats: int
) -> dict[str, Any]:
    """Start the named servers with so many workers each; by connections: what each did under load, and the ratios to ours."""
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        for name in names:
            servers[name] = stack.enter_context(STARTS[name](trained, workers, folder))
            print(f"  {name} is ready", flush=True)
        compare([servers[name] for name in names if name not in _LIMITS], trained.entities[:_ASKED])
        results = {}
        for count in connections:
            seen = _under_load(servers, trained, count, seconds, repeats)
            results[str(count)] = {"servers": {name: spreads(loads) for name, loads in seen.items()}, "ratios": _ratios(seen)}
            _tell(workers, count, seen)
        return results


def compare(servers: Sequence[Server], entities: Sequence[str]) -> None:
    """Raise AssertionError when two do not predict the same: then they would not have done the same work."""
    for entity in entities:
        said = {server.name: server.ask(entity, port)["prediction"] for server in servers for port in server.ports}
        assert len(set(said.values())) == 1, f"{entity}: {said}"


def _under_load(servers: Mapping[str, Server], trained: Trained, connections: int, seconds: float, repeats: int) -> Loads:
    seen: Loads = {name: [] for name in servers}

    def case(name: str) -> Callable[[], float]:
        def once() -> float:
            seen[name].append(load(servers[name], trained, connections, seconds))
            return seen[name][-1].rps

        return once

    alternate({name: case(name) for name in servers}, repeats=repeats)
    return {name: loads[-repeats:] for name, loads in seen.items()}  # without the warm-up


def spreads(loads: Sequence[Any]) -> dict[str, Spread]:
    """Each field of some measurements of a kind."""
    rows = [asdict(one) for one in loads]
    return {name: spread([row[name] for row in rows]) for name in rows[0]}


def _ratios(seen: Loads) -> dict[str, Spread]:
    """Requests per second: ours to each peer's, and each limit's to ours."""
    rps = {name: [one.rps for one in loads] for name, loads in seen.items()}
    return {
        (f"{name} to ours" if name in _LIMITS else f"ours to {name}"): ratio(
            *(rps[name], rps[OURS])[:: 1 if name in _LIMITS else -1]
        )
        for name in rps
        if name != OURS and all(rps[name])  # on a starved machine a slow server may not answer within the load at all
    }


def _tell(workers: int, connections: int, seen: Loads) -> None:
    for name, loads in seen.items():
        row = spreads(loads)
        print(
            f"  workers {workers} connections {connections:2d} {name:20s} rps {row['rps']}"
            f"  p50 {row['p50_ms']}  p99 {row['p99_ms']} ms  worst {row['worst_ms'].high:.3g}  errors {row['errors'].high:g}"
            f"  {row['memory_mib'].median:.0f} MiB  cpu {row['cpu_us'].median:.0f} us",
            flush=True,
        )
