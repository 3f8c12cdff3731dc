"""The steps wired to fakes, and months of data for them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any
from unittest.mock import patch

import numpy as np

from ratchet.core.events import Entry, Measured
from ratchet.core.row_groups import ROWS_PER_POD
from ratchet.core.schema import Columns, Snapshot
from ratchet.core.trigger import Action
from ratchet.estimators import search
from ratchet.estimators.catalogue import estimator
from ratchet.project.file import Project
from ratchet.steps import drift_check, evaluate, measure, promote, train
from ratchet.steps.parts import recipe
from tests.support.fake_stores import FakeStores
from tests.support.fakes import FakeFeatures, FakeReporter, FakeReports, FakeRequests, FakeSnapshots

PROJECT = Project.model_validate(
    {
        "model": "m",
        "entity": "id",
        "tables": ["t", "y"],
        "label": {"column": "left", "table": "y"},
        "features": [
            {"name": "a", "table": "t", "dtype": "float"},
            {"name": "b", "table": "t", "dtype": "float", "nullable": True},
            {"name": "c", "table": "t", "dtype": "category"},
        ],
        "slices": [{"name": "s", "table": "t", "dtype": "bool"}],
        "holdout": {"salt": "x", "share": 0.3},
        "policy": {"drift": {"min_influence": 0}},  # `b`, which `month` moves, is of no use to a champion
        "training": {"folds": 2, "logistic_regression": {"C": [1.0]}, "hist_gradient_boosting": None},
    }
)
ROWS = 3000


def month(
    number: int, *, turn: float = 0.0, lean: float = 0.0, shift: float = 0.0, shuffle: bool = False, rows: int = ROWS
) -> tuple[Columns, Columns]:
    """A month of data; `turn` makes the label depend on `a` the other way round, `lean` more on `c`; `shift` moves `b`."""
    rng = np.random.default_rng(number)
    ids = np.array([f"u{index}" for index in range(rows)], dtype=object)
    a, b = rng.normal(size=rows), rng.normal(size=rows) + shift
    c = np.array(["x", "y"], dtype=object)[rng.integers(0, 2, rows)]
    odds = (1 - 2 * turn) * 1.2 * a + (0.5 + lean) * (c == "x") - 0.8
    labels = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.int8)
    if shuffle:
        rng.shuffle(labels)
    b[::50] = np.nan
    columns = {"id": ids, "a": a, "b": b, "c": c, "s": rng.integers(0, 2, rows).astype(np.float64)}
    return columns, {"entity": ids, "label": labels}


_TRAINED: dict[str, search.Trained] = {}
_SCORERS: dict[int, Any] = {}  # by the pipeline's identity, which _TRAINED keeps alive


class _Once:
    """Training gives the same bits each time (tests/integration/test_training.py), so a worker does it once for the same rows."""

    @staticmethod
    def train(features: Any, columns: Columns, labels: Any, entities: Any, **how: Any) -> search.Trained:
        rows = [(name, values.tolist()) for name, values in columns.items()]
        key = hashlib.sha256(repr((features, rows, labels.tolist(), entities.tolist(), sorted(how.items(), key=str))).encode())
        if key.hexdigest() not in _TRAINED:
            _TRAINED[key.hexdigest()] = search.train(features, columns, labels, entities, **how)
        return _TRAINED[key.hexdigest()]


@dataclass(frozen=True)
class _once_verified:  # noqa: N801 - stands where the function `estimator` does
    """The scorer of a pipeline is built and verified once too: it asks scikit-learn for 33 rows, one by one."""

    name: str

    def answers(self, pipeline: Any, rows: Any) -> Any:
        return estimator(self.name).answers(pipeline, rows)

    def scorer(self, pipeline: Any, features: Any, columns: Columns) -> Any:
        if id(pipeline) not in _SCORERS:
            _SCORERS[id(pipeline)] = estimator(self.name).scorer(pipeline, features, columns)
        return _SCORERS[id(pipeline)]


@contextmanager
def trained_once() -> Iterator[None]:
    """Steps and recipes train and verify once for the same rows."""
    with ExitStack() as patched:
        for module in (train, recipe):
            patched.enter_context(patch.object(module, "search", _Once))
            patched.enter_context(patch.object(module, "estimator", _once_verified))
        yield


@dataclass
class Loop:
    """The steps wired to fakes."""

    project: Project = PROJECT
    at: FakeStores = field(default_factory=FakeStores)
    store: FakeSnapshots = field(default_factory=FakeSnapshots)
    reports: FakeReports = field(default_factory=FakeReports)
    requests: FakeRequests = field(default_factory=FakeRequests)
    said: list[str] = field(default_factory=list)
    rows_per_pod: int = ROWS_PER_POD
    run_id: str = "run"

    @property
    def features(self) -> FakeFeatures:
        return FakeFeatures(self.store, "id", ["a", "b", "c"])

    def arrive(self, number: int, *, labelled: bool = True, **how: float) -> Snapshot:
        columns, labels = month(number, **how)  # type: ignore[arg-type]  # shuffle is a bool, rows an int
        features_hash = hashlib.sha256(repr((number, sorted(how.items()))).encode()).hexdigest()
        rows = len(columns["id"])
        snapshot = Snapshot(
            f"m{number}", date(2024, number, 1), rows, rows if labelled else 0, features_hash, "l" if labelled else ""
        )
        online = zip(columns["id"], columns["a"], columns["b"], columns["c"], strict=True)
        self.at.rollout.known = {entity: {"a": a, "b": b, "c": c} for entity, a, b, c in online}
        return self.store.put(snapshot, columns, labels if labelled else None)

    def measure(self, snapshot: Snapshot) -> list[Entry[Measured]]:
        world = (self.project, self.store, self.at.registry, self.at.journal)
        return measure.run(*world, snapshot, run_id=self.run_id, say=self.said.append)

    def check(self, snapshot: Snapshot, *, force: bool = False) -> drift_check.Checked:
        return drift_check.run(
            self.project,
            self.store,
            self.at.registry,
            self.at.journal,
            self.requests,
            FakeReporter,
            self.reports,
            snapshot,
            force=force,
            run_id=self.run_id,
            rows_per_pod=self.rows_per_pod,
            say=self.said.append,
        )

    def train(self, snapshot: Snapshot, *, force: bool = False, offered: int | None = None) -> int:
        ports = (self.project, self.store, self.features, self.at.registry, self.at.journal)
        with patch.object(train, "search", _Once), patch.object(train, "estimator", _once_verified):
            return train.run(*ports, snapshot, force=force, offered=offered, say=self.said.append).number

    def judge(self, snapshot: Snapshot, candidate: int) -> evaluate.Evaluated:
        return evaluate.run(
            self.project,
            self.store,
            self.at.registry,
            self.at.journal,
            self.reports,
            snapshot,
            candidate,
            run_id=self.run_id,
            rows_per_pod=self.rows_per_pod,
            say=self.said.append,
        )

    def run(self, snapshot: Snapshot, *, force: bool = False) -> str:
        """The pipeline's branches; the outcome in a word."""
        self.measure(snapshot)
        checked = self.check(snapshot, force=force)
        if checked.trigger.action is not Action.RETRAIN:
            return checked.trigger.action.value
        candidate = self.train(checked.judged, force=force, offered=checked.trigger.candidate)
        judged = self.judge(checked.judged, candidate)
        if not judged.decision.passed:
            return judged.decision.verdict.value
        return str(promote.run(self.project, self.at.production, candidate).event.state)

    def run_alone(self, snapshot: Snapshot) -> str:
        """A run with an id of its own."""
        self.run_id = f"run of {snapshot.id} {len(self.at.journal.history().entries)}"
        return self.run(snapshot)

    def copy(self) -> Loop:
        """A loop of its own, to change or to damage. The months' rows are shared: nothing writes into them."""
        rows = [*self.store.stored.values(), *self.at.rollout.known.values()]
        return deepcopy(self, {id(shared): shared for shared in rows})

    @property
    def production(self) -> int | None:
        return self.at.registry.aliases.get("production")


@cache
def _january() -> Loop:
    made = Loop()
    assert made.run(made.arrive(1)) == "done"
    return made


def first_champion() -> Loop:
    """A loop in which January made version 1 the champion.

    Everyone gets a copy: training takes half a second, which most tests that begin with a champion would spend on nothing else.
    """
    return _january().copy()
