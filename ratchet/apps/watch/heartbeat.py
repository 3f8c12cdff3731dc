"""By when a watcher will have come round again, in a file that a liveness probe reads."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ratchet.core.errors import UserError

LOOK_SECONDS = 900.0  # beyond the pause, for one look: every request in it has a limit of its own, and these add up to less
RUN_SECONDS = 24 * 3600.0  # for a run that is done in this process


class Heartbeat:
    """Says in whole seconds of the epoch until when the watcher is not to be taken for dead.

    Args:
        file: None: nobody asks.
        clock: gives seconds of the epoch.
    """

    def __init__(self, file: Path | None, clock: Callable[[], float] = time.time) -> None:
        self._file, self._clock = file, clock

    def expect_within(self, seconds: float) -> None:
        """Promise the next one in so many seconds. Raises UserError when the file cannot be written."""
        if self._file is None:
            return
        new = self._file.with_name(self._file.name + ".new")  # a probe never reads half a number
        try:
            new.write_text(f"{int(self._clock() + seconds)}\n", encoding="ascii")
            new.replace(self._file)
        except OSError as error:
            message = f"--alive {self._file} cannot be written: {error.strerror}"
            raise UserError(message) from error
