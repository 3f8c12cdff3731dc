"""All that a page can show, asked store by store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from ratchet.apps.ui.queries import Answer, Queries
from ratchet.core.events import Entry, Moved
from ratchet.core.history import History
from ratchet.core.schema import ModelVersion, Snapshot
from ratchet.ledger.journal import Journal
from ratchet.project.file import Project
from ratchet.promotion.champion import PREVIOUS, PRODUCTION
from ratchet.registry.port import Registry
from ratchet.reports.port import Reports
from ratchet.requests.port import RequestLog
from ratchet.requests.volume import Volume
from ratchet.rollout.port import Rollout
from ratchet.rollout.state import PodReport, Progress
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps.parts.standing import Standing, standing
from ratchet.tasks.catalogue import task_of
from ratchet.tasks.task import Task

SOURCES = ("ledger", "registry", "serving", "requests", "store")
_SLOTS = 60  # of time in the chart of requests


class Ports(Protocol):
    """What the pages show; a Wiring is one."""

    @property
    def project(self) -> Project:
        """ratchet.yaml."""
        ...

    @property
    def journal(self) -> Journal:
        """Decisions and moves: the same at each call, for it keeps what it has read."""
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
class LedgerState:
    """The ledger's history, and why its chain does not verify or its moves cannot be followed; empty when all is well."""

    history: History
    broken: str = ""

    @property
    def waiting(self) -> Sequence[Entry[Moved]]:
        """The candidates that await approval; none while a step of a move cannot be read."""
        return self.history.waiting if self.history.unreadable_move is None else ()

    @property
    def interrupted(self) -> Entry[Moved] | None:
        """The move that began and has not ended; None likewise."""
        return self.history.open if self.history.unreadable_move is None else None


@dataclass(frozen=True, slots=True)
class RegistryState:
    """The aliases, and all versions by number."""

    champion: ModelVersion | None
    previous: ModelVersion | None
    versions: dict[int, ModelVersion]


@dataclass(frozen=True, slots=True)
class ServingState:
    """The template's version, how its rollout goes and what the pods say."""

    pinned: int | None
    progress: Progress
    pods: Sequence[PodReport]


@dataclass(frozen=True, slots=True)
class Stores:
    """What the stores answered; one that nobody asked or that is away is empty, and `problems` has a sentence on the latter."""

    project: Project
    task: Task
    ledger: LedgerState
    registry: RegistryState | None
    serving: ServingState | None
    requests: Volume | None
    snapshots: Sequence[Snapshot] | None
    problems: dict[str, str]

    @property
    def champion(self) -> int | None:
        """Who should serve: by the ledger's last promotion; while the ledger is away by the registry."""
        moved = self.ledger.history.champion
        if moved is not None:
            return moved.event.to
        away = "ledger" in self.problems
        return self.registry.champion.number if away and self.registry and self.registry.champion else None

    @property
    def version(self) -> ModelVersion | None:
        """That version as the registry has it."""
        return self.registry.versions.get(self.champion) if self.registry and self.champion is not None else None

    @property
    def foreign(self) -> str:
        """What the registry's alias names where nobody promoted it; empty where that agrees, or is not known."""
        moves, named = (self.ledger.history.champion, self.ledger.history.open), self.registry.champion if self.registry else None
        if self.registry is None or "ledger" in self.problems or (named is None and moves[0] is None):
            return ""
        number = named.number if named else None
        if number in {move.event.to for move in moves if move}:
            return ""
        return f"version {number}" if number is not None else "no version"

    @property
    def previous(self) -> int | None:
        """Who served before, likewise."""
        if self.registry is not None:
            return self.registry.previous.number if self.registry.previous else None
        return self.ledger.history.previous

    @property
    def standing(self) -> Standing:
        """How production does by the labels that have come."""
        return standing(self.project, self.ledger.history, self.champion, self.previous, self.version)


def ask_stores(queries: Queries, ports: Ports, *wanted: str) -> Stores:
    """Ask the stores named, of SOURCES."""
    asked: dict[str, Callable[[], Any]] = {
        "ledger": lambda: _ledger(ports.journal),
        "registry": lambda: _registry(ports.registry),
        "serving": lambda: _serving(ports.rollout),
        "requests": lambda: ports.requests.volume(_SLOTS),
        "store": lambda: list(ports.store.listed()),
    }
    answers: dict[str, Answer[Any]] = queries.ask({name: asked[name] for name in wanted})
    value = {name: answers[name].value if name in answers else None for name in asked}
    return Stores(
        project=ports.project,
        task=task_of(ports.project),
        ledger=cast("LedgerState | None", value["ledger"]) or LedgerState(History()),
        registry=value["registry"],
        serving=value["serving"],
        requests=value["requests"],
        snapshots=value["store"],
        problems={name: answer.problem for name, answer in answers.items() if answer.problem},
    )


def _ledger(journal: Journal) -> LedgerState:
    history = journal.history()
    broken, strange = journal.broken(), history.unreadable_move
    if strange is not None and not broken:  # what waits and what was interrupted is not known without it
        broken = f"record {strange.seq}, a promotion, is of a form that this release does not know"
    return LedgerState(history, broken)


def _registry(registry: Registry) -> RegistryState:
    versions = {version.number: version for version in registry.versions()}
    return RegistryState(registry.alias(PRODUCTION), registry.alias(PREVIOUS), versions)


def _serving(rollout: Rollout) -> ServingState:
    return ServingState(rollout.pinned().version, rollout.progress(), rollout.pods())
