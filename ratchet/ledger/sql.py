"""The ledger in a SQL database (SQLite embedded, Postgres on a cluster), by SQLAlchemy Core. Each model has a chain of its own."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

from sqlalchemy import Connection, Engine, Row, select
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random

from ratchet.clients.roles import give
from ratchet.clients.sql_errors import FAILED, UNUSABLE, sql_error
from ratchet.core import record as ledger
from ratchet.core.errors import LedgerError, RatchetError
from ratchet.core.record import GENESIS, Record
from ratchet.ledger.tables import CLAIM, RECORDS, RIGHTS, open_engine

_NO_RIGHT = "42501"  # SQLSTATE
_UNNAMED = ""  # the chain of release 0.1, which knew one model alone


class SqlLedger:
    """Implements port.Ledger for one model.

    Args:
        url: SQLAlchemy URL; a SQLite file is made with its folder when absent.
        actor: who writes, as it appears in every record.
        model: whose chain it is.
        belong: whether the records of release 0.1, which name no model, are this one's; asked once for a database. By default they
            are.
        secret: gives what each new record is signed with, empty for nothing.
    """

    def __init__(
        self,
        url: str,
        actor: str,
        model: str,
        belong: Callable[[Sequence[Record]], bool] = lambda _: True,
        secret: Callable[[], bytes] = bytes,
    ) -> None:
        self._url, self._actor, self._model, self._belong, self._secret = url, actor, model, belong, secret

    @cached_property
    def _engine(self) -> Engine:
        """Opened on first use, so that building the adapter touches nothing."""
        try:
            engine = open_engine(self._url)
        except UNUSABLE as error:
            raise self._error(error) from error
        weakref.finalize(self, engine.dispose)
        return engine

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except FAILED as error:
            raise self._error(error) from error

    def _error(self, error: Exception) -> RatchetError:
        return sql_error(error, "the ledger", self._url, "RATCHET_LEDGER_URL")

    def append(self, kind: str, body: Mapping[str, Any], *, key: str = "") -> Record:
        """Chain and store one record.

        Two writers that read the same end of the chain collide on `seq`; the loser reads the new end and tries again.
        """
        retrying = Retrying(
            retry=retry_if_exception_type((IntegrityError, OperationalError)),
            stop=stop_after_delay(10),
            wait=wait_random(0.01, 0.1),
            reraise=True,
        )
        content, secret = json.loads(ledger.canonical(body)), self._secret()
        with self._translated():
            engine, chains = self._engine, self._chains
            return retrying(self._append_once, engine, chains, kind, content, key, secret)

    def _append_once(
        self, engine: Engine, chains: Sequence[str], kind: str, body: Mapping[str, Any], key: str, secret: bytes
    ) -> Record:
        signer = _signer(secret) if secret else None
        with engine.begin() as connection:
            newest = select(RECORDS.c.seq, RECORDS.c.hash).where(RECORDS.c.model.in_(chains)).order_by(RECORDS.c.seq.desc())
            last = connection.execute(newest.limit(1)).first()
            seq, previous = (last.seq + 1, last.hash) if last else (1, GENESIS)
            record = ledger.chain(seq, datetime.now(UTC), kind, key, self._actor, body, previous, secret, signer)
            connection.execute(
                RECORDS.insert().values(
                    model=self._model,
                    seq=record.seq,
                    at=record.at.isoformat(),
                    kind=kind,
                    key=key,
                    actor=record.actor,
                    body=ledger.canonical(record.body),
                    previous=previous,
                    hash=record.hash,
                )
            )
        return record

    def records(self, kind: str | None = None, key: str | None = None, *, after: int = 0) -> list[Record]:
        """Records in order, filtered when asked; `after` leaves out those up to that `seq`."""
        with self._translated():
            chains = self._chains
            with self._engine.connect() as connection:
                return _read(connection, chains, kind, key, after)

    def verify(self) -> int:
        """Walk the chain; the number of records.

        Raises LedgerError at the first that does not fit, or whose body names another model than its chain is of.
        """
        records = self.records()
        count = ledger.verify(records)
        for record in records:
            named = record.body.get("model", self._model)
            if named != self._model:
                message = (
                    f"ledger record {record.seq} ({record.kind}, {record.at:%Y-%m-%d %H:%M}) is about model {named} and stands in "
                    f"the chain of {self._model}: it was moved; restore the ledger from a backup"
                )
                raise LedgerError(message)
        return count

    def migrate(self) -> list[str]:
        """Bring the tables up to date and give each database role its rights, by the owner of the tables. Returns the roles."""
        with self._translated():
            return give(self._engine, RIGHTS, "the ledger")

    def models(self) -> list[str]:
        """The models that the ledger has records of, by name."""
        with self._translated(), self._engine.connect() as connection:
            names = set(connection.scalars(select(RECORDS.c.model).distinct()))
            names |= set(connection.scalars(select(CLAIM.c.model)))
        return sorted(names - {_UNNAMED})

    def owns_unnamed(self) -> bool:
        """Whether what release 0.1 stored, here and elsewhere, is this model's.

        Decided once for a database, by the first model that it belongs to, and then on record there. A model that has a chain
        already takes over no other. Raises Unavailable when what has to be asked for it does not answer.
        """
        return self._owns_unnamed

    @cached_property
    def _owns_unnamed(self) -> bool:
        with self._translated():
            with self._engine.connect() as connection:
                claimed = connection.scalar(select(CLAIM.c.model))
                models = set(connection.scalars(select(RECORDS.c.model).distinct()))
                unnamed = _read(connection, [_UNNAMED]) if claimed is None else []
            if claimed is None:
                mine = self._model not in models and self._belong(unnamed) if unnamed else models <= {self._model}
                claimed = self._claim() if mine else None
        return claimed == self._model

    def _claim(self) -> str:
        """Note the claim; the model whose it is, which is another's when that one was first."""
        try:
            with self._engine.begin() as connection:
                connection.execute(CLAIM.insert().values(chain=_UNNAMED, model=self._model))
        except IntegrityError:
            with self._engine.connect() as connection:
                return str(connection.scalar(select(CLAIM.c.model)))
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", "") != _NO_RIGHT:
                raise
            return self._model  # who may only read sees it so, and leaves the noting to who may
        return self._model

    @cached_property
    def _chains(self) -> tuple[str, ...]:
        """What `model` may be in this model's records."""
        with self._engine.connect() as connection:
            unnamed = connection.scalar(select(RECORDS.c.seq).where(RECORDS.c.model == _UNNAMED).limit(1))
        return (self._model,) if unnamed is None or not self._owns_unnamed else (_UNNAMED, self._model)


def models_in(url: str) -> list[str]:
    """The models that a ledger has records of, by name.

    Raises UserError when the URL is none, Unavailable when the database cannot be reached.
    """
    return SqlLedger(url, "", "").models()


def _signer(secret: bytes) -> Callable[[str], str]:
    from ratchet.ledger.signing import signature_of  # noqa: PLC0415 - 0.1 s that a process which appends nothing does not need

    return partial(signature_of, secret)


def _read(
    connection: Connection, chains: Sequence[str], kind: str | None = None, key: str | None = None, after: int = 0
) -> list[Record]:
    query = select(RECORDS).where(RECORDS.c.model.in_(chains), RECORDS.c.seq > after).order_by(RECORDS.c.seq)
    if kind is not None:
        query = query.where(RECORDS.c.kind == kind)
    if key is not None:
        query = query.where(RECORDS.c.key == key)
    return [_record(row) for row in connection.execute(query)]


def _record(row: Row[Any]) -> Record:
    """Raises LedgerError for a row that nobody of ours has written."""
    try:
        at, body = datetime.fromisoformat(row.at), json.loads(row.body)
        texts = (row.kind, row.key, row.actor, row.previous, row.hash, ledger.canonical(dict(**body)))
        "".join(texts).encode()
    except (TypeError, ValueError, RecursionError) as error:
        message = f"ledger record {row.seq} cannot be read, it is not as Ratchet writes one: restore the ledger from a backup"
        raise LedgerError(message) from error
    return Record(row.seq, at, row.kind, row.key, row.actor, body, row.previous, row.hash)
