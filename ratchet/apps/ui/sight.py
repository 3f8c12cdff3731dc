"""All that a page can show, looked at store by store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from ratchet.apps.record_forms import first_form, known
from ratchet.apps.ui.looks import Looks, Seen
from ratchet.core import record as chain
from ratchet.core.errors import LedgerError
from ratchet.core.record import Record
from ratchet.core.schema import ModelVersion, Snapshot
from ratchet.ledger.port import Ledger
from ratchet.project.file import Project
from ratchet.promotion.world import PREVIOUS, PRODUCTION, PROMOTION, awaiting, open_move
from ratchet.registry.port import Registry
from ratchet.reports.port import Reports
from ratchet.requests.port import RequestLog
from ratchet.requests.volume import Volume
from ratchet.rollout.port import Rollout
from ratchet.rollout.state import PodReport, Progress
from ratchet.snapshots.port import SnapshotStore
from ratchet.tasks.catalogue import task_of
from ratchet.tasks.task import Task

SOURCES = ("ledger", "registry", "serving", "requests", "store")
_SLOTS = 60  # of time in the chart of requests


class Ports(Protocol):
    """What the pages look at; a Wiring is one."""

    @property
    def project(self) -> Project:
        """ratchet.yaml."""
        ...

    @property
    def ledger(self) -> Ledger:
        """Decisions and moves."""
        ...

    @property
    def registry(self) -> Registry:
        """Versions."""
        ...

    @property
    def rollout(self) -> Rollout:
        """What serves."""
        ...

    @property
    def requests(self) -> RequestLog:
        """Answers that were given."""
        ...

    @property
    def store(self) -> SnapshotStore:
        """Snapshots."""
        ...

    @property
    def reports(self) -> Reports:
        """Reports."""
        ...


@dataclass(frozen=True, slots=True)
class LedgerSeen:
    """All records and those of a form that is known, what waits and what was interrupted, and why a chain does not verify."""

    records: Sequence[Record]
    known: Sequence[Record]
    waiting: Sequence[Record]
    interrupted: Record | None
    broken: str = ""

    def of(self, *kinds: str) -> list[Record]:
        """The known records of these kinds, oldest first."""
        return [record for record in self.known if record.kind in kinds]


@dataclass(frozen=True, slots=True)
class RegistrySeen:
    """The aliases, and all versions by number."""

    champion: ModelVersion | None
    previous: ModelVersion | None
    versions: dict[int, ModelVersion]


@dataclass(frozen=True, slots=True)
class ServingSeen:
    """The template's version, how its rollout goes and what the pods say."""

    pinned: int | None
    progress: Progress
    pods: Sequence[PodReport]


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen; a part that nobody asked for or that is away is empty, and `problems` has a sentence on the latter."""

    task: Task
    ledger: LedgerSeen
    registry: RegistrySeen | None
    serving: ServingSeen | None
    requests: Volume | None
    store: Sequence[Snapshot] | None
    problems: dict[str, str]


def see(looks: Looks, ports: Ports, *wanted: str) -> Sight:
    """Look at the stores named, of SOURCES."""
    asked: dict[str, Callable[[], Any]] = {
        "ledger": lambda: _ledger(ports.ledger),
        "registry": lambda: _registry(ports.registry),
        "serving": lambda: _serving(ports.rollout),
        "requests": lambda: ports.requests.volume(_SLOTS),
        "store": lambda: list(ports.store.listed()),
    }
    found: dict[str, Seen[Any]] = looks.take({name: asked[name] for name in wanted})
    value = {name: found[name].value if name in found else None for name in asked}
    return Sight(
        task=task_of(ports.project),
        ledger=cast("LedgerSeen | None", value["ledger"]) or LedgerSeen((), (), (), None),
        registry=value["registry"],
        serving=value["serving"],
        requests=value["requests"],
        store=value["store"],
        problems={name: seen.problem for name, seen in found.items() if seen.problem},
    )


def _ledger(ledger: Ledger) -> LedgerSeen:
    records = ledger.records()
    broken = ""
    try:
        chain.verify(records)
    except LedgerError as error:
        broken = str(error)
    records = [first_form(record) for record in records]
    readable = [record for record in records if known(record)]
    foreign = next((record.seq for record in records if record.kind == PROMOTION and not known(record)), None)
    if foreign is not None:  # what waits and what was interrupted cannot be told without it
        why = f"record {foreign}, a promotion, is of a form that this release does not know"
        return LedgerSeen(records, readable, (), None, broken or why)
    return LedgerSeen(records, readable, awaiting(ledger), open_move(ledger), broken)


def _registry(registry: Registry) -> RegistrySeen:
    versions = {version.number: version for version in registry.versions()}
    return RegistrySeen(registry.alias(PRODUCTION), registry.alias(PREVIOUS), versions)


def _serving(rollout: Rollout) -> ServingSeen:
    return ServingSeen(rollout.pinned().version, rollout.progress(), rollout.pods())
