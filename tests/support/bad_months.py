"""Everything that can be wrong with a delivered month of the club: what is done to its tables, and what must be said of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

Mutation = Callable[[Path], object]


def cell(table: str, column: str, value: str | None, rows: slice = slice(7, 8)) -> Mutation:
    """Another value in some rows of a column."""

    def change(folder: Path) -> None:
        frame = pd.read_csv(folder / f"{table}.csv", dtype=object)
        frame.iloc[rows, list(frame.columns).index(column)] = value
        frame.to_csv(folder / f"{table}.csv", index=False)

    return change


def head(lines: int) -> Mutation:
    """The first lines of every table."""

    def change(folder: Path) -> None:
        for path in folder.glob("*.csv"):
            path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:lines]), encoding="utf-8")

    return change


def tail(line: str) -> Mutation:
    """One more line in the label table."""

    def change(folder: Path) -> None:
        with (folder / "outcome.csv").open("a", encoding="utf-8") as file:
            file.write(line)

    return change


def cut(after: str) -> Mutation:
    """A table that ends after the first such text in its line 152."""

    def change(folder: Path) -> None:
        lines = (folder / "usage.csv").read_text(encoding="utf-8").splitlines(keepends=True)
        kept = lines[151][: lines[151].index(after) + len(after)]
        (folder / "usage.csv").write_text("".join([*lines[:151], kept]), encoding="utf-8")

    return change


def as_parquet(share: float) -> Mutation:
    """A table as a Parquet file of which the end is missing."""

    def change(folder: Path) -> None:
        pd.read_csv(folder / "usage.csv").to_parquet(folder / "usage.parquet")
        (folder / "usage.csv").unlink()
        content = (folder / "usage.parquet").read_bytes()
        (folder / "usage.parquet").write_bytes(content[: int(len(content) * share)])

    return change


BAD_MONTHS: dict[str, tuple[Mutation, str]] = {
    "one row": (head(2), r"people: people\.csv has 1 row, fewer than policy\.data\.min_rows = 100"),
    "no rows": (head(1), r"people: people\.csv has a header and no rows"),
    "an empty file": (lambda folder: (folder / "people.csv").write_bytes(b""), r"people: people\.csv is empty"),
    "a missing table": (lambda folder: (folder / "usage.csv").unlink(), r"usage: the table is missing"),
    "a table twice": (lambda folder: (folder / "usage.parquet").touch(), r"usage: both usage\.csv and usage\.parquet are there"),
    "a missing column": (
        lambda folder: (
            pd.read_csv(folder / "usage.csv", dtype=object).drop(columns="hours").to_csv(folder / "usage.csv", index=False)
        ),
        r"usage\.hours: the column is missing",
    ),
    "a text in a number": (cell("usage", "hours", "many"), r"usage\.hours: 1 value is not float, .*U0000008: 'many'"),
    "a fraction in an integer": (cell("people", "months", "1.5"), r"people\.months: 1 value is not int, .*U0000008: '1\.5'"),
    "a huge number": (cell("usage", "hours", "1e999"), r"usage\.hours: 1 value is .*U0000008"),
    "a number out of range": (cell("usage", "devices", "-1"), r"usage\.devices: 1 value is .*U0000008"),
    "a duplicated user": (cell("people", "member", "U0000001"), r"people\.member: .*U0000001"),
    "a user without a key": (cell("people", "member", ""), r"people\.member: "),
    "a user of one table only": (cell("usage", "member", "X1"), r"usage: 1 row is of entities that people does not have, .*X1"),
    "a key that steers the terminal": (
        cell("usage", "member", "\x1b[2J\n"),
        r"usage\.member: 1 key is not a name: .* in row 8: '\\x1b\[2J",
    ),
    "an unknown category": (cell("people", "plan", "Gold"), r"people\.plan: 1 value is .*U0000008"),
    "all nulls": (cell("usage", "promo", None, slice(None)), r"usage\.promo: .*null"),
    "a null where none may be": (cell("usage", "hours", None), r"usage\.hours: .*U0000008"),
    "a file truncated in a row": (cut(","), r"usage: usage\.csv: 1 row has not 4 columns \(truncated\?\), as row 152"),
    "a file truncated in a cell": (cut('"U'), r"usage: usage\.csv: 1 row has not 4 columns|usage: usage\.csv "),
    "a file truncated between rows": (cut("\n"), r"usage: "),
    "a truncated Parquet file": (as_parquet(0.5), r"usage: usage\.parquet is damaged or truncated"),
    "a binary file": (lambda folder: (folder / "usage.csv").write_bytes(bytes(range(255))), r"usage: usage\.csv is not UTF-8 text"),
    "a label of an unknown user": (
        tail("U9999999,true\n"),
        r"outcome: 1 label is of entities that people does not have, .*U9999999",
    ),
    "a label that is none": (cell("outcome", "gone", "perhaps"), r"outcome\.gone: 1 value is .*U0000008"),
}
