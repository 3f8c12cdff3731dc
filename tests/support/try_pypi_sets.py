"""From a folder of somebody's data to a served prediction without a hand-edited line, for each set of pypi_sets.

`python -m tests.support.try_pypi_sets [NAME ...]` prints a table of how each ends.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from tests.support.club import Club, Ran
from tests.support.pypi_sets import SETS, Set
from tests.support.rollout_harness import until


@dataclass(frozen=True)
class Outcome:
    """How a set ended: `said` is the last sentence of the command that it ended with, `answer` what the server gave."""

    name: str
    rows: int
    init: str
    said: str
    answer: str
    seconds: float

    @property
    def served(self) -> bool:
        """Whether a model answered."""
        return bool(self.answer)


def through(wanted: Set, root: Path) -> Outcome:
    """Lay the set out, guess, run each month, and ask for a prediction of one of its entities."""
    start = time.monotonic()
    months = wanted.laid_out(root / "raw")
    rows = len(wanted.frame())
    club = Club(root, text="model: none\n")
    began = club.ratchet("init", str(club.raw), "--yes", "--replace", "--output", str(club.project), *wanted.options)
    if began.code:
        return Outcome(wanted.name, rows, began.out, began.err.strip(), "", time.monotonic() - start)
    promoted = False
    with club.serving():
        club.wait_for_server()
        for month in months:
            ran = club.ratchet("run", "--data", str(club.raw), "--snapshot", month)
            promoted = promoted or "[DECISION] promoted" in ran.out
        answer = _asked(club) if promoted else ""
    return Outcome(wanted.name, rows, began.out, _sentence(ran), answer, time.monotonic() - start)


def _sentence(ran: Ran) -> str:
    """What the run says of its decision, or the error that it ended with."""
    lines = [line.strip() for line in (ran.out + ran.err).splitlines()]
    told = [line for line in lines if line.startswith(("[GATE]", "[DECISION]", "[WAY]", "NO_ACTION", "error: "))]
    return " / ".join(told[-4:] or lines[-3:])


def _asked(club: Club) -> str:
    wiring = club.wiring
    entity = wiring.project.entity
    key = str(wiring.store.columns(wiring.store.snapshots()[-1], [entity])[entity][0])

    def ask() -> httpx.Response:
        return httpx.post(f"http://127.0.0.1:{club.port}/predict", json={entity: key}, timeout=60, trust_env=False)

    answer = until(ask, lambda answer: answer.status_code != httpx.codes.SERVICE_UNAVAILABLE)
    return answer.text if answer.status_code == httpx.codes.OK else ""


def main(names: Sequence[str]) -> None:
    """Print the table."""
    table = Table("set", "package", "rows", "months", "ended with", "seconds")
    for wanted in SETS:
        if names and wanted.name not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = through(wanted, Path(folder))
            except (ImportError, OSError) as error:
                table.add_row(wanted.name, wanted.package, "", "", f"skipped: {error}", "")
                continue
        ended = f"model: {found.answer}" if found.served else found.said
        table.add_row(wanted.name, wanted.package, str(found.rows), str(wanted.months), ended, f"{found.seconds:.0f}")
    Console(width=180).print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
