"""The published head as annotations on the Deployment that serves, to which the database's owner has no right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from typing import Any

from ratchet.clients.kubernetes import DEPLOYMENT, Conflict, KubernetesApi
from ratchet.core.errors import LedgerError
from ratchet.ledger.seal import Anchor, Overtaken

HEAD = "ratchet.dev/ledger-head"
PUBLIC = "ratchet.dev/ledger-public"  # apart from the head, whose form releases before know
_HEAD = re.compile(r"(?P<seq>[1-9]\d{0,17}):(?P<hash>[0-9a-f]{64}):(?P<mac>[0-9a-f]{64})?")


class DeploymentAnchor:
    """Implements seal.Anchors. The right that it needs, to patch that Deployment, is the promoter's already.

    Several threads may share one.
    """

    def __init__(self, api: KubernetesApi, name: str) -> None:
        self._api, self._name = api, name
        self._seen = local()  # `version`: of the Deployment as it was read by this thread within `alone`

    @property
    def where(self) -> str:
        """The annotation and its object."""
        return f"the annotation {HEAD} of Deployment {self._name}"

    def read(self) -> Anchor | None:
        """Raises LedgerError when the annotation is not what we write there."""
        metadata = self._api.read(DEPLOYMENT, self._name)["metadata"]
        if hasattr(self._seen, "version"):
            self._seen.version = str(metadata.get("resourceVersion", ""))
        annotations = metadata.get("annotations") or {}
        if HEAD not in annotations:
            return None
        found = _HEAD.fullmatch(str(annotations[HEAD]))
        if found is None:
            message = f"{self.where} is not the ledger's head that was written there: restore it, or run `ratchet anchor`"
            raise LedgerError(message)
        return Anchor(int(found["seq"]), found["hash"], found["mac"] or "", str(annotations.get(PUBLIC, "")))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No lock, which would need another object: the patch names the Deployment as it was read, and is refused for another."""
        self._seen.version = ""
        try:
            yield
        finally:
            del self._seen.version

    def publish(self, anchor: Anchor) -> None:
        """On the Deployment itself, not on its template: no pod is replaced for it."""
        value = f"{anchor.seq}:{anchor.hash}:{anchor.mac}"
        metadata: dict[str, Any] = {"annotations": {HEAD: value, PUBLIC: anchor.public or None}}
        if version := getattr(self._seen, "version", ""):
            metadata["resourceVersion"] = version
        try:
            self._api.patch(DEPLOYMENT, self._name, {"metadata": metadata})
        except Conflict as error:
            raise Overtaken(str(error)) from error
