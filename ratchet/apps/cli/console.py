"""What people see: lines and tables on standard output, progress on standard error, JSON when asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

out = Console(highlight=False, emoji=False)  # :boom: in a reason or in JSON stays text
err = Console(stderr=True, highlight=False, emoji=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on standard output.")]


def shown(text: str) -> str:
    """The text with control characters spelt out: what comes from data must neither steer a terminal nor break a line."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def line(text: str) -> None:
    """One line as it is: no markup, no wrapping, so that it can be searched for."""
    out.print(shown(text), markup=False, soft_wrap=True)


def complain(text: str) -> None:
    """As `line`, on standard error."""
    err.print(shown(text), markup=False, soft_wrap=True)


def document(content: Any) -> None:
    """JSON on standard output."""
    out.print(json.dumps(content, indent=2, default=str), markup=False, soft_wrap=True)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table; cells are text, never markup."""
    drawn = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(_cell(value) for value in row))
    out.print(drawn)


def facts(title: str, pairs: Mapping[str, object]) -> None:
    """A table of two columns without a header."""
    drawn = Table(title=title, title_justify="left", title_style="bold", show_header=False)
    drawn.add_column(style="bold", no_wrap=True)
    drawn.add_column(overflow="fold")
    for name, value in pairs.items():
        drawn.add_row(name, _cell(value))
    out.print(drawn)


def _cell(value: object) -> str:
    return "-" if value is None or value == "" else escape(shown(str(value)))


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A spinner on standard error while the block runs."""
    with err.status(what):
        yield


@contextmanager
def counting(what: str, total: int) -> Iterator[Progress]:
    """A progress bar on standard error; the block calls `advance(task_ids[0], n)`."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        progress.add_task(what, total=total)
        yield progress
