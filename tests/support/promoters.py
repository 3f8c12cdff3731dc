"""A home with model versions in real MLflow, promoters that can be killed, a gateway, and a client that asks all the time."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx
import yaml

from ratchet.clients.children import environment
from ratchet.core.decision import Verdict
from ratchet.core.events import Gated
from ratchet.estimators import bundle as bundles
from ratchet.estimators.frames import frame
from ratchet.project.file import load_project
from ratchet.promotion import by_hand
from ratchet.promotion.champion import PRODUCTION
from ratchet.promotion.production import Production
from ratchet.registry.port import NewVersion
from ratchet.rollout.local_deployment import LocalDeployment
from ratchet.rollout.state import State
from ratchet.wiring import Wiring
from tests.support import promoter_program
from tests.support.churn import FEATURES, churn, fitted
from tests.support.fake_wiring import PROJECT, ROWS, FolderRegistry, JsonFeatures, linear_bundle
from tests.support.fakes import provenance
from tests.support.rollout_harness import settings_for, settle, until
from tests.support.serving_program import PROGRAM

_SECONDS = 60.0  # for a child to end
_HEAVY = (
    "tests.support.preload",
    "ratchet.registry.mlflow_registry",
    "ratchet.rollout.processes",
    "ratchet.ledger.sql",
    "ratchet.locks.file",
)


@dataclass
class Promoter:
    """A process that promotes or reconciles, and what it says."""

    process: BaseProcess
    log: Path

    def join(self) -> int:
        """Wait for its end: the exit code, -9 when it has killed itself."""
        self.process.join(_SECONDS)
        assert self.process.exitcode is not None, f"still runs: {self.log.read_text(encoding='utf-8')}"
        return self.process.exitcode

    @property
    def lines(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").splitlines()

    @property
    def effects(self) -> list[str]:
        """Its effects in order."""
        return self._said("[EFFECT]")

    @property
    def error(self) -> dict[str, Any]:
        """What its `[ERROR]` line says; empty when there is none."""
        said = self._said("[ERROR]")
        return json.loads(said[-1]) if said else {}

    def _said(self, mark: str) -> list[str]:
        return [line.removeprefix(mark).strip() for line in self.lines if line.startswith(mark)]


@dataclass
class Client:
    """Asks /predict some thirty times a second and keeps what was no answer."""

    url: str
    answers: int = 0
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with httpx.Client(base_url=self.url, trust_env=False, timeout=30) as client:
            while not self._stop.wait(0.03):
                try:
                    response = client.post("/predict", json={"customer": "anna"})
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                    continue
                self.answers += 1
                if response.status_code != httpx.codes.OK:
                    self.failures.append(response.text)

    @contextmanager
    def asking(self) -> Iterator[Client]:
        """Ask for the length of the block."""
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()


class Promoters:
    """A home with registered versions, of which none is in production.

    Args:
        home: an empty folder.
        versions: how many to register.
    """

    def __init__(self, home: Path, versions: int) -> None:
        databases = {
            name: f"sqlite:///{home / file}.db"
            for name, file in (("tracking_uri", "mlflow"), ("ledger_url", "ledger"), ("requests_url", "requests"))
        }
        self.settings = settings_for(home, model=PROJECT.model, spare=False, **databases)  # every process is counted
        self.settings.project.write_text(yaml.safe_dump(PROJECT.model_dump(mode="json", exclude_unset=True)), encoding="utf-8")
        JsonFeatures(home / "features.json").put(ROWS)
        self.deployment = LocalDeployment(self.settings.serving)
        self._numbers = count(1)
        self._gateway: subprocess.Popen[bytes] | None = None
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["__main__", *_HEAVY])
        forkserver.ensure_running()  # imports MLflow while this process registers
        for number in range(1, versions + 1):
            self._register(number)

    def _register(self, number: int) -> None:
        """In MLflow, and where the light serving processes look for it."""
        bundle = linear_bundle(0.1 * number)
        example = frame(FEATURES, {name: values[:5] for name, values in churn(10, 1)[0].items()})
        with tempfile.TemporaryDirectory() as folder:
            bundles.write(Path(folder), bundle)
            new = NewVersion(Path(folder), fitted("stumps"), example, fitted("stumps").predict_proba(example), provenance(), {}, {})
            made = self.production.registry.register(new)
        assert made.number == number
        FolderRegistry(self.settings.home / "versions").put(number, bundle, made.digest)

    def start(self, what: Callable[..., None], *arguments: object) -> Promoter:
        """Start a child that does `what` of tests/support/promoter_program.py."""
        log = self.settings.home / f"promoter-{next(self._numbers)}.log"
        log.touch()
        process = self._context.Process(target=promoter_program.act, args=(environment(self.settings), log, what, arguments))
        process.start()
        return Promoter(process, log)

    def promoter(self, candidate: int, *, champion: int | None, die_before: str = "") -> Promoter:
        """Put a PASS of the gate on record, as on a snapshot of its own, and start its promoter."""
        number = next(self._numbers)
        gate = Gated(
            candidate=candidate,
            candidate_digest=self.production.registry.version(candidate).digest,
            champion=champion,
            verdict=Verdict.PASS,
            reasons=("delta 0.144 > 0.010",),
            decisive=("delta 0.144 > 0.010",),
            snapshot=f"2024-02-29@{number}",
            snapshot_hash=str(number),
            candidate_value=0.64,
            champion_value=0.5,
        )
        self.production.journal.append(gate)
        return self.start(promoter_program.promote, candidate, die_before)

    @cached_property
    def production(self) -> Production:
        """The test's own view through the real wiring."""
        return promoter_program.production_of(Wiring(self.settings, load_project(self.settings.project)))

    @property
    def champion(self) -> int:
        found = self.production.registry.alias(PRODUCTION)
        assert found is not None
        return found.number

    @property
    def states(self) -> list[str]:
        """Of all moves on record."""
        return [entry.event.state.value for entry in self.production.journal.history().moves]

    def serve(self) -> subprocess.Popen[bytes]:
        """`ratchet serve`, if it does not run already, until `stop`. Returns when the pinned version answers."""
        if self._gateway is None or self._gateway.poll() is not None:
            with (self.settings.home / "serve.log").open("ab") as log:
                gateway = subprocess.Popen(
                    [*PROGRAM, "gateway"], env=environment(self.settings), stdin=subprocess.DEVNULL, stderr=log
                )
            self._gateway = gateway
            until(self.deployment.observed, lambda observed: observed.pid == gateway.pid)
            assert settle(self.production.rollout).state is State.READY
        return self._gateway

    def stop(self) -> None:
        """End `serve`, and see that nothing of this home is left."""
        if self._gateway is not None:
            self._gateway.terminate()
            self._gateway.wait(_SECONDS)
            self._gateway = None
        until(self.processes, lambda left: not left)

    def assert_agree(self, version: int) -> None:
        """Alias, template and pods are at `version`, the ledger verifies and has no open end."""
        assert settle(self.production.rollout).state is State.READY
        seen = by_hand.status(self.production.registry, self.production.journal, self.production.rollout)
        assert seen.champion is not None
        assert (seen.champion.number, seen.pinned, [pod.version for pod in seen.pods]) == (version, version, [version])
        assert seen.interrupted is None
        answer = self.production.rollout.ask("ben")
        assert answer is not None
        assert answer.version == version
        self.production.journal.verify()

    def processes(self) -> set[int]:
        """The processes of this home, by what their environment says (a child of the fork server has none of it)."""
        mark = f"RATCHET_HOME={self.settings.home}".encode()
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.add(int(folder.name))
            except OSError:  # ended meanwhile, or somebody else's
                continue
        return found
