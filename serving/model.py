"""The pinned version: loaded in the background, ready only when it has answered its golden rows."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Thread
from time import perf_counter
from typing import Protocol

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_delay,
    wait_exponential,
    wait_fixed,
)

from ratchet.core.errors import ArtifactError, RatchetError, RetryableError, to_strangers
from ratchet.core.schema import ModelVersion, require_digest
from ratchet.estimators import bundle as bundles
from ratchet.estimators.bundle import Bundle
from ratchet.project.file import Project
from ratchet.settings import MODEL_VERSION
from serving.golden import GoldenRows

_REGISTRY = "the model registry"
_DEFECT = "a defect: the log of this process has its trace"
NO_MODEL = "no model in production yet: ratchet run"
_NAMED_SECONDS = 300.0  # in which the registry of a cluster that starts is there

_logger = logging.getLogger(__name__)


class Bundles(Protocol):
    """The part of Registry (ratchet/registry/port.py) that serving needs."""

    def version(self, number: int) -> ModelVersion:
        """Raises UserError when there is no such version."""
        ...

    def bundle(self, version: ModelVersion) -> Path:
        """The version's bundle as a local folder, its digest checked."""
        ...


@dataclass(frozen=True, slots=True)
class Served:
    """A version that has answered its golden rows: `worst` is the largest difference, `seconds` the time to get there."""

    version: ModelVersion
    bundle: Bundle
    golden: GoldenRows
    worst: float
    seconds: float


class Phase(StrEnum):
    """LOADING may become READY by itself; FAILED will not."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class State:
    """Where the process stands, with the sentence that says why to whoever asks; the log may say more."""

    phase: Phase
    detail: str


def load(registry: Bundles, project: Project, number: int, digest: str = "") -> Served:
    """Fetch a version's bundle, check its digest, load it and score its golden rows.

    `digest` is the ledger's, by way of the pod template: by it a bundle is refused that was changed together with its tag in the
    registry. Empty, from a promotion of an older release, leaves the word to the registry.

    Raises:
        UserError: there is no such version.
        ArtifactError: the bundle is damaged, answers its golden rows otherwise than when it was registered, or wants features that
            the project does not have.
        Unavailable: the registry cannot be reached.
    """
    start = perf_counter()
    version = registry.version(number)
    require_digest(version, digest)
    if not digest:
        _logger.warning("nobody said which digest version %s must have: its files are checked against the registry's alone", number)
    bundle = bundles.read(registry.bundle(version))
    wanted = {feature.name for feature in bundle.features}
    unknown = sorted(wanted - {feature.name for feature in project.inputs})
    if unknown:
        message = f"version {number} wants the feature {unknown[0]}, which ratchet.yaml does not have: train a new version"
        raise ArtifactError(message)
    worst = bundles.worst_difference(bundle)
    if not worst <= bundles.TOLERANCE:
        off = f"worst difference {worst:.1e} > {bundles.TOLERANCE:.0e}"
        message = f"version {number} answers its golden rows otherwise than when it was made: {off}"
        raise ArtifactError(message)
    golden = GoldenRows(bundle.golden, {feature.name for feature in project.inputs})
    return Served(version, bundle, golden, worst, perf_counter() - start)


class PinnedModel:
    """The one version that this process serves.

    Args:
        pinned: the value of RATCHET_MODEL_VERSION; empty before the first promotion.
        load: loads that version; its RetryableErrors are tried again, any other error is final.
        named: the version that the registry has in production, None where it has none or does not answer. It is asked where nothing
            is pinned: after a reinstall the pod template is new, and what is in production is not.
    """

    def __init__(self, pinned: str, load: Callable[[int], Served], named: Callable[[], int | None] = lambda: None) -> None:
        self._load, self._named = load, named
        self._served: Served | None = None
        self.number = int(pinned) if pinned.isdecimal() else None
        if self.number is not None:
            self._state = State(Phase.LOADING, f"version {self.number} is being loaded")
        elif not pinned:
            self._state = State(Phase.FAILED, NO_MODEL)
        else:
            self._state = State(Phase.FAILED, f"{MODEL_VERSION} is {pinned!r}, which is no version number")

    @property
    def state(self) -> State:
        """Where loading stands."""
        return self._state

    @property
    def served(self) -> Served | None:
        """The loaded version, None until it is ready."""
        return self._served

    def start(self) -> None:
        """Load in a thread of its own, so that /livez and /readyz answer meanwhile."""
        if self.number is None:
            _logger.warning("not ready: %s", self._state.detail)
            if self._state.detail == NO_MODEL:
                Thread(target=self._see_what_is_named, name="named", daemon=True).start()
            return
        thread = ThreadPoolExecutor(1, thread_name_prefix="load")
        thread.submit(self._load_until_final, self.number).add_done_callback(self._settle)
        thread.shutdown(wait=False)

    def _see_what_is_named(self) -> None:
        """For the sentence alone, as soon as the registry answers: no version is served that nobody has rolled out."""
        tries = Retrying(
            retry=retry_if_result(lambda found: found is None),
            stop=stop_after_delay(_NAMED_SECONDS),
            wait=wait_fixed(5),
            retry_error_callback=lambda _: None,
        )
        number = tries(self._named)
        if number is not None:
            self._state = State(
                Phase.FAILED, f"the registry names version {number}, which was not rolled out here: ratchet reconcile"
            )
            _logger.warning("not ready: %s", self._state.detail)

    def _load_until_final(self, number: int) -> Served:
        tries = Retrying(
            retry=retry_if_exception_type(RetryableError), wait=wait_exponential(multiplier=0.5, max=10), before_sleep=self._wait
        )
        served = tries(self._load_undisturbed, number)
        # what is loaded stays: taking it out of the collector's sight spares every later request its pauses
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        return served

    def _load_undisturbed(self, number: int) -> Served:
        """Without the garbage collector, which would go over all that the imports of a first try make, again and again."""
        gc.disable()
        try:
            return self._load(number)
        finally:
            gc.enable()

    def _wait(self, call: RetryCallState) -> None:
        error = call.outcome.exception() if call.outcome else None
        loading = f"version {self.number} is being loaded"
        said = to_strangers(error, _REGISTRY) if isinstance(error, RatchetError) else ""
        self._state = State(Phase.LOADING, f"{loading}: {said}")
        _logger.warning("not ready: %s: %s", loading, error)

    def _settle(self, done: Future[Served]) -> None:
        error = done.exception()
        if error is None:
            self._served = served = done.result()
            self._state = State(Phase.READY, f"version {self.number} serves")
            _logger.info("version %s is ready after %.1f s, golden rows off by %.1e", self.number, served.seconds, served.worst)
            return
        if isinstance(error, RatchetError):
            self._state = State(Phase.FAILED, to_strangers(error, _REGISTRY))
            _logger.error("not ready: %s", error)
            return
        self._state = State(Phase.FAILED, f"{_DEFECT} ({type(error).__name__})")
        _logger.error("not ready: %s: %s", type(error).__name__, error, exc_info=error)
