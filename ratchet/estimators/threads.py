"""How many threads scikit-learn may take."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import sklearn  # noqa: F401 - loads the OpenMP and BLAS libraries that the controller then finds
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # comes with scikit-learn, ships no types

MANY_ROWS = 100_000


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def threads_for(rows: int) -> AbstractContextManager[Any]:
    """One thread for few rows, as many as there are cores for many.

    OpenMP's threads wait for each other by spinning, once for every histogram and tree. On two cores that something else keeps
    busy, the default grid on 5,600 rows took 14-28 s with two threads and 2 s with one; on idle cores both take a second. One
    thread also makes a fit independent of the machine's number of cores.
    """
    return _controller().limit(limits=1) if rows < MANY_ROWS else nullcontext()
