"""Files and folders that are there whole or not at all, also after a crash of the machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

TEMPORARY = ".new-"


@contextlib.contextmanager
def staged(path: Path) -> Iterator[Path]:
    """A temporary sibling that takes the file's place, synced, when the block ends well."""
    temporary = path.with_name(f"{TEMPORARY}{path.name}")
    yield temporary
    temporary.replace(path)
    sync(path.parent)


def write_synced(path: Path, write: Callable[[Any], Any]) -> None:
    """Write a file by `write(file)`, down to the disk."""
    with path.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
