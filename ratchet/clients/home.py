"""A home of release 0.1, taken over by the model that it was of.

Each model has a folder of its own, `<home>/models/<model>`; release 0.1 had one model, and its folders directly in the home. These
stay where they are, and the model's folder links to them: Feast's registry names the snapshots by their path, and a gateway or a
pipeline of that release may be running there, which a move would pull the files from. The folder of links appears by one rename, so
that a crash or a second process finds all of it or none.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from ratchet.core.errors import Unavailable
from ratchet.settings import DEFAULT_HOME, LOCK, Settings

_OTHERS = 0o077  # what anybody but the owner may do
_FOLDERS = ("snapshots", "feast", "reports", "serving", "runs")
_OURS = re.compile(  # what any release puts directly into a home, and what a file system does into a volume that is one
    rf"(mlflow|ledger|requests)\.db(-wal|-shm|-journal)?|\.?ledger\.key(-\w+)?|models|artifacts|draining|serve\.log|lost\+found"
    rf"|{'|'.join(_FOLDERS)}|{re.escape(LOCK)}"
)


def keep_private(home: Path) -> None:
    """From here on this process makes files and folders for its user alone; that user's home is shut to others.

    Whoever could open a lock's file could hold it, and what is served and decided is nobody else's to read. A home on a volume that
    belongs to another is left as its owner has it, and so is a folder that serves others too, as /tmp does: what we make in it is
    private anyway.
    """
    os.umask(_OTHERS)
    try:
        seen = home.stat()
        if seen.st_uid == os.geteuid() and seen.st_mode & _OTHERS and not seen.st_mode & stat.S_ISVTX and _is_ours(home):
            home.chmod(seen.st_mode & ~_OTHERS)
    except FileNotFoundError:  # made when something is to be kept
        return
    except OSError as error:
        message = f"RATCHET_HOME (--home) {home} cannot be shut to others: {error.strerror}"
        raise Unavailable(message) from error


def _is_ours(home: Path) -> bool:
    """Whether the folder is a home and nothing else: of the name that it has by default, empty, or with nothing in it but ours."""
    return home.name == DEFAULT_HOME or all(_OURS.fullmatch(entry.name) for entry in home.iterdir())


def take_over(settings: Settings, is_mine: Callable[[], bool]) -> None:
    """Link the model's folder to what release 0.1 left in the home, where there is such and it is this model's.

    Args:
        settings: with the model.
        is_mine: whether what names no model is this one's; asked only when there is something and this model has no folder yet.

    Raises:
        Unavailable: the home cannot be written.
    """
    if settings.folder.exists() or not any((settings.home / name).is_dir() for name in _FOLDERS):
        return
    if not is_mine():
        return
    models = settings.folder.parent
    try:
        models.mkdir(exist_ok=True)
        links = Path(tempfile.mkdtemp(prefix=".new-", dir=models))
        try:
            links.chmod(0o700)
            for name in (*_FOLDERS, LOCK):
                (links / name).symlink_to(Path(os.pardir, os.pardir, name))
            links.rename(settings.folder)
        finally:
            shutil.rmtree(links, ignore_errors=True)
    except OSError as error:
        if settings.folder.exists():  # another process was first
            return
        message = f"{settings.folder} cannot be made: {error.strerror}"
        raise Unavailable(message) from error
