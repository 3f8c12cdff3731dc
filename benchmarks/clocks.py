"""Two clocks: the wall's, which other work on the machine moves, and the processor's, which it hardly does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import process_time

from benchmarks.harness import alternate

Times = dict[str, list[float]]


def alternate_clocks(cases: Mapping[str, Callable[[], object]], *, repeats: int, warm_up: int = 1) -> tuple[Times, Times]:
    """`harness.alternate` by both clocks: seconds of the wall and of the processor (all threads), by case."""
    cpu: Times = {name: [] for name in cases}

    def timed(name: str, case: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            began = process_time()
            case()
            cpu[name].append(process_time() - began)

        return run

    wall = alternate({name: timed(name, case) for name, case in cases.items()}, repeats=repeats, warm_up=warm_up)
    return wall, {name: taken[warm_up:] for name, taken in cpu.items()}
