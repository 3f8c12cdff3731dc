"""The embedded stand-in for a Deployment object: desired and observed state as two files that are replaced whole.

`deployment.json` is written by the rollout adapter and read by the gateway, `status.json` the other way round.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from ratchet.clients.durable import TEMPORARY, staged, write_synced
from ratchet.core.errors import StaleComparison, Unavailable

_Model = TypeVar("_Model", bound=BaseModel)
_LOCK_SECONDS = 10.0  # for another writer; writing takes milliseconds


class Desired(BaseModel):
    """What should serve. `generation` grows with every change; `version` is None when nothing should.

    `digest` is that of the version's files, by which each process checks what it loads.
    """

    model_config = ConfigDict(frozen=True)

    generation: int = 0
    version: int | None = None
    digest: str = ""


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
    """What does serve, by the gateway's word.

    `version` is the one that answers requests, `digest` what its files were checked against (None: the gateway is of a release that
    knows none); `updated_at` is seconds since the epoch.
    An `ending` gateway obeys no more: whoever wants something served needs the next one.
    """

    model_config = ConfigDict(frozen=True)

    observed_generation: int = 0
    pid: int | None = None
    url: str = ""
    version: int | None = None
    digest: str | None = None
    pods: tuple[Pod, ...] = ()
    stuck: bool = False
    ending: bool = False
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
        self._gateway_lock = folder / "gateway.lock"
        self._gateway = FileLock(self._gateway_lock)

    def desired(self) -> Desired:
        """What should serve; generation 0 before the first promotion."""
        return _read(self._desired, Desired) or Desired()

    def change(self, version: int | None, generation: int, digest: str = "") -> Desired:
        """Ask for another version, if the present generation is still `generation`; asking for the present one changes nothing.

        Raises StaleComparison when somebody else has changed it, Unavailable when the folder cannot be written.
        """
        self.make_folder()
        with _written(self._desired), FileLock(self.folder / "deployment.lock", timeout=_LOCK_SECONDS):
            present = self.desired()
            if present.generation != generation:
                message = (
                    f"stale comparison: the rollout is at generation {present.generation} (version {present.version}), "
                    f"no longer at {generation}: compare again"
                )
                raise StaleComparison(message)
            if (present.version, present.digest) == (version, digest):
                return present
            wanted = Desired(generation=generation + 1, version=version, digest=digest)
            with staged(self._desired) as temporary:
                write_synced(temporary, lambda file: file.write(wanted.model_dump_json(indent=1).encode()))
            return wanted

    def observed(self) -> Observed:
        """What the last gateway reported last; see `claimed` for whether it still runs."""
        return _read(self._observed, Observed) or Observed()

    def report(self, observed: Observed) -> None:
        """Replace the gateway's report. Not synced: it has no meaning after a crash of the machine."""
        with _written(self._observed):
            temporary = self._observed.with_name(f"{TEMPORARY}{self._observed.name}")
            temporary.write_text(observed.model_dump_json(indent=1), encoding="utf-8")
            temporary.replace(self._observed)

    def claim(self) -> bool:
        """Become this folder's gateway, for as long as the process lives; False when another one is.

        Raises Unavailable when the folder cannot be written.
        """
        self.make_folder()
        with _written(self._gateway_lock):
            try:
                self._gateway.acquire(timeout=1)  # somebody may be asking `claimed` at this moment
            except Timeout:
                return False
            self._observed.unlink(missing_ok=True)  # what a killed one said is not what this one does
        return True

    def release(self) -> None:
        """Stop being the gateway."""
        self._gateway.release()

    def claimed(self) -> bool:
        """Whether a gateway runs for this folder. The system frees its lock even when it is killed: this is never out of date.

        Asked by a shared lock, so that two who ask at once do not take one another for a gateway.
        """
        try:
            descriptor = os.open(self._gateway_lock, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        except OSError as error:
            message = f"{self._gateway_lock} cannot be asked for: {error.strerror}"
            raise Unavailable(message) from error
        return False

    def make_folder(self) -> None:
        """Make the folder and that of the logs. Raises Unavailable."""
        with _written(self.folder):
            self.logs.mkdir(parents=True, exist_ok=True)


def _read(path: Path, kind: type[_Model]) -> _Model | None:
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise Unavailable(message) from error
    except ValidationError as error:
        message = f"{path} is not what Ratchet wrote there: delete it, then `ratchet reconcile` writes it anew"
        raise Unavailable(message) from error


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Translate what keeps the block from writing `path`."""
    try:
        yield
    except Timeout as error:
        message = f"{path} is being written by somebody else for over {_LOCK_SECONDS:g} s: try again"
        raise Unavailable(message) from error
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise Unavailable(message) from error
