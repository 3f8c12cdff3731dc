"""Reports on S3."""

from __future__ import annotations

from ratchet.clients.s3 import Absent, S3Folder


class S3Reports:
    """Implements port.Reports.

    Args:
        remote: where the reports go.
    """

    def __init__(self, remote: S3Folder) -> None:
        self._remote = remote

    def save(self, name: str, content: str) -> str:
        """Store `name` and return its URL; a report of the same name is replaced."""
        kind = "text/html; charset=utf-8" if name.endswith(".html") else "application/json"
        self._remote.put(name, content.encode(), kind)
        return f"{self._remote.url}/{name}"

    def load(self, name: str) -> str | None:
        """The document of that name, None when there is none."""
        try:
            content, _ = self._remote.get(name)
        except Absent:
            return None
        return content.decode()
