"""Brings what serves to what should: the new version beside the old, the switch, the end of the old; restarts after a death."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from time import monotonic, time

from ratchet.clients.children import serving_environment
from ratchet.core.errors import Unavailable
from ratchet.rollout.local_deployment import Desired, LocalDeployment, Observed, Pod
from ratchet.settings import MODEL_DIGEST, Settings
from serving.backends import COMMAND, Backend
from serving.spare import Spare

_TICK = 0.1  # seconds between looks at desired state and processes
_LIVENESS = 5.0  # seconds between looks whether the active process still answers
_DEAD_AFTER = 3  # such looks in vain
_STEADY = 60.0  # seconds after which a death no longer counts with the one before
_LONGEST_BACKOFF = 30.0
_LONGEST_RESTART = 2.0  # of a version that has served: whoever keeps ending its process, there is none without it
_END_SECONDS = 0.5  # for a process whose connections have broken to have ended
_STOP_SECONDS = 8.0  # beyond the drain; above the 3 s that the request log takes for its flush

_logger = logging.getLogger(__name__)


@dataclass
class _Attempt:
    """A version on its way to serve. `failures` in a row decide how long the next start waits."""

    version: int
    digest: str = ""
    failures: int = 0
    start_at: float = 0.0
    deadline: float = 0.0
    backend: Backend | None = None


@dataclass
class _Active:
    """The process that answers."""

    backend: Backend
    failures: int
    since: float = field(default_factory=monotonic)
    looked_at: float = field(default_factory=monotonic)
    missed: int = 0


class Supervisor:
    """Owns the serving processes of one gateway.

    Args:
        deployment: desired and observed state.
        settings: time limits and what the processes are given.
        command: the program that serves (a test may have its own).
        spare: whether to keep a second process of what serves, ready to take its place at once.
    """

    def __init__(
        self, deployment: LocalDeployment, settings: Settings, command: Sequence[str] = COMMAND, *, spare: bool = False
    ) -> None:
        self._spare = Spare(self._launch) if spare else None
        self._deployment = deployment
        self._settings = settings
        self._command = command
        self._desired = Desired()
        self._stuck = ""
        self._active: _Active | None = None
        self._attempt: _Attempt | None = None
        self._proven: tuple[int, str] | None = None  # the last version that served, with its files' digest
        self._leaving: dict[Backend, asyncio.Task[None]] = {}
        self._numbers = count(1)
        self._reported: Observed | None = None
        self._ending = False

    @property
    def active(self) -> Backend | None:
        """Where requests go."""
        return self._active.backend if self._active else None

    @property
    def sentence(self) -> str:
        """Why nothing serves, or what is under way, as clients may hear it: what a process said at its end is in report and log."""
        if self._stuck:
            return f"version {self._desired.version} does not get ready: `ratchet status` and the gateway's log say why"
        if self._desired.version is None:
            return "no model in production yet: ratchet run"
        if self._attempt:
            return self._attempt.backend.detail if self._attempt.backend else f"version {self._attempt.version} is being restarted"
        return f"version {self._desired.version} serves"

    @property
    def spare_ready(self) -> bool:
        """Whether what serves could be replaced this moment."""
        return (
            self._spare is not None
            and self._active is not None
            and self._spare.ready_for(self._active.backend.version, self._active.backend.digest)
        )

    async def replace(self, broken: Backend) -> None:
        """Put the spare process in the place of one that broke off, if it has ended: a client need not wait for the next look."""
        if self.active is broken and self.spare_ready and await broken.ends(_END_SECONDS) and self.active is broken:  # still
            self._mourn()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        while not stop.is_set():
            await self._step()
            try:
                async with asyncio.timeout(_TICK):
                    await stop.wait()
            except TimeoutError:
                continue
        self._ending = True
        self._report()

    async def close(self) -> None:
        """End all processes; requests in flight have ended before."""
        for task in self._leaving.values():
            task.cancel()
        attempted = [self._attempt.backend] if self._attempt and self._attempt.backend else []
        spare = self._spare.given_up() if self._spare else None
        backends = [*self._leaving, *([self._active.backend] if self._active else []), *attempted, *([spare] if spare else [])]
        self._active = self._attempt = None
        await asyncio.gather(*(backend.stop(_STOP_SECONDS) for backend in backends))

    async def _step(self) -> None:
        try:
            desired = self._deployment.desired()
        except Unavailable as error:  # somebody's editor; what serves goes on
            _logger.warning("%s", error)
            desired = self._desired
        if desired != self._desired:
            self._retarget(desired)
        await self._tend_active()
        await self._tend_attempt()
        if self._spare is not None and self._attempt is None:  # while a version is on its way the machine has enough to do
            serving = self._active.backend if self._active else None
            stale = await self._spare.tend((serving.version, serving.digest) if serving else None)
            if stale is not None:
                self._retire(stale)
        self._report()

    def _retarget(self, desired: Desired) -> None:
        _logger.info("generation %d: version %s", desired.generation, desired.version)
        self._desired, self._stuck = desired, ""
        if self._attempt and (self._attempt.version, self._attempt.digest) != (desired.version, desired.digest):
            if self._attempt.backend:
                self._retire(self._attempt.backend)
            self._attempt = None
        if desired.version is None:
            if self._active:
                self._retire(self._active.backend)
            self._active = None
        elif self._attempt:
            self._attempt.deadline = monotonic() + self._settings.ready_timeout
        elif self.active is None or (self.active.version, self.active.digest) != (desired.version, desired.digest):
            wanted = desired.version, desired.digest
            self._attempt = self._taken_back(*wanted) or _Attempt(*wanted)

    def _taken_back(self, version: int, digest: str) -> _Attempt | None:
        """A process of that version which is on its way out but not yet asked to stop can simply stay."""
        for backend, task in self._leaving.items():
            if (backend.version, backend.digest) == (version, digest) and not backend.stopping and not backend.exited:
                task.cancel()
                del self._leaving[backend]
                return _Attempt(version, digest, backend=backend, deadline=monotonic() + self._settings.ready_timeout)
        return None

    async def _tend_active(self) -> None:
        active = self._active
        if active is None:
            return
        now = monotonic()
        if not active.backend.exited and now - active.looked_at >= _LIVENESS:
            active.looked_at = now
            active.missed = 0 if await active.backend.lives() else active.missed + 1
            if active.missed >= _DEAD_AFTER:
                _logger.error("version %d's process does not answer: ending it", active.backend.version)
                active.backend.kill()
        if active is self._active and active.backend.exited:  # replace() may have put the spare process there meanwhile
            self._mourn()

    def _mourn(self) -> None:
        """What served has ended: the spare process takes its place, else one on its way, else one that is started."""
        active = self._active
        if active is None:
            return
        _logger.error("%s", active.backend.last_words())
        failures = active.failures + 1 if monotonic() - active.since < _STEADY else 1
        self._active = None
        self._retire(active.backend)
        version, digest = active.backend.version, active.backend.digest
        if self._spare is not None and self._spare.ready_for(version, digest) and (backend := self._spare.given_up()):
            self._active = _Active(backend, failures)
            self._spare.wait(self._backoff(version, failures))
            _logger.info("%s serves, which was kept ready", backend.name)
        elif self._attempt is None:
            self._attempt = self._again(version, digest, failures)
            spare = self._spare.given_up(version, digest) if self._spare is not None else None
            if spare is not None:
                self._attempt.backend, self._attempt.deadline = spare, monotonic() + self._settings.ready_timeout

    def _again(self, version: int, digest: str, failures: int) -> _Attempt:
        return _Attempt(version, digest, failures, start_at=monotonic() + self._backoff(version, failures))

    def _backoff(self, version: int, failures: int) -> float:
        served = self._proven is not None and self._proven[0] == version
        longest = _LONGEST_RESTART if served else _LONGEST_BACKOFF
        return min(longest, 0.25 * 2.0 ** min(failures, 20))

    async def _tend_attempt(self) -> None:
        attempt = self._attempt
        if attempt is None:
            return
        now = monotonic()
        if attempt.backend is None:
            if now >= attempt.start_at:
                await self._start(attempt)
            return
        backend = attempt.backend
        if backend.exited:
            self._give_up(attempt, backend.last_words())
            return
        probe = await backend.probe()
        backend.detail = probe.detail
        if probe.ready:
            self._switch(attempt, backend)
        elif probe.failed:
            self._give_up(attempt, probe.detail)
        elif now > attempt.deadline:
            limit = f"version {attempt.version} was not ready within {self._settings.ready_timeout:g} s"
            self._give_up(attempt, f"{limit}: {probe.detail}")

    async def _start(self, attempt: _Attempt) -> None:
        try:
            attempt.backend = await self._launch(attempt.version, attempt.digest)
        except OSError as error:  # no memory, no descriptors, a full disk: later perhaps
            self._give_up(attempt, f"version {attempt.version} cannot be started: {error}")
        attempt.deadline = monotonic() + self._settings.ready_timeout

    async def _launch(self, version: int, digest: str) -> Backend:
        """Start a process of the version. Raises OSError when there is no memory, no descriptor or no room for its log."""
        name = f"version-{version}-{next(self._numbers)}"
        folder, grace = self._deployment.folder, self._settings.drain_seconds
        _logger.info("starting %s", name)
        env = {**serving_environment(self._settings), MODEL_DIGEST: digest}
        return await Backend.start(name, version, env, folder, self._command, grace)

    def _switch(self, attempt: _Attempt, backend: Backend) -> None:
        """From here on every new request goes to the new process."""
        old, self._active, self._attempt = self._active, _Active(backend, attempt.failures), None
        self._proven = backend.version, backend.digest
        if backend.version == self._desired.version:
            self._stuck = ""
        _logger.info("%s serves", backend.name)
        if old:
            self._retire(old.backend)

    def _give_up(self, attempt: _Attempt, reason: str) -> None:
        _logger.error("version %d does not get ready: %s", attempt.version, reason)
        if attempt.backend:
            self._retire(attempt.backend)
        self._attempt = None
        if attempt.version == self._desired.version:
            self._stuck = reason
        if self._active is None:  # nothing answers: go on trying, first with what has served before
            fallback = self._proven or (attempt.version, attempt.digest)
            self._attempt = self._again(*fallback, attempt.failures + 1)

    def _retire(self, backend: Backend) -> None:
        async def leave() -> None:
            try:
                await backend.drain(self._settings.drain_seconds)
                await backend.stop(_STOP_SECONDS)
            finally:
                self._leaving.pop(backend, None)

        backend.detail = f"version {backend.version} is leaving"
        self._leaving[backend] = asyncio.create_task(leave())

    def _report(self) -> None:
        rising = self._attempt.backend if self._attempt else None
        pods = [self._pod(backend) for backend in (self.active, rising, *self._leaving) if backend]
        observed = Observed(
            observed_generation=self._desired.generation,
            pid=os.getpid(),
            url=self._settings.url,
            version=self.active.version if self.active else None,
            digest=self.active.digest if self.active else "",
            pods=tuple(pods),
            stuck=bool(self._stuck),
            ending=self._ending,
            detail=self._stuck or self.sentence,
        )
        if observed != self._reported:
            try:
                self._deployment.report(observed.model_copy(update={"updated_at": time()}))
                self._reported = observed
            except Unavailable as error:  # a full disk must not end what serves
                _logger.error("%s", error)  # noqa: TRY400 - its sentence says it all

    def _pod(self, backend: Backend) -> Pod:
        active = backend is self.active
        return Pod(
            name=backend.name,
            version=backend.version,
            ready=active,
            active=active,
            detail=backend.detail,
            pid=backend.pid,
            url=backend.url,
        )
