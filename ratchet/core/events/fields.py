"""Typed reading of a stored body: a value is there and of its type, or it is a FormError, and nothing else is ever raised."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, Final, TypeVar

T = TypeVar("T")
S = TypeVar("S", bound=StrEnum)
_MOST = 2**63  # beyond it a number is no count, version or figure that we wrote, and float() would overflow


class FormError(ValueError):
    """A body is not of the form that its reader knows; the text says what is missing or of another type."""


class _Needed:
    """No default: the value must be there."""


NEEDED: Final = _Needed()


def as_text(value: Any) -> str:
    """A string."""
    if not isinstance(value, str):
        raise FormError
    return value


def as_flag(value: Any) -> bool:
    """A truth value."""
    if not isinstance(value, bool):
        raise FormError
    return value


def as_whole(value: Any) -> int:
    """A whole number of 63 bits; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= _MOST:
        raise FormError
    return value


def as_real(value: Any) -> float:
    """A finite number."""
    if isinstance(value, float) and math.isfinite(value):
        return value
    return float(as_whole(value))


def as_moment(value: Any) -> datetime:
    """A date and time in ISO 8601."""
    try:
        return datetime.fromisoformat(as_text(value))
    except ValueError as error:
        raise FormError from error


def one_of(options: type[S]) -> Callable[[Any], S]:
    """One of an enumeration's strings."""

    def read(value: Any) -> S:
        try:
            return options(as_text(value))
        except ValueError as error:
            raise FormError from error

    return read


def maybe(read: Callable[[Any], T]) -> Callable[[Any], T | None]:
    """As `read`, or nothing."""
    return lambda value: None if value is None else read(value)


def many(read: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    """A list, each item as `read` takes it."""

    def every(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list | tuple):
            raise FormError
        return tuple(read(item) for item in value)

    return every


def by_name(read: Callable[[Any], T]) -> Callable[[Any], dict[str, T]]:
    """An object, each value as `read` takes it."""

    def every(value: Any) -> dict[str, T]:
        return {name: read(inner) for name, inner in Fields.of(value).body.items()}

    return every


@dataclass(frozen=True, slots=True)
class Fields:
    """A body's values by name."""

    body: Mapping[str, Any]

    @classmethod
    def of(cls, body: Any) -> Fields:
        """The values of what should be an object. Raises FormError."""
        if not isinstance(body, Mapping):
            message = "no object"
            raise FormError(message)
        return cls(body)

    def take(self, name: str, read: Callable[[Any], T], default: T | _Needed = NEEDED) -> T:
        """The value of that name. With a default, a value that is missing or of another type is the default.

        Raises FormError, naming the value, where there is no default.
        """
        if isinstance(default, _Needed):
            if name not in self.body:
                message = f"{name} is missing"
                raise FormError(message)
            try:
                return read(self.body[name])
            except FormError as error:
                message = f"{name}{f': {error}' if str(error) else ' is of another type'}"
                raise FormError(message) from error
        try:
            return read(self.body[name]) if name in self.body else default
        except FormError:
            return default


def plain(value: Any) -> Any:
    """A value as JSON has it: an enumeration by its value, a moment in ISO 8601, a figure that is not finite as nothing."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if is_dataclass(value):
        return to_plain(value)
    return dict(value) if isinstance(value, Mapping) else value


def to_plain(thing: Any) -> dict[str, Any]:
    """A dataclass's fields by the names that its metadata gives them on disk; one marked `omit` only when it says something."""
    return {
        field.metadata.get("key", field.name): plain(value)
        for field in fields(thing)
        if (value := getattr(thing, field.name)) != field.default or not field.metadata.get("omit")
    }
