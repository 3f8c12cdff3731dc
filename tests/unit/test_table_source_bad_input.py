"""Whatever arrives, the answer is one sentence that names table, column, row count and sample keys."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.core.errors import DataError
from ratchet.sources.folder import TableSource
from tests.support.shop import ROWS, SHOP, put, put_parquet, tables, with_cell

Spoil = Callable[[Path], object]


def cell(table: str, column: str, *rows: int, value: object) -> Spoil:
    def spoil(folder: Path) -> None:
        content = tables()
        for row in rows:
            content = with_cell(content, table, column, row, value)
        put(folder, content)

    return spoil


def file(name: str, change: Callable[[bytes], bytes]) -> Spoil:
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes()))


def column(table: str, name: str, value: str | None) -> Spoil:
    def spoil(folder: Path) -> None:
        content = tables()
        content[table][name] = value
        put(folder, content)

    return spoil


def parquet(name: str, change: Callable[[bytes], bytes]) -> Spoil:
    def spoil(folder: Path) -> None:
        for path in folder.iterdir():
            path.unlink()
        put_parquet(folder, tables())
        file(name, change)(folder)

    return spoil


def rows(count: int) -> Spoil:
    return lambda folder: put(folder, tables(count))


def dropped(table: str, *columns: str) -> Spoil:
    return lambda folder: put(folder, {table: tables()[table].drop(columns=list(columns))})


def repeated(folder: Path) -> None:
    content = tables()
    put(folder, {"orders": pd.concat([content["orders"], content["orders"].iloc[[1, 4]]])})


def stranger(table: str) -> Spoil:
    return lambda folder: put(folder, {table: tables()[table].replace({"customer": {"C002": "X9"}})})


def lacking(folder: Path) -> None:
    put(folder, {"orders": tables()["orders"].iloc[:-2]})


def both_formats(folder: Path) -> None:
    put_parquet(folder, {"people": tables()["people"]})


def timestamps(folder: Path) -> None:
    (folder / "orders.csv").unlink()
    content = tables()["orders"].convert_dtypes()
    content["spend"] = pd.Timestamp("2024-01-01")
    content.to_parquet(folder / "orders.parquet")


def infinite_parquet(folder: Path) -> None:
    (folder / "orders.csv").unlink()
    content = tables()["orders"].convert_dtypes()
    content["spend"] = [np.inf, *np.arange(ROWS - 1.0)]
    content.to_parquet(folder / "orders.parquet")


def repeated_column_parquet(folder: Path) -> None:
    (folder / "orders.csv").unlink()
    keys = pa.array(tables()["orders"]["customer"])
    pq.write_table(pa.table([keys, keys], names=["customer", "customer"]), folder / "orders.parquet")


def late_bytes(folder: Path) -> None:
    put(folder, tables(1000))
    file("people.csv", lambda data: data[:-4000] + data[-4000:].replace("Größe".encode(), b"Gr\xf6\xdfe"))(folder)


def directory(folder: Path) -> None:
    (folder / "orders.csv").unlink()
    (folder / "orders.csv").mkdir()


CASES: list[tuple[str, Spoil, str]] = [
    ("no rows", file("people.csv", lambda data: data.split(b"\n")[0] + b"\n"), "people: people.csv has a header and no rows"),
    (
        "header without line end",
        file("people.csv", lambda data: data.split(b"\n")[0]),
        "people: people.csv has a header and no rows",
    ),
    ("one row", rows(1), "people: people.csv has 1 row, fewer than policy.data.min_rows = 5"),
    ("too few rows", rows(4), "people: people.csv has 4 rows, fewer than policy.data.min_rows = 5"),
    ("missing table", lambda folder: (folder / "orders.csv").unlink(), "orders: the table is missing: neither orders.csv nor"),
    ("missing column", dropped("orders", "spend"), "orders.spend: the column is missing from orders.csv"),
    ("missing key column", dropped("orders", "customer"), "orders.customer: the column is missing from orders.csv"),
    ("missing label column", dropped("outcome", "left"), "outcome.left: the column is missing from outcome.csv"),
    (
        "labels without rows",
        file("outcome.csv", lambda data: data.split(b"\n")[0]),
        "leave the file out until the labels have arrived",
    ),
    (
        "text in an int",
        cell("people", "age", 1, 3, 5, 7, value="abc"),
        "people.age: 4 values are not int, as for customer C002, C004, C006: 'abc'",
    ),
    ("fraction in an int", cell("people", "age", 1, value="1.5"), "people.age: 1 value is not int, as for customer C002: '1.5'"),
    (
        "hexadecimal in an int",
        cell("people", "age", 1, value="0x1F"),
        "people.age: 1 value is not int, as for customer C002: '0x1F'",
    ),
    ("huge int", cell("orders", "visits", 1, value="9" * 30), "orders.visits: 1 value is not int, as for customer C002"),
    ("inexact int", cell("orders", "visits", 1, value=str(2**53 + 1)), "1 value is too large for an exact int (beyond 2**53)"),
    ("text in a float", cell("orders", "spend", 2, value="1,5"), "orders.spend: 1 value is not float, as for customer C003: '1,5'"),
    ("infinite", cell("orders", "spend", 2, value="-inf"), "orders.spend: 1 value is infinite, as for customer C003: '-inf'"),
    ("overflowing", cell("orders", "spend", 2, value="1e999"), "orders.spend: 1 value is infinite, as for customer C003: '1e999'"),
    ("infinite in Parquet", infinite_parquet, "orders.spend: 1 value is infinite, as for customer C001: 'inf'"),
    ("text in a bool", cell("people", "vip", 0, value="maybe"), "people.vip: 1 value is not bool (true, false, 1 or 0)"),
    (
        "two in a bool",
        cell("people", "vip", 0, value="2"),
        "people.vip: 1 value is not bool (true, false, 1 or 0), as for customer C001: '2'",
    ),
    ("odd label", cell("outcome", "left", 0, 1, value="yes"), "outcome.left: 2 values are not bool (true, false, 1 or 0)"),
    ("other type in Parquet", timestamps, "orders.spend: 12 values are not float but timestamp"),
    ("out of range", cell("people", "age", 4, value=121), "people.age: 1 value is outside 0 to 120, as for customer C005: '121'"),
    ("below the range", cell("orders", "spend", 4, value=-10.5), "orders.spend: 1 value is outside -10 to 1000"),
    (
        "unknown category",
        cell("people", "plan", 4, value="Gold"),
        "people.plan: 1 value is none of Basic, None, Größe, as for customer C005: 'Gold'",
    ),
    ("null where none may be", cell("people", "age", 4, value=None), "people.age: 1 value is null where the project allows none"),
    ("null category", cell("people", "city", 4, 5, value=None), "people.city: 2 values are null where the project allows none"),
    (
        "nulls above the bound",
        cell("orders", "visits", *range(7), value=None),
        "orders.visits: 8 of 12 values are null, 0.667 > 0.500",
    ),
    ("all nulls", column("orders", "opted", None), "orders.opted: all 12 values are null"),
    (
        "all nulls where none may be",
        column("orders", "spend", None),
        "orders.spend: 12 values are null where the project allows none",
    ),
    ("duplicated entity", repeated, "orders.customer: 2 rows repeat a key, as for customer C002, C005"),
    ("empty key", cell("orders", "customer", 2, value=""), "orders.customer: 1 key is empty, as in row 3"),
    ("blank key", cell("orders", "customer", 2, value="  "), "orders.customer: 1 key is empty, as in row 3"),
    ("unknown entity", stranger("orders"), "orders: 1 row is of entities that people does not have, as for customer X9"),
    ("lacking entity", lacking, "orders: 2 entities of people missing, as for customer C011, C012"),
    (
        "label of an unknown entity",
        stranger("outcome"),
        "outcome: 1 label is of entities that people does not have, as for customer X9",
    ),
    ("empty file", file("orders.csv", lambda _: b""), "orders: orders.csv is empty"),
    ("blank file", file("orders.csv", lambda _: b"\n\n"), "orders: orders.csv has no header line"),
    (
        "truncated line",
        file("orders.csv", lambda data: data[: data.rindex(b"C012") + 6]),
        "orders: orders.csv: 1 row has not 4 columns (truncated?), as row 13",
    ),
    (
        "line with more cells",
        file("orders.csv", lambda data: data.replace(b"C003,", b"C003,1,", 1)),
        "1 row has not 4 columns (truncated?), as row 4",
    ),
    ("not UTF-8 header", file("people.csv", lambda data: b"\xff" + data), "people: people.csv is not UTF-8 text"),
    (
        "not UTF-8 cell",
        file("people.csv", lambda data: data.replace("Größe".encode(), b"Gr\xf6\xdfe")),
        "people: people.csv is not UTF-8 text: it has byte 0xf6",
    ),
    ("not UTF-8 late", late_bytes, "people: people.csv is not UTF-8 text: it has"),
    ("NUL bytes", file("people.csv", lambda data: b"\0" * len(data)), "people.customer: the column is missing from people.csv"),
    ("binary junk", file("people.csv", lambda _: bytes(range(256)) * 40), "people: people.csv is not"),
    ("open quote", file("people.csv", lambda data: data.replace(b"C003,", b'C003,"', 1)), "people: people.csv"),
    (
        "a separator of no kind that is known",
        file("people.csv", lambda data: data.replace(b",", b"^")),
        "people: people.csv has one column, 'customer^age^vip^plan^city^note': the separators , ; tab | are known, name another",
    ),
    (
        "repeated column",
        file("orders.csv", lambda data: data.replace(b"opted", b"spend", 1)),
        "orders.spend: the column is there 2 times",
    ),
    ("repeated column in Parquet", repeated_column_parquet, "orders.customer: the column is there 2 times"),
    (
        "truncated Parquet",
        parquet("orders.parquet", lambda data: data[: len(data) // 2]),
        "orders: orders.parquet is damaged or truncated",
    ),
    ("empty Parquet", parquet("orders.parquet", lambda _: b""), "orders: orders.parquet is empty"),
    ("junk Parquet", parquet("orders.parquet", lambda _: os.urandom(999)), "orders: orders.parquet is damaged or truncated"),
    (
        "CSV named Parquet",
        parquet("orders.parquet", lambda _: b"customer,visits\nC001,1\n"),
        "orders: orders.parquet is damaged or truncated",
    ),
    ("both formats", both_formats, "people: both people.csv and people.parquet are there, leave one"),
    ("a folder for a table", directory, "orders: orders.csv cannot be read"),
]


@pytest.mark.parametrize(("spoil", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_bad_snapshot_is_refused_by_a_sentence(tmp_path: Path, spoil: Spoil, expected: str) -> None:
    spoil(put(tmp_path / "may", tables()))
    with pytest.raises(DataError) as refused:
        TableSource(tmp_path, SHOP).read("may")
    message = str(refused.value)
    assert message.startswith("may: ")
    assert expected in message
    assert "\n" not in message
    assert TableSource(tmp_path, SHOP).check("may")


@pytest.mark.parametrize("name", ["../may", "a/b", "..", ".", "", "/etc", "may\0", "may/", "..\\may", ".hidden", "a\nb"])
def test_a_path_for_a_name_is_refused(tmp_path: Path, name: str) -> None:
    put(tmp_path / "data" / "may", tables())
    put(tmp_path / "may", tables())
    project = SHOP.model_copy(update={"snapshots": {name: SHOP.date_of("may")}})
    with pytest.raises(DataError, match="is not a snapshot's name"):
        TableSource(tmp_path / "data", project).read(name)


@pytest.mark.parametrize("name", ["june", "2024-01-31"])
def test_a_snapshot_that_is_not_there_is_refused_with_what_is(tmp_path: Path, name: str) -> None:
    put(tmp_path / "may", tables())
    with pytest.raises(DataError, match=rf"there is no snapshot {name} in .* \(there: may\)"):
        TableSource(tmp_path, SHOP).read(name)


def test_an_overlong_name_is_refused(tmp_path: Path) -> None:
    name = "x" * 5000
    with pytest.raises(DataError, match="x"):
        TableSource(tmp_path, SHOP.model_copy(update={"snapshots": {name: SHOP.date_of("may")}})).read(name)


def test_check_lists_every_problem_and_read_says_the_first_and_their_number(tmp_path: Path) -> None:
    content = with_cell(tables(), "people", "age", 0, "abc")
    content = with_cell(content, "people", "plan", 1, "Gold")
    content = with_cell(content, "orders", "spend", 2, None)
    content = with_cell(content, "outcome", "left", 3, "perhaps")
    put(tmp_path / "may", content)
    source = TableSource(tmp_path, SHOP)
    found = [(problem.table, problem.column, problem.rows, problem.samples) for problem in source.check("may")]
    assert found == [
        ("people", "age", 1, ("C001",)),
        ("people", "plan", 1, ("C002",)),
        ("orders", "spend", 1, ("C003",)),
        ("outcome", "left", 1, ("C004",)),
    ]
    with pytest.raises(DataError, match=r"may: people.age: .* \(and 3 more; `ratchet data check` lists them\)"):
        source.read("may")


def test_a_wrong_cell_is_not_found_a_second_time_as_null_but_a_real_null_is(tmp_path: Path) -> None:
    put(tmp_path / "may", with_cell(with_cell(tables(), "people", "age", 0, "abc"), "people", "age", 1, None))
    problems = [problem.sentence("customer") for problem in TableSource(tmp_path, SHOP).check("may")]
    assert problems == [
        "people.age: 1 value is not int, as for customer C001: 'abc'",
        "people.age: 1 value is null where the project allows none, as for customer C002",
    ]


def test_a_bad_file_does_not_hide_the_problems_of_others(tmp_path: Path) -> None:
    folder = put(tmp_path / "may", with_cell(tables(), "orders", "spend", 0, "abc"))
    (folder / "people.csv").write_bytes(b"")
    assert [problem.table for problem in TableSource(tmp_path, SHOP).check("may")] == ["people", "orders"]
