"""Rows that are scored from a file are read as ingest reads the tables, and refused where ingest refuses them."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.core.errors import DataError
from ratchet.core.schema import Coded
from ratchet.project.file import Project
from ratchet.scores.port import Batch
from ratchet.sources import row_file
from ratchet.sources.folder import TableSource
from ratchet.sources.row_file import FileRows
from tests.support.shop import SHOP, put, tables, with_cell

DAY = date(2024, 5, 31)
FEATURES = [feature.name for feature in SHOP.inputs]
ROWS = 200


def project(**columns: dict[str, Any]) -> Project:
    facts = SHOP.model_dump(mode="json")
    facts["features"] = [{**item, **columns.get(item["name"], {})} for item in facts["features"]]
    return Project.model_validate(facts)


def flat(path: Path, **cells: Any) -> Path:
    """People and orders in one file, with one cell of row 6 changed in each column named."""
    content = tables(ROWS)
    content["people"]["age"] = [20 + row % 60 for row in range(ROWS)]
    frame = content["people"].merge(content["orders"], on="customer")
    for name, value in cells.items():
        frame[name] = frame[name].map(lambda cell: None if pd.isna(cell) else str(cell)).astype(object)
        frame.loc[5, name] = value
    write(path, frame)
    return path


def write(path: Path, frame: pd.DataFrame, **how: Any) -> None:
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False, row_group_size=70)
    else:
        frame.to_csv(path, index=False, **how)


def read(path: Path, model: Project = SHOP) -> tuple[Batch, list[str]]:
    """All of it in one batch, and the notes."""
    rows = FileRows(path, model, DAY)
    batches = [each() for each in rows.batches(FEATURES, 0)]
    seen = sum((batch.seen for batch in batches), Counter[str]())
    columns = {name: np.concatenate([cells(batch, name) for batch in batches]) for name in FEATURES}
    keys = np.concatenate([batch.keys for batch in batches])
    return Batch(keys, columns), rows.judged(seen, len(keys))


def cells(batch: Batch, name: str) -> Any:
    column = batch.columns[name]
    return column.texts() if isinstance(column, Coded) else column


@pytest.mark.parametrize("name", ["new.csv", "new.parquet", "new.tsv", "new.csv.gz"])
def test_a_flat_file_gives_the_columns_that_ingest_gives(tmp_path: Path, name: str) -> None:
    content = tables(ROWS)
    content["people"]["age"] = [20 + row % 60 for row in range(ROWS)]
    put(tmp_path / "may", content)
    expected = TableSource(tmp_path, SHOP).read("may").features
    path = flat(tmp_path / "new.parquet" if name == "new.parquet" else tmp_path / "new.csv")
    if name not in {"new.csv", "new.parquet"}:
        frame = pd.read_csv(path, dtype=object, keep_default_na=False)
        path = tmp_path / name
        write(path, frame, sep="\t" if name.endswith("tsv") else ",")
    found, notes = read(path)
    assert found.keys.tolist() == expected["customer"].tolist()
    for feature in SHOP.inputs:
        column = found.columns[feature.name]
        assert not isinstance(column, Coded)
        there = [None if pd.isna(value) else value for value in column.tolist()]
        ingested = [None if pd.isna(value) else value for value in expected[feature.name].tolist()]
        assert there == [float(value) if feature.dtype.is_number and value is not None else value for value in ingested]
    assert notes == []


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("table", "column", "value", "sentence"),
    [
        ("people", "age", 121, "age: 1 value is outside 0 to 120, as for customer C006: "),
        ("people", "age", "old", "age: 1 value is not int"),
        ("people", "age", None, "age: 1 value is null where the project allows none, as for customer C006"),
        ("people", "vip", "maybe", "vip: 1 value is not bool"),
        ("people", "plan", "Gold", "plan: 1 value is none of Basic, None, Größe, as for customer C006: 'Gold'"),
        ("orders", "spend", 1e6, "spend: 1 value is outside -10 to 1000"),
        ("people", "customer", None, "customer: 1 key is empty, as in row 6"),
        ("people", "customer", "a\x07b", "customer: 1 key is not a name"),
    ],
)
def test_what_ingest_refuses_is_refused_with_the_same_words(
    tmp_path: Path, form: str, table: str, column: str, value: object, sentence: str
) -> None:
    content = with_cell(tables(ROWS), table, column, 5, value)
    content["people"].loc[content["people"].index != 5, "age"] = 30
    if column != "age":
        content["people"]["age"] = 30
    put(tmp_path / "may", content)
    with pytest.raises(DataError) as ingest:
        TableSource(tmp_path, SHOP).read("may")
    path = flat(tmp_path / f"new.{form}", **{column: str(value) if isinstance(value, str | int | float) else value})
    with pytest.raises(DataError) as scoring:
        read(path)
    assert sentence in str(ingest.value)
    assert sentence in str(scoring.value)


def test_what_may_count_as_missing_does_up_to_the_share(tmp_path: Path) -> None:
    tolerant = project(plan={"on_unknown": "missing"}, age={"on_unknown": "missing", "max_unknown_share": 0.004})
    found, notes = read(flat(tmp_path / "new.csv", plan="Gold"), tolerant)
    assert [position for position, value in enumerate(cells(found, "plan").tolist()) if value is None] == [5]
    assert notes == ["new.csv.plan: 1 value does not fit and count as missing"]
    with pytest.raises(DataError, match=r"new.csv.age: 1 of 200 values do not fit, 0.005 > 0.004 \(max_unknown_share\)"):
        read(flat(tmp_path / "new.csv", age=-3), tolerant)


@pytest.mark.parametrize(("rows", "refused"), [(99, False), (100, True)])
def test_a_share_of_missing_cells_counts_from_a_hundred_rows_on(tmp_path: Path, rows: int, *, refused: bool) -> None:
    frame = pd.read_csv(flat(tmp_path / "new.csv"), keep_default_na=False, dtype=object)[:rows]
    frame["visits"] = ""
    write(tmp_path / "new.csv", frame)
    if refused:
        with pytest.raises(DataError, match=r"new.csv.visits: all 100 values are null"):
            read(tmp_path / "new.csv")
    else:
        assert np.isnan(cells(read(tmp_path / "new.csv")[0], "visits")).all()


@pytest.mark.parametrize(("rows", "refused"), [(99, False), (100, True)])
def test_a_share_of_unfit_cells_counts_from_a_hundred_rows_on(tmp_path: Path, rows: int, *, refused: bool) -> None:
    tolerant = project(age={"on_unknown": "missing", "max_unknown_share": 0.001})
    frame = pd.read_csv(flat(tmp_path / "new.csv", age=-3), keep_default_na=False, dtype=object)[:rows]
    write(tmp_path / "new.csv", frame)
    if refused:
        with pytest.raises(DataError, match=r"new.csv.age: 1 of 100 values do not fit, 0.010 > 0.001 \(max_unknown_share\)"):
            read(tmp_path / "new.csv", tolerant)
    else:
        found, notes = read(tmp_path / "new.csv", tolerant)
        assert np.isnan(cells(found, "age")).sum() == 1
        assert notes == ["new.csv.age: 1 value does not fit and count as missing"]


def test_headers_of_the_project_s_and_columns_of_optional_tables_are_found(tmp_path: Path) -> None:
    facts = SHOP.model_dump(mode="json")
    facts["entity"] = {"name": "customer", "column": "Customer ID"}
    facts["tables"] = ["people", {"name": "orders", "optional": True}, "outcome"]
    facts["features"] = [{**item, "column": "Alter (Jahre)"} if item["name"] == "age" else item for item in facts["features"]]
    frame = pd.read_csv(flat(tmp_path / "new.csv"), keep_default_na=False, dtype=object)
    frame = frame[["customer", "age", "vip", "plan"]].rename(columns={"customer": "Customer ID", "age": "Alter (Jahre)"})
    write(tmp_path / "new.csv", frame)
    found, _ = read(tmp_path / "new.csv", Project.model_validate(facts))
    assert cells(found, "age").tolist() == [float(20 + row % 60) for row in range(ROWS)]
    assert np.isnan(cells(found, "spend")).all()
    with pytest.raises(DataError, match=r"new.csv.customer: the column is missing \(called customer\)"):
        read(tmp_path / "new.csv")


def test_a_date_counts_from_the_rows_date(tmp_path: Path) -> None:
    facts = SHOP.model_dump(mode="json")
    facts["features"] = [{"name": "since", "table": "people", "dtype": "date"}]
    model = Project.model_validate(facts)
    write(tmp_path / "new.csv", pd.DataFrame({"customer": ["a", "b"], "since": ["2024-05-30", "2024-06-01"]}))
    (each,) = FileRows(tmp_path / "new.csv", model, DAY).batches(["since"], 0)
    assert cells(each(), "since").tolist() == [1.0, -1.0]


def test_a_semicolon_file_with_decimal_commas_is_read(tmp_path: Path) -> None:
    frame = pd.read_csv(flat(tmp_path / "new.csv"), keep_default_na=False, dtype=object)
    expected = cells(read(tmp_path / "new.csv")[0], "spend").tolist()
    write(tmp_path / "new.csv", frame.assign(spend=frame["spend"].str.replace(".", ",")), sep=";", encoding="utf-8-sig")
    assert cells(read(tmp_path / "new.csv")[0], "spend").tolist() == expected


def test_a_number_is_one_number_in_all_batches_of_a_file(tmp_path: Path) -> None:
    frame = pd.read_csv(flat(tmp_path / "new.csv"), keep_default_na=False, dtype=object)
    frame = frame.assign(spend=["-0,5"] * 100 + ["1,234"] * 100, visits=["12"] * 100 + [""] * 100)
    write(tmp_path / "new.csv", frame, sep=";")
    with patch.object(row_file, "BATCH", 100):
        assert cells(read(tmp_path / "new.csv")[0], "spend").tolist() == [-0.5] * 100 + [1.234] * 100
    frame["visits"] = ["1.234.567"] * 100 + ["1.000"] * 100
    write(tmp_path / "new.csv", frame, sep=";")
    wide = project(visits={"range": None})
    with patch.object(row_file, "BATCH", 100):
        assert cells(read(tmp_path / "new.csv", wide)[0], "visits").tolist() == [1234567.0] * 100 + [1000.0] * 100
        frame["visits"] = ["12"] * 100 + ["1.000"] * 100
        write(tmp_path / "new.csv", frame, sep=";")
        with pytest.raises(DataError, match=r"new.csv.visits: '1.000' can be 1.000 or 1000: say `decimal:"):
            read(tmp_path / "new.csv", wide)


def two_tables(*features: dict[str, Any]) -> Project:
    facts = SHOP.model_dump(mode="json")
    facts["features"] = list(features)
    return Project.model_validate(facts)


def read_as(path: Path, frame: pd.DataFrame, model: Project) -> dict[str, list[Any]]:
    write(path, frame)
    names = [feature.name for feature in model.inputs]
    (each,) = FileRows(path, model, DAY).batches(names, 0)
    batch = each()
    return {name: cells(batch, name).tolist() for name in names}


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_one_header_serves_two_features_of_a_table_and_not_of_two(tmp_path: Path, form: str) -> None:
    days, month = ({"name": f"since_{part}", "column": "since", "table": "people", "dtype": "date"} for part in ("days", "month"))
    frame = pd.DataFrame({"customer": ["a", "b"], "since": ["2024-05-30", "2024-04-30"]})
    found = read_as(tmp_path / f"new.{form}", frame, two_tables(days, {**month, "of_date": "month"}))
    assert found == {"since_days": [1.0, 31.0], "since_month": [5.0, 4.0]}
    with pytest.raises(
        DataError, match=r"'since' is the header of since_days and since_month, of several tables: call the columns as"
    ):
        read_as(tmp_path / f"new.{form}", frame, two_tables(days, {**month, "table": "orders"}))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_column_under_its_name_and_its_header_is_refused(tmp_path: Path, form: str) -> None:
    age = {"name": "age", "column": "Alter", "table": "people", "dtype": "int"}
    frame = pd.DataFrame({"customer": ["a", "b"], "age": [1, 2], "Alter": [3, 4]})
    with pytest.raises(DataError, match=rf"new.{form}.age: 'age' and 'Alter' are both there, and each may be it: leave one"):
        read_as(tmp_path / f"new.{form}", frame, two_tables(age))
    other = {"name": "years", "column": "age", "table": "people", "dtype": "int"}
    assert read_as(tmp_path / f"new.{form}", frame, two_tables(age, other)) == {"age": [3.0, 4.0], "years": [1.0, 2.0]}
    ours = frame.rename(columns={"Alter": "years"})
    assert read_as(tmp_path / f"new.{form}", ours, two_tables(age, other)) == {"age": [1.0, 2.0], "years": [3.0, 4.0]}
    with pytest.raises(DataError, match="'age' is the header of age and years, of several columns: call the columns as"):
        read_as(tmp_path / f"new.{form}", frame[["customer", "age"]], two_tables(age, other))


def test_a_cell_that_a_small_file_makes_huge_is_refused_before_it_is_spelt_out(tmp_path: Path) -> None:
    path = flat(tmp_path / "new.parquet")
    frame = pq.read_table(path)
    for name, size, most in (("customer", 2000, "1,024"), ("plan", 70_000, "65,536"), ("age", 2000, "1,024")):
        huge = pa.array(["x" * size] * ROWS).dictionary_encode()
        changed = frame.set_column(frame.column_names.index(name), name, huge)
        pq.write_table(changed, path)
        with pytest.raises(DataError, match=rf"new.parquet.{name}: a cell has {size:,} bytes, more than the {most}"):
            read(path)


def test_a_batch_says_which_rows_it_is_about(tmp_path: Path) -> None:
    frame = pd.concat([pd.read_csv(flat(tmp_path / "new.csv"), dtype=object, keep_default_na=False)] * 501, ignore_index=True)
    frame.loc[100_100, "age"] = "old"
    frame["customer"] = [f"k{number}" for number in range(len(frame))]
    frame.to_parquet(tmp_path / "new.parquet", index=False)
    with pytest.raises(DataError, match=r"as for customer k100100: 'old' \(in the batch of rows from 100,001 on\)"):
        read(tmp_path / "new.parquet")


@pytest.mark.parametrize("kind", [pa.list_(pa.int64()), pa.struct({"a": pa.int64()}), pa.map_(pa.string(), pa.int64())])
@pytest.mark.parametrize("name", ["customer", "plan", "age", "spend", "vip"])
def test_a_column_of_lists_or_structs_is_refused_by_name(tmp_path: Path, kind: pa.DataType, name: str) -> None:
    path = flat(tmp_path / "new.parquet")
    plain = pq.read_table(path)
    cell: Any = {"a": 1} if pa.types.is_struct(kind) else [("a", 1)] if pa.types.is_map(kind) else [1]
    pq.write_table(plain.set_column(plain.column_names.index(name), name, pa.array([cell] * ROWS, kind)), path)
    with pytest.raises(DataError, match=rf"^new\.parquet\.{name}: [^\n]+$"):
        read(path)


@pytest.mark.parametrize("kind", [pa.string_view(), pa.large_string()])
def test_text_in_any_of_arrow_s_ways_is_text(tmp_path: Path, kind: pa.DataType) -> None:
    path = flat(tmp_path / "new.parquet")
    expected, _ = read(path)
    plain = pq.read_table(path)
    changed = {name: plain[name].cast(kind) if pa.types.is_string(plain[name].type) else plain[name] for name in plain.column_names}
    pq.write_table(pa.table(changed), path)
    found, _ = read(path)
    for name in ("plan", "opted"):
        assert list(map(str, cells(found, name))) == list(map(str, cells(expected, name)))
    assert found.keys.tolist() == expected.keys.tolist()


def test_codes_that_are_half_floats_are_read_as_those_of_other_floats(tmp_path: Path) -> None:
    path = flat(tmp_path / "new.parquet")
    plain = pq.read_table(path)
    codes = pa.array([3.0] * ROWS, pa.float16())
    pq.write_table(plain.set_column(plain.column_names.index("plan"), "plan", codes), path)
    found, _ = read(path, project(plan={"categories": ["3"]}))
    assert set(cells(found, "plan")) == {"3"}
