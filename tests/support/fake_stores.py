"""Fakes of all stores, with versions 1, 2, ... to move between."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from ratchet.core.events import Cause
from ratchet.estimators import bundle as bundles
from ratchet.estimators.plain.encoding import row_of
from ratchet.ledger.journal import Journal
from ratchet.promotion.champion import PRODUCTION
from ratchet.promotion.move import Move
from ratchet.promotion.plan import PLAN, Plan
from ratchet.promotion.production import Production
from ratchet.promotion.protocol import carry_out
from ratchet.registry.port import NewVersion
from tests.support.churn import FEATURES, churn, scorer
from tests.support.fakes import Clock, FakeLedger, FakeLock, FakeRegistry, FakeReports, FakeRollout, provenance


@dataclass
class FakeStores:
    """Fakes with one clock, so that the effects of all of them stand in one order."""

    clock: Clock = field(default_factory=Clock)
    ledger: FakeLedger = field(init=False)
    registry: FakeRegistry = field(init=False)
    rollout: FakeRollout = field(init=False)
    lock: FakeLock = field(default_factory=FakeLock)
    said: list[str] = field(default_factory=list)
    plan: Plan = PLAN
    keeps: FakeReports | None = None

    def __post_init__(self) -> None:
        self.ledger, self.registry = FakeLedger(self.clock), FakeRegistry(self.clock)
        self.rollout = FakeRollout(self.registry, self.clock)

    @property
    def journal(self) -> Journal:
        """The ledger as the events of model `m`; a new one each time, so that all of it can be copied."""
        return Journal(self.ledger, "m")

    @property
    def production(self) -> Production:
        return Production(self.registry, self.journal, self.lock, self.rollout, 0.5, self.said.append, self.plan, self.keeps)

    def add_version(self) -> int:
        """Register a version; versions differ in their scorer."""
        names = ("linear", "stumps", "trees")  # the quick ones first: thousands of bundles are read
        columns, _ = churn(300, seed=3)
        entities = [f"u{index}" for index in range(300)]
        features = FEATURES
        made = scorer(names[len(self.registry.stored) % 3], features)
        golden = bundles.golden_rows(features, columns, entities, made, count=6, seed=1)  # type: ignore[arg-type]  # a list indexes alike
        self.rollout.known |= {row.entity: row_of(features, columns, int(row.entity[1:])) for row in golden}
        with tempfile.TemporaryDirectory() as folder:
            bundles.write(Path(folder), bundles.Bundle("m", made, golden, "{}", bundles.typical(features, columns)))
            new = NewVersion(Path(folder), None, None, None, provenance(), {}, {"holdout_auc": 0.8, "holdout_auc_low": 0.77})
            return self.registry.register(new).number

    def in_production(self, number: int) -> None:
        """Put a version into production as a first promotion does."""
        carry_out(self.production, self.move(number, expected=None))

    def move(self, to: int, expected: int | None) -> Move:
        """As the gate asks for it: with the digest that it saw."""
        digest = self.registry.stored[to].digest if to in self.registry.stored else ""
        return Move(f"key {expected}->{to}", to, expected, Cause.GATE, ["delta 0.144 > 0.010"], "run", "2024-02-29@a", digest)

    @property
    def state(self) -> tuple[object, ...]:
        """All that a move can change."""
        return len(self.ledger.stored), dict(self.registry.aliases), self.rollout.version, self.rollout.revision

    @property
    def consistent(self) -> bool:
        """Alias, template and what serves agree, and the ledger has no open end."""
        target = self.registry.aliases.get(PRODUCTION)
        return self.rollout.version == target == self.rollout.serving and self.journal.history().open is None
