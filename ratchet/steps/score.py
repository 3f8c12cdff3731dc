"""Score many rows by a version: each entity once, in bounded memory, to be broken off and taken up again."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from time import monotonic
from typing import Any

import numpy as np

from ratchet.core.errors import DataError, UserError
from ratchet.core.schema import Columns, ModelVersion, require_digest
from ratchet.estimators import bundle as bundles
from ratchet.estimators.estimator import Scorer
from ratchet.ledger.journal import Journal
from ratchet.project.file import Project
from ratchet.promotion.champion import champion_of, legible
from ratchet.registry.port import Registry
from ratchet.scores.port import AS_OF, MODEL_VERSION, Batch, Done, Read, Rows, Target
from ratchet.steps.parts.pace import Pace
from ratchet.steps.parts.unique_keys import UniqueKeys, named
from ratchet.tasks.catalogue import task_of
from ratchet.tasks.task import Answers

PART = 500_000  # rows that are kept at once: what a run that is broken off may lose
_FORM = 1  # of what is kept


@dataclass(frozen=True, slots=True)
class Scored:
    """What was scored by what; `taken_up` rows were there from a run that was broken off."""

    source: str
    as_of: date
    rows: int
    version: int
    digest: str
    place: str
    taken_up: int
    notes: tuple[str, ...]
    seconds: float

    @property
    def facts(self) -> dict[str, str]:
        """What they are, as text: for the metadata of an artifact."""
        named = {"source": self.source, "as_of": self.as_of.isoformat(), "version": str(self.version), "digest": self.digest}
        return {**named, "rows": str(self.rows), "place": self.place}


def run(
    project: Project,
    registry: Registry,
    journal: Journal,
    rows: Rows,
    target: Target,
    *,
    version: int | None = None,
    threads: int = 1,
    say: Callable[[str], None] = print,
    clock: Callable[[], float] = monotonic,
) -> Scored:
    """Score `rows` and publish the scores in `target`, all of them or none.

    Args:
        project: whose model it is.
        registry: has the version.
        journal: says which one is in production, and what its files' digest is.
        rows: what is scored.
        target: where the scores go.
        version: a number; None for the version in production.
        threads: that score.
        say: takes a line now and then of how far it is.
        clock: seconds.

    Raises:
        UserError: there is no version in production, and none was named.
        DataError: rows do not fit the project, or an entity is there twice.
        ArtifactError: the version's files are not those on record.
        LockHeld: somebody else writes there.
    """
    began, pace = clock(), Pace(say, clock)
    chosen = _version(registry, journal, version)
    scorer, answers = bundles.read(registry.bundle(chosen)).scorer, task_of(project).answers(project.serving)
    _refuse_names(project, answers)
    pace.step(1, "looking at what is there", None)
    identity = rows.identity()
    made_of = {
        "form": _FORM,
        "model": project.model,
        "entity": project.entity,
        "source": rows.name,
        "content": identity,
        "as_of": rows.as_of.isoformat(),
        "project": project.hash,
        "answers": repr(answers),
        "version": chosen.number,
        "digest": chosen.digest,
    }
    try:
        done = target.begin(made_of, resume=bool(identity))
        pace.step(2, "scoring", rows.total, done.rows)
        work = _Work(project.entity, rows.as_of, chosen.number, scorer, answers)
        count, notes = _score_all(work, rows, target, done, pace, threads)
        pace.step(3, f"writing {target.place}", None)
        target.publish()
    except DataError:
        target.forget()
        raise
    finally:
        target.close()
    return Scored(
        source=rows.name,
        as_of=rows.as_of,
        rows=count,
        version=chosen.number,
        digest=chosen.digest,
        place=target.place,
        taken_up=done.rows,
        notes=tuple(notes),
        seconds=clock() - began,
    )


def _score_all(work: _Work, rows: Rows, target: Target, done: Done, pace: Pace, threads: int) -> tuple[int, list[str]]:
    """Score what is not done and keep it, part by part; all rows' number, and what is to be said of them. Raises DataError."""
    count, seen, unique = done.rows, Counter(done.seen), UniqueKeys()
    if not rows.proven:
        for keys in target.kept_keys():
            unique.add(keys)
    waiting: list[Columns] = []
    for columns, found in _in_order(work, rows.batches(work.features, done.rows), threads):
        keys = columns[work.entity]
        seen, count = seen + found, count + len(keys)
        waiting.append(columns)
        if not rows.proven:
            unique.add(keys)
        pace.at(count)
        if sum(len(part[work.entity]) for part in waiting) >= PART:
            target.keep(_joined(waiting), seen)
            waiting = []
    if waiting:
        target.keep(_joined(waiting), seen)
    if not count:
        message = f"{rows.name} has no rows: there is nothing to score"
        raise DataError(message)
    notes = rows.judged(seen, count)
    repeated = unique.repeated()
    shown = named(repeated, target.kept_keys()) if len(repeated) else []
    if shown:
        number = "a key is there" if len(repeated) == 1 else f"{len(repeated):,} keys are there"
        message = f"{rows.name}: {number} more than once, as {work.entity} {', '.join(shown)}: leave one row of each entity"
        raise DataError(message)
    return count, notes


def _version(registry: Registry, journal: Journal, number: int | None) -> ModelVersion:
    if number is not None:
        version = registry.version(number)
        require_digest(version, legible(journal.trusted()).digest_of(number))
        return version
    champion = champion_of(registry, journal)
    if champion is None:
        message = "no version is in production yet: `ratchet run` makes one, or name one by --version"
        raise UserError(message)
    return champion


def _refuse_names(project: Project, answers: Answers) -> None:
    """Raise UserError where the entity would have the name of another column."""
    taken = [*answers.columns(np.empty(0)), MODEL_VERSION, AS_OF]
    if project.entity in taken:
        message = f"the entity is called {project.entity}, as is a column of the scores: give it another `name` in ratchet.yaml"
        raise UserError(message)


@dataclass(frozen=True, slots=True)
class _Work:
    """What is made of a batch, in any thread."""

    entity: str
    as_of: date
    version: int
    scorer: Scorer
    answers: Answers

    @property
    def features(self) -> list[str]:
        """The version's inputs."""
        return [feature.name for feature in self.scorer.features]

    def of(self, batch: Batch) -> Columns:
        """Key, what the task's answers say, version and date."""
        scores = self.scorer.batch(batch.columns)
        return {
            self.entity: batch.keys,
            **self.answers.columns(scores),
            MODEL_VERSION: np.full(len(scores), self.version, dtype=np.int64),
            AS_OF: np.full(len(scores), self.as_of, dtype="datetime64[D]"),
        }


def _in_order(work: _Work, reads: Iterator[Read], threads: int) -> Iterator[tuple[Columns, Counter[str]]]:
    """Every batch's scores with what was seen in it, in the order of the rows; one batch more than threads is held at a time."""

    def both(read: Read) -> tuple[Columns, Counter[str]]:
        batch = read()
        return work.of(batch), batch.seen

    with _pool(threads) as pool:
        waiting: deque[Future[tuple[Columns, Counter[str]]]] = deque()
        for read in reads:
            waiting.append(pool.submit(both, read))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def _pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that are not waited for with work that nobody wants any more."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="score")
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _joined(parts: list[Columns]) -> Columns:
    joined: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return joined
