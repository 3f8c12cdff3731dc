"""Late labels as they come from people's files, read into rows."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from ratchet.core.entity_key import key_of
from ratchet.core.errors import DataError
from ratchet.core.schema import Columns, is_missing, rows_of


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One label; `prediction_id` or `entity` is given, `observed_at` is seconds since the epoch or None.

    With `features_hash` the label is about answers to exactly these features.
    """

    prediction_id: str
    entity: str
    label: int
    observed_at: float | None
    features_hash: str = ""


def label_rows(labels: Columns) -> list[LabelRow]:
    """Read the columns `label`, `prediction_id` and/or `entity`, and optionally `observed_at` and `features_hash`.

    Raises DataError naming the column, the row (1 is the first) and the value that cannot be read.
    """
    if "label" not in labels:
        raise DataError("labels have no column `label`: name it by the project's label column or `label`")
    if "prediction_id" not in labels and "entity" not in labels:
        raise DataError("labels name neither `prediction_id` nor the entity: one of both columns is needed")
    count = rows_of(labels)
    ids = _read(labels, "prediction_id", _text, count)
    entities = _read(labels, "entity", _key, count)
    values = _read(labels, "label", _label, count)
    moments = _read(labels, "observed_at", seconds, count)
    hashes = _read(labels, "features_hash", _text, count)
    for number, (prediction_id, entity) in enumerate(zip(ids, entities, strict=True), start=1):
        if not (prediction_id or entity):
            message = f"labels, row {number}: neither prediction_id nor entity is given"
            raise DataError(message)
    cells = zip(ids, entities, values, moments, hashes, strict=True)
    return [LabelRow(i or "", e or "", v, m, h or "") for i, e, v, m, h in cells]


def seconds(value: Any) -> float | None:
    """A moment as seconds since the epoch; None when missing. ValueError when it cannot be read.

    ISO text and datetimes without a zone are UTC. A date without a time is its last microsecond: what was seen on a day is about
    every answer of that day.
    """
    if is_missing(value) or value == "":
        return None
    if isinstance(value, str) and len(value.strip()) == len("2024-02-29"):
        value = date.fromisoformat(value.strip())
    elif isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time.max, tzinfo=UTC)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return float(value)


def _text(value: Any) -> str | None:
    return None if is_missing(value) or value == "" else str(value)


def _key(value: Any) -> str | None:
    """An entity in its one spelling. Raises ValueError when the value is no key."""
    if is_missing(value):
        return None
    key = key_of(value)
    if key is None:
        raise ValueError(value)
    return key or None


def _label(value: Any) -> int:
    return int(operator.index(value))


def _read(labels: Columns, name: str, read: Callable[[Any], Any], count: int) -> list[Any]:
    if name not in labels:
        return [None] * count
    if len(labels[name]) != count:
        message = f"labels: column {name} has {len(labels[name])} rows, the others {count}"
        raise DataError(message)
    rows = []
    for number, value in enumerate(labels[name], start=1):
        try:
            rows.append(read(value))
        except (ValueError, TypeError) as error:
            wanted = {
                "label": "a whole number",
                "observed_at": "a date, an ISO time or seconds since the epoch",
                "entity": "text or a whole number",
            }.get(name, "text")
            message = f"labels, row {number}: {name} {str(value)!r} is not {wanted}"
            raise DataError(message) from error
    return rows
