"""Reports on S3."""

from __future__ import annotations

from collections.abc import Callable

from ratchet.clients.s3 import Absent, S3Folder


class S3Reports:
    """Implements port.Reports.

    Args:
        remote: where the reports go, the model's own folder.
        shared: the folder above, where release 0.1 put them.
        is_mine: whether those are this model's; asked only for a report that is not in its own folder.
    """

    def __init__(self, remote: S3Folder, shared: S3Folder, is_mine: Callable[[], bool]) -> None:
        self._remote, self._shared, self._is_mine = remote, shared, is_mine

    def save(self, name: str, content: str) -> str:
        """Store `name` and return its URL; a report of the same name is replaced."""
        kind = "text/html; charset=utf-8" if name.endswith(".html") else "application/json"
        self._remote.put(name, content.encode(), kind)
        return f"{self._remote.url}/{name}"

    def load(self, name: str) -> str | None:
        """The document of that name, None when there is none."""
        found = _content(self._remote, name)
        if found is None:
            older = _content(self._shared, name)
            found = older if older is not None and self._is_mine() else None
        return None if found is None else found.decode()


def _content(folder: S3Folder, name: str) -> bytes | None:
    try:
        return folder.get(name)[0]
    except Absent:
        return None
