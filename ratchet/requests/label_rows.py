"""Late labels as they come from people's files, read into rows."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ratchet.core.entity_key import key_of
from ratchet.core.errors import DataError
from ratchet.core.moment import seconds
from ratchet.core.schema import Columns, is_missing, rows_of

_NAMED = 3  # of what is wrong


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

    Raises DataError naming the column, the row (1 is the first) and the value that cannot be read, or who has both labels.
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
    return _without_contradictions([LabelRow(i or "", e or "", v, m, h or "") for i, e, v, m, h in cells])


def _without_contradictions(rows: list[LabelRow]) -> list[LabelRow]:
    """The rows, each once, in the order in which their labels were seen: a later one is about the same answers and wins.

    Raises DataError where the same answer, or the same entity at the same time, has two labels: no order says which is true.
    """
    known: dict[tuple[str, str, float | None, str], LabelRow] = {}
    torn: dict[str, None] = {}
    for row in rows:
        about = (row.prediction_id, "", None, "") if row.prediction_id else ("", row.entity, row.observed_at, row.features_hash)
        if known.setdefault(about, row).label != row.label:
            torn[row.prediction_id or row.entity] = None
    if torn:
        more = f" and {len(torn) - _NAMED} more" if len(torn) > _NAMED else ""
        what = "answer" if all(row.prediction_id for row in rows) else "entity"
        names = ", ".join(list(torn)[:_NAMED])
        told = f"{len(torn)} with both labels, {what} {names}{more}"
        message = f"labels contradict each other: {told}; leave one each, or say when by observed_at"
        raise DataError(message)
    return sorted(known.values(), key=lambda row: -math.inf if row.observed_at is None else row.observed_at)


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
                "observed_at": "a date, an ISO time or a number since the epoch",
                "entity": "text or a whole number",
            }.get(name, "text")
            message = f"labels, row {number}: {name} {str(value)!r} is not {wanted}"
            raise DataError(message) from error
    return rows
