"""A small model project in a home of its own, driven as people do: by the command line, in this process or in one of its own."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from ratchet.apps.cli import console
from ratchet.apps.cli.main import main
from ratchet.promotion.champion import PREVIOUS, PRODUCTION
from ratchet.wiring import Wiring
from tests.support.rollout_harness import free_port, until

PROJECT = """\
model: club_churn
entity: member
snapshots: {month_000: 2024-01-31, month_001: 2024-02-29, month_002: 2024-03-31, month_003: 2024-04-30}
tables: [people, usage, outcome]
label: {column: gone, table: outcome}
features:
  - {name: months, table: people, dtype: int, range: [0, 600]}
  - {name: plan, table: people, dtype: category, categories: [Basic, Plus, Pro]}
  - {name: hours, table: usage, dtype: float, range: [0, 744]}
  - {name: devices, table: usage, dtype: int, range: [0, 100]}
  - {name: promo, table: usage, dtype: bool, nullable: true, max_null_share: 0.5}
slices:
  - {name: senior, table: people, dtype: bool}
holdout: {salt: club, share: 0.25}
training: {folds: 2, logistic_regression: {C: [1.0]}, hist_gradient_boosting: null}
serving: {golden_rows: 5}
"""
MEMBERS = ("U0000001", "U0000002", "U0000003")
_SECONDS = 240.0  # for a command to end, on a machine that is busy with something else


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output, which must be one JSON document."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one sentence on standard error; a run adds the line that names its log."""
        lines = [line for line in self.err.splitlines() if not line.startswith("log: ")]
        assert len(lines) == 1, self.err
        assert lines[0].startswith("error: "), self.err
        assert lines[0].isprintable(), self.err
        assert len(lines[0]) < 500, self.err
        return lines[0].removeprefix("error: ")


@dataclass(frozen=True)
class State:
    """All that a failing command must leave as it was."""

    production: int | None
    previous: int | None
    pinned: int | None
    promotions: tuple[str, ...]
    snapshots: dict[str, str]
    answers: tuple[dict[str, Any], ...]


@dataclass
class Club:
    """A project file, a home and a port.

    Args:
        root: an empty folder for all of it.
        more: lines added to the project file.
        text: the project file; its first line names the model.
        file: its name.
    """

    root: Path
    more: str = ""
    port: int = field(default_factory=free_port)
    text: str = PROJECT
    file: str = "ratchet.yaml"

    def __post_init__(self) -> None:
        self.project.write_text(self.text + self.more, encoding="utf-8")

    @property
    def project(self) -> Path:
        return self.root / self.file

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def raw(self) -> Path:
        """Folder of the raw snapshots."""
        return self.root / "raw"

    @property
    def folder(self) -> Path:
        """Of the model's own state."""
        return self.home / "models" / self.text.split()[1]

    @property
    def environment(self) -> dict[str, str]:
        return {
            "RATCHET_PROJECT": str(self.project),
            "RATCHET_HOME": str(self.home),
            "RATCHET_PORT": str(self.port),
            "RATCHET_ACTOR": "tester",
            "RATCHET_DRAIN_SECONDS": "2",
        }

    @property
    def wiring(self) -> Wiring:
        """Adapters opened anew."""
        with self._variables({}):
            return Wiring.load()

    @contextlib.contextmanager
    def _variables(self, changes: Mapping[str, str]) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("RATCHET_")]:
                patch.delenv(name)
            for name, value in {**self.environment, "RATCHET_DEBUG": "", **changes}.items():
                patch.setenv(name, value)  # and back, also when a command's options have changed it for its children
            yield

    def ratchet(self, *arguments: str, **changes: str) -> Ran:
        """Run a command in this process, by the entry point that the installed program has; `changes` are variables."""
        out, err = io.StringIO(), io.StringIO()
        code: int | str | None = 0
        with (
            self._variables(changes),
            pytest.MonkeyPatch.context() as patch,
            warnings.catch_warnings(),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            patch.setattr(sys, "argv", ["ratchet", *arguments])
            if "COLUMNS" in changes:  # read when the module was imported, by whichever test came first
                patch.setattr(console.out, "width", int(changes["COLUMNS"]))
            try:
                main()
            except SystemExit as end:
                code = end.code
        assert isinstance(code, int), code
        return Ran(code, out.getvalue(), err.getvalue())

    def start(self, *arguments: str, **changes: str) -> subprocess.Popen[str]:
        """Start a command as a process."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RATCHET_")}
        return subprocess.Popen(
            [sys.executable, "-m", "ratchet", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**kept, **self.environment, **changes},
        )

    def process(self, *arguments: str, **changes: str) -> Ran:
        """Run a command as a process of its own."""
        with self.start(*arguments, **changes) as process:
            out, err = process.communicate(timeout=_SECONDS)
        return Ran(process.returncode, out, err)

    @contextlib.contextmanager
    def serving(self, **changes: str) -> Iterator[None]:
        """`ratchet serve` for the length of the block; `changes` are variables."""
        log = self.root / "serve.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "ratchet", "serve"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **self.environment, **changes},
            )
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()

    def wait_for_server(self) -> None:
        """Until something answers at the address."""
        until(self._answers, bool)

    def _answers(self) -> bool:
        try:
            httpx.get(f"http://127.0.0.1:{self.port}/livez", timeout=5, trust_env=False)
        except httpx.TransportError:
            return False
        return True

    def state(self) -> State:
        """What production is, what data there is, and what users get."""
        wiring = self.wiring
        wiring.ledger.verify()
        champion, before = wiring.registry.alias(PRODUCTION), wiring.registry.alias(PREVIOUS)
        return State(
            champion.number if champion else None,
            before.number if before else None,
            wiring.rollout.pinned().version,
            tuple(entry.hash for entry in wiring.journal.history().done),
            files(self.home / "snapshots"),
            tuple(self._answer_to(member) for member in MEMBERS),
        )

    def _answer_to(self, member: str) -> dict[str, Any]:
        answer = httpx.post(f"http://127.0.0.1:{self.port}/predict", json={"member": member}, timeout=30, trust_env=False)
        return {name: value for name, value in answer.json().items() if name != "prediction_id"}


def files(folder: Path) -> dict[str, str]:
    """Every file below the folder but locks, left-overs included, and the digest of its bytes."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}
