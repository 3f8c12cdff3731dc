"""The rollout on a single machine: processes behind one address; files say what to serve (serving/gateway.py obeys them)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from ratchet.clients import http
from ratchet.clients.children import serving_environment
from ratchet.core.errors import RatchetError, Unavailable, UserError
from ratchet.core.question import body
from ratchet.core.schema import Feature, FeatureValue, ModelVersion
from ratchet.rollout import predict_client
from ratchet.rollout.local_deployment import LocalDeployment, Observed, Pod
from ratchet.rollout.predict_client import ScoreIn
from ratchet.rollout.state import Answer, Pin, PodReport, Progress, State
from ratchet.settings import Settings

GATEWAY = (sys.executable, "-P", "-m", "serving.gateway")
_START_SECONDS = 60.0  # for a gateway to import and look around; it loads no model
_END_SECONDS = 15.0  # beyond the drain


class ProcessRollout:
    """Implements port.Rollout.

    Args:
        settings: the home whose gateway this is, its address and time limits.
        entity: the entity key's name.
        score_in: reads the score in an answer.
        gateway: the program that serves (a test may have its own).
        check: the program of the infra check.
        posted: the features that a question brings; empty where what serves looks them up.
    """

    def __init__(
        self,
        settings: Settings,
        entity: str,
        score_in: ScoreIn,
        gateway: Sequence[str] = GATEWAY,
        check: Sequence[str] = predict_client.CHECK,
        posted: Sequence[Feature] = (),
    ) -> None:
        self._settings, self._entity, self._score_in, self._gateway, self._check = settings, entity, score_in, gateway, check
        self._posted = tuple(posted)
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
                env=serving_environment(self._settings),
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
            message = f"the gateway did not start within {_START_SECONDS:.0f} s: {log} says more"
            raise Unavailable(message) from error

    def pinned(self) -> Pin:
        """The version that should serve; the revision is the generation."""
        desired = self._deployment.desired()
        return Pin(desired.version, str(desired.generation), desired.digest)

    def pin(self, version: int | None, *, revision: str, digest: str = "") -> Pin:
        """Ask for another version. Raises StaleComparison when somebody else has since `revision` was read."""
        desired = self._deployment.change(version, int(revision), digest)
        return Pin(desired.version, str(desired.generation), desired.digest)

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
        if observed.version != desired.version or observed.digest not in {None, desired.digest}:
            return Progress(State.WAITING, observed.detail)
        others = [pod.name for pod in observed.pods if not pod.active]
        if others:
            return Progress(State.WAITING, f"{', '.join(others)} is still there", leaving=True)
        return Progress(State.READY, observed.detail)

    def pods(self) -> list[PodReport]:
        """Every serving process, by its own /health; one that does not answer reports no version."""
        observed = self._running()
        return [_report(pod) for pod in observed.pods] if observed else []

    def ask(self, entity: str, features: Mapping[str, FeatureValue] | None = None) -> Answer | None:
        """Ask through the fixed address. Raises Unavailable when nothing answers there, DataError when it refuses the entity."""
        post = http.post_to(self._address, "`ratchet serve` starts a server")
        asked = body(self._entity, entity, features, self._posted)
        return predict_client.ask(post, f"{self._address()}/predict", entity, asked, self._score_in)

    def infra_check(self, version: ModelVersion) -> Mapping[str, float]:
        """Load the version in a clean process of the serving runtime and score its golden rows.

        Raises PromotionFailed with the process's sentence, Unavailable when it could not reach the registry.
        """
        return predict_client.infra_check(self._check, self._settings, version)

    def _running(self) -> Observed | None:
        return self._deployment.observed() if self._deployment.claimed() else None

    def _address(self) -> str:
        observed = self._running()
        return observed.url if observed and observed.url else self._settings.url


def _report(pod: Pod) -> PodReport:
    try:
        health = predict_client.read_health(http.get(f"{pod.url}/health", timeout=5.0))
    except httpx.HTTPError:
        health = None
    if health is None:
        return PodReport(pod.name, None, ready=False, detail=pod.detail)
    return PodReport(pod.name, health.model_version, health.ready, health.detail, health.model_digest)


def _ended(code: int, log: Path, start: int) -> RatchetError:
    sentence = predict_client.last_line(log.read_bytes()[start:]) or f"it ended with code {code}"
    return UserError(sentence) if code == UserError.exit_code else Unavailable(f"the gateway did not start: {sentence}")
