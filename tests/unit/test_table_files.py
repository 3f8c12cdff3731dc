"""A table in any of its forms is read as one; what lies there in another form is named."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.clients.s3 import S3Folder
from ratchet.core.errors import DataError
from ratchet.sources import raw_tables, text_streams
from ratchet.sources.folder import TableSource
from ratchet.sources.problems import TableError
from ratchet.sources.raw_tables import column_names, find_table, read_table
from ratchet.sources.s3 import S3Source, Upload
from ratchet.sources.table_files import table_of, tables_in, unread_of
from tests.support.s3_objects import FakeS3
from tests.support.shop import SHOP, put, tables


def whole(folder: Path, table: str = "people") -> pd.DataFrame:
    path = find_table(folder, table)
    assert path is not None
    read: pd.DataFrame = read_table(path, table, column_names(path, table)).to_pandas()
    return read


def test_every_form_of_a_snapshot_is_the_same_snapshot(tmp_path: Path) -> None:
    content = tables()
    expected = TableSource(put(tmp_path / "plain" / "may", content).parent, SHOP).read("may")
    folder = tmp_path / "forms" / "may"
    (folder / "people").mkdir(parents=True)
    content["people"].iloc[:5].to_csv(folder / "people" / "part-0.csv", index=False)
    content["people"].iloc[5:].to_csv(folder / "people" / "part-1.csv.gz", index=False, sep=";")
    content["orders"].to_csv(folder / "orders.tsv.gz", index=False, sep="\t", decimal=",")
    content["outcome"].convert_dtypes().to_parquet(folder / "outcome.pq", index=False)
    source = TableSource(tmp_path / "forms", SHOP)
    read = source.read("may")
    assert read.snapshot == expected.snapshot
    assert source.has_labels("may")
    assert any("separated by tab" in note for note in read.notes)


def test_parts_of_parquet_and_hive_folders_are_one_table(tmp_path: Path) -> None:
    for day, values in (("2024-01-01", [1, 2]), ("2024-01-02", [3])):
        folder = tmp_path / "may" / "people.parquet" / f"day={day}" / "plan=a%20b"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"customer": pa.array(values), "age": pa.array(values, pa.int32())}), folder / "part-0.parquet")
        (folder / ".part-0.parquet.crc").write_bytes(b"crc")
    (tmp_path / "may" / "people.parquet" / "_SUCCESS").write_bytes(b"")
    (tmp_path / "may" / "people.parquet" / "_temporary").mkdir()
    (tmp_path / "may" / "people.parquet" / "_temporary" / "half.parquet").write_bytes(b"half")
    read = whole(tmp_path / "may")
    assert read.to_dict("list") == {
        "customer": [1, 2, 3],
        "age": [1, 2, 3],
        "day": ["2024-01-01", "2024-01-01", "2024-01-02"],
        "plan": ["a b"] * 3,
    }


def test_an_empty_partition_of_hive_is_null(tmp_path: Path) -> None:
    for value in ("x", "__HIVE_DEFAULT_PARTITION__"):
        folder = tmp_path / "people" / f"plan={value}"
        folder.mkdir(parents=True)
        (folder / "0.csv").write_text("customer\nC1\n")
    assert whole(tmp_path)["plan"].tolist() == ["x", None] or whole(tmp_path)["plan"].tolist() == [None, "x"]


def test_parts_with_other_whole_number_types_and_codes_come_together(tmp_path: Path) -> None:
    (tmp_path / "people").mkdir()
    for number, kind in enumerate((pa.int32(), pa.float64())):
        codes = pa.array(["b", "a"][number:]).dictionary_encode()
        values = pa.array([1, 2][number:], kind)
        pq.write_table(pa.table({"age": values, "plan": codes}), tmp_path / "people" / f"{number}.parquet")
    assert whole(tmp_path).to_dict("list") == {"age": [1.0, 2.0, 2.0], "plan": ["b", "a", "a"]}


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        ({"a": [1], "b": [1]}, {"a": [1]}, r"people.b: the column is missing from 1.parquet, and is in other parts"),
        ({"a": [1]}, {"a": ["x"]}, r"people.a: the parts have other types for the column: int64, string"),
    ],
)
def test_parts_that_differ_are_refused(
    tmp_path: Path, first: dict[str, list[object]], second: dict[str, list[object]], sentence: str
) -> None:
    (tmp_path / "people").mkdir()
    for number, content in enumerate((first, second)):
        pq.write_table(pa.table(content), tmp_path / "people" / f"{number}.parquet")
    with pytest.raises(TableError, match=sentence):
        read_table(tmp_path / "people", "people", ["a", "b"])


def test_parts_of_two_forms_are_refused(tmp_path: Path) -> None:
    (tmp_path / "people").mkdir()
    pq.write_table(pa.table({"a": [1]}), tmp_path / "people" / "0.parquet")
    (tmp_path / "people" / "1.csv").write_text("a\n1\n")
    with pytest.raises(TableError, match=r"people has parts of two forms, 0.parquet and 1.csv: store them in one"):
        read_table(tmp_path / "people", "people", ["a"])


def test_a_column_that_a_folder_and_its_parts_both_have_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "people" / "a=1"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"a": [1]}), folder / "0.parquet")
    with pytest.raises(TableError, match="the column is there 2 times"):
        read_table(tmp_path / "people", "people", ["a"])


@pytest.mark.parametrize("name", ["people.xlsx", "people.json", "people.csv.zip", "people/part-0.orc", "people.txt"])
def test_a_form_that_is_not_read_is_named(tmp_path: Path, name: str) -> None:
    folder = put(tmp_path / "may", tables())
    (folder / "people.csv").unlink()
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"PK")
    with pytest.raises(DataError, match=rf"people: {name} is there, a form that is not read: store it as CSV or Parquet"):
        TableSource(tmp_path, SHOP).read("may")


def test_what_is_no_table_beside_one_is_no_matter(tmp_path: Path) -> None:
    folder = put(tmp_path / "may", tables())
    for name in ("people.xlsx", "people.csv.md5", "~$people.xlsx", ".people.csv.swp", "notes.txt"):
        (folder / name).write_bytes(b"x")
    (folder / "orders").mkdir()
    assert TableSource(tmp_path, SHOP).check("may") == []


@pytest.mark.parametrize("other", ["people.tsv", "people.pq", "people.csv.gz", "people.parquet/0.parquet", "people/0.csv"])
def test_a_table_in_two_forms_is_refused(tmp_path: Path, other: str) -> None:
    folder = put(tmp_path / "may", tables())
    (folder / other).parent.mkdir(exist_ok=True)
    (folder / other).write_bytes(b"x")
    with pytest.raises(DataError, match=r"people: both people.csv and people.* are there, leave one"):
        TableSource(tmp_path, SHOP).read("may")


def test_a_packed_file_that_unpacks_to_more_than_there_is_room_for_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_streams, "allowed", lambda: 6_000_000)
    path = tmp_path / "people.csv.gz"
    path.write_bytes(gzip.compress(b"customer,age\n" + b"C1,1\n" * 1_000_000))
    assert path.stat().st_size < 20_000
    with pytest.raises(
        TableError, match="unpacks to more than the 1,000,000 bytes that there is room for: it needs a larger machine"
    ):
        read_table(path, "people", ["customer", "age"])


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_parts_of_text_that_are_together_more_than_there_is_room_for_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(raw_tables, "allowed", lambda: 6_000_000)
    (tmp_path / "people").mkdir()
    text = b"customer,age,other\n" + b"C1,1,aaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" * 30_000
    for number in range(4):
        (tmp_path / "people" / f"part-{number}{ending}").write_bytes(gzip.compress(text) if ending.endswith("gz") else text)
    message = f"part-3{ending} and the parts before it have more than the 1,000,000 bytes that there is room for"
    with pytest.raises(TableError, match=message):
        read_table(tmp_path / "people", "people", ["customer", "age"])
    assert read_table(tmp_path / "people", "people", ["age"]).num_rows == 120_000  # of what is wanted alone


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-9], lambda data: data[: len(data) // 2], lambda data: data[:4] + b"\xff" * 99]
)
def test_a_packed_file_that_is_damaged_is_refused(tmp_path: Path, spoil: object) -> None:
    path = tmp_path / "people.csv.gz"
    content = gzip.compress(b"customer,age\n" + b"".join(b"C%d,1\n" % number for number in range(10_000)))
    path.write_bytes(spoil(content))  # type: ignore[operator]
    with pytest.raises(TableError, match=r"people.csv.gz (is damaged or truncated|cannot be read)"):
        read_table(path, "people", ["customer", "age"])


def test_text_that_is_called_packed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "people.csv.gz").write_bytes(b"customer,age\nC1,1\n")
    with pytest.raises(TableError, match=r"people.csv.gz cannot be read: Not a gzipped file"):
        read_table(tmp_path / "people.csv.gz", "people", ["customer"])


def test_a_new_part_changes_the_fingerprint_and_a_plain_file_keeps_the_one_it_had(tmp_path: Path) -> None:
    folder = put(tmp_path / "may", tables())
    (folder / "outcome.csv").unlink()
    (folder / "outcome").mkdir()
    (folder / "outcome" / "0.csv").write_text("customer,left\nC001,1\n")
    source = TableSource(tmp_path, SHOP)
    before, labels = source.fingerprint("may"), source.labels_fingerprint("may")
    (folder / "outcome" / "1.csv").write_text("customer,left\nC002,0\n")
    assert source.fingerprint("may") != before
    assert source.labels_fingerprint("may") != labels


@pytest.mark.parametrize(
    ("path", "table", "unread"),
    [
        ("users.csv", "users", None),
        ("customer-info.CSV", "customer-info", None),
        ("users.parquet/part-0.snappy.parquet", "users", None),
        ("users/a=b/c.csv.gz", "users", None),
        ("users/_delta_log/0.json", None, None),
        ("users/_SUCCESS", None, None),
        (".users.csv", None, None),
        (".csv", None, None),
        ("users.xls", None, "users"),
        ("users/0.orc", None, "users"),
        ("users.md5", None, None),
    ],
)
def test_a_files_table_is_told_by_its_name(path: str, table: str | None, unread: str | None) -> None:
    assert table_of(path) == table
    assert unread_of(path) == unread


def test_the_tables_of_a_folder_are_listed_in_all_forms(tmp_path: Path) -> None:
    for name in ("a.csv", "b.tsv", "c/0.parquet", "d.parquet/x=1/0.parquet", "e/readme.md", "f.xlsx", ".g/0.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert tables_in(tmp_path) == ["a", "b", "c", "d"]


def test_links_in_a_circle_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "people").mkdir()
    (tmp_path / "people" / "0.csv").write_text("customer\nC1\n")
    (tmp_path / "people" / "again").symlink_to(tmp_path / "people")
    assert whole(tmp_path)["customer"].tolist() == ["C1"]


@pytest.mark.parametrize("log", ["_delta_log/00000.json", "metadata/v1.metadata.json"])
def test_a_table_whose_files_are_not_all_its_rows_is_refused(tmp_path: Path, log: str) -> None:
    (tmp_path / "people" / log).parent.mkdir(parents=True)
    (tmp_path / "people" / log).write_bytes(b"{}")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "people" / "0.parquet")
    with pytest.raises(TableError, match="people is a table of Delta Lake or Iceberg, whose files are not all its rows: export it"):
        read_table(tmp_path / "people", "people", ["a"])


def test_parts_on_s3_are_one_table_and_other_forms_are_named_there_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FakeS3()
    monkeypatch.setattr("boto3.session.Session", store)
    content = tables()
    expected = TableSource(put(tmp_path / "may", content).parent, SHOP).read("may")
    store.objects = {
        "raw/may/people/part-0.csv": content["people"].iloc[:5].to_csv(index=False).encode(),
        "raw/may/people/part-1.csv": content["people"].iloc[5:].to_csv(index=False).encode("utf-16"),
        "raw/may/people/_SUCCESS": b"",
        "raw/may/orders.csv.gz": gzip.compress(content["orders"].to_csv(index=False).encode()),
        "raw/may/outcome.tsv": content["outcome"].to_csv(index=False, sep="\t").encode(),
    }
    source = S3Source(S3Folder("s3://bucket/raw", "--data"), SHOP)
    assert source.read("may").snapshot == expected.snapshot
    before = source.fingerprint("may")
    assert source.has_labels("may")
    store.objects["raw/may/people/part-2.csv"] = b"customer\n"
    assert source.fingerprint("may") != before
    del store.objects["raw/may/orders.csv.gz"], store.objects["raw/may/people/part-2.csv"]
    store.objects["raw/may/orders.xlsx"] = b"PK"
    assert "orders: orders.xlsx is there, a form that is not read" in source.check("may")[0].sentence("customer")
    store.objects["raw/may/people/_delta_log/0.json"] = b"{}"
    assert any("people is a table of Delta Lake" in problem.problem for problem in source.check("may"))


@pytest.mark.parametrize(
    "key",
    [
        "people/_delta_log/../../../../evil.json",
        "people/../../../evil.csv",
        "people/./part-9.csv",
        "people//part-9.csv",
        "people/../people.xlsx",
        "../may/people/_delta_log/x.json",
    ],
)
def test_a_key_on_s3_that_is_no_path_below_its_snapshot_is_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    store = FakeS3()
    monkeypatch.setattr("boto3.session.Session", store)
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "a" / "b"))
    store.objects = {f"raw/may/{name}.csv": content.to_csv(index=False).encode() for name, content in tables().items()}
    store.objects[f"raw/may/{key}"] = b"{}"
    with pytest.raises(DataError, match="has a key that is no path below the snapshot"):
        S3Source(S3Folder("s3://bucket/raw", "--data"), SHOP).check("may")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("key", ["people.csv/part-0.csv", "people.csv/_delta_log/0.json"])
def test_a_key_on_s3_below_another_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    store = FakeS3()
    monkeypatch.setattr("boto3.session.Session", store)
    store.objects = {f"raw/may/{name}.csv": content.to_csv(index=False).encode() for name, content in tables().items()}
    store.objects[f"raw/may/{key}"] = b"customer\n"
    with pytest.raises(DataError, match=f"s3://bucket/raw/may: the object {key} cannot be fetched into a folder"):
        S3Source(S3Folder("s3://bucket/raw", "--data"), SHOP).check("may")


def test_an_upload_sends_parts_under_their_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FakeS3()
    monkeypatch.setattr("boto3.session.Session", store)
    folder = put(tmp_path / "may", tables())
    (folder / "people").mkdir()
    (folder / "people.csv").rename(folder / "people" / "part-0.csv")
    upload = Upload(tmp_path, SHOP, S3Folder("s3://bucket/raw", "--to"))
    assert upload.send("may") == 3
    assert sorted(store.objects) == ["raw/may/orders.csv", "raw/may/outcome.csv", "raw/may/people/part-0.csv"]
    assert upload.send("may") == 3
