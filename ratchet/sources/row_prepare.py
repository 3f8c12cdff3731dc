"""A user's own `prepare` over rows that are scored: the same function as at ingest, a batch at a time."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from ratchet.core.errors import DataError, ProjectError
from ratchet.project.file import Project
from ratchet.sources.checked_tables import Delivered
from ratchet.sources.prepare import prepared
from ratchet.sources.problems import Problem
from ratchet.sources.row_checks import spelt
from ratchet.sources.text_cells import LONGEST_CELL


def is_prepared(project: Project) -> bool:
    """Whether rows go through a function first. Raises ProjectError where that takes several tables, which one file is not."""
    if project.own_code is None:
        return False
    tables = {column.table for column in project.features}
    if len(tables) != 1:
        message = (
            f"ratchet.yaml has a `prepare` and features of {len(tables)} tables, and rows of one file or query are one: ingest the "
            "tables as a snapshot, and score that"
        )
        raise ProjectError(message)
    return True


def prepared_rows(project: Project, as_of: date, raw: pa.Table, name: str, *, written: bool) -> pa.Table:
    """The rows as the function gives them, as many as before.

    Args:
        project: names the function; its features are all of one table.
        as_of: the date that the rows describe.
        raw: all columns as read; text may be codes.
        name: of the rows, in messages.
        written: whether the cells are a CSV's.

    Raises DataError for what the function raises, and where it gives another number of rows.
    """
    (table,) = {column.table for column in project.features}
    plain = {header: spelt(_whole(raw[header]), name, header, LONGEST_CELL) for header in raw.column_names}
    problems: list[Problem] = []
    made = prepared(project, as_of, {table: Delivered(pa.table(plain), name)}, problems, [table] if written else [])
    if problems:
        raise DataError(problems[0].sentence(project.entity))
    content = made[table].content
    if content.num_rows != raw.num_rows:
        message = f"{name}: `prepare` makes {content.num_rows:,} rows of {raw.num_rows:,}, where each entity is scored once"
        raise DataError(message)
    return content


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
