"""Policies that are the same for every project, over a table in which all recipes are scored already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ratchet.backtest.path import Path, Served, Step, made_of
from ratchet.backtest.table import ScoreTable
from ratchet.backtest.timeline import Timeline
from ratchet.core.decision import number
from ratchet.core.estimate import Estimate
from ratchet.core.policy import GatePolicy
from ratchet.core.schema import Snapshot
from ratchet.tasks.task import Task

WINDOWS = range(1, 7)  # snapshots to train on, each tried as a policy
Choice = tuple[Served, str] | None  # what is to be promoted, and why


@dataclass(frozen=True, slots=True)
class Months:
    """What a rule may ask: the table, and what a recipe makes of which months."""

    timeline: Timeline
    table: ScoreTable
    task: Task
    gate: GatePolicy
    window: int

    def made(self, until: Snapshot, window: int) -> Served | None:
        """What the recipe makes of the newest labelled snapshots up to that one; None where nothing could be learnt from them."""
        found = made_of(self.timeline.window(until, window))
        return found if self.table.has(found.name, until.as_of) else None


@dataclass(frozen=True, slots=True)
class Fixed:
    """A policy by name, in a sentence, and as a rule: months, champion and newly labelled snapshot in, choice out."""

    name: str
    says: str
    rule: Callable[[Months, Served, Snapshot], Choice]


def policies(timeline: Timeline, window: int) -> Iterator[Fixed]:
    """All of them. Windows that the stored months cannot fill are left out: they would train on the same as smaller ones."""
    yield Fixed("never", "the first model, for ever", lambda *_: None)
    yield Fixed("always", f"a new model of ratchet.yaml's window ({window}) with all labels that come", _always(window))
    yield Fixed("in-time gate", "the candidate is better beyond doubt on the month that it was trained on", _in_time)
    yield Fixed("out-of-time gate", "the recipe, made without the judged month, is better on it beyond doubt", _out_of_time)
    for size in windows(timeline):
        plural = "s" if size > 1 else ""
        yield Fixed(f"window {size}", f"a new model of the newest {size} snapshot{plural} with all labels that come", _always(size))


def windows(timeline: Timeline) -> Iterable[int]:
    """The windows that make a difference."""
    return [size for size in WINDOWS if size < max(2, len(timeline.labelled))]


def recipes(timeline: Timeline, window: int) -> dict[str, tuple[Snapshot, ...]]:
    """Every version that a fixed policy may ask for, by its name: the snapshots that it is made of."""
    made = {}
    for size in {window, *windows(timeline)}:
        for until in timeline.labelled:
            found = timeline.window(until, size)
            made[made_of(found).name] = found
    return made


def follow(months: Months, policy: Fixed) -> Path:
    """The way that the policy takes. It begins with what the project's recipe makes of the first labels, as all of them do."""
    path, champion = Path(), None
    for at, snapshot in enumerate(months.timeline.snapshots):
        if champion is not None:
            path.serving[snapshot.as_of] = champion
        labelled = months.timeline.labels_with(at)
        if labelled is None:
            continue
        if champion is None:
            first = months.made(labelled, months.window)
            chosen: Choice = (first, "the first model") if first else None
        else:
            chosen = policy.rule(months, champion, labelled)
        if chosen is not None and chosen[0] != champion:
            path.steps.append(Step(snapshot.as_of, chosen[0], champion, chosen[1]))
            champion = chosen[0]
    return path


def _always(window: int) -> Callable[[Months, Served, Snapshot], Choice]:
    def rule(months: Months, champion: Served, labelled: Snapshot) -> Choice:
        del champion
        made = months.made(labelled, window)
        return (made, "labels came") if made else None

    return rule


def _in_time(months: Months, champion: Served, labelled: Snapshot) -> Choice:
    candidate = months.made(labelled, months.window)
    return _better(months, candidate, candidate, champion, labelled)


def _out_of_time(months: Months, champion: Served, labelled: Snapshot) -> Choice:
    earlier = months.timeline.before(labelled)
    stand_in = months.made(earlier, months.window) if earlier else None
    return _better(months, months.made(labelled, months.window), stand_in, champion, labelled)


def _better(months: Months, candidate: Served | None, judged: Served | None, champion: Served, on: Snapshot) -> Choice:
    """The candidate, where what is judged for it beats the champion by the policy's delta, and by 0 with the whole interval."""
    if candidate is None or judged is None:
        return None
    found = months.table.difference(months.task, judged.name, champion.name, on.as_of)
    return (candidate, _why(found, months.gate)) if _passes(found, months.gate) else None


def _passes(found: Estimate, gate: GatePolicy) -> bool:
    return found.value > gate.min_delta and found.interval(gate.confidence).low > 0


def _why(found: Estimate, gate: GatePolicy) -> str:
    return f"delta {number(found.value)} > {number(gate.min_delta)}, lower end {number(found.interval(gate.confidence).low)} > 0"
