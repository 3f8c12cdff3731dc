"""The embedded stand-in for a Deployment object: desired and observed state as two files that are replaced whole.

`deployment.json` is written by the rollout adapter and read by the gateway, `status.json` the other way round.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from components.core.errors import StaleComparison, Unavailable
from components.settings import Settings

_Model = TypeVar("_Model", bound=BaseModel)


def environment(settings: Settings) -> dict[str, str]:
    """This process's environment with all of `settings`, for a child that shall see the same."""
    return {**os.environ, **{f"RATCHET_{name.upper()}": str(value) for name, value in settings.model_dump().items()}}


class Desired(BaseModel):
    """What should serve. `generation` grows with every change; `version` is None when nothing should."""

    model_config = ConfigDict(frozen=True)

    generation: int = 0
    version: int | None = None


class Pod(BaseModel):
    """One serving process, as the gateway sees it."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: int
    ready: bool
    active: bool
    detail: str
    pid: int | None
    url: str


class Observed(BaseModel):
    """What does serve. `version` is the one that answers requests; `updated_at` is seconds since the epoch."""

    model_config = ConfigDict(frozen=True)

    observed_generation: int = 0
    pid: int | None = None
    url: str = ""
    version: int | None = None
    pods: tuple[Pod, ...] = ()
    stuck: bool = False
    detail: str = ""
    updated_at: float = 0.0


class LocalDeployment:
    """The two files, and the locks that keep writers apart.

    Args:
        folder: `<home>/serving`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self._desired = folder / "deployment.json"
        self._observed = folder / "status.json"
        self._gateway = FileLock(folder / "gateway.lock")

    def desired(self) -> Desired:
        """What should serve; generation 0 before the first promotion."""
        return _read(self._desired, Desired) or Desired()

    def change(self, version: int | None, generation: int) -> Desired:
        """Ask for another version, if the present generation is still `generation`; asking for the present version changes nothing.

        Raises StaleComparison when somebody else has changed it, Unavailable when the folder cannot be written.
        """
        self._make_folder()
        with self._writing():
            present = self.desired()
            if present.generation != generation:
                message = (
                    f"stale comparison: the rollout is at generation {present.generation} (version {present.version}), "
                    f"no longer at {generation}: compare again"
                )
                raise StaleComparison(message)
            if present.version == version:
                return present
            wanted = Desired(generation=generation + 1, version=version)
            _write(self._desired, wanted)
            return wanted

    def observed(self) -> Observed:
        """What the gateway last reported; empty when it never ran or ended in order."""
        return _read(self._observed, Observed) or Observed()

    def report(self, observed: Observed) -> None:
        """Replace the gateway's report."""
        _write(self._observed, observed)

    def withdraw(self) -> None:
        """Remove the report: the gateway ends."""
        self._observed.unlink(missing_ok=True)

    def claim(self) -> bool:
        """Become this folder's gateway, for as long as the process lives; False when another one is."""
        self._make_folder()
        try:
            self._gateway.acquire(timeout=1)  # somebody may be asking `claimed` at this moment
        except Timeout:
            return False
        return True

    def release(self) -> None:
        """Stop being the gateway."""
        self._gateway.release()

    def claimed(self) -> bool:
        """Whether a gateway runs for this folder. The system frees its lock even when it is killed: this is never out of date."""
        if not self.folder.is_dir():
            return False
        try:
            with FileLock(self.folder / "gateway.lock", timeout=0):
                return False
        except Timeout:
            return True

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            with FileLock(self.folder / "deployment.lock", timeout=10):
                yield
        except Timeout as error:
            message = f"{self._desired} is being written by somebody else for over 10 s: try again"
            raise Unavailable(message) from error

    def _make_folder(self) -> None:
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"{self.folder} cannot be made: {error.strerror}"
            raise Unavailable(message) from error


def _read(path: Path, kind: type[_Model]) -> _Model | None:
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        message = f"{path} cannot be read: {' '.join(str(error).split())[:200]}"
        raise Unavailable(message) from error


def _write(path: Path, content: BaseModel) -> None:
    """Write beside, then rename: a reader sees the old file or the new one, whole."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content.model_dump_json(indent=1))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise Unavailable(message) from error
