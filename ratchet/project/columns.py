"""What ratchet.yaml says of the columns that a project reads: their headers, what we call them, and what their cells may hold."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from ratchet.core import schema

PLAIN = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"
Name = Annotated[str, Field(pattern=PLAIN)]
Header = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00]*$")]  # as it is written in a file: anything
File = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^./\\\x00-\x1f][^/\\\x00-\x1f]*$")]  # no path, not hidden
Share = Annotated[float, Field(ge=0, le=1)]


def _as_written(value: Any) -> Any:
    """What YAML made of an unquoted value as text again: `positive: 2`, `positive: Yes`."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float | date) else value


class Strict(BaseModel):
    """A part of ratchet.yaml: a key that is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)


class Key(Strict):
    """What is scored, where its header is no plain name: `entity: {name: customer_id, column: Customer ID}`."""

    name: Name  # in requests, answers and whatever we store
    column: Header  # in the tables


class Table(Strict):
    """A table that needs more words than its name."""

    name: Name
    file: File | None = None  # the file's name without its ending, where that is no plain name; by default `name`
    optional: bool = False  # entities that are not in it have missing values, and so has everybody where the file is missing
    key: Header | None = None  # the entity's header in this table, where it differs from the others'
    query: str | None = Field(default=None, min_length=1)  # of a database: rows of one date, named by :as_of
    encoding: str | None = None  # of a CSV file that is not UTF-8 and has no mark: cp1252, latin-1, utf-16-le, ...
    separator: str | None = None  # between its cells, where that is to be no question: one character, or tab
    decimal: Literal[".", ","] | None = None  # of its numbers, likewise

    @field_validator("encoding")
    @classmethod
    def _is_an_encoding(cls, name: str | None) -> str | None:
        """Of Python's, that has text on one side and bytes on the other: `rot13` and `hex` have not."""
        try:
            known = name is None or "a".encode(name).decode(name) == "a"
        except (LookupError, ValueError):
            known = False
        if not known:
            message = f"{name!r} is no encoding that is known: cp1252, latin-1, utf-16-le, shift_jis, ..."
            raise ValueError(message)
        return name

    @field_validator("separator")
    @classmethod
    def _is_a_separator(cls, sign: str | None) -> str | None:
        sign = "\t" if sign in {"tab", "\\t"} else sign
        if sign is not None and (len(sign) != 1 or not sign.isascii() or sign.isalnum() or sign in "\"'\r\n\0"):
            message = "a separator is one character that is no letter, digit or quote, or the word tab"
            raise ValueError(message)
        return sign


class Column(Strict):
    """A column that the project reads: a feature, or an attribute to slice by."""

    name: Name
    column: Header | None = None  # its header, where that is not `name`
    table: Name | Literal[""] = ""  # in which the column stands; of a feature that an existing Feast repository has, none
    dtype: schema.DType
    of_date: Literal["days", "weekday", "month"] = "days"  # of a date: whole days before as_of, Monday 0 to Sunday 6, or 1 to 12
    nullable: bool = False  # whether cells may be empty
    max_null_share: Share = 1.0  # more empty cells are refused
    range: tuple[float, float] | None = None  # of numbers, both ends allowed; of dates, what is made of them
    categories: tuple[str, ...] | None = None  # all values allowed; without it any text is
    on_unknown: Literal["refuse", "missing"] = "refuse"  # what a cell does that does not fit type, range or categories
    max_unknown_share: Share = 0.01  # with `missing`: more of such cells are refused

    @model_validator(mode="after")
    def _bounds_fit_the_type(self) -> Self:
        if self.range and (not self.dtype.is_number or self.dtype is schema.DType.BOOL):
            message = f"{self.name}: a range needs dtype int, float or date"
            raise ValueError(message)
        if self.range and not self.range[0] <= self.range[1]:  # nor is NaN a bound
            message = f"{self.name}: range {list(self.range)} is empty"
            raise ValueError(message)
        if self.categories and self.dtype is not schema.DType.CATEGORY:
            message = f"{self.name}: categories need dtype category"
            raise ValueError(message)
        if self.of_date != "days" and self.dtype is not schema.DType.DATE:
            message = f"{self.name}: of_date needs dtype date"
            raise ValueError(message)
        return self

    @property
    def header(self) -> str:
        """What the column is called in its table."""
        return self.column or self.name

    @property
    def feature(self) -> schema.Feature:
        """The column as core knows it."""
        return schema.Feature(self.name, self.dtype)


class Label(Strict):
    """The binary label: true or false, 1 or 0, or two values of which `positive` names one."""

    column: Header
    table: Name
    own_name: Name | None = Field(default=None, alias="name")  # what we call it, where its header is no plain name
    positive: Annotated[str | None, BeforeValidator(_as_written)] = Field(
        default=None, min_length=1
    )  # the value that counts as 1, where the two are not 0 and 1
    on_unknown: Literal["refuse", "missing"] = "refuse"  # what labels do of entities that the snapshot does not have

    @model_validator(mode="after")
    def _has_a_plain_name(self) -> Self:
        if self.own_name is None and re.match(PLAIN, self.column) is None:
            message = f"{self.column!r} is no plain name (letters, digits, underscores): say by `name:` what we are to call it"
            raise ValueError(message)
        return self

    @property
    def name(self) -> str:
        """What the label is called in whatever we store."""
        return self.own_name or self.column

    @property
    def task(self) -> str:
        """The kind of label, by which ratchet.tasks.catalogue finds the task. There is one kind so far, which no key names."""
        return "binary"
