"""Scores of versions on months, in files: what grows with the square of the months is not kept in memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from ratchet.core.estimate import Clusters, Estimate, Labels, Scores
from ratchet.tasks.task import Task


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """A folder with an array a version and month, and of each month labels and groups in the same order of rows."""

    folder: Path

    def put(self, version: str, month: date, scores: Scores) -> None:
        """Keep a version's scores; a file is there whole or not at all."""
        self._write(f"{version} {month}", scores)

    def put_rows(self, month: date, labels: Labels, groups: Clusters | None) -> None:
        """Keep a month's labels, and the numbers of its rows' groups where the project has such."""
        self._write(f"labels {month}", labels)
        if groups is not None:
            self._write(f"groups {month}", groups)

    def has(self, version: str, month: date) -> bool:
        """Whether that version was scored on that month."""
        return self._path(f"{version} {month}").exists()

    def scores(self, version: str, month: date) -> Scores:
        """A version's scores."""
        found: Scores = np.load(self._path(f"{version} {month}"), allow_pickle=False)
        return found

    def labels(self, month: date) -> Labels:
        """A month's labels."""
        found: Labels = np.load(self._path(f"labels {month}"), allow_pickle=False)
        return found

    def groups(self, month: date) -> Clusters | None:
        """The numbers of its rows' groups; None where each row is one of its own."""
        path = self._path(f"groups {month}")
        return np.load(path, allow_pickle=False) if path.exists() else None

    def figure(self, task: Task, version: str, month: date) -> Estimate:
        """The figure of a version on a month."""
        return task.figure(self.labels(month), self.scores(version, month), self.groups(month))

    def difference(self, task: Task, first: str, second: str, month: date) -> Estimate:
        """By how much the first version is better than the second on a month's rows; of a version with itself exactly 0."""
        if first == second:
            return Estimate(0.0, 0.0)
        scores = self.scores(first, month), self.scores(second, month)
        return task.difference(self.labels(month), *scores, self.groups(month))

    def _write(self, name: str, values: Scores | Labels | Clusters) -> None:
        staged = self.folder / f"{name}.{os.getpid()}.part.npy"
        np.save(staged, values, allow_pickle=False)
        staged.replace(self._path(name))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npy"
