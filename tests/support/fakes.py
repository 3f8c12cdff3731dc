"""The ports in memory. They keep state and can be made to fail or to die; the contract tests hold them to the real ones."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.backtest.memory import MemoryLedger, MemoryRegistry
from ratchet.core.errors import ArtifactError, DataError, LockHeld, LockLost, PromotionFailed, StaleComparison
from ratchet.core.live import LabelledAnswers
from ratchet.core.record import Record
from ratchet.core.schema import Columns, FeatureValue, LoggedAnswer, ModelVersion, Provenance, Snapshot, StoredRow
from ratchet.estimators import bundle as bundles
from ratchet.estimators.estimator import Scorer
from ratchet.registry.port import NewVersion, Note
from ratchet.requests.port import JoinReport
from ratchet.requests.volume import Volume, empty_volume
from ratchet.rollout.state import Answer, Pin, PodReport, Progress, State


class Killed(BaseException):
    """The process dies here. A BaseException, so that no handler of the code under test can hold it up."""


@dataclass
class Clock:
    """The calls that change something, of several fakes in one order."""

    calls: list[str] = field(default_factory=list)

    def tick(self, name: str) -> None:
        """Note one effect."""
        self.calls.append(name)


class FakeLedger(MemoryLedger):
    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__("tester")
        self.clock = clock or Clock()

    def append(self, kind: str, body: Mapping[str, Any], *, key: str = "") -> Record:
        self.clock.tick(f"ledger {body.get('state', kind)}")
        return super().append(kind, body, key=key)


class FakeLock:
    """`lost` says that somebody else has taken it from its present holder, whose fence refuses from then on."""

    def __init__(self) -> None:
        self.held = False
        self.lost = False

    @contextmanager
    def hold(self) -> Iterator[FakeLock]:
        if self.held:
            raise LockHeld("a promotion is under way")
        self.held = True
        try:
            yield self
        finally:
            self.held = False

    def check(self) -> None:
        if self.lost:
            raise LockLost("the promotion lock was lost: `ratchet reconcile` finishes or undoes what was under way")


class FakeRegistry(MemoryRegistry):
    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(Path(tempfile.mkdtemp(prefix="ratchet-fake-")))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self.clock = clock or Clock()
        self.down: Exception | None = None
        self.read_only: Exception | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> FakeRegistry:
        """A registry of its own: what one of the two registers or damages is not seen by the other."""
        made = FakeRegistry(deepcopy(self.clock, memo))
        memo[id(self)] = made
        shutil.copytree(self.folder, made.folder, dirs_exist_ok=True)
        made.stored, made.aliases, made.down = deepcopy((self.stored, self.aliases, self.down), memo)
        made.noted, made.tags, made.read_only = deepcopy((self.noted, self.tags, self.read_only), memo)
        return made

    def _up(self) -> None:
        if self.down is not None:
            raise self.down

    def register(self, new: NewVersion) -> ModelVersion:
        self._up()
        return super().register(new)

    def note(self, number: int, note: Note) -> None:
        self._up()
        if self.read_only is not None:
            raise self.read_only
        super().note(number, note)

    def version(self, number: int) -> ModelVersion:
        self._up()
        return super().version(number)

    def versions(self) -> list[ModelVersion]:
        self._up()
        return super().versions()

    def alias(self, alias: str) -> ModelVersion | None:
        self._up()
        return super().alias(alias)

    def set_alias(self, alias: str, number: int) -> None:
        self._up()
        self.clock.tick(f"alias {alias}")
        super().set_alias(alias, number)

    def drop_alias(self, alias: str) -> None:
        self._up()
        super().drop_alias(alias)

    def bundle(self, version: ModelVersion) -> Path:
        self._up()
        return super().bundle(version)


@cache
def _scorer(folder: Path) -> Scorer:
    """A serving process keeps what it has loaded."""
    return bundles.read(folder).scorer


class FakeRollout:
    """A Deployment whose pods follow the template at the next look, unless a version is made never to get ready."""

    def __init__(self, registry: FakeRegistry, clock: Clock | None = None) -> None:
        self.registry, self.clock = registry, clock or Clock()
        self.version: int | None = None
        self.digest = ""
        self.revision = 0
        self.serving: int | None = None
        self.stuck: set[int] = set()
        self.wrong_golden: set[int] = set()
        self.wrong_answers: set[int] = set()
        self.known: dict[str, dict[str, FeatureValue]] = {}
        self.posts = False  # whether a question brings the features, as where none are kept
        self.on_pin: Callable[[], None] = lambda: None

    @contextmanager
    def session(self) -> Iterator[None]:
        yield

    def pinned(self) -> Pin:
        return Pin(self.version, str(self.revision), self.digest)

    def pin(self, version: int | None, *, revision: str, digest: str = "") -> Pin:
        self.clock.tick(f"pin {version}")
        if revision != str(self.revision):
            raise StaleComparison("the template has changed meanwhile")
        self.version, self.digest, self.revision = version, digest, self.revision + 1
        self.on_pin()
        return self.pinned()

    def progress(self) -> Progress:
        if self.version in self.stuck:
            return Progress(State.STUCK, "its pods exit at start")
        self.serving = self.version
        return Progress(State.READY, "1 of 1 pods are new and available")

    def pods(self) -> list[PodReport]:
        return [PodReport("pod-1", self.serving, ready=True)] if self.serving is not None else []

    def ask(self, entity: str, features: Mapping[str, FeatureValue] | None = None) -> Answer | None:
        row = features if self.posts else self.known.get(entity)
        if row is None or self.serving is None:
            return None
        scorer = _scorer(self.registry.folder / str(self.serving))
        probability = scorer.row(row) + (0.1 if self.serving in self.wrong_answers else 0.0)
        return Answer(entity, self.serving, probability, row)

    def infra_check(self, version: ModelVersion) -> Mapping[str, float]:
        self.clock.tick("infra check")
        if version.number in self.wrong_golden:
            return {"seconds": 0.1, "worst": 0.2}
        try:
            worst = bundles.worst_difference(bundles.read(self.registry.bundle(version)))
        except ArtifactError as error:
            message = f"version {version.number} does not load in the serving runtime: {error}"
            raise PromotionFailed(message) from error
        return {"seconds": 0.1, "worst": worst}


class FakeSnapshots:
    def __init__(self) -> None:
        self.stored: dict[date, tuple[Snapshot, Columns, Columns | None]] = {}

    def put(self, snapshot: Snapshot, columns: Columns, labels: Columns | None) -> Snapshot:
        self.stored[snapshot.as_of] = (snapshot, columns, labels)
        return snapshot

    def write(self, snapshot: Snapshot, features: Any, labels: Any | None, *, replace: bool = False) -> bool:
        message = f"tests put columns: {snapshot} {features} {labels} {replace}"
        raise AssertionError(message)

    def snapshots(self) -> list[Snapshot]:
        return [self.stored[as_of][0] for as_of in sorted(self.stored)]

    def listed(self) -> list[Snapshot]:
        return self.snapshots()

    def get(self, name: str) -> Snapshot:
        for snapshot, _, _ in self.stored.values():
            if name in {snapshot.name, snapshot.id, snapshot.as_of.isoformat()}:
                return snapshot
        message = f"no snapshot {name}"
        raise DataError(message)

    def columns(self, snapshot: Snapshot, names: Sequence[str], rows: range | None = None) -> Columns:
        return _stretch({name: self.stored[snapshot.as_of][1][name] for name in names}, rows)

    def labels(self, snapshot: Snapshot, rows: range | None = None) -> Columns:
        labels = self.stored[snapshot.as_of][2]
        if labels is None:
            raise DataError("no labels")
        return _stretch(labels, rows)


def _stretch(columns: Columns, rows: range | None) -> Columns:
    return columns if rows is None else {name: values[rows.start : rows.stop] for name, values in columns.items()}


class FakeFeatures:
    """Point-in-time look-ups straight from the fake snapshots."""

    def __init__(self, store: FakeSnapshots, entity: str, names: Sequence[str]) -> None:
        self.store, self.entity, self.names = store, entity, names

    def materialise(self, snapshot: Snapshot) -> None:
        self.store.get(snapshot.id)

    def training_set(self, as_of: date, entities: NDArray[Any]) -> Columns:
        columns = self.store.stored[as_of][1]
        position = {entity: index for index, entity in enumerate(columns[self.entity])}
        at = np.array([position[entity] for entity in entities], dtype=np.int64)
        return {name: columns[name][at] for name in self.names}

    def online(self, entities: Sequence[str]) -> list[StoredRow | None]:
        newest = max(self.store.stored)
        columns = self.store.stored[newest][1]
        position = {entity: index for index, entity in enumerate(columns[self.entity])}
        rows = ({name: columns[name][position[e]] for name in self.names} if e in position else None for e in entities)
        return [None if row is None else StoredRow(row, newest) for row in rows]


class FakeReports:
    def __init__(self) -> None:
        self.saved: dict[str, str] = {}
        self.down: Exception | None = None

    def save(self, name: str, content: str) -> str:
        if self.down is not None:
            raise self.down
        self.saved[name] = content
        return f"reports/{name}"

    def load(self, name: str) -> str | None:
        return self.saved.get(name)


class FakeRequests:
    def __init__(self) -> None:
        self.pairs: dict[int, LabelledAnswers] = {}
        self.newest: dict[int, float] = {}
        self.times: dict[int, list[float]] = {}

    def append(self, rows: Sequence[LoggedAnswer]) -> None:
        message = f"tests set pairs: {rows}"
        raise AssertionError(message)

    def newest_labelled(self) -> Mapping[int, float]:
        return dict(self.newest)

    def join(self, labels: Columns) -> JoinReport:
        message = f"tests set pairs: {labels}"
        raise AssertionError(message)

    def labelled(self, version: int | None = None, since: float | None = None) -> Mapping[int, LabelledAnswers]:
        return {
            number: pair
            for number, pair in self.pairs.items()
            if version in {None, number} and (since is None or self.newest.get(number, since) >= since)
        }

    def volume(self, most: int) -> Volume:
        moments = [moment for times in self.times.values() for moment in times]
        if not moments:
            return Volume()
        found = empty_volume(min(moments), max(moments), most)
        counts = {version: [0] * found.slots for version in sorted(self.times)}
        for version, times in self.times.items():
            for moment in times:
                counts[version][int((moment - found.start) // found.width)] += 1
        return replace(found, counts=counts)

    def count_before(self, moment: float) -> int:
        return sum(given < moment for times in self.times.values() for given in times)

    def delete_before(self, moment: float) -> int:
        count = self.count_before(moment)
        self.times = {version: [given for given in times if given >= moment] for version, times in self.times.items()}
        return count


class FakeReporter:
    def drift_report(
        self,
        features: Sequence[Any],
        reference: Columns,
        current: Columns,
        name: str,
        *,
        number_effect: float,
        category_effect: float,
        drift_share: float,
        verdict: Sequence[str],
    ) -> tuple[str, dict[str, float]]:
        assert (number_effect, category_effect, drift_share) == (0.1, 0.1, 0.02)
        assert set(reference) == set(current) == {feature.name for feature in features}
        return f"<title>{name}</title><h1>{verdict[0]}</h1>", {}


def provenance(**changes: Any) -> Provenance:
    """A plausible provenance, changed as asked."""
    return replace(Provenance(("2024-01-31@a",), "hash", "salt", 0.2, "project", 1, 800), **changes)
