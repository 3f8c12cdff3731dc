"""A backtest from the stored snapshots to what each policy came to."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path as Folder

from ratchet.backtest import crew, fixed
from ratchet.backtest.bench import Bench
from ratchet.backtest.path import Path, Step
from ratchet.backtest.table import ScoreTable
from ratchet.backtest.timeline import Timeline, timeline
from ratchet.core.estimate import Estimate
from ratchet.core.replay import OWN, Outcome, Promoted, Replay
from ratchet.project.file import Project
from ratchet.snapshots.port import SnapshotStore
from ratchet.tasks.catalogue import task_of
from ratchet.tasks.task import Task

_OWN_SAYS = "ratchet.yaml as it stands: the very steps of the pipeline"


@dataclass(frozen=True, slots=True)
class Work:
    """A backtest that can be done: the snapshots are there. `size` is in units of `advance`."""

    project: Project
    store: SnapshotStore
    timeline: Timeline

    @property
    def size(self) -> int:
        """How many recipes and snapshots have to be worked off."""
        return len(fixed.recipes(self.timeline, self.project.training.window)) + len(self.timeline.snapshots)

    def run(self, jobs: int, advance: Callable[[int], None] = lambda _: None) -> Replay:
        """Do it, in a temporary folder that is gone afterwards. Raises UserError when a process was ended from outside."""
        with tempfile.TemporaryDirectory(prefix="ratchet-backtest-") as folder:
            bench = Bench(self.project, self.store, self.timeline, Folder(folder))
            bench.label()
            windows = fixed.recipes(self.timeline, self.project.training.window)
            done = crew.work(bench, list(windows.values()), jobs, advance)
            return _result(self.project, self.timeline, bench.table, done)


def prepare(project: Project, store: SnapshotStore, lag: int = 0) -> Work:
    """Look at what is stored. Raises DataError when that is too little for a backtest with labels that late, in snapshots."""
    return Work(project, store, timeline(project, store, lag))


def _result(project: Project, timeline_: Timeline, table: ScoreTable, done: crew.Done) -> Replay:
    task, months = task_of(project), [item.as_of for item in timeline_.months]
    asked = fixed.Months(timeline_, table, task, project.policy.gate, project.training.window)
    known = list(fixed.policies(timeline_, project.training.window))
    paths = {policy.name: (policy.says, fixed.follow(asked, policy)) for policy in known}
    paths[OWN] = (_OWN_SAYS, done.own)
    outcomes = [_outcome(name, says, path, table, task, months) for name, (says, path) in paths.items()]
    best = _best(outcomes[:-1], more_is_better=task.metric.more_is_better)
    ahead = paths[best][1]
    return Replay(
        model=project.model,
        metric=task.metric,
        lag=timeline_.lag,
        snapshots=tuple(item.as_of for item in timeline_.snapshots),
        months=tuple(months),
        rows=sum(len(table.labels(day)) for day in months),
        best=best,
        outcomes=tuple(replace(item, behind=_behind(paths[item.name][1], ahead, table, task, months)) for item in outcomes),
        left_out=(*timeline_.left_out, *done.notes),
    )


def _outcome(name: str, says: str, path: Path, table: ScoreTable, task: Task, months: Sequence[date]) -> Outcome:
    figures = {day: table.figure(task, path.serving[day].name, day) for day in months if day in path.serving}
    steps = [_promoted(step, table, task, months) for step in path.steps]
    unserved = [day for day in months if day not in path.serving]
    notes = [*path.notes, *([f"nothing serves on {len(unserved)} of {len(months)} months"] if unserved else [])]
    return Outcome(name, says, steps[0] if steps else None, tuple(steps[1:]), figures, {}, tuple(notes))


def _promoted(step: Step, table: ScoreTable, task: Task, months: Sequence[date]) -> Promoted:
    after = next((day for day in months if day > step.decided), None)
    made = Promoted(step.decided, step.to.name, step.to.made_of, step.why)
    if after is None or step.before is None:
        return made
    return replace(made, after=after, gain=table.difference(task, step.to.name, step.before.name, after))


def _best(outcomes: Sequence[Outcome], *, more_is_better: bool) -> str:
    """The fixed policy with the best mean; of equals the first."""
    sign = 1 if more_is_better else -1
    return max(outcomes, key=lambda item: -math.inf if math.isnan(item.mean) else sign * item.mean).name


def _behind(path: Path, ahead: Path, table: ScoreTable, task: Task, months: Sequence[date]) -> dict[date, Estimate]:
    both = [day for day in months if day in path.serving and day in ahead.serving]
    return {day: table.difference(task, ahead.serving[day].name, path.serving[day].name, day) for day in both}
