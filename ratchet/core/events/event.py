"""What every event is, and what a stored record that we cannot read as one is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

from ratchet.core.events.fields import Fields, to_plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a model. Facts alone: what they come to is the history's to say.

    `KIND` is the record's kind in the ledger, `FORM` the form of body that `to_body` writes: 1 is that of bodies without a form.
    """

    KIND: ClassVar[str] = ""
    FORM: ClassVar[int] = 2

    model: str = ""

    @property
    def kind(self) -> str:
        """The kind of its record."""
        return self.KIND

    def to_body(self) -> dict[str, Any]:
        """The record's body, JSON types only."""
        return {**to_plain(self), "form": self.FORM}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known(Event, ABC):
    """An event of a kind that this release writes and reads."""

    @classmethod
    @abstractmethod
    def read(cls, body: Fields, form: int, model: str) -> Self:
        """The event that a body of a known form stands for. Raises FormError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable(Event):
    """A record of an unknown kind, of a newer form, or with values of another type: shown as it stands, counted nowhere."""

    stored_kind: str
    form: int
    body: Mapping[str, Any] = field(hash=False)
    why: str

    @property
    def kind(self) -> str:
        """The kind of its record."""
        return self.stored_kind

    def to_body(self) -> dict[str, Any]:
        """As it stood."""
        return dict(self.body)


E_co = TypeVar("E_co", bound=Event, covariant=True)
K = TypeVar("K", bound=Event)


@dataclass(frozen=True, slots=True)
class Entry(Generic[E_co]):
    """An event with the facts of its record: its place in the ledger, when and by whom, the idempotency key and the digest."""

    event: E_co
    seq: int
    at: datetime
    actor: str
    key: str = ""
    hash: str = ""

    @property
    def kind(self) -> str:
        """The record's kind."""
        return self.event.kind

    def of(self, kind: type[K]) -> Entry[K] | None:
        """The same, when its event is of that class."""
        return cast("Entry[K]", self) if isinstance(self.event, kind) else None
