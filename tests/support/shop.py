"""A small model project that is not StreamFlow, and its raw snapshots: every type, nulls, a category named `None`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from ratchet.project.file import Project

Tables = dict[str, pd.DataFrame]

ROWS = 12
SHOP = Project.model_validate(
    {
        "model": "shop",
        "entity": "customer",
        "snapshots": {"may": "2024-05-31", "june": "2024-06-30"},
        "tables": ["people", "orders", "outcome"],
        "label": {"column": "left", "table": "outcome"},
        "features": [
            {"name": "age", "table": "people", "dtype": "int", "range": [0, 120]},
            {"name": "vip", "table": "people", "dtype": "bool"},
            {"name": "plan", "table": "people", "dtype": "category", "categories": ["Basic", "None", "Größe"]},
            {"name": "visits", "table": "orders", "dtype": "int", "nullable": True, "max_null_share": 0.5},
            {"name": "spend", "table": "orders", "dtype": "float", "range": [-10, 1000]},
            {"name": "opted", "table": "orders", "dtype": "bool", "nullable": True},
        ],
        "slices": [{"name": "city", "table": "people", "dtype": "category"}],
        "holdout": {"salt": "s"},
        "policy": {"data": {"min_rows": 5}},
    }
)


def customers(rows: int = ROWS) -> list[str]:
    """`C001`, `C002`, ..."""
    return [f"C{number:03d}" for number in range(1, rows + 1)]


def tables(rows: int = ROWS) -> Tables:
    """Valid tables; cells are objects, so that a test can put anything into one."""
    numbers = range(rows)
    people = {
        "customer": customers(rows),
        "age": [20 + number for number in numbers],
        "vip": [number % 3 == 0 for number in numbers],
        "plan": [("Basic", "None", "Größe")[number % 3] for number in numbers],
        "city": [("Bern", "Ulm")[number % 2] for number in numbers],
        "note": [f"free, text {number}" for number in numbers],
    }
    orders = {
        "customer": customers(rows),
        "visits": [None if number % 4 == 0 else number for number in numbers],
        "spend": [1.5 * number - 2.25 for number in numbers],
        "opted": [(True, False, None)[number % 3] for number in numbers],
    }
    outcome = {"customer": customers(rows), "left": [number % 4 == 1 for number in numbers]}
    return {name: pd.DataFrame(content, dtype=object) for name, content in zip(SHOP.tables, (people, orders, outcome), strict=True)}


def put(folder: Path, content: Tables) -> Path:
    """Write tables as CSV files, replacing those that are there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in content.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder


def put_parquet(folder: Path, content: Tables) -> Path:
    """Write tables as Parquet files with the types that pandas infers."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in content.items():
        table.convert_dtypes().to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def with_cell(content: Tables, table: str, column: str, row: int, value: Any) -> Tables:
    """The same tables with one other cell."""
    changed = content[table].copy()
    changed.loc[row, column] = value
    return {**content, table: changed}
