"""One serving process behind the gateway: started on a free loopback port, asked, drained, stopped."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from ratchet.core.headers import STATE
from ratchet.settings import MODEL_DIGEST, MODEL_VERSION
from serving.lanes import Lanes

COMMAND = (sys.executable, "-P", "-m", "serving.backend")
SCRATCH = "tmp"  # in the folder of serving: what a killed gateway's processes left is cleared by the next one
_LOOPBACK = "127.0.0.1"
_OF_MANY = "PROMETHEUS_MULTIPROC_DIR"  # says to Prometheus' client that several processes share their figures
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # a row is scored faster by one thread than by two


@dataclass(frozen=True, slots=True)
class Probe:
    """What /readyz said: `failed` means that it will not get ready by itself."""

    ready: bool
    failed: bool
    detail: str


class Backend:
    """A process that serves one version; `Backend.start` makes it."""

    def __init__(
        self, name: str, version: int, url: str, process: asyncio.subprocess.Process, log: Path, scratch: Path | None = None
    ) -> None:
        self.name, self.version, self.url, self._process, self._log = name, version, url, process, log
        self._clearing = asyncio.create_task(_cleared(process, scratch)) if scratch else None
        self.detail = f"version {version} is starting"
        self.stopping = False
        self.digest = ""  # that its files must have
        self._lanes = Lanes(url)
        # probes have connections of their own: all of the others may be waiting for answers, and that is no sign of death
        self._client = httpx.AsyncClient(base_url=url, transport=httpx.AsyncHTTPTransport(trust_env=False))
        self._answered = False  # since lives() was last asked
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @classmethod
    async def start(
        cls, name: str, version: int, env: Mapping[str, str], folder: Path, command: Sequence[str] = COMMAND, grace: float = 10.0
    ) -> Backend:
        """Start the process.

        It inherits a socket that listens already, so no port can be lost between choosing and binding it; and a pipe of which this
        process holds the other end, so it ends when this process does, however that comes about.

        Args:
            name: the pod's name in reports.
            version: the version to serve.
            env: the environment, with RATCHET_MODEL_DIGEST; RATCHET_MODEL_VERSION and BentoML's settings are added.
                PROMETHEUS_MULTIPROC_DIR, where somebody has set it, is left out: the process's /metrics would show the figures of
                versions that have gone.
            folder: `<home>/serving`, for the log and BentoML's files.
            command: the program; `--fd` and `--grace` are appended.
            grace: seconds that the process gives to requests in flight when it is asked to stop.
        """
        log = folder / "logs" / f"{version}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        (folder / SCRATCH).mkdir(exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=folder / SCRATCH))
        own = {
            "TMPDIR": str(scratch),
            MODEL_VERSION: str(version),
            "BENTOML_HOME": str(folder / "bentoml"),
            "BENTOML_DO_NOT_TRACK": "True",
            **dict.fromkeys(_ONE_THREAD, "1"),
        }
        with socket.create_server((_LOOPBACK, 0), backlog=512) as listener, log.open("ab") as output:
            port = listener.getsockname()[1]
            process = await asyncio.create_subprocess_exec(
                *command,
                "--fd",
                str(listener.fileno()),
                "--grace",
                str(grace),
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                env={**{name: value for name, value in env.items() if name != _OF_MANY}, **own},
                pass_fds=[listener.fileno()],
                start_new_session=True,  # Ctrl-C is the gateway's to handle
            )
        made = cls(name, version, f"http://{_LOOPBACK}:{port}", process, log, scratch)
        made.digest = env.get(MODEL_DIGEST, "")
        return made

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return None if self.exited else self._process.pid

    @property
    def exited(self) -> bool:
        """Whether the process has ended."""
        return self._process.returncode is not None

    @property
    def in_flight(self) -> int:
        """Requests that were sent and not yet answered."""
        return self._in_flight

    def last_words(self) -> str:
        """How the process ended: its exit code or signal, and the last line of its log."""
        code = self._process.returncode or 0
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        try:
            with self._log.open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
                lines = file.read().decode("utf-8", "replace").strip().splitlines()
        except OSError:  # somebody has cleared the logs away: no reason to stop serving
            lines = []
        return f"version {self.version}'s process {how}" + (f": {lines[-1].strip()[:300]}" if lines and code > 0 else "")

    async def probe(self, seconds: float = 0.5) -> Probe:
        """Ask /readyz."""
        try:
            response = await self._client.get("/readyz", timeout=seconds)
        except httpx.HTTPError:
            return Probe(ready=False, failed=False, detail=f"version {self.version} is starting")
        detail = response.text.strip() or f"version {self.version} serves"
        return Probe(response.status_code == httpx.codes.OK, response.headers.get(STATE) == "failed", detail)

    async def lives(self, seconds: float = 2.0) -> bool:
        """Whether it has answered anything since this was last asked, else what /livez says."""
        answered, self._answered = self._answered, False
        if answered:
            return True
        try:
            return (await self._client.get("/livez", timeout=seconds)).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    async def send(
        self, method: str, target: bytes, headers: Sequence[tuple[bytes, bytes]], body: bytes
    ) -> tuple[httpx.Response, bytes]:
        """Pass a request on and read the answer whole, as it came.

        Raises httpx.TransportError when there is none, Unavailable when it was not even sent, because too many wait.
        """
        self._in_flight += 1
        self._idle.clear()
        try:
            answer = await self._lanes.send(method, target, headers, body)
            self._answered = True
            return answer
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    async def drain(self, seconds: float) -> None:
        """Wait until nothing is in flight, for at most `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            self.detail = f"{self._in_flight} requests were still in flight after {seconds:g} s"

    async def ends(self, seconds: float) -> bool:
        """Whether the process has ended, or does within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            return False
        return True

    async def stop(self, seconds: float) -> None:
        """Ask the process to end, and end it after `seconds`."""
        self.stopping = True
        if not self.exited:
            self._process.terminate()
            try:
                async with asyncio.timeout(seconds):
                    await self._process.wait()
            except TimeoutError:
                self.kill()
                await self._process.wait()
        if self._clearing:
            await self._clearing
        await self._client.aclose()
        await self._lanes.close()

    def kill(self) -> None:
        """End the process at once."""
        if not self.exited:
            self._process.kill()


async def _cleared(process: asyncio.subprocess.Process, scratch: Path) -> None:
    """Take a process's temporary files away when it has ended, by a signal too, which leaves it no time for that."""
    await process.wait()
    await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
