"""What an upload may overwrite, and where a run's log can be read."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from pipelines.runners.local import run_log
from ratchet.clients.s3 import Entry
from ratchet.core.errors import DataError
from ratchet.settings import Settings
from ratchet.sources.folder import TableSource
from ratchet.sources.s3 import Upload
from tests.support.loop import PROJECT


class Bucket:
    """Objects in memory, with the part of S3Folder that an upload uses."""

    url = "s3://ratchet/raw"

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def entries(self, below: str = "") -> list[Entry]:
        return [Entry(key, "", len(content)) for key, content in sorted(self.objects.items()) if key.startswith(below)]

    def get(self, key: str) -> tuple[bytes, str]:
        return self.objects[key], ""

    def upload(self, path: Path, key: str) -> None:
        self.objects[key] = path.read_bytes()

    def delete(self, key: str) -> None:
        del self.objects[key]


@pytest.fixture(autouse=True)
def fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with a table is for other tests."""
    monkeypatch.setattr(TableSource, "read", lambda *_: None)


@pytest.fixture
def tables() -> list[str]:
    return list(PROJECT.tables)


@pytest.fixture
def place(tmp_path: Path, tables: list[str]) -> Path:
    (tmp_path / "month_000").mkdir()
    for table in tables:
        (tmp_path / "month_000" / f"{table}.csv").write_text("mine", encoding="utf-8")
    return tmp_path


def upload(folder: Path, bucket: Any) -> Upload:
    return Upload(folder, PROJECT, bucket)


def test_other_content_under_the_name_stays_until_it_is_to_be_replaced(place: Path, tables: list[str]) -> None:
    bucket = Bucket()
    bucket.objects[f"month_000/{tables[0]}.csv"] = b"ours"
    with pytest.raises(DataError, match=rf"holds other content \({tables[0]}.csv\): upload with --replace .*REPLACE=1"):
        upload(place, bucket).send("month_000")
    assert bucket.objects == {f"month_000/{tables[0]}.csv": b"ours"}
    assert upload(place, bucket).send("month_000", replace=True) == len(tables)
    assert set(bucket.objects.values()) == {b"mine"}


def test_the_same_content_and_a_table_that_was_waited_for_are_no_loss(place: Path, tables: list[str]) -> None:
    bucket = Bucket()
    upload(place, bucket).send("month_000")
    assert upload(place, bucket).send("month_000") == len(tables)
    del bucket.objects[f"month_000/{tables[-1]}.csv"]
    assert upload(place, bucket).send("month_000") == len(tables)


def test_rows_of_labels_that_come_are_no_loss_and_those_of_features_are(place: Path, tables: list[str]) -> None:
    bucket = Bucket()
    upload(place, bucket).send("month_000")
    labels = PROJECT.label.table
    (place / "month_000" / f"{labels}.csv").write_text("mine and more", encoding="utf-8")
    assert upload(place, bucket).send("month_000") == len(tables)
    other = next(table for table in tables if table != labels)
    (place / "month_000" / f"{other}.csv").write_text("mine and more", encoding="utf-8")
    with pytest.raises(DataError, match=rf"\({other}.csv\)"):
        upload(place, bucket).send("month_000")


def test_a_table_that_would_go_is_a_loss(place: Path, tables: list[str]) -> None:
    bucket = Bucket()
    bucket.objects[f"month_000/{tables[0]}.parquet"] = b"mine"
    with pytest.raises(DataError, match=rf"{tables[0]}.parquet"):
        upload(place, bucket).send("month_000")


@pytest.mark.parametrize(
    ("pid", "pod", "place"),
    [
        (1, False, "/home/runs/r/log.txt"),
        (1, True, "kubectl --namespace team logs POD"),
        (42, True, "kubectl --namespace team exec POD -- cat /home/runs/r/log.txt"),
    ],
)
def test_the_log_of_a_pod_is_named_as_it_can_be_read_from_outside(
    monkeypatch: pytest.MonkeyPatch, pid: int, place: str, *, pod: bool
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    if pod:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setattr(os, "getpid", lambda: pid)
    monkeypatch.setattr(socket, "gethostname", lambda: "POD")
    assert run_log.place_of(Settings(namespace="team"), Path("/home/runs/r/log.txt")) == place
    assert run_log.outlived() is (pod and pid == 1)


def test_the_end_of_a_long_log_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("".join(f"line {number}\n" for number in range(1000)), encoding="utf-8")
    shown = run_log.end_of(log).splitlines()
    assert (shown[0], shown[1], shown[-1]) == ("the last 100 lines of the run's log:", "line 900", "line 999")
