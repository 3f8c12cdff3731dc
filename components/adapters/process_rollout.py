"""The rollout on a single machine: processes behind one address, told by files what to serve (serving/gateway.py obeys them)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError
from tenacity import (
    RetryError,
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    stop_after_delay,
    wait_fixed,
)

from components.adapters.local_deployment import LocalDeployment, Observed, Pod
from components.core.errors import DataError, PromotionFailed, RatchetError, Unavailable, UserError
from components.core.rollout import Answer, Pin, PodReport, Progress, State
from components.core.schema import FeatureValue, ModelVersion
from components.settings import Settings, environment

GATEWAY = (sys.executable, "-m", "serving.gateway")
CHECK = (sys.executable, "-m", "serving.check")
_START_SECONDS = 60.0  # for a gateway to import and look around; it loads no model
_END_SECONDS = 15.0  # beyond the drain
_ASK_SECONDS = 10.0


class _Prediction(BaseModel):
    model_config = ConfigDict(extra="allow", protected_namespaces=())

    probability: float
    model_version: int
    features_used: dict[str, FeatureValue]


class _Health(BaseModel):
    model_config = ConfigDict(protected_namespaces=())

    model_version: int | None
    ready: bool
    detail: str


class ProcessRollout:
    """Implements ports.Rollout.

    Args:
        settings: the home whose gateway this is, its address and time limits.
        entity: the entity key's name.
        gateway: the program that serves (a test may have its own).
        check: the program of the infra check.
    """

    def __init__(self, settings: Settings, entity: str, gateway: Sequence[str] = GATEWAY, check: Sequence[str] = CHECK) -> None:
        self._settings, self._entity, self._gateway, self._check = settings, entity, gateway, check
        self._deployment = LocalDeployment(settings.serving)

    @contextmanager
    def session(self) -> Iterator[None]:
        """Serve for the length of the block: by the gateway that runs for this home, else by a temporary one.

        Raises UserError when the address is taken by another program, Unavailable when the gateway does not start.
        """
        if self._claimed_to_stay():
            yield
            return
        self._deployment.make_folder()
        log = self._deployment.logs / "gateway.log"
        with log.open("ab") as output:
            start = output.tell()
            process = subprocess.Popen(  # noqa: S603 - our own program
                [*self._gateway, "--attached"],
                stdin=subprocess.PIPE,  # ends with this process, however that comes about, and the gateway with it
                stdout=output,
                stderr=output,
                env=environment(self._settings),
                start_new_session=True,  # Ctrl-C is for this process, which then ends the gateway in order
            )
        try:
            self._wait_for(process, log, start)
            yield
        finally:
            process.terminate()
            try:
                process.communicate(timeout=self._end_seconds)
            except subprocess.TimeoutExpired:
                process.kill()  # its backends notice by their pipe
                process.communicate()

    @property
    def _end_seconds(self) -> float:
        return self._settings.drain_seconds + _END_SECONDS

    def _claimed_to_stay(self) -> bool:
        """Whether a gateway runs for this home. One that ends (a dead promoter's, perhaps) obeys no more: it is waited for."""

        def ends() -> bool:
            observed = self._running()
            return observed is not None and observed.ending

        try:
            Retrying(retry=retry_if_result(bool), stop=stop_after_delay(self._end_seconds), wait=wait_fixed(0.1))(ends)
        except RetryError as error:
            pid = self._deployment.observed().pid
            message = f"the gateway for {self._settings.home} has been ending for over {self._end_seconds:g} s: end process {pid}"
            raise Unavailable(message) from error
        return self._deployment.claimed()

    def _wait_for(self, process: subprocess.Popen[bytes], log: Path, start: int) -> None:
        def observes() -> bool:
            if process.poll() is not None:
                raise _ended(process.returncode, log, start)
            observed = self._running() or Observed()
            return observed.pid == process.pid and observed.observed_generation == self._deployment.desired().generation

        tries = Retrying(retry=retry_if_result(lambda seen: not seen), stop=stop_after_delay(_START_SECONDS), wait=wait_fixed(0.05))
        try:
            tries(observes)
        except RetryError as error:
            message = f"the gateway did not start within {_START_SECONDS:.0f} s: {log} tells more"
            raise Unavailable(message) from error

    def pinned(self) -> Pin:
        """The version that should serve; the revision is the generation."""
        desired = self._deployment.desired()
        return Pin(desired.version, str(desired.generation))

    def pin(self, version: int | None, *, revision: str) -> Pin:
        """Ask for another version. Raises StaleComparison when somebody else has since `revision` was read."""
        desired = self._deployment.change(version, int(revision))
        return Pin(desired.version, str(desired.generation))

    def progress(self) -> Progress:
        """Ready when the gateway has seen the present generation, its version answers, and no other process is left.

        Stuck without a gateway: none comes by itself, and a promotion shall not wait out its time for one that has died.
        """
        desired, observed = self._deployment.desired(), self._running()
        if observed is None or observed.ending:
            return Progress(State.STUCK, f"no gateway runs for {self._settings.home}: `ratchet serve` starts one")
        if observed.observed_generation != desired.generation:  # the file may have been deleted: then it begins again at 1
            return Progress(State.WAITING, "the new generation has not been observed yet")
        if observed.stuck:
            return Progress(State.STUCK, observed.detail)
        if observed.version != desired.version:
            return Progress(State.WAITING, observed.detail)
        others = [pod.name for pod in observed.pods if not pod.active]
        if others:
            return Progress(State.WAITING, f"{', '.join(others)} is still there")
        return Progress(State.READY, observed.detail)

    def pods(self) -> list[PodReport]:
        """Every serving process, by its own /health; one that does not answer reports no version."""
        observed = self._running()
        return [_report(pod) for pod in observed.pods] if observed else []

    def ask(self, entity: str) -> Answer | None:
        """Ask through the fixed address. Raises Unavailable when nothing answers there, DataError when it refuses the entity."""
        tries = Retrying(retry=retry_if_exception_type(Unavailable), stop=stop_after_attempt(3), wait=wait_fixed(0.5), reraise=True)
        return tries(self._ask, entity)

    def _ask(self, entity: str) -> Answer | None:
        url = f"{self._address()}/predict"
        try:
            response = httpx.post(
                url, json={self._entity: entity}, headers={"x-ratchet-probe": "1"}, timeout=_ASK_SECONDS, trust_env=False
            )
        except httpx.HTTPError as error:
            message = f"{url} does not answer ({type(error).__name__}): `ratchet serve` starts a server"
            raise Unavailable(message) from error
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            message = f"{url} answered {response.status_code}: {_sentence(response)}"
            raise Unavailable(message)
        if response.status_code != httpx.codes.OK:
            raise DataError(_sentence(response))
        try:
            answer = _Prediction.model_validate_json(response.content)
        except ValidationError as error:
            message = f"{url} is not a Ratchet server: its answer has no prediction in it"
            raise Unavailable(message) from error
        return Answer(entity, answer.model_version, answer.probability, answer.features_used)

    def infra_check(self, version: ModelVersion) -> Mapping[str, float]:
        """Load the version in a clean process of the serving runtime and score its golden rows.

        Raises PromotionFailed with the process's sentence, Unavailable when it could not reach the registry.
        """
        limit = self._settings.ready_timeout
        try:
            done = subprocess.run(  # noqa: S603 - our own program
                [*self._check, "--version", str(version.number)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=environment(self._settings),
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"version {version.number} did not load in the serving runtime within {limit:g} s"
            raise PromotionFailed(message) from error
        if done.returncode:
            sentence = _last_line(done.stderr) or f"the infra check ended with code {done.returncode}"
            raise (Unavailable if done.returncode == Unavailable.exit_code else PromotionFailed)(sentence)
        return {name: float(value) for name, value in json.loads(done.stdout.splitlines()[-1]).items()}

    def _running(self) -> Observed | None:
        return self._deployment.observed() if self._deployment.claimed() else None

    def _address(self) -> str:
        observed = self._running()
        return observed.url if observed and observed.url else self._settings.url


def _report(pod: Pod) -> PodReport:
    try:
        health = _Health.model_validate_json(httpx.get(f"{pod.url}/health", timeout=5.0, trust_env=False).content)
    except (httpx.HTTPError, ValidationError):
        return PodReport(pod.name, None, ready=False, detail=pod.detail)
    return PodReport(pod.name, health.model_version, ready=health.ready, detail=health.detail)


def _sentence(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return response.text.strip()[:200] or response.reason_phrase


def _ended(code: int, log: Path, start: int) -> RatchetError:
    sentence = _last_line(log.read_bytes()[start:]) or f"it ended with code {code}"
    return UserError(sentence) if code == UserError.exit_code else Unavailable(f"the gateway did not start: {sentence}")


def _last_line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else ""
