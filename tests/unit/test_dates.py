"""Dates become the days before the snapshot, the weekday or the month, whatever a file writes them as."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.schema import DType
from ratchet.project.file import Project
from ratchet.sources.dates import Part, typed_dates
from ratchet.sources.folder import TableSource

AS_OF = date(2024, 2, 29)


def days(values: list[Any], kind: pa.DataType | None = None, part: Part = "days") -> list[int | None]:
    read = typed_dates(pa.chunked_array([pa.array(values, kind)]), part, AS_OF)
    found: list[int | None] = read.values.to_pylist()  # noqa: PD011 - Arrow's, not pandas'
    return found


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-28",
        " 2024-02-28 ",
        "2024-02-28T00:00",
        "2024-02-28 23:59:59",
        "2024-02-28T23:59:59.999999999",
        "2024-02-28 23:59:59,5",
        "2024-02-28T00:00:00Z",
        "2024-02-28T23:30:00-11:00",
        "2024-02-28 00:30:00+05:30",
        "2024-02-28 00:30:00+00",
        "2024-02-28 00:30:00+0530",
        "2024-02-28 12:00:00 UTC",
    ],
)
def test_the_day_of_a_text_is_the_one_that_is_written(text: str) -> None:
    assert days([text]) == [1]


@pytest.mark.parametrize(
    "text",
    [
        "20240228",
        "28.02.2024",
        "02/28/2024",
        "2024-02-30",
        "2023-02-29",
        "2024-13-01",
        "0000-01-01",
        "2024-2-8",
        "24-02-28",
        "2024-W09-3",
        "2024-02",
        "2024-02-28T",
        "2024-02-28 noon",
        "yesterday",
        "45350",
        "2024-02-28; DROP",
        "٢٠٢٤-٠٢-٢٨",
        "-2024-02-28",
    ],
)
def test_what_is_no_date_is_named_and_stops_no_other_cell(text: str) -> None:
    read = typed_dates(pa.chunked_array([["2024-02-28", text, None]]), "days", AS_OF)
    assert read.values.to_pylist() == [1, None, None]  # noqa: PD011 - Arrow's, not pandas'
    assert [(fault.phrase, fault.rows.tolist()) for fault in read.faults] == [
        ("not date (as 2024-01-31, alone or with a time)", [False, True, False])
    ]


@pytest.mark.parametrize("null", ["", "NA", "NaT", "None", "null", " "])
def test_an_empty_date_is_missing(null: str) -> None:
    read = typed_dates(pa.chunked_array([[null, "2024-02-29"]]), "days", AS_OF)
    assert (read.values.to_pylist(), read.faults) == ([None, 0], ())  # noqa: PD011 - Arrow's, not pandas'


@pytest.mark.parametrize(
    "kind",
    [
        pa.date32(),
        pa.date64(),
        pa.timestamp("s"),
        pa.timestamp("us"),
        pa.timestamp("ns"),
        pa.timestamp("us", tz="UTC"),
        pa.string(),
        pa.large_string(),
    ],
)
def test_every_type_of_a_date_gives_the_same_days(kind: pa.DataType) -> None:
    dates = [date(2024, 2, 28), None, date(2024, 3, 1), date(1969, 12, 31), date(1700, 1, 1)]
    column: list[Any] = [None if day is None else day.isoformat() for day in dates]
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        column = list(dates)
    if pa.types.is_timestamp(kind):
        column = [None if day is None else datetime(day.year, day.month, day.day, 23, 59, tzinfo=UTC) for day in dates]
    assert days(column, kind) == [1, None, -1, 19783, 118397]


def test_a_time_zone_of_a_parquet_column_moves_no_day() -> None:
    evening = datetime(2024, 2, 28, 0, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    seconds = pa.array([int(evening.timestamp())])
    for zone, before in {"Europe/Berlin": 1, "UTC": 2}.items():
        column = pa.chunked_array([seconds.cast(pa.timestamp("s", tz=zone))])
        assert typed_dates(column, "days", AS_OF).values.to_pylist() == [before]  # noqa: PD011 - Arrow's, not pandas'
    assert days([str(evening)]) == [1]


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.bool_(), pa.duration("s"), pa.time32("s"), pa.list_(pa.date32())])
def test_another_type_is_named(kind: pa.DataType) -> None:
    values = {pa.list_(pa.date32()): [[AS_OF]], pa.duration("s"): [timedelta(1)]}.get(kind)
    column = pa.array(values, kind) if values else pa.array([1], pa.int64()).cast(pa.int32()).cast(kind)
    (fault,) = typed_dates(pa.chunked_array([column]), "days", AS_OF).faults
    assert fault.phrase == f"not date (as 2024-01-31, alone or with a time) but {kind}"


def test_a_column_of_nothing_but_nulls_or_without_rows_is_a_date_too() -> None:
    assert days([None, None], pa.null()) == [None, None]
    assert days([], pa.string()) == []


@given(st.dates())
def test_the_parts_are_those_of_the_calendar(day: date) -> None:
    assert days([day.isoformat()]) == [(AS_OF - day).days]
    assert days([day], pa.date32(), "weekday") == [day.weekday()]
    assert days([day.isoformat()], None, "month") == [day.month]


def described(**keys: Any) -> Project:
    facts = {"table": "people", "column": "joined", "dtype": "date"}
    return Project.model_validate(
        {
            "model": "m",
            "entity": "id",
            "tables": ["people", "out"],
            "label": {"column": "left", "table": "out"},
            "features": [
                {**facts, "name": "joined", **keys},
                {**facts, "name": "joined_day", "of_date": "weekday"},
                {**facts, "name": "joined_month", "of_date": "month", "range": [1, 12]},
            ],
            "holdout": {"salt": "s"},
            "policy": {"data": {"min_rows": 2}},
        }
    )


def month(root: Path, dates: list[str]) -> TableSource:
    (root / "2024-02-29").mkdir(exist_ok=True)
    pd.DataFrame({"id": [f"u{at}" for at in range(len(dates))], "joined": dates}).to_csv(
        root / "2024-02-29" / "people.csv", index=False
    )
    return TableSource(root, described())


def test_one_column_gives_days_weekday_and_month(tmp_path: Path) -> None:
    raw = month(tmp_path, ["2024-02-26", "2024-01-07 10:00:00", "2024-03-01"]).read("2024-02-29")
    assert raw.features["joined"].tolist() == [3, 53, -1]
    assert raw.features["joined_day"].tolist() == [0, 6, 4]
    assert raw.features["joined_month"].tolist() == [2, 1, 3]
    assert {str(kind) for kind in raw.features.dtypes[1:]} == {"Int64"}
    assert [column.feature.dtype for column in described().columns] == [DType.DATE] * 3


def test_csv_and_parquet_of_the_same_dates_are_the_same_snapshot(tmp_path: Path) -> None:
    texts = ["2024-02-26", "2024-01-07", "2020-02-29"]
    one = month(tmp_path, texts).read("2024-02-29").snapshot
    (tmp_path / "2024-02-29" / "people.csv").unlink()
    table = pa.table({"id": ["u0", "u1", "u2"], "joined": pa.array([date.fromisoformat(text) for text in texts])})
    pq.write_table(table, tmp_path / "2024-02-29" / "people.parquet")
    assert TableSource(tmp_path, described()).read("2024-02-29").snapshot.hash == one.hash


def test_a_range_of_days_refuses_dates_after_the_snapshot_and_names_the_dates(tmp_path: Path) -> None:
    source = month(tmp_path, ["2024-02-26", "2024-03-05", "2024-03-05"])
    assert source.check("2024-02-29") == []
    (problem,) = TableSource(tmp_path, described(range=[0, 36500])).check("2024-02-29")
    assert problem.sentence("id") == "people.joined: 2 values are outside 0 to 36500, as for id u1, u2: '2024-03-05'"
    assert problem.tally == (("2024-03-05", 2),)
    strange = month(tmp_path, ["2024-02-26", "soon", "2024-03-05"]).check("2024-02-29")
    assert strange[0].sentence("id") == (
        "people.joined: 1 value is not date (as 2024-01-31, alone or with a time), as for id u1: 'soon'"
    )
