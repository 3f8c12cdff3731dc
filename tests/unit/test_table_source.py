from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.clients.content_hash import table_hash
from ratchet.core.errors import DataError
from ratchet.core.schema import DType
from ratchet.sources import cells
from ratchet.sources.checked_tables import RawSnapshot
from ratchet.sources.folder import TableSource
from tests.support.shop import ROWS, SHOP, Tables, customers, put, put_parquet, tables, with_cell
from tests.support.streamflow import real_data, streamflow

SPELLINGS = [
    "0x1F",
    "0X1f",
    "1_000",
    "+4",
    "-0",
    "007",
    "3.0",
    "3.",
    ".5",
    "1e5",
    "1e999",
    "1e-999",
    "inf",
    "-Infinity",
    "nan",
    "NAN",
]
SPELLINGS += [
    "true",
    "tRuE",
    "FALSE",
    "1",
    "0",
    "1.0",
    "yes",
    "t",
    "9007199254740993",
    "9" * 18,
    "9" * 19,
    "-" + "9" * 30,
    "٣",
    "1d5",
    "",
]


def read(root: Path, content: Tables | None = None, name: str = "may") -> RawSnapshot:
    if content is not None:
        put(root / name, content)
    return TableSource(root, SHOP).read(name)


def test_a_valid_snapshot_comes_typed_joined_and_sorted(tmp_path: Path) -> None:
    raw = read(tmp_path, {name: table.sample(frac=1, random_state=number) for number, (name, table) in enumerate(tables().items())})
    assert raw.snapshot.name == "may"
    assert raw.snapshot.as_of.isoformat() == "2024-05-31"
    assert (raw.snapshot.rows, raw.snapshot.labelled_rows) == (ROWS, ROWS)
    assert raw.features["customer"].tolist() == customers()
    assert {name: str(kind) for name, kind in raw.features.dtypes.items()} == {
        "customer": "object",
        "age": "Int64",
        "vip": "boolean",
        "plan": "object",
        "visits": "Int64",
        "spend": "float64",
        "opted": "boolean",
        "city": "object",
    }
    third = raw.features.iloc[2]
    assert (third["age"], third["vip"], third["plan"], third["visits"], third["spend"]) == (22, False, "Größe", 2, 0.75)
    assert third["opted"] is pd.NA
    assert raw.labels is not None
    assert raw.labels["left"].dtype == np.int8
    assert raw.labels["left"].tolist() == [int(number % 4 == 1) for number in range(ROWS)]


def test_a_declared_category_spelled_like_null_is_a_category(tmp_path: Path) -> None:
    assert read(tmp_path, tables()).features["plan"].tolist()[:3] == ["Basic", "None", "Größe"]


def test_the_hash_is_the_same_for_any_row_order_format_and_extra_column(tmp_path: Path) -> None:
    content = tables()
    plain = read(tmp_path, content).snapshot
    shuffled = {name: table.sample(frac=1, random_state=1).iloc[:, ::-1].assign(extra=7) for name, table in content.items()}
    put_parquet(tmp_path / "other" / "may", shuffled)
    other = read(tmp_path / "other").snapshot
    assert (other.features_hash, other.labels_hash) == (plain.features_hash, plain.labels_hash)
    assert len(plain.features_hash) == 64


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("people", "age", 99),
        ("people", "vip", False),
        ("people", "plan", "None"),
        ("people", "city", "Köln"),
        ("orders", "visits", 5),
        ("orders", "visits", 0),
        ("orders", "spend", 1.0000000001),
        ("orders", "opted", None),
    ],
)
def test_any_changed_cell_changes_the_features_hash_alone(tmp_path: Path, table: str, column: str, value: object) -> None:
    before = read(tmp_path, tables()).snapshot
    after = read(tmp_path, with_cell(tables(), table, column, 0, value)).snapshot
    assert after.features_hash != before.features_hash
    assert after.labels_hash == before.labels_hash


def test_a_changed_label_changes_the_labels_hash_alone(tmp_path: Path) -> None:
    before = read(tmp_path, tables()).snapshot
    after = read(tmp_path, with_cell(tables(), "outcome", "left", 0, "true")).snapshot
    assert after.features_hash == before.features_hash
    assert after.labels_hash != before.labels_hash


@given(
    cells=st.lists(st.one_of(st.none(), st.text(max_size=4)), min_size=2, max_size=2),
    others=st.lists(st.text(max_size=4), min_size=2, max_size=2),
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_text_that_runs_together_the_same_hashes_differently(cells: list[str | None], others: list[str | None]) -> None:
    keys = ["a", "b"]
    one, two = (pd.DataFrame({"k": keys, "v": pd.Series(values, dtype=object)}) for values in (cells, others))
    assert (table_hash(one, "k") == table_hash(two, "k")) == (cells == others)


def test_minus_zero_is_zero() -> None:
    one, two = (pd.DataFrame({"k": ["a"], "v": [value]}) for value in (0.0, -0.0))
    assert table_hash(one, "k") == table_hash(two, "k")


def test_without_a_label_table_the_labels_have_not_arrived(tmp_path: Path) -> None:
    content = tables()
    del content["outcome"]
    raw = read(tmp_path, content)
    assert raw.labels is None
    assert not raw.snapshot.labelled
    assert raw.snapshot.labels_hash == ""


def test_null_labels_are_rows_without_a_label(tmp_path: Path) -> None:
    raw = read(tmp_path, with_cell(tables(), "outcome", "left", 0, None))
    assert raw.labels is not None
    assert raw.labels["customer"].tolist() == customers()[1:]


def test_labels_that_are_all_null_have_not_arrived(tmp_path: Path) -> None:
    content = tables()
    content["outcome"]["left"] = None
    assert read(tmp_path, content).labels is None


@pytest.mark.parametrize("spelling", [("1", "0"), ("true", "false"), ("TRUE", "FALSE"), ("1.0", "0.0"), (" True", "False ")])
def test_a_label_may_be_spelled_in_the_usual_ways(tmp_path: Path, spelling: tuple[str, str]) -> None:
    content = tables()
    content["outcome"]["left"] = [spelling[number % 4 != 1] for number in range(ROWS)]
    raw = read(tmp_path, content)
    assert raw.labels is not None
    assert raw.labels["left"].sum() == 3


@pytest.mark.parametrize("dtype", [DType.INT, DType.FLOAT, DType.BOOL])
@given(text=st.one_of(st.from_regex(r"[ +-]?[0-9_.eExX]{1,20}\Z"), st.sampled_from(SPELLINGS)))
@settings(max_examples=300, deadline=None)
def test_a_cell_is_the_same_whatever_stands_in_its_column(dtype: DType, text: str) -> None:
    """Arrow parses a column whose cells all fit, and ours names those that do not: both read a cell alike."""
    alone, beside = cells.typed(pa.chunked_array([[text]]), dtype), cells.typed(pa.chunked_array([[text, "?"]]), dtype)
    assert alone.values[0] == beside.values[0]  # noqa: PD011 - Arrow's, not pandas'
    assert [fault.phrase for fault in alone.faults] == [fault.phrase for fault in beside.faults if fault.rows[0]]


def test_ints_that_pandas_wrote_with_a_point_are_ints(tmp_path: Path) -> None:
    content = tables()
    content["orders"]["visits"] = ["3.0", "", "nan", *["+4", "-0", "007"], *["1"] * (ROWS - 6)]
    values = read(tmp_path, content).features["visits"]
    assert values.isna().tolist()[:3] == [False, True, True]
    assert values.tolist()[3:6] == [4, 0, 7]


def test_a_byte_order_mark_does_not_hide_the_first_column(tmp_path: Path) -> None:
    folder = put(tmp_path / "may", tables())
    people = folder / "people.csv"
    people.write_bytes(b"\xef\xbb\xbf" + people.read_bytes())
    assert read(tmp_path).snapshot.rows == ROWS


def test_a_quoted_line_break_stays_in_its_cell(tmp_path: Path) -> None:
    assert read(tmp_path, with_cell(tables(), "people", "note", 3, 'two\nlines, "quoted"')).snapshot.rows == ROWS


def test_an_iso_date_names_its_own_day_and_others_need_a_line(tmp_path: Path) -> None:
    assert read(tmp_path, tables(), "2024-07-31").snapshot.as_of.isoformat() == "2024-07-31"
    put(tmp_path / "august", tables())
    with pytest.raises(DataError, match="august"):
        read(tmp_path, name="august")


def test_names_are_the_folders(tmp_path: Path) -> None:
    for name in ("june", "may", ".new-july"):
        (tmp_path / name).mkdir()
    (tmp_path / "file.csv").write_text("x")
    assert TableSource(tmp_path, SHOP).names() == ["june", "may"]
    with pytest.raises(DataError, match=r"data folder .* cannot be read"):
        TableSource(tmp_path / "nowhere", SHOP).names()


def test_a_raw_snapshot_is_frozen(tmp_path: Path) -> None:
    raw = read(tmp_path, tables())
    with pytest.raises(dataclasses.FrozenInstanceError):
        raw.labels = None  # type: ignore[misc]


def test_the_real_snapshots_are_valid_and_as_known() -> None:
    folder = real_data()
    if folder is None:  # the generated data of the other tests stands in
        return
    source = TableSource(folder, streamflow())
    raw = source.read("month_000")
    assert source.check("month_001") == []
    assert raw.snapshot.rows == raw.snapshot.labelled_rows == 7043
    assert raw.features["plan_stream_tv"].isna().sum() == 1526
    user = raw.features.set_index("user_id").loc["7590-VHVEG"]
    assert (user["months_active"], user["monthly_fee"], user["net_service"]) == (1, 29.85, "DSL")
