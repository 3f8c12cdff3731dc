"""A move under way: what its stages share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from ratchet.core.events import Entry, Moved, MoveState
from ratchet.core.schema import ModelVersion, require_digest
from ratchet.estimators import bundle as bundles
from ratchet.locks.port import Fence
from ratchet.promotion.move import Move

if TYPE_CHECKING:
    from ratchet.promotion.production import Production

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Underway:
    """A move, the ports that it acts on and the fence of the lock that it holds.

    `back_to` is the version that serves again when the move is undone. `revision` is that of the pod template before the first
    change: whoever changes it meanwhile is not overwritten. `compared` counts the answers that were compared in traffic.
    """

    production: Production
    fence: Fence
    move: Move
    back_to: int | None
    revision: str = ""
    compared: int = 0

    @cached_property
    def version(self) -> ModelVersion:
        """The version that production goes to. Raises ArtifactError when its digest is not the move's."""
        version = self.production.registry.version(self.move.to)
        require_digest(version, self.move.digest)
        return version

    @cached_property
    def bundle(self) -> bundles.Bundle:
        """Its scorer and golden rows. Raises ArtifactError when its files are not those that were registered."""
        return bundles.read(self.production.registry.bundle(self.version))

    def digest_of(self, version: int | None) -> str:
        """The digest on record of a version that serves or served; empty where no record has one."""
        return "" if version is None else self.production.journal.history().digest_of(version)

    def write(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Every write of the protocol goes through here: `call(...)`, if the lock is still ours. Raises LockLost when it is not."""
        self.fence.check()
        return call(*args, **kwargs)

    def record(self, state: MoveState, **more: Any) -> Entry[Moved]:
        """Append a step of the move to the ledger; `more` are fields of Moved."""
        return self.write(self.production.journal.append, self.move.step(state, **more), key=self.move.key)
