"""A user's own `prepare`: DataFrames in, DataFrames out, over the tables as they were read and before anything is checked.

The function is called with `{table: DataFrame}` of all columns, and with `as_of` where it takes that. It must give the same for the
same, and a row of it must not depend on other rows, or a request would be answered by other features than were trained on.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from ratchet.core.errors import DataError, ProjectError
from ratchet.core.schema import DType
from ratchet.project.file import Project
from ratchet.project.own_code import OwnCode
from ratchet.sources.checked_tables import Delivered
from ratchet.sources.frames import from_frame, to_frame
from ratchet.sources.problems import Problem, TableError
from ratchet.sources.which_tables import columns_of, entity_table, key_of, may_be_missing

_MOST = 200  # characters of what the user's code said


def prepared(
    project: Project, as_of: date, delivered: Mapping[str, Delivered], problems: list[Problem], written: Sequence[str] = ()
) -> dict[str, Delivered]:
    """What the tables become; they stay as they are without a `prepare`, or when some could not be read.

    Args:
        project: names the function.
        as_of: the snapshot's date.
        delivered: tables as read, with all their columns.
        problems: what could not be read; what the function does wrong is added.
        written: those of the tables whose cells are a CSV's.
    """
    code = project.own_code
    if code is None or problems:
        return dict(delivered)
    try:
        tables = {
            name: to_frame(table.content, texts_of(project, name), name, written=name in written)
            for name, table in delivered.items()
        }
        made = {name: from_frame(frame, name) for name, frame in _called(project, code, tables, as_of).items()}
    except TableError as error:
        problems.append(error.problem)
        return {}
    except ProjectError as error:
        problems.append(Problem("prepare", "", str(error)))
        return {}
    problems += [Problem(name, "", f"{code.called} gives no such table") for name in _needed(project) if name not in made]
    return {
        name: Delivered(content, f"{name} as prepared", delivered[name].said if name in delivered else "")
        for name, content in made.items()
    }


def prepared_batch(project: Project, as_of: date, rows: pa.Table) -> pa.Table:
    """Rows to score that stand in one file or query, by the same function as at ingest: as those of the table of the entities.

    Args:
        project: names the function.
        as_of: the date that the rows describe.
        rows: all their columns; a part of the rows, which the function does not see beside the others.

    Raises DataError, also where features stand in several tables, or where it gives other rows than it got.
    """
    code, table = project.own_code, entity_table(project)
    if code is None:
        return rows
    others = sorted({column.table for column in project.features} - {table})
    if others:
        message = f"{code.called} makes features of several tables ({', '.join([table, *others])}): score an ingested snapshot"
        raise DataError(message)
    key = key_of(project, table)
    if key not in rows.column_names:
        message = f"the rows have no column {key!r}, which {code.called} gets as the entities' key"
        raise DataError(message)
    frames = {table: to_frame(rows, texts_of(project, table), table, written=False)}
    given = frames[table][key].tolist()
    made = from_frame(_called(project, code, frames, as_of).get(table, pd.DataFrame()), table)
    if key not in made.column_names or [str(cell) for cell in made[key].to_pylist()] != [str(cell) for cell in given]:
        message = f"{code.called} gives other rows of {table} than it got: rows to score must keep their keys and their order"
        raise DataError(message)
    return made


def _called(project: Project, code: OwnCode, tables: dict[str, pd.DataFrame], as_of: date) -> dict[str, pd.DataFrame]:
    """What the function makes of the tables. Raises TableError for what it raises, ProjectError when it is none."""
    with _importable(code.folder), contextlib.redirect_stdout(sys.stderr):  # standard output may be one JSON document
        function = _function(code)
        try:
            takes = inspect.signature(function).parameters
            made = function(tables, as_of=as_of) if "as_of" in takes else function(tables)
        except (Exception, SystemExit) as error:
            raise TableError(Problem("prepare", "", _raised(code, error))) from error
    if not isinstance(made, dict) or not all(isinstance(frame, pd.DataFrame) for frame in made.values()):
        kind = type(made).__name__ if not isinstance(made, dict) else "a dict of other things"
        raise TableError(Problem("prepare", "", f"{code.called} gives {kind}, and not a dict of DataFrames by table"))
    strange = sorted(str(name) for name in made if name not in project.tables)
    if strange:
        raise TableError(Problem("prepare", "", f"{code.called} gives a table {strange[0]!r}, which `tables:` does not list"))
    return made


def _function(code: OwnCode) -> Callable[..., Any]:
    try:
        module = importlib.import_module(code.module)
    except (Exception, SystemExit) as error:
        raise TableError(Problem("prepare", "", _raised(code, error))) from error
    function = getattr(module, code.function, None)
    if not callable(function):
        message = f"prepare: {code.module} has no function {code.function}"
        raise ProjectError(message)
    called: Callable[..., Any] = function
    return called


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """With the folder behind all that is installed, for as long as the user's code runs: our own imports never come from there."""
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _raised(code: OwnCode, error: BaseException) -> str:
    """The error and the user's own line that it came from."""
    said = " ".join(str(error).split())[:_MOST]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(code.folder)]
    own = [frame for frame in frames if "site-packages" not in Path(frame.filename).relative_to(code.folder).parts]
    where = ""
    if own:
        file = Path(own[-1].filename).relative_to(code.folder).as_posix()
        where = f" ({file}, line {own[-1].lineno}: {own[-1].line})"
    elif isinstance(error, SyntaxError) and error.filename:
        where = f" ({Path(error.filename).name}, line {error.lineno})"
    return f"{code.called} raises {type(error).__name__}: {said}{where}"


def texts_of(project: Project, table: str) -> set[str]:
    """The columns that are no numbers even when they look like them."""
    named = {column.header for column in columns_of(project, table) if column.dtype is DType.CATEGORY}
    return {key_of(project, table), *named}


def _needed(project: Project) -> list[str]:
    """The tables that something is read of and that may not be missing."""
    names = [name for name in project.tables if columns_of(project, name) or name == project.label.table]
    return [name for name in names if not may_be_missing(project, name)]
