"""What a request's `features` may be, as JSON Schema: the rules of serving/cell.py in another language."""

from __future__ import annotations

from typing import Any

from ratchet.core.schema import EMPTY, LONGEST_CELL, DType
from ratchet.project.columns import Column
from ratchet.project.file import Project
from serving.asked import may_miss
from serving.cell import EXACT, PARTS

Node = dict[str, Any]

_CELL = ["string", "number", "boolean", "null"]
_CODE: Node = {"type": "integer", "minimum": -EXACT, "maximum": EXACT}


def posted_schema(project: Project) -> Node:
    """The object of features: of each what ingest would take; required where the request must bring it."""
    optional = {column.name: may_miss(column, project) for column in project.features}
    whole = project.takes_posted == "alone"
    return {
        "type": "object",
        "description": "Features instead of the stored ones" if whole else "Features that lie over the stored ones",
        "properties": {column.name: _value(column, optional=optional[column.name]) for column in project.features},
        "required": [name for name, left_out in optional.items() if whole and not left_out],
        "additionalProperties": False,
    }


def _value(column: Column, *, optional: bool) -> Node:
    if column.on_unknown == "missing":
        return {"type": _CELL, "description": f"{_said(column)}; what does not fit counts as missing"}
    allowed = _allowed(column, optional=optional)
    return {"description": _said(column), "anyOf": [*allowed, {"type": "null"}] if optional else allowed}


def _allowed(column: Column, *, optional: bool) -> list[Node]:
    low, high = column.range or (None, None)
    match column.dtype:
        case DType.INT:
            bounds = {
                "minimum": -EXACT if low is None else max(low, -EXACT),
                "maximum": EXACT if high is None else min(high, EXACT),
            }
            return [{"type": "integer", **bounds}]
        case DType.FLOAT:
            return [{"type": "number", **({} if column.range is None else {"minimum": low, "maximum": high})}]
        case DType.BOOL:
            return [{"type": "boolean"}, {"enum": [0, 1]}]
        case DType.DATE:
            part = PARTS[column.of_date]
            number = {
                "minimum": max(part[0], part[0] if low is None else low),
                "maximum": min(part[1], part[1] if high is None else high),
            }
            empty = [{"enum": [*EMPTY, "NaT"]}] if optional else []
            return [{"type": "string", "format": "date"}, {"type": "integer", **number}, *empty]
    return _texts(column, optional=optional)


def _texts(column: Column, *, optional: bool) -> list[Node]:
    if column.categories is None:
        text = {"type": "string", "maxLength": LONGEST_CELL}
        return [text if optional else {**text, "not": {"enum": list(EMPTY)}}, _CODE]
    codes = [int(name) for name in column.categories if name == _as_code(name)]
    empty = [name for name in EMPTY if name not in column.categories] if optional else []
    return [{"enum": [*column.categories, *codes, *empty]}]


def _as_code(name: str) -> str:
    """The digits of a category that is a whole number; another text where it is none."""
    return str(int(name)) if name.removeprefix("-").isdecimal() and name.isascii() else f"{name} "


def _said(column: Column) -> str:
    if column.dtype is DType.DATE:
        made = {"days": "whole days before today", "weekday": "its weekday, Monday 0", "month": "its month"}[column.of_date]
        return f"A date as 2024-01-31, of which {made} is made; or that number"
    said = {DType.INT: "A whole number", DType.FLOAT: "A number", DType.BOOL: "true or false", DType.CATEGORY: "Text, or a code"}
    return said[column.dtype]
