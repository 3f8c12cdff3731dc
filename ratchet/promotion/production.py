"""What a move acts on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ratchet.ledger.journal import Journal
from ratchet.locks.port import Lock
from ratchet.promotion.champion import legible
from ratchet.promotion.plan import PLAN, Plan
from ratchet.registry.port import Registry
from ratchet.reports.port import Reports
from ratchet.rollout.port import Rollout


@dataclass(frozen=True, slots=True)
class Production:
    """The ports of one model's production, and the plan that its moves follow.

    `ready_timeout` is in seconds; `say` takes a line of the log at each stage; `keeps` has copies of what was promoted.
    """

    registry: Registry
    journal: Journal
    lock: Lock
    rollout: Rollout
    ready_timeout: float
    say: Callable[[str], None] = print
    plan: Plan = PLAN
    keeps: Reports | None = None

    @property
    def champion(self) -> int | None:
        """The number of the version in production by the ledger, None before the first. Raises LedgerError."""
        last = legible(self.journal.trusted()).champion
        return last.event.to if last else None
