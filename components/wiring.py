"""The composition root: settings and project in, adapters out. The one place where adapters are chosen."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from components.core.errors import RatchetError
from components.project import Project, load_project
from components.protocol.world import World
from components.settings import Settings, load_settings

if TYPE_CHECKING:
    from components.core.ports import (
        DriftReporter,
        FeatureStore,
        Ledger,
        Lock,
        Registry,
        Reports,
        RequestLog,
        Rollout,
        SnapshotStore,
        Source,
    )


@dataclass(frozen=True)
class Wiring:
    """Adapters, each built when it is first asked for: importing Feast or MLflow takes seconds, and few commands need both."""

    settings: Settings
    project: Project

    @classmethod
    def load(cls) -> Wiring:
        """From the environment and ratchet.yaml. Raises UserError or ProjectError."""
        settings = load_settings()
        return cls(settings, load_project(settings.project))

    def source(self, folder: Path) -> Source:
        """Raw snapshots below `folder`."""
        from components.adapters.table_source import TableSource

        return TableSource(folder, self.project)

    @cached_property
    def store(self) -> SnapshotStore:
        """Parquet snapshots."""
        from components.adapters.snapshots import ParquetSnapshots

        columns = [column.feature for column in self.project.columns]
        return ParquetSnapshots(self.settings.snapshots, self.project.entity, self.project.label.column, columns)

    @cached_property
    def features(self) -> FeatureStore:
        """Feast."""
        from components.adapters.feast_features import FeastFeatures

        return FeastFeatures(
            self.settings.feast, self.settings.snapshots, self.project.model, self.project.entity, self.project.inputs
        )

    @cached_property
    def registry(self) -> Registry:
        """MLflow."""
        from components.adapters.mlflow_registry import MlflowRegistry

        embedded = self.settings.tracking_uri.startswith("sqlite:")
        return MlflowRegistry(
            self.settings.tracking_uri, self.project.model, self.settings.home / "artifacts" if embedded else None
        )

    @cached_property
    def ledger(self) -> Ledger:
        """SQL."""
        from components.adapters.sql_ledger import SqlLedger

        return SqlLedger(self.settings.ledger_url, self.settings.actor)

    @cached_property
    def lock(self) -> Lock:
        """A file."""
        from components.adapters.file_lock import PromotionFileLock

        return PromotionFileLock(self.settings.home / "promotion.lock", self.settings.actor, self.settings.lock_timeout)

    @cached_property
    def rollout(self) -> Rollout:
        """Processes behind one address."""
        from components.adapters.process_rollout import ProcessRollout

        return ProcessRollout(self.settings, self.project.entity)

    @cached_property
    def requests(self) -> RequestLog:
        """SQL."""
        from components.adapters.sql_requests import SqlRequestLog

        return SqlRequestLog(self.settings.requests_url)

    @cached_property
    def reporter(self) -> DriftReporter:
        """Evidently."""
        from components.adapters import evidently_report

        return evidently_report

    @cached_property
    def reports(self) -> Reports:
        """Files."""
        from components.adapters.report_files import ReportFiles

        return ReportFiles(self.settings.reports)

    @property
    def world(self) -> World:
        """What the promotion protocol acts on; it tells its steps on standard output."""
        return World(self.registry, self.ledger, self.lock, self.rollout, self.settings.ready_timeout, say)

    @property
    def quiet_world(self) -> World:
        """As `world`, telling nothing: for a command whose output is one JSON document."""
        return replace(self.world, say=lambda _: None)


def say(line: str) -> None:
    """One line of a step's log, at once."""
    print(line, flush=True)  # noqa: T201 - a step's log is its standard output, on a cluster and locally


@contextmanager
def step(name: str) -> Iterator[Wiring]:
    """The shell around a component's body: adapters in, errors out as one `[ERROR]` line that a runner can read.

    The process ends with the error's exit code; a defect of ours keeps its trace and ends with 1.
    """
    try:
        yield Wiring.load()
    except RatchetError as error:
        say(f"[ERROR] {json.dumps({'step': name, 'code': error.exit_code, 'type': type(error).__name__, 'message': str(error)})}")
        sys.stdout.flush()
        traceback.print_exc()
        raise SystemExit(error.exit_code) from error
