"""A home with two versions, a gateway that may be killed, a client that asks all the time, and the moments of trouble."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from ratchet.rollout.local_deployment import LocalDeployment
from tests.support.club import MEMBERS, Club, Ran
from tests.support.rollout_harness import until

MINUTES = "RATCHET_CHAOS_MINUTES"  # how long the whole campaign may take; unset: each trouble SHORT times
SHORT = 2
TROUBLES = 6  # that share the minutes
ROWS = "2000"
SEED = 20240131
_SECONDS = 120.0
Counts = Callable[[str], None]


def rounds(rng: random.Random, longest: float) -> Iterator[float]:
    """When to strike, in seconds after the start of what is struck: SHORT times, or again and again for a share of the minutes."""
    minutes = float(os.environ.get(MINUTES) or 0)
    end = time.monotonic() + minutes * 60 / TROUBLES
    done = 0
    while done < SHORT or time.monotonic() < end:
        yield rng.uniform(0.2, longest)
        done += 1


@dataclass
class Client:
    """Asks for one member after the other and counts what came, by status or by how the connection broke."""

    url: str
    outcomes: Counter[str] = field(default_factory=Counter)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with httpx.Client(base_url=self.url, trust_env=False, timeout=60) as client:
            while not self._stop.wait(0.03):
                member = MEMBERS[self.outcomes.total() % len(MEMBERS)]
                try:
                    answer = client.post("/predict", json={"member": member})
                except httpx.HTTPError as error:
                    self.outcomes[type(error).__name__] += 1
                else:
                    self.outcomes[str(answer.status_code)] += 1

    @contextmanager
    def asking(self) -> Iterator[Client]:
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()


class Site:
    """Version 1 was in production, version 2 is; month_003 lies beside, with nothing decided on it."""

    def __init__(self, root: Path) -> None:
        self.club = Club(root)
        self.random = random.Random(SEED)
        self._gateway: subprocess.Popen[bytes] | None = None
        for month, more in (("month_000", ()), ("month_001", ("--concept", "1")), ("month_002", ("--concept", "1"))):
            self._good("data", "generate", str(self.club.raw), "--snapshot", month, "--users", ROWS, *more)
        self.serve()
        for month in ("month_000", "month_001"):
            self._good("run", "--data", str(self.club.raw), "--snapshot", month)
        assert self.champion == 2

    @property
    def champion(self) -> int:
        found = self.club.wiring.registry.alias("production")
        assert found is not None
        return found.number

    @property
    def deployment(self) -> LocalDeployment:
        return LocalDeployment(self.club.wiring.settings.serving)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.club.port}"

    def _good(self, *arguments: str) -> Ran:
        ran = self.club.process(*arguments)
        assert ran.code == 0, ran.err
        return ran

    def serve(self) -> None:
        """`ratchet serve`, if it does not run; a champion answers when this returns."""
        if self._gateway is None or self._gateway.poll() is not None:
            log = self.club.root / "serve.log"
            with log.open("ab") as output:
                command = [sys.executable, "-m", "ratchet", "serve"]
                environment = {**os.environ, **self.club.environment}
                self._gateway = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
        self.club.wait_for_server()
        if self.club.wiring.registry.alias("production") is not None:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Until the address answers for a member."""
        until(self._answers, bool, _SECONDS)

    def _answers(self) -> bool:
        try:
            answer = httpx.post(f"{self.url}/predict", json={"member": MEMBERS[0]}, timeout=30, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK

    def kill_gateway(self) -> None:
        assert self._gateway is not None
        self._gateway.kill()
        self._gateway.wait()

    def stop(self) -> None:
        if self._gateway is not None and self._gateway.poll() is None:
            self._gateway.terminate()
            self._gateway.wait(_SECONDS)

    def kill_pods(self) -> int:
        """Kill the serving processes that there are; how many: one of the status' may have ended since it was written."""
        killed = 0
        for pod in self.deployment.observed().pods:
            with suppress(ProcessLookupError):
                if pod.pid:
                    os.kill(pod.pid, signal.SIGKILL)
                    killed += 1
        return killed

    def strike(self, after: float, what: signal.Signals, *command: str) -> bool:
        """Start a command and send it a signal after so many seconds; whether it still ran then."""
        with self.club.start(*command) as process:
            try:
                process.communicate(timeout=after)
            except subprocess.TimeoutExpired:
                process.send_signal(what)
                process.communicate(timeout=_SECONDS)
                return True
        return False

    def assert_whole(self) -> None:
        """After one reconcile everything agrees: alias, pods and ledger, whose chain verifies."""
        self._good("reconcile")
        self.wait_until_ready()
        status = self._good("status", "--json").document
        assert status["agree"] is True, status
        assert not status["interrupted"], status
        self._good("history")


@contextmanager
def asked(site: Site) -> Iterator[Client]:
    """A client that asks for the length of the block, and has had answers."""
    with Client(site.url).asking() as client:
        yield client
        enough = client.outcomes["200"] + 5
        until(lambda: client.outcomes["200"], lambda answers: answers > enough)
