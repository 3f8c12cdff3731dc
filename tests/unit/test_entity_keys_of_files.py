"""Keys of whatever type and spelling a file has: read by one rule, or named with the reason."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.core.errors import DataError
from ratchet.sources.entity_keys import entity_keys
from ratchet.sources.folder import TableSource
from tests.support.shop import ROWS, SHOP, put, tables

NUMBERS = [str(1000 + row) for row in range(ROWS)]


def with_keys(keys: list[str]) -> dict[str, pd.DataFrame]:
    known = tables()
    names = dict(zip(known["people"]["customer"], keys, strict=True))
    return {name: table.assign(customer=table["customer"].map(names)) for name, table in known.items()}


def read(folder: Path, keys: list[str]) -> TableSource:
    folder.mkdir(exist_ok=True)
    put(folder / "2024-02-29", with_keys(keys))
    return TableSource(folder, SHOP)


@pytest.mark.parametrize("spell", ["{}.0", " {}", "{}\t", "\ufeff{}", "{}.00 "])
def test_a_month_whose_keys_are_spelled_otherwise_is_the_same_month(tmp_path: Path, spell: str) -> None:
    plain = read(tmp_path / "a", NUMBERS).read("2024-02-29")
    other = read(tmp_path / "b", [spell.format(key) for key in NUMBERS]).read("2024-02-29")
    assert other.snapshot.id == plain.snapshot.id
    assert other.features["customer"].tolist() == plain.features["customer"].tolist() == NUMBERS


@pytest.mark.parametrize(
    "kind",
    [pa.int32(), pa.uint64(), pa.float64(), pa.float32(), pa.decimal128(12, 2), pa.binary(), pa.large_string(), pa.string_view()],
)
def test_keys_of_every_type_that_has_whole_numbers_or_text_are_the_same(kind: pa.DataType) -> None:
    text = kind in {pa.binary(), pa.large_string(), pa.string_view()}
    cells: list[Any] = [b"1000", b"1001"] if kind == pa.binary() else ["1000", "1001"] if text else [1000, 1001]
    given = [Decimal(cell) for cell in cells] if pa.types.is_decimal(kind) else cells
    found = entity_keys(pa.chunked_array([pa.array([*given, None], kind)]))
    assert found.texts.to_pylist() == ["1000", "1001", None]
    assert not found.faults


def test_a_dictionary_of_keys_is_read() -> None:
    column = pa.chunked_array([pa.array([" a", "b", " a"]).dictionary_encode()])
    assert entity_keys(column).texts.to_pylist() == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (pa.array([1.0, 1.5]), "1 key is not whole, and a key is text or a whole number, as in row 2: '1.5'"),
        (pa.array([1.0, 1e17]), "1 key is beyond 2**53 as a float"),
        (pa.array([Decimal("1.00"), Decimal("2.50")]), "1 key is not whole"),
        (pa.array([True, False]), "2 keys are of type bool, and a key is text or a whole number, as in row 1, 2"),
        (pa.array([b"\xff\xfe", b"a"]), "1 key is bytes that are no UTF-8 text"),
        (pa.array([1, 2], pa.timestamp("us")), "2 keys are of type timestamp[us]"),
        (pa.array(["x" * 300, "a"]), "1 key is longer than 256 characters, as in row 1"),
        (pa.array(["two\nlines", "sep\u2028arator", "del\x7f", "a\x85b", "ok"]), "4 keys are not a name: a line break"),
        (pa.array(["1.5e+16", "12e5"]), "1 key is a rounded number in scientific notation"),
    ],
)
def test_a_key_that_is_none_is_named_with_its_row_and_reason(tmp_path: Path, column: pa.Array, sentence: str) -> None:
    content = tables()
    folder = tmp_path / "2024-02-29"
    put(folder, content)
    (folder / "people.csv").unlink()
    rest = content["people"].iloc[: len(column)].drop(columns=["customer"])
    table = pa.Table.from_pandas(rest, preserve_index=False).append_column("customer", column)
    pq.write_table(table, folder / "people.parquet")
    sentences = [problem.sentence("customer") for problem in TableSource(tmp_path, SHOP).check("2024-02-29")]
    assert any(f"people.customer: {sentence}" in found for found in sentences), sentences
    assert not any("empty" in found for found in sentences)


def test_two_spellings_of_one_key_in_a_table_are_named(tmp_path: Path) -> None:
    keys = [*NUMBERS[:-1], "1000.0"]
    with pytest.raises(
        DataError, match=r"1 row repeats a key that is spelled otherwise in another row, as for customer 1000: '1000.0'"
    ):
        read(tmp_path, keys).read("2024-02-29")


def test_labels_of_keys_that_differ_by_spelling_alone_are_named_as_that(tmp_path: Path) -> None:
    source = read(tmp_path, [f"C0{key}" for key in NUMBERS])
    labels = with_keys([f"c{key}" for key in NUMBERS])["outcome"]
    labels.to_csv(tmp_path / "2024-02-29" / "outcome.csv", index=False)
    with pytest.raises(DataError, match=r"spelled otherwise\? 'c1000' may be 'C01000' of people"):
        source.read("2024-02-29")
