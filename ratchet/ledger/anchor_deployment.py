"""The published head as an annotation on the Deployment that serves, to which the database's owner has no right."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext

from ratchet.clients.kubernetes import DEPLOYMENT, KubernetesApi
from ratchet.core.errors import LedgerError
from ratchet.ledger.seal import Anchor

HEAD = "ratchet.dev/ledger-head"
_HEAD = re.compile(r"(?P<seq>[1-9]\d{0,17}):(?P<hash>[0-9a-f]{64}):(?P<mac>[0-9a-f]{64})?")


class DeploymentAnchor:
    """Implements seal.Anchors. The right that it needs, to patch that Deployment, is the promoter's already."""

    def __init__(self, api: KubernetesApi, name: str) -> None:
        self._api, self._name = api, name

    @property
    def where(self) -> str:
        """The annotation and its object."""
        return f"the annotation {HEAD} of Deployment {self._name}"

    def read(self) -> Anchor | None:
        """Raises LedgerError when the annotation is not what we write there."""
        annotations = self._api.read(DEPLOYMENT, self._name)["metadata"].get("annotations") or {}
        if HEAD not in annotations:
            return None
        found = _HEAD.fullmatch(str(annotations[HEAD]))
        if found is None:
            message = f"{self.where} is not the ledger's head that was written there: restore it, or run `ratchet anchor`"
            raise LedgerError(message)
        return Anchor(int(found["seq"]), found["hash"], found["mac"] or "")

    def alone(self) -> AbstractContextManager[None]:
        """No lock: a patch is whole, and a head that was overtaken is only older, until the next record brings the newest."""
        return nullcontext()

    def publish(self, anchor: Anchor) -> None:
        """On the Deployment itself, not on its template: no pod is replaced for it."""
        value = f"{anchor.seq}:{anchor.hash}:{anchor.mac}"
        self._api.patch(DEPLOYMENT, self._name, {"metadata": {"annotations": {HEAD: value}}})
