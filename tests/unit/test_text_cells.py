"""Parquet and CSV whose few bytes stand for all the memory there is."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.clients.memory import allowed
from ratchet.core.schema import LONGEST_CELL
from ratchet.sources.problems import TableError
from ratchet.sources.raw_tables import column_names, read_table
from ratchet.sources.text_cells import read_bounded


def written(folder: Path, table: pa.Table, **options: object) -> Path:
    path = folder / "users.parquet"
    pq.write_table(table, path, compression="zstd", **options)
    return path


def test_hundreds_of_millions_of_equal_rows_are_refused_by_their_count(tmp_path: Path) -> None:
    path = written(tmp_path, pa.table({"key": pa.repeat("U1", 3_000_000), "flag": pa.repeat(pa.scalar(False), 3_000_000)}))  # noqa: FBT003
    assert path.stat().st_size < 100_000
    with pytest.raises(TableError, match=r"unpacks to more than the 1,000,000 bytes that there is room for \(3,000,000 rows\)"):
        read_bounded(path, "users", ["key", "flag"], most=1_000_000)


def test_cells_that_are_long_together_are_refused_as_they_come(tmp_path: Path) -> None:
    path = written(tmp_path, pa.table({"key": pa.repeat("x" * 10_000, 100_000)}))
    assert path.stat().st_size < 100_000
    with pytest.raises(TableError, match=r"more than the 50,000,000 bytes that there is room for \(its cells\)"):
        read_bounded(path, "users", ["key"], most=50_000_000)


def test_a_cell_of_megabytes_is_refused_and_its_column_named(tmp_path: Path) -> None:
    cells = pa.DictionaryArray.from_arrays(pa.array([0] * 1200), pa.array(["x" * 2_000_000]))  # 2.4 GB, spelt out
    path = written(tmp_path, pa.table({"key": [str(number) for number in range(1200)], "plan": cells}), store_schema=False)
    assert pq.read_schema(path).field("plan").type == pa.string()
    with pytest.raises(TableError) as refused:
        read_table(path, "users", ["key", "plan"])
    assert refused.value.problem.column == "plan"
    assert "a cell has 2,000,000 bytes, more than the 65,536" in refused.value.problem.problem


@pytest.mark.parametrize("options", [{}, {"use_dictionary": False}, {"row_group_size": 7}, {"version": "1.0"}])
def test_a_table_within_the_bounds_comes_as_it_was_written(tmp_path: Path, options: dict[str, object]) -> None:
    table = pa.table(
        {
            "key": pa.array([f"U{number}" for number in range(100)]),
            "plan": pa.array(["a", None, "", "b" * LONGEST_CELL] * 25, pa.large_string()),
            "fee": pa.array([1.5, None] * 50),
            "visits": pa.array(range(100), pa.int32()),
            "raw": pa.array([b"\xff\x00", None] * 50),
            "kind": pa.array(["x", "y"] * 50).dictionary_encode(),
            "parts": pa.array([[1, 2], None] * 50),
        }
    )
    path = written(tmp_path, table, **options)
    whole = pq.read_table(path)
    assert read_table(path, "users", table.column_names).equals(whole)
    assert read_table(path, "users", ["fee", "nothing", "key"]).equals(whole.select(["fee", "key"]))
    empty = written(tmp_path, table.slice(0, 0))
    assert read_table(empty, "users", ["key", "fee"]).equals(pq.read_table(empty, columns=["key", "fee"]))


def test_a_header_without_an_end_is_refused_before_it_is_all_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_bytes(b'"user_id' + b"a" * 9_000_000)
    with pytest.raises(TableError, match="is not a CSV file"):
        column_names(path, "users")


def test_the_memory_that_is_allowed_is_no_more_than_the_machines() -> None:
    assert 2**26 < allowed() < 2**50
