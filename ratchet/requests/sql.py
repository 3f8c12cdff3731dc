"""The request log in SQL: answers that were given and the labels that came later (SQLite, or PostgreSQL)."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cached_property

import numpy as np
from sqlalchemy import ColumnElement, Connection, Engine, delete, func, select
from sqlalchemy.engine import URL, make_url

from ratchet.clients.roles import give
from ratchet.clients.sql_errors import FAILED, UNUSABLE, sql_error
from ratchet.core.entity_key import all_spelled
from ratchet.core.errors import RatchetError
from ratchet.core.live import LabelledAnswers
from ratchet.core.schema import Columns, LoggedAnswer
from ratchet.requests import answer_rows, label_join
from ratchet.requests.label_rows import label_rows
from ratchet.requests.port import JoinReport, PostedAnswer
from ratchet.requests.tables import ABOUT, ANSWERS, LABELS, RIGHTS, UNKNOWN, UNNAMED, UNNAMED_COUNTS, open_engine
from ratchet.requests.volume import Volume

_DELETED_AT_ONCE = 10_000  # answers a transaction: of SQLite there is one writer, and serving waits for it


class SqlRequestLog:
    """One model's answers and labels, in the request log behind an SQLAlchemy URL.

    Args:
        url: SQLAlchemy URL; an SQLite file and its folder are made on first use.
        model: whose answers they are.
        owns_unnamed: whether what release 0.1 logged, which names no model, is this one's; asked only where there is such. By
            default it is.
    """

    def __init__(self, url: str, model: str, owns_unnamed: Callable[[], bool] = lambda: True) -> None:
        self._given, self._model, self._owns_unnamed = url, model, owns_unnamed

    @cached_property
    def _url(self) -> URL:
        return make_url(self._given)

    @cached_property
    def _engine(self) -> Engine:
        try:
            engine = open_engine(self._url)
        except UNUSABLE as error:
            raise self._error(error) from error
        weakref.finalize(self, engine.dispose)
        return engine

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except FAILED as error:
            raise self._error(error) from error

    def _error(self, error: Exception) -> RatchetError:
        return sql_error(error, "the request log", self._given, "RATCHET_REQUESTS_URL", "cannot be used")

    def migrate(self) -> list[str]:
        """Bring the tables up to date and give each database role its rights, by the owner of the tables. Returns the roles."""
        with self._transaction():
            return give(self._engine, RIGHTS, "the request log")

    @cached_property
    def _models(self) -> tuple[str, ...]:
        """What `model` may be in this model's rows."""
        unnamed = select(ANSWERS.c.version).where(ANSWERS.c.model == UNNAMED).limit(1)
        with self._transaction() as connection:  # retention may have left the counts alone
            found = (
                connection.scalar(unnamed) is not None or connection.scalar(select(UNNAMED_COUNTS.c.version).limit(1)) is not None
            )
        return (self._model, UNNAMED) if found and self._owns_unnamed() else (self._model,)

    def append(self, rows: Sequence[LoggedAnswer]) -> None:
        """Store answers; one that is stored already (a retried write) stays as it is."""
        while rows and not self._stored(rows):
            rows = self._new(rows)

    def _stored(self, rows: Sequence[LoggedAnswer]) -> bool:
        """Store all of them, or none where one is there already."""
        with self._transaction() as connection:
            done = answer_rows.store(connection, self._model, rows)
            if not done:
                connection.rollback()
        return done

    def _new(self, rows: Sequence[LoggedAnswer]) -> list[LoggedAnswer]:
        with self._transaction() as connection:
            return answer_rows.new(connection, self._model, rows)

    def join(self, labels: Columns) -> JoinReport:
        """Join labels to the answers they are about.

        A label with `prediction_id` belongs to that answer. A label with `entity` alone belongs to the entity's latest answer of
        each version, at or before `observed_at` and to the features of `features_hash` when these are given; a label by prediction
        id outranks one by entity. The same labels again change nothing, a changed label replaces the one before it.

        Args:
            labels: columns `label` (whole numbers), `prediction_id` or `entity` or both, and optionally `observed_at` (seconds
                since the epoch, or ISO text; no zone means UTC, a date without a time the end of that day).

        Raises:
            DataError: a column is missing or a cell cannot be read; nothing is stored then.
        """
        rows = label_rows(labels)
        direct = [row for row in rows if row.prediction_id]
        by_entity = [row for row in rows if not row.prediction_id]
        models = self._models
        with self._transaction() as connection:
            joined_direct = label_join.join_direct(connection, models, direct)
            joined, unmatched = label_join.join_by_entity(connection, models, by_entity)
        unknown = len(direct) - joined_direct + unmatched
        return JoinReport(joined=joined_direct + joined, unknown=unknown)

    def newest_labelled(self) -> Mapping[int, float]:
        """When the newest answer that has a label was given, by version, in seconds since the epoch; reads all that have one."""
        query = (
            select(ANSWERS.c.version, func.max(ANSWERS.c.answered_at))
            .join(LABELS, ABOUT)
            .where(ANSWERS.c.model.in_(self._models), ANSWERS.c.entity != UNKNOWN)
            .group_by(ANSWERS.c.version)
        )
        with self._transaction() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def labelled(self, version: int | None = None, since: float | None = None) -> Mapping[int, LabelledAnswers]:
        """Labelled answers by version, in the order in which they were given; those alone that say whom they are about.

        Of others nobody knows whether the version was trained on them.
        """
        query = (
            select(ANSWERS.c.version, ANSWERS.c.entity, LABELS.c.label, ANSWERS.c.score)
            .join(LABELS, ABOUT)
            .where(ANSWERS.c.model.in_(self._models), ANSWERS.c.entity != UNKNOWN)
            .order_by(ANSWERS.c.answered_at, ANSWERS.c.prediction_id)
        )
        if version is not None:
            query = query.where(ANSWERS.c.version == version)
        if since is not None:
            query = query.where(ANSWERS.c.answered_at >= since)
        found: dict[int, list[tuple[str, int, float]]] = {}
        with self._transaction() as connection:
            for number, *answer in connection.execute(query):
                found.setdefault(number, []).append(tuple(answer))
        return {
            number: LabelledAnswers(
                entities=all_spelled(entity for entity, _, _ in rows),
                labels=np.array([label for _, label, _ in rows]),
                scores=np.array([score for _, _, score in rows], dtype=np.float64),
            )
            for number, rows in sorted(found.items())
        }

    def posted(self, version: int | None = None, since: float | None = None) -> Iterator[PostedAnswer]:
        """Answers to requests that brought features, in the order in which they were given, with their labels where these came.

        Streamed: whoever reads holds a transaction open until the end.
        """
        columns = (
            ANSWERS.c.prediction_id,
            ANSWERS.c.entity,
            ANSWERS.c.version,
            ANSWERS.c.score,
            ANSWERS.c.answered_at,
            ANSWERS.c.features_hash,
            LABELS.c.label,
            ANSWERS.c.posted,
        )
        query = (
            select(*columns)
            .join(LABELS, ABOUT, isouter=True)
            .where(ANSWERS.c.model.in_(self._models), ANSWERS.c.posted.is_not(None))
            .order_by(ANSWERS.c.answered_at, ANSWERS.c.prediction_id)
        )
        if version is not None:
            query = query.where(ANSWERS.c.version == version)
        if since is not None:
            query = query.where(ANSWERS.c.answered_at >= since)
        with self._transaction() as connection:
            for row in connection.execution_options(yield_per=1000).execute(query):
                facts = row._asdict()  # SQLAlchemy's own, underlined so that no column hides it
                content = json.loads(facts.pop("posted"))
                as_of = None if content["as_of"] is None else date.fromisoformat(content["as_of"])
                yield PostedAnswer(**facts, features=content["features"], as_of=as_of)

    def volume(self, most: int) -> Volume:
        """All answers by version in about `most` slots of time; those that were deleted since count too."""
        models = self._models
        with self._transaction() as connection:
            return answer_rows.volume(connection, models, most)

    def count_before(self, moment: float) -> int:
        """How many answers were given before `moment` (seconds since the epoch)."""
        query = select(func.count()).select_from(ANSWERS).where(self._older_than(moment))
        with self._transaction() as connection:
            return int(connection.scalar(query) or 0)

    def delete_before(self, moment: float) -> int:
        """Delete the answers that were given before `moment`, with their labels; how many. `volume` goes on counting them.

        By and by: what serves can write in between. Who is interrupted has deleted some, and goes on by another call.
        """
        key, old = ANSWERS.c.prediction_id, self._older_than(moment)
        deleted, last = 0, ""
        while True:
            with self._transaction() as connection:
                some = select(key).where(key > last, old).order_by(key).limit(_DELETED_AT_ONCE).subquery()
                end = connection.scalar(select(func.max(some.c.prediction_id)))
                if end is None:
                    return deleted
                deleted += connection.execute(delete(ANSWERS).where(key > last, key <= end, old)).rowcount
                last = end

    def _older_than(self, moment: float) -> ColumnElement[bool]:
        return ANSWERS.c.model.in_(self._models) & (ANSWERS.c.answered_at < moment)
