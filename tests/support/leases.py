"""One Lease on an API server in memory, which checks resourceVersions and can be away."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from threading import Lock
from typing import Any

from ratchet.clients.kubernetes import Conflict, Resource
from ratchet.core.errors import Unavailable


class FakeLeaseApi:
    """As much of KubernetesApi as LeaseLock needs."""

    namespace = "test"

    def __init__(self) -> None:
        self.stored: dict[str, Any] = {"metadata": {"resourceVersion": "0"}, "spec": {}}
        self.away = False
        self._mutex = Lock()

    def read(self, _resource: Resource, _name: str) -> dict[str, Any]:
        with self._mutex:
            self._answer()
            return deepcopy(self.stored)

    def replace(self, _resource: Resource, _name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        with self._mutex:
            self._answer()
            if body["metadata"]["resourceVersion"] != self.stored["metadata"]["resourceVersion"]:
                message = "the Lease has changed since it was read"
                raise Conflict(message)
            self._put(dict(body)["spec"])
            return deepcopy(self.stored)

    def take(self, holder: str, duration: int = 2) -> None:
        """Give it to somebody without asking who has it, as `kubectl edit` can."""
        with self._mutex:
            self._put({"holderIdentity": holder, "leaseDurationSeconds": duration})

    @property
    def holder(self) -> str | None:
        found: str | None = self.stored["spec"].get("holderIdentity")
        return found

    def _put(self, spec: dict[str, Any]) -> None:
        version = str(int(self.stored["metadata"]["resourceVersion"]) + 1)
        self.stored = {"metadata": {"resourceVersion": version}, "spec": spec}

    def _answer(self) -> None:
        if self.away:
            message = "the API server does not answer"
            raise Unavailable(message)
