"""Reports as files in a folder, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ratchet.core.errors import Unavailable


class ReportFiles:
    """Implements port.Reports.

    Args:
        folder: where the files go; made on first use.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, name: str, content: str) -> str:
        """Write `name` and return its path; a report of the same name is replaced. Raises Unavailable when the disk refuses."""
        target = self._folder / name
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=f".{name}.")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(content)
            Path(temporary).replace(target)
        except OSError as error:
            message = f"the report {target} cannot be written: {error.strerror}"
            raise Unavailable(message) from error
        return str(target)

    def load(self, name: str) -> str | None:
        """The document of that name, None when there is none. Raises Unavailable when the disk refuses."""
        target = self._folder / name
        try:
            return target.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"{target} cannot be read: {error.strerror}"
            raise Unavailable(message) from error
