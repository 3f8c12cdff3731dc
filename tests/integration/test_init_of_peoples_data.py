"""`ratchet init` on data as people have it: what it writes loads and takes every snapshot that it was guessed from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.core.errors import DataError
from ratchet.core.schema import DType
from ratchet.project.columns import Column
from ratchet.project.file import Project, load_project
from ratchet.sources.folder import TableSource
from ratchet.sources.guess.dates import date_in, dates_of
from ratchet.sources.guess.project import guess
from ratchet.sources.guess.whole import Described
from tests.support.shop import put

ROWS = 300
Frames = dict[str, pd.DataFrame]


def people(rows: int = ROWS, seed: int = 3) -> Frames:
    """Customers and their labels, which depend on age and plan."""
    rng = np.random.default_rng(seed)
    keys = [f"C{number:05d}" for number in range(rows)]
    age, plan = rng.integers(18, 90, rows), rng.choice(["basic", "max", "pro"], rows)
    left = (rng.random(rows) < 0.2 + 0.5 * (age > 50)).astype(int)
    customers = pd.DataFrame({"customer_id": keys, "age": age, "income": (rng.normal(50, 10, rows)).round(2), "plan": plan})
    return {"customers": customers, "labels": pd.DataFrame({"customer_id": keys, "churned": left})}


def parquet(folder: Path, frames: Frames, *, index: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        frame.to_parquet(folder / f"{name}.parquet", index=index)
    return folder


def checked(found: Described, root: Path) -> tuple[Project, dict[str, Column]]:
    """The project that was written, which every snapshot must fit, and its features by header."""
    path = root / "ratchet.yaml"
    path.write_text(found.text, encoding="utf-8")
    project = load_project(path)
    source = TableSource(found.place, project)
    names = [name for name in source.names() if (found.place / name).is_dir() and name in snapshots(found.place)]
    assert [source.check(name) for name in names] == [[]] * len(names)
    return project, {column.header: column for column in project.features}


def snapshots(place: Path) -> list[str]:
    return [item.name for item in place.iterdir() if any(item.glob("*.csv")) or any(item.glob("*.parquet"))]


def tried(root: Path, frames: Frames, **options: str) -> tuple[Project, dict[str, Column], Described]:
    put(root / "data" / "2024-01-31", frames)
    found = guess(root / "data", **options)
    project, columns = checked(found, root)
    return project, columns, found


def left_out(found: Described) -> dict[str, str]:
    return {part.place: part.why for part in found.parts if not part.taken_as}


def test_one_flat_table_may_have_the_label_inside(tmp_path: Path) -> None:
    frames = people()
    flat = frames["customers"].merge(frames["labels"])
    project, columns, _ = tried(tmp_path, {"customers": flat})
    assert (project.tables, project.label.table, project.label.column) == (("customers",), "customers", "churned")
    assert list(columns) == ["age", "income", "plan"]


@pytest.mark.parametrize(
    ("words", "positive"),
    [
        (("No", "Yes"), "Yes"),
        (("good", "bad"), "bad"),
        ((1, 2), "2"),
        (("stayed", "gone"), "gone"),
        ((0, 1), None),
        (("f", "t"), "t"),
    ],
)
def test_the_positive_label_is_guessed_from_the_words(tmp_path: Path, words: tuple[Any, Any], positive: str | None) -> None:
    frames = people()
    frames["labels"]["churned"] = [words[value] for value in frames["labels"]["churned"]]
    project, _, found = tried(tmp_path, frames)
    assert project.label.positive == positive
    assert ("a guess: --positive" in " ".join(found.notes)) is (words == (1, 2))


def test_words_that_say_nothing_are_guessed_by_their_number_and_that_is_said(tmp_path: Path) -> None:
    frames = people()
    frames["labels"]["churned"] = np.where(np.arange(ROWS) < 40, "b", "a")
    project, _, found = tried(tmp_path, frames)
    assert project.label.positive == "b"
    assert "'b' is 1, the rarer of 'a' and 'b': a guess: --positive VALUE says the other one" in found.notes[-1]
    assert tried(tmp_path, frames, positive="A")[0].label.positive == "a"


def test_an_empty_label_has_not_come_yet(tmp_path: Path) -> None:
    frames = people()
    frames["labels"]["churned"] = [None if row % 3 == 0 else ("No", "Yes")[row % 2] for row in range(ROWS)]
    project, _, found = tried(tmp_path, frames)
    assert project.label.positive == "Yes"
    assert "of 200 labelled rows" in found.held.why


def test_any_header_is_taken_beside_a_plain_name(tmp_path: Path) -> None:
    frames = people()
    headers = [
        "mean radius",
        "home.dest",
        "größe",
        "2nd visit (€)",
        "a-b",
        "ёлка",
        "Mean Radius",
        "event_timestamp",
        "# of 'x': {y}",
    ]
    for number, header in enumerate(headers):
        frames["customers"][header] = frames["customers"]["age"] * (number + 1) % 97
    project, columns, _ = tried(tmp_path, frames)
    assert [columns[header].name for header in headers] == [
        "mean_radius",
        "home_dest",
        "groesse",
        "customers_2nd_visit_eur",
        "a_b",
        "customers_column_10",
        "customers_mean_radius",
        "customers_event_timestamp",
        "of_x_y",
    ]
    assert project.entity == "customer_id"


def test_a_key_whose_header_is_no_name_gets_one(tmp_path: Path) -> None:
    frames = {name: frame.rename(columns={"customer_id": "Customer ID"}) for name, frame in people().items()}
    project, _, _ = tried(tmp_path, frames)
    assert project.entity == "customer_id"
    assert project.table("labels").key == "Customer ID"


def test_a_key_may_be_called_otherwise_in_another_table(tmp_path: Path) -> None:
    frames = people()
    frames["labels"] = frames["labels"].rename(columns={"customer_id": "Customer ID"})
    project, _, _ = tried(tmp_path, frames)
    assert (project.table("customers").key, project.table("labels").key) == ("customer_id", "Customer ID")


def test_the_index_of_a_pandas_frame_is_no_feature(tmp_path: Path) -> None:
    frames = people()
    parquet(tmp_path / "data" / "2024-01-31", {name: frame[frame.index % 7 != 0] for name, frame in frames.items()}, index=True)
    found = guess(tmp_path / "data")
    _, columns = checked(found, tmp_path)
    assert list(columns) == ["age", "income", "plan"]
    assert left_out(found)["customers.__index_level_0__"] == "the index of a pandas frame"


def test_parquets_own_types_are_believed(tmp_path: Path) -> None:
    frames = people()
    customers = frames["customers"]
    customers["region"] = pd.Categorical([str(row % 8 + 1) for row in range(ROWS)])
    customers["code"] = [f"{row % 5}" for row in range(ROWS)]
    customers["since"] = pd.date_range("2020-01-01", periods=ROWS)
    customers["took"] = pd.to_timedelta(np.arange(ROWS), unit="D")
    customers["parts"] = [[1, 2]] * ROWS
    table = pa.Table.from_pandas(customers, preserve_index=False)
    table = table.append_column("amount", pa.array([row % 11 for row in range(ROWS)]).cast(pa.decimal128(38, 2)))
    table = table.append_column("born", pa.array(np.arange(ROWS, dtype=np.int32) * 9).cast(pa.date32()))
    parquet(tmp_path / "data" / "2024-01-31", frames)
    pq.write_table(table, tmp_path / "data" / "2024-01-31" / "customers.parquet")
    found = guess(tmp_path / "data")
    _, columns = checked(found, tmp_path)
    assert {header: columns[header].dtype for header in ("region", "code", "since", "amount", "born")} == {
        "region": DType.CATEGORY,
        "code": DType.CATEGORY,
        "since": DType.DATE,
        "amount": DType.INT,
        "born": DType.DATE,
    }
    assert columns["region"].categories == tuple("12345678")
    for header, why in (("took", "duration[ns] is no type of a feature"), ("parts", "is no type of a feature")):
        assert why in left_out(found)[f"customers.{header}"]


def test_up_to_a_hundred_categories_are_taken(tmp_path: Path) -> None:
    frames = people(2000)
    frames["customers"]["state"] = [f"S{row % 100:02d}" for row in range(2000)]
    frames["customers"]["town"] = [f"T{row % 101:03d}" for row in range(2000)]
    _, columns, found = tried(tmp_path, frames)
    assert len(columns["state"].categories or ()) == 100
    assert left_out(found)["customers.town"] == "free text or an id: 101 different values"


def test_a_key_that_repeats_is_named_with_an_example(tmp_path: Path) -> None:
    frames = people()
    frames["customers"] = pd.concat([frames["customers"], frames["customers"].head(40)])
    with pytest.raises(
        DataError, match=r"its key customer_id repeats: 40 of its values stand in more than one row, as 'C\d+'; one row"
    ):
        tried(tmp_path, frames)


def test_what_an_earlier_month_alone_would_not_say_is_seen_in_the_others(tmp_path: Path) -> None:
    for number, (name, high, low) in enumerate((("2024-01-31", 1, 2.5), ("2024-02-29", 3, 1.0), ("2024-11-30", 2, -7.5))):
        frames = people(seed=number)
        frames["customers"]["visits"] = np.arange(ROWS) % (high + 1)
        frames["customers"]["degrees"] = low + (np.arange(ROWS) % 40) / 4
        frames["customers"]["plan"] = [*frames["customers"]["plan"][1:], f"new{number}"]
        put(tmp_path / "data" / name, frames)
    project, columns = checked(guess(tmp_path / "data"), tmp_path)
    assert columns["visits"].dtype is DType.INT
    assert (columns["degrees"].range or (0, 0))[0] < -7.5
    assert {"new0", "new1", "new2"} <= set(columns["plan"].categories or ())
    assert project.snapshots == {}


def test_one_month_of_zeros_and_ones_makes_no_truth_value_and_no_floor(tmp_path: Path) -> None:
    frames = people()
    frames["customers"]["visits"] = np.arange(ROWS) % 2
    frames["customers"]["degrees"] = 2.5 + (np.arange(ROWS) % 40) / 4
    _, columns, _ = tried(tmp_path, frames)
    assert (columns["visits"].dtype, columns["visits"].range) == (DType.INT, (0, 10))
    assert (columns["degrees"].range or (0, 0))[0] < 0


@pytest.mark.parametrize(
    ("header", "values", "why"),
    [
        ("copy", lambda labels: np.where(labels == 1, "x", "y"), "a copy of the label"),
        ("stage", lambda labels: np.where(labels == 1, np.arange(ROWS) % 3, 5), "each of its 4 values has one label alone"),
        ("refund", lambda labels: labels * 100.0 + np.arange(ROWS) / 7, "it tells the labels apart without an error"),
        ("reason", lambda labels: pd.Series(np.where(labels == 1, "price", "")), "every value is 'price'"),
        ("ended", lambda labels: pd.Series(np.where(labels == 1, np.arange(ROWS) % 9 + 1.5, np.nan)), "it is filled only where"),
    ],
)
def test_a_column_that_copies_the_label_is_left_out_by_name(
    tmp_path: Path, header: str, values: Callable[[np.ndarray], pd.Series | np.ndarray], why: str
) -> None:
    frames = people()
    frames["customers"][header] = values(frames["labels"]["churned"].to_numpy())
    _, columns, found = tried(tmp_path, frames)
    assert header not in columns
    assert why in left_out(found)[f"customers.{header}"]


def test_few_rows_of_the_rarer_label_hide_no_column_that_knows_it(tmp_path: Path) -> None:
    frames = people(200)
    gone = np.arange(200) % 14 == 0  # 15 rows
    frames["labels"]["churned"] = gone.astype(int)
    frames["customers"]["churn_date"] = np.where(gone, "2024-01-20", "")
    frames["customers"].loc[gone, "churn_date"] = [f"2024-01-{day:02d}" for day in range(1, 16)]
    frames["customers"]["copy"] = np.where(gone, "x", "y")
    frames["customers"]["refund"] = gone * 100.0 + np.arange(200) / 7
    _, columns, found = tried(tmp_path, frames)
    assert set(columns) == {"age", "income", "plan"}
    assert left_out(found)["customers.churn_date"].startswith("it is filled only where the label is 1, and in all of those")
    assert left_out(found)["customers.copy"].startswith("a copy of the label")
    assert left_out(found)["customers.refund"].startswith("it tells the labels apart without an error")


def test_what_may_know_the_label_or_be_luck_in_few_rows_is_asked_about(tmp_path: Path) -> None:
    frames = people(60)
    gone = np.arange(60) % 20 == 0  # 3 rows
    frames["labels"]["churned"] = gone.astype(int)
    frames["customers"]["fee_back"] = np.where(gone, np.arange(60) + 0.5, np.nan)
    frames["customers"]["copy"] = np.where(gone, "x", "y")
    _, columns, found = tried(tmp_path, frames)
    assert {"fee_back", "copy"} <= set(columns)
    asked = {doubt.place: doubt.why for doubt in found.doubts if doubt.taken}
    assert set(asked) == {"customers.fee_back", "customers.copy"}
    assert all("luck" in why for why in asked.values())
    assert {part.place for part in found.parts if part.doubtful} == set(asked)
    left = found.settled({"customers.copy": False})
    assert "copy" not in checked(left, tmp_path)[1]
    assert "a copy of the label" in left_out(left)["customers.copy"]


def test_a_few_cells_that_are_filled_by_luck_raise_no_doubt(tmp_path: Path) -> None:
    frames = people(200)
    frames["labels"]["churned"] = (np.arange(200) % 4 == 0).astype(int)
    frames["customers"]["gift"] = np.where(np.arange(200) < 1, 3.5, np.nan)
    frames["customers"].loc[8, "gift"] = 4.5  # both left
    _, columns, found = tried(tmp_path, frames)
    assert "gift" in columns
    assert found.doubts == []


def test_numbers_that_name_a_row_are_left_out_and_a_person_may_take_them(tmp_path: Path) -> None:
    frames = people()
    order = np.random.default_rng(1).permutation(ROWS)
    frames["customers"]["row"] = order + 1
    frames["customers"]["ticket_no"] = order * 17 + 5
    frames["customers"]["store_id"] = order % 12 + 300
    _, columns, found = tried(tmp_path, frames)
    assert left_out(found) == {
        "customers.row": "numbers of rows, 1 to 300 without a gap",
        "customers.ticket_no": "an id by its name: every row has another number",
    }
    assert columns["store_id"].dtype is DType.CATEGORY
    assert [doubt.place for doubt in found.doubts if not doubt.taken] == ["customers.row", "customers.ticket_no"]
    taken = checked(found.settled({"customers.ticket_no": True}), tmp_path)[1]
    assert taken["ticket_no"].dtype is DType.INT


@pytest.mark.parametrize(
    ("names", "dates"),
    [
        (["2024-03", "2024-02"], ["2024-02-29", "2024-03-31"]),
        (["month=2024-05"], ["2024-05-31"]),
        (["Feb2023", "Jan2024"], ["2023-02-28", "2024-01-31"]),
        (["2017", "2018"], ["2017-12-31", "2018-12-31"]),
        (["2024Q1", "2024-W20"], ["2024-03-31", "2024-05-19"]),
        (["as_of=2024-05-07"], ["2024-05-07"]),
        (["one", "two"], ["2024-01-31", "2024-02-29"]),
    ],
)
def test_dates_are_read_from_the_folders_names(tmp_path: Path, names: list[str], dates: list[str]) -> None:
    for name in names:
        put(tmp_path / "data" / name, people())
    found = guess(tmp_path / "data")
    project, _ = checked(found, tmp_path)
    assert sorted(str(project.date_of(name)) for name in names) == dates
    assert ("GUESSED" in found.text) is (names[0] == "one")


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("01-31-2024", "2024-01-31"),
        ("31-01-2024", "2024-01-31"),
        ("31.5.2024", "2024-05-31"),
        ("05-05-2024", "2024-05-05"),
        ("2024-1", "2024-01-31"),
        ("2023-9", "2023-09-30"),
        ("customers_2024_5", "2024-05-31"),
        ("marketing_2024", "2024-12-31"),
        ("market2024", "2024-12-31"),
        ("salesMay2024", "2024-05-31"),
        ("März_2024", "2024-03-31"),
        ("september-2024", "2024-09-30"),
        ("15-Jan-2024", "2024-01-15"),
        ("January 15, 2024", "2024-01-15"),
        ("v2_jan_2024", "2024-01-31"),
        ("2024-W05-3", "2024-01-31"),
        ("2024-05-31_v2", "2024-05-31"),
        ("part1_2024-05", "2024-05-31"),
        *((name, None) for name in ("01-02-2024", "v2_2024", "2024_17", "2024-13", "jan_sales_2024", "2024-01-01_2024-01-31")),
        *((name, None) for name in ("2024-01_2024-03", "2024Q1-2024Q3", "2024-05_12", "2024H1", "20241399", "2024-015", "one")),
    ],
)
def test_a_name_says_the_date_that_a_person_reads_in_it_or_none(name: str, day: str | None) -> None:
    found = date_in(name)
    assert (None if found is None else str(found)) == day


@pytest.mark.parametrize("name", ["2024-02-30", "20240230", "31-02-2024", "2024-31-01", "x_2024-00-10", "30 Feb 2024", "2024-W60"])
def test_a_day_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(DataError, match=f"the folder {name} is named by a day that there is not: .*`snapshots:`"):
        dates_of([name])


def test_dates_that_are_not_sure_are_said_on_screen_to_be_guessed(tmp_path: Path) -> None:
    for name in ("01-02-2024", "01-03-2024"):
        put(tmp_path / "data" / name, people())
    found = guess(tmp_path / "data")
    assert "GUESSED" in found.text
    said = [note for note in found.notes if "01-02-2024" in note]
    assert len(said) == 1
    assert "`snapshots:`" in said[0]


def test_two_folders_of_one_date_are_named(tmp_path: Path) -> None:
    for name in ("2024-01-31", "Jan2024"):
        put(tmp_path / "data" / name, people())
    with pytest.raises(DataError, match="the folders 2024-01-31 and Jan2024 would both be of 2024-01-31"):
        guess(tmp_path / "data")


@pytest.mark.parametrize(
    ("form", "example"),
    [
        ("%d/%m/%Y", "06/01/2023"),
        ("%m/%d/%Y", "01/06/2023"),
        ("%d.%m.%Y", "06.01.2023"),
        ("%Y/%m/%d", "2023/01/06"),
        ("%d/%m/%y", "06/01/23"),
        ("%d/%m/%Y %H:%M", "06/01/2023 00:00"),
        ("%d-%b-%Y", "06-Jan-2023"),
        ("%B %d, %Y", "January 06, 2023"),
        ("%Y-%m", "2023-01"),
        ("%m/%Y", "01/2023"),
        ("%Y%m%d", "20230106"),
        ("%Y%m%d.0", "20230106.0"),
    ],
)
@pytest.mark.parametrize("write", [put, parquet])
def test_dates_that_are_not_iso_are_left_out_by_name_with_the_line_that_takes_them(
    tmp_path: Path, form: str, example: str, write: Callable[[Path, Frames], Path]
) -> None:
    frames = people()
    days = pd.Series(pd.date_range("2023-01-06", periods=ROWS // 10).repeat(10)).sample(frac=1, random_state=1)
    days.iloc[0] = pd.Timestamp("2023-01-06")
    frames["customers"]["opened"] = days.dt.strftime(form).to_numpy()
    write(tmp_path / "data" / "2024-01-31", frames)
    found = guess(tmp_path / "data")
    _, columns = checked(found, tmp_path)
    assert "opened" not in columns
    assert (
        left_out(found)["customers.opened"] == f"dates that are not ISO, as {example!r}: written as 2023-01-31 the line takes them"
    )
    assert "  # - {name: opened, table: customers, dtype: date, on_unknown: missing}" in found.text
    assert "customers.opened" not in {doubt.place for doubt in found.doubts}, "a yes would not make it fit"


def test_days_as_whole_numbers_of_parquet_are_no_sizes(tmp_path: Path) -> None:
    frames = people()
    frames["customers"]["opened"] = [20230101 + row % 28 for row in range(ROWS)]
    frames["customers"]["visited"] = [None if row % 5 == 0 else 20230101.0 + row % 28 for row in range(ROWS)]
    frames["customers"]["amount"] = [20230101 + row * 37 % 900 for row in range(ROWS)]  # 20230138 is no day
    found = guess(parquet(tmp_path / "data" / "2024-01-31", frames))
    assert left_out(found)["customers.opened"].startswith("dates that are not ISO, as '20230101'")
    assert left_out(found)["customers.visited"].startswith("dates that are not ISO, as '20230102'")
    assert checked(found, tmp_path)[1]["amount"].dtype is DType.INT


def test_what_only_looks_a_little_like_dates_stays_what_it_is(tmp_path: Path) -> None:
    frames = people()
    size, version, season = ["10/12", "8/10", "12/14"], ["1.2.10", "1.3.0", "2.0.1"], ["2022-23", "2023-24", "2021-22"]
    for header, values in {"size": size, "version": version, "season": season}.items():
        frames["customers"][header] = np.resize(values, ROWS)
    frames["customers"]["opened"] = [f"2023-01-{row % 28 + 1:02d}" for row in range(ROWS)]
    _, columns, _ = tried(tmp_path, frames)
    assert {header: columns[header].dtype for header in ("size", "version", "season", "opened")} == {
        **dict.fromkeys(("size", "version", "season"), DType.CATEGORY),
        "opened": DType.DATE,
    }


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ([f"{row},{row % 900 + 100}.50" for row in range(1, ROWS + 1)], "numbers written with ','"),
        ([f"{row % 40}%" for row in range(ROWS)], "numbers written with '%'"),
        ([f"${row}" for row in range(ROWS)], "numbers written with '$'"),
    ],
)
def test_numbers_written_for_people_are_named_as_that(tmp_path: Path, written: list[str], why: str) -> None:
    frames = people()
    frames["customers"]["amount"] = written
    _, _, found = tried(tmp_path, frames)
    assert why in left_out(found)["customers.amount"]


def test_words_that_are_read_as_empty_are_said(tmp_path: Path) -> None:
    frames = people()
    frames["customers"]["country"] = [("NA", "FR", "DE")[row % 3] for row in range(ROWS)]
    _, columns, found = tried(tmp_path, frames)
    assert (columns["country"].nullable, columns["country"].categories) == (True, ("DE", "FR"))
    why = next(part.why for part in found.parts if part.place == "customers.country")
    assert why.endswith("33.3% empty; read as empty: NA (100): if it is a value of its own, name it among the categories")


def test_a_word_among_numbers_counts_as_missing_and_is_said(tmp_path: Path) -> None:
    frames = people()
    frames["customers"]["score"] = ["?" if row % 25 == 0 else str(row * 1.5) for row in range(ROWS)]
    _, columns, found = tried(tmp_path, frames)
    assert (columns["score"].dtype, columns["score"].max_unknown_share) == (DType.FLOAT, 0.1)
    assert "4.00% do not fit and count as missing, as '?'" in found.text + str(found.parts)


def test_any_value_is_written_so_that_it_is_read(tmp_path: Path) -> None:
    frames = people()
    odd = [
        "a\nb",
        'c "q", d',
        "e: {f}",
        "#g",
        "- h",
        "'i'",
        "\tj ",
        "k\u2028l",
        "yes",
        "1.0",
        "~",
        "m\\n",
        "ü€😀",
        "%",
        "&x",
        "*x",
        "!y",
        "@z",
        "",
    ]
    frames["customers"]["note\n: #{x}"] = [odd[row % len(odd)] for row in range(ROWS)]
    _, columns, _ = tried(tmp_path, frames)
    assert set(columns["note\n: #{x}"].categories or ()) >= {"a\nb", 'c "q", d', "k\u2028l", "\tj ", "yes"}


def test_a_table_of_fewer_customers_is_optional_and_one_of_more_labels_is_taken(tmp_path: Path) -> None:
    frames = people()
    frames["tickets"] = pd.DataFrame({"customer_id": frames["customers"]["customer_id"][::3], "tickets": np.arange(100) % 9})
    more = pd.DataFrame({"customer_id": ["Z1", "Z2"], "churned": [0, 1]})
    frames["labels"] = pd.concat([frames["labels"], more])
    project, _, found = tried(tmp_path, frames)
    assert project.table("tickets").optional
    assert project.label.on_unknown == "missing"
    assert any(note.startswith("tickets: optional") for note in found.notes)


def test_a_file_whose_name_is_no_table_is_taken_under_a_plain_one(tmp_path: Path) -> None:
    frames = people()
    frames["customer-info"] = frames.pop("customers")
    project, _, _ = tried(tmp_path, frames)
    assert (project.tables, project.table("customer_info").file) == (("customer_info", "labels"), "customer-info")


def test_the_same_header_in_two_tables_is_taken_twice(tmp_path: Path) -> None:
    frames = people()
    frames["customers"]["total"] = np.arange(ROWS) / 7
    frames["usage"] = pd.DataFrame({"customer_id": frames["customers"]["customer_id"], "total": np.arange(ROWS) % 50})
    project, _, _ = tried(tmp_path, frames)
    assert [(column.name, column.table) for column in project.features if column.header == "total"] == [
        ("total", "customers"),
        ("usage_total", "usage"),
    ]


@pytest.mark.parametrize("write", [put, parquet])
def test_keys_that_became_floats_are_the_same_keys(tmp_path: Path, write: Callable[[Path, Frames], Path]) -> None:
    frames = people()
    frames["customers"]["customer_id"] = np.arange(ROWS)
    frames["labels"]["customer_id"] = np.arange(ROWS).astype(float)
    write(tmp_path / "data" / "2024-01-31", frames)
    project, _ = checked(guess(tmp_path / "data"), tmp_path)
    assert project.entity == "customer_id"


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (lambda rows: np.arange(rows) % 3, r"labels.churned has 3 values \('0', '1', '2'\): only a label of two values"),
        (lambda rows: np.linspace(-3, 2, rows), r"labels.churned is a number from -3 to 2: only a label of two values"),
        (lambda rows: ["Yes"] * rows, "labels.churned holds 'Yes' and nothing else .an empty cell is a label that has not come"),
        (lambda rows: [None] * rows, "labels.churned is empty in every row: its labels have not come yet"),
        (lambda rows: [f"text {row}" for row in range(rows)], r"labels.churned has more than 100 values \('text 0'"),
    ],
)
def test_a_label_that_is_none_is_refused_with_the_values_found(
    tmp_path: Path, labels: Callable[[int], Sequence[Any]], sentence: str
) -> None:
    frames = people()
    frames["labels"]["churned"] = pd.Series(labels(ROWS))
    with pytest.raises(DataError, match=sentence):
        tried(tmp_path, frames)
    with pytest.raises(DataError, match=f"--label churned cannot be the label: {sentence}"):
        tried(tmp_path, frames, label="churned")


def test_the_last_column_is_taken_for_the_label_and_that_is_said(tmp_path: Path) -> None:
    frames = people()
    flat = frames["customers"].merge(frames["labels"].rename(columns={"churned": "flag"}))
    project, _, found = tried(tmp_path, {"customers": flat})
    assert project.label.column == "flag"
    assert "label: taken for it as the last column: --label COLUMN names another" in found.notes


def test_few_rows_get_a_share_and_minima_that_can_decide(tmp_path: Path) -> None:
    project, _, found = tried(tmp_path, people(90))
    assert (project.policy.data.min_rows, project.holdout.share) == (45, 0.4)
    assert "lowered from 200 and 30 for so few rows" in found.held.lowered


def test_a_file_instead_of_a_folder_is_told_how_to_lay_it_out(tmp_path: Path) -> None:
    put(tmp_path, people())
    with pytest.raises(DataError, match=r"customers\.csv is a file: lay it out as FOLDER/2024-01-31/customers\.csv"):
        guess(tmp_path / "customers.csv")


def test_what_lies_there_instead_of_tables_is_named(tmp_path: Path) -> None:
    (tmp_path / "data" / "2024-01-31").mkdir(parents=True)
    (tmp_path / "data" / "2024-01-31" / "customers.xlsx").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"nor folders of tables; there is 2024-01-31/customers.xlsx"):
        guess(tmp_path / "data")


def test_a_column_that_one_snapshot_lacks_is_left_out(tmp_path: Path) -> None:
    put(tmp_path / "data" / "2024-01-31", people())
    frames = people()
    frames["customers"] = frames["customers"].drop(columns="income")
    put(tmp_path / "data" / "2024-02-29", frames)
    found = guess(tmp_path / "data")
    checked(found, tmp_path)
    assert left_out(found)["customers.income"] == "the snapshot 2024-02-29 does not have it"


def test_headers_that_are_empty_or_twice_are_left_out(tmp_path: Path) -> None:
    put(tmp_path / "data" / "2024-01-31", people())
    path = tmp_path / "data" / "2024-01-31" / "customers.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    lines = [f",{header},age", *(f"{number},{row},1" for number, row in enumerate(rows))]
    path.write_text("\n".join(lines), encoding="utf-8")
    found = guess(tmp_path / "data")
    _, columns = checked(found, tmp_path)
    assert list(columns) == ["income", "plan"]
    assert "customers: the header 'age' is there more than once: left out" in found.notes
    assert left_out(found)["customers."].startswith("it has no header")


@pytest.mark.parametrize("form", ["semicolon", "tsv", "gz", "pq", "parts"])
def test_files_in_other_forms_are_guessed_from_alike(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "data" / "2024-01-31"
    for name, frame in people().items():
        (folder / f"{name}.parquet" if form == "parts" else folder).mkdir(parents=True, exist_ok=True)
        if form == "semicolon":
            frame.to_csv(folder / f"{name}.csv", index=False, sep=";", decimal=",", encoding="utf-8-sig")
        elif form == "tsv":
            frame.to_csv(folder / f"{name}.tsv", index=False, sep="\t")
        elif form == "gz":
            frame.to_csv(folder / f"{name}.csv.gz", index=False)
        elif form == "pq":
            frame.to_parquet(folder / f"{name}.pq", index=False)
        else:
            for part in range(2):
                frame[part::2].to_parquet(folder / f"{name}.parquet" / f"part-{part}.parquet", index=False)
    found = guess(tmp_path / "data")
    path = tmp_path / "ratchet.yaml"
    path.write_text(found.text, encoding="utf-8")
    project = load_project(path)
    assert TableSource(tmp_path / "data", project).check("2024-01-31") == []
    assert [(column.name, column.dtype) for column in project.features] == [
        ("age", DType.INT),
        ("income", DType.FLOAT),
        ("plan", DType.CATEGORY),
    ]
    assert any("is read as" in note for note in found.notes) is (form in {"semicolon", "tsv"})


def test_text_in_another_encoding_is_named(tmp_path: Path) -> None:
    put(tmp_path / "data" / "2024-01-31", people())
    path = tmp_path / "data" / "2024-01-31" / "customers.csv"
    path.write_bytes(path.read_bytes().replace(b"basic", "größe".encode("latin-1")))
    with pytest.raises(DataError, match=r"customers\.csv is not UTF-8 text"):
        guess(tmp_path / "data")
