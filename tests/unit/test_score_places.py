"""What the command makes of a place: which rows, which target, and one sentence for what is neither."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ratchet.apps.cli.main import app
from ratchet.core.errors import DataError, UserError
from ratchet.scores.kept import KeptScores
from ratchet.scores.s3 import ScoreObject
from ratchet.settings import Settings
from ratchet.sources.row_file import FileRows
from ratchet.sources.row_query import QueryRows
from ratchet.wiring import Wiring
from tests.support.loop import first_champion
from tests.support.scoring import read, row_by_row, scored, small, stored
from tests.support.shop import SHOP

DOWNLOAD = ":// is no database, and rows to score are not read from there: download the file and name it by its path, or ingest it"
DAY = date(2024, 5, 31)
SECRET = "hunter2secret"  # noqa: S105 - nobody's


@pytest.fixture
def wiring(tmp_path: Path) -> Wiring:
    return Wiring(Settings(home=tmp_path / "home", project=tmp_path / "ratchet.yaml"), SHOP)


def test_a_place_with_a_form_is_a_file_and_one_with_a_scheme_a_database(wiring: Wiring, tmp_path: Path) -> None:
    for name in ("new.csv", "new.parquet", "NEW.CSV", "new.tsv", "new.csv.gz", "new.pq"):
        assert isinstance(wiring.rows_in(str(tmp_path / name), DAY), FileRows), name
    assert isinstance(wiring.rows_in("postgresql+psycopg://host/shop", DAY, "SELECT 1"), QueryRows)


def test_without_a_snapshot_the_way_on_is_said(wiring: Wiring) -> None:
    with pytest.raises(UserError, match="no snapshot has been ingested yet: `ratchet data ingest` does it, or name a file"):
        wiring.rows_in("latest", DAY)
    with pytest.raises(UserError, match="s3:// is no database"):
        wiring.rows_in("s3://bucket/new.parquet", DAY)
    with pytest.raises(DataError, match="snapshot 'may' has not been ingested"):
        wiring.rows_in("may", DAY)


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("scores", r"--out scores says no form: it ends in \.parquet or \.csv"),
        ("s3://bucket/scores", "says no form"),
        ("s3://B/scores.csv", "--out is not usable: it is not s3://bucket/prefix"),
        (f"postgresql+psycopg://me:{SECRET}@host/shop", "--out is a database and names no table"),
        (f"postgresql+psycopg://me:{SECRET}@host/shop#a b", "behind # stands the table's name"),
        (f"postgresql+psycopg://me:{SECRET}@host:port/shop#t", "--out is not usable: its port is no number"),
    ],
)
def test_a_target_that_is_none_is_one_sentence_without_a_password(wiring: Wiring, out: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as refused:
        wiring.scores_to(out)
    assert SECRET not in str(refused.value)


def test_a_database_of_rows_that_cannot_be_read_is_said_without_its_password(wiring: Wiring) -> None:
    with pytest.raises(UserError, match="what is to be scored is not usable") as refused:
        wiring.rows_in(f"postgresql+psycopg://me:{SECRET}@host:x/shop", DAY, "SELECT 1")
    assert SECRET not in str(refused.value)
    assert SECRET not in wiring.rows_in(f"postgresql+psycopg://me:{SECRET}@host/shop", DAY, "SELECT 1").name


class Bucket:
    """An S3 folder that keeps what it is given."""

    url = "s3://bucket/scores"

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def holds(self, below: str) -> bool:
        return below in self.objects

    def upload(self, path: Path, key: str) -> None:
        self.objects[key] = path.read_bytes()


@pytest.mark.parametrize("name", ["may.parquet", "may.csv"])
def test_scores_on_s3_are_one_object_that_comes_whole(tmp_path: Path, name: str) -> None:
    loop, bucket = first_champion(), Bucket()
    snapshot = loop.arrive(2)
    folder: Any = bucket
    with small():
        found = scored(loop, stored(loop, snapshot), KeptScores(tmp_path / "parts", ScoreObject(folder, name)))
    (tmp_path / name).write_bytes(bucket.objects[name])
    assert found.place == f"s3://bucket/scores/{name}"
    assert read(tmp_path / name)["probability"].tolist() == list(row_by_row(loop, snapshot, 1).values())
    assert not (tmp_path / "parts").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["sqlite:///x.db", "--out", "s.csv"], "a database needs --query"),
        (["s3://bucket/new.parquet", "--out", "s.csv"], f"s3{DOWNLOAD}"),
        (["S3://bucket/new.csv.gz", "--out", "s.csv", "--query", "SELECT 1"], f"s3{DOWNLOAD}"),
        (["s3://bucket/month_001", "--out", "s.csv"], f"s3{DOWNLOAD}"),
        ([f"https://me:{SECRET}@host:x/[new.csv?token={SECRET}", "--out", "s.csv"], f"https{DOWNLOAD}"),
        (["gs://bucket/new.pq", "--out", "s.csv"], f"gs{DOWNLOAD}"),
        (["file:///data/new.parquet", "--out", "s.csv"], "file:// is no database: name the file by its path"),
        (["sqlite:///new.csv", "--out", "s.csv"], "a database needs --query"),
        (["latest", "--out", "s.csv", "--query", "SELECT 1"], "--query goes with the URL of a database"),
        (["new.csv", "--out", "s.csv", "--as-of", "yesterday"], "--as-of 'yesterday' is no date: write 2024-02-29"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments: list[str], sentence: str) -> None:
    ended = CliRunner().invoke(app, ["score", *arguments])
    assert isinstance(ended.exception, UserError)
    assert sentence in str(ended.exception)
    assert SECRET not in str(ended.exception)
