"""Which snapshots the online store holds: a small JSON file beside it, which a crash leaves readable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ratchet.core.errors import LockHeld

_BEGUN = ""


class LoadRecord:
    """Dates that were loaded under one set of definitions, each with the hash of its features.

    A load is recorded as begun before its first row is written: from then on an older snapshot keeps off its entities, even when
    the load breaks off. Other definitions make every load one that has begun and not ended: it has to be done again.

    Args:
        path: the file.
        definitions: digest of what the store's tables are filled by.
        formerly: an older digest of the same.
    """

    def __init__(self, path: Path, definitions: str, formerly: str = "") -> None:
        self._path = path
        self._digest, self._formerly = definitions, formerly

    def holds(self, as_of: date, features_hash: str) -> bool:
        """Whether exactly this content was loaded to the end."""
        return self._loads().get(as_of.isoformat()) == features_hash

    def after(self, as_of: date) -> list[date]:
        """Later dates of which a load has at least begun."""
        return sorted(day for day in map(date.fromisoformat, self._loads()) if day > as_of)

    def begin(self, as_of: date) -> None:
        """Before the first row."""
        self._write({**self._loads(), as_of.isoformat(): _BEGUN})

    def finish(self, as_of: date, features_hash: str) -> None:
        """After the last row."""
        self._write({**self._loads(), as_of.isoformat(): features_hash})

    def _loads(self) -> dict[str, str]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # never written, or no JSON: as good as unknown
            return {}
        loads: dict[str, str] = content["loads"]
        return loads if content["definitions"] in {self._digest, self._formerly} else dict.fromkeys(loads, _BEGUN)

    def _write(self, loads: dict[str, str]) -> None:
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps({"definitions": self._digest, "loads": loads}, indent=2), encoding="utf-8")
        temporary.replace(self._path)


def digest_of(content: Any) -> str:
    """SHA-256 hex digest of a JSON document."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@contextmanager
def locked(path: Path, timeout: float) -> Iterator[None]:
    """Hold `path`.lock, of the processes that share the folder, which is made. Raises LockHeld after `timeout` seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path.with_name(f"{path.name}.lock"), timeout=timeout):
            yield
    except Timeout as error:
        message = f"another process has held {path}.lock for {timeout:.0f} s: try again when it is done"
        raise LockHeld(message) from error
