"""A world of fakes with versions 1, 2, ... to move between."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from ratchet.estimators import bundle as bundles
from ratchet.estimators.plain.encoding import row_of
from ratchet.ledger.journal import Journal
from ratchet.promotion.world import PRODUCTION, Cause, Move, World
from ratchet.registry.port import NewVersion
from tests.support.churn import FEATURES, churn, scorer
from tests.support.fakes import Clock, FakeLedger, FakeLock, FakeRegistry, FakeRollout, provenance


@dataclass
class FakeWorld:
    """Fakes with one clock, so that a kill can be put before any effect of any of them."""

    clock: Clock = field(default_factory=Clock)
    ledger: FakeLedger = field(init=False)
    registry: FakeRegistry = field(init=False)
    rollout: FakeRollout = field(init=False)
    lock: FakeLock = field(default_factory=FakeLock)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger, self.registry = FakeLedger(self.clock), FakeRegistry(self.clock)
        self.rollout = FakeRollout(self.registry, self.clock)

    @property
    def journal(self) -> Journal:
        """The ledger as the events of model `m`; a new one each time, so that a world can be copied."""
        return Journal(self.ledger, "m")

    @property
    def world(self) -> World:
        return World(self.registry, self.ledger, self.lock, self.rollout, 0.5, self.said.append)

    def add_version(self) -> int:
        """Register a version; versions differ in their scorer."""
        names = ("linear", "trees", "stumps")
        columns, _ = churn(300, seed=3)
        entities = [f"u{index}" for index in range(300)]
        features = FEATURES
        made = scorer(names[len(self.registry.stored) % 3], features)
        golden = bundles.golden_rows(features, columns, entities, made, count=6, seed=1)  # type: ignore[arg-type]  # a list indexes alike
        self.rollout.known |= {row.entity: row_of(features, columns, int(row.entity[1:])) for row in golden}
        with tempfile.TemporaryDirectory() as folder:
            bundles.write(Path(folder), bundles.Bundle("m", made, golden, "{}", bundles.typical(features, columns)))
            new = NewVersion(Path(folder), None, None, provenance(), {}, {"holdout_auc": 0.8, "holdout_auc_low": 0.77})
            return self.registry.register(new).number

    def in_production(self, number: int) -> None:
        """Put a version into production as a first promotion does."""
        from ratchet.promotion.move import carry_out  # noqa: PLC0415 - the module under test

        carry_out(self.world, self.move(number, expected=None))

    def move(self, to: int, expected: int | None) -> Move:
        return Move(f"key {expected}->{to}", to, expected, Cause.GATE, ["delta 0.144 > 0.010"], "run", "2024-02-29@a")

    @property
    def consistent(self) -> bool:
        """Alias, template and what serves agree, and the ledger has no open end."""
        from ratchet.promotion.world import open_move  # noqa: PLC0415 - the module under test

        target = self.registry.aliases.get(PRODUCTION)
        return self.rollout.version == target == self.rollout.serving and open_move(self.ledger) is None
