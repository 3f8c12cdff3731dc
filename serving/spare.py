"""A second process of the version that serves: imported, loaded and proven, and asked by nobody until the first one ends."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from serving.backends import Backend

_LATER = 1.0  # seconds after what it stands in for began to serve: that one's first clients come first
_LOOK = 1.0  # seconds between looks whether it is ready, and then whether it still is
_BROKEN = 30.0  # seconds until the next one is tried, where one did not start or did not get ready

_logger = logging.getLogger(__name__)


class Spare:
    """Keeps one process of a version ready.

    A serving process takes seconds to start (9 to 37 on a busy machine, where all of that is imports), and on one machine there is
    no second pod. What this one costs is its memory: it is idle.

    Args:
        launch: starts a process of a version whose files have a digest. Raises OSError.
    """

    def __init__(self, launch: Callable[[int, str], Awaitable[Backend]]) -> None:
        self._launch = launch
        self._backend: Backend | None = None
        self._ready = False
        self._next_look = 0.0
        self._start_at = 0.0
        self._for: tuple[int, str] | None = None

    def ready_for(self, version: int, digest: str) -> bool:
        """Whether it could answer for the version this moment."""
        return self._ready and self._is_of(version, digest)

    def _is_of(self, version: int, digest: str) -> bool:
        backend = self._backend
        return backend is not None and (backend.version, backend.digest) == (version, digest) and not backend.exited

    def given_up(self, version: int | None = None, digest: str = "") -> Backend | None:
        """The process, which is the caller's from now on; with a version only when it is of that one and alive."""
        backend = self._backend
        if backend is None or (version is not None and not self._is_of(version, digest)):
            return None
        self._backend, self._ready = None, False
        return backend

    def wait(self, seconds: float) -> None:
        """Start no other for so long."""
        self._start_at = monotonic() + seconds

    async def tend(self, serving: tuple[int, str] | None) -> Backend | None:
        """Look after it; `serving` is version and digest, None when nothing serves. Returns a process that is of no use now."""
        now = monotonic()
        if serving != self._for:
            self._for, self._start_at = serving, now + _LATER
        backend = self._backend
        if backend is not None and ((backend.version, backend.digest) != serving or backend.exited):
            if (backend.version, backend.digest) == serving:
                _logger.warning("the spare process: %s", backend.last_words())
                self.wait(_BROKEN)
            return self.given_up()
        if backend is not None:
            if now >= self._next_look:
                await self._look(backend)
        elif serving is not None and now >= self._start_at:
            await self._start(*serving)
        return None

    async def _start(self, version: int, digest: str) -> None:
        try:
            self._backend = await self._launch(version, digest)
        except OSError as error:
            _logger.warning("no spare process can be started: %s", error)
            self.wait(_BROKEN)

    async def _look(self, backend: Backend) -> None:
        probe = await backend.probe()
        if backend is not self._backend:  # it was taken meanwhile: the next one is another
            return
        if probe.ready and not self._ready:
            _logger.info("%s is kept ready", backend.name)
        self._ready = probe.ready
        self._next_look = monotonic() + _LOOK
        if probe.failed:
            _logger.warning("the spare process does not get ready: %s", probe.detail)
            backend.kill()
