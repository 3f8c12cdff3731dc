"""ParquetSnapshots on a disk that fails: killed writers, damaged files, two writers at once."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from ratchet.clients import durable
from ratchet.core.errors import ArtifactError, ProjectError, Unavailable
from ratchet.core.schema import DType, Feature
from ratchet.snapshots import parquet as snapshots
from ratchet.snapshots.parquet import ParquetSnapshots
from tests.contract.test_snapshots import raw, unlabelled, write
from tests.support.shop import SHOP, tables, with_cell

FOLDER = "as_of=2024-05-31"


class Killed(BaseException):
    """Stands for SIGKILL: no handler of the code under test may catch it."""


def store(root: Path) -> ParquetSnapshots:
    return ParquetSnapshots(root / "store", SHOP.entity, SHOP.label.name, [column.feature for column in SHOP.columns])


def names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


def kill_at(monkeypatch: pytest.MonkeyPatch, number: int) -> list[str]:
    """Die before the `number`-th change of the disk; returns the list of the changes that were made."""
    made: list[str] = []

    def counted(name: str, act: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            if len(made) == number:
                raise Killed
            made.append(name)
            return act(*args, **kwargs)

        return call

    monkeypatch.setattr(Path, "mkdir", counted("mkdir", Path.mkdir))
    monkeypatch.setattr(Path, "rename", counted("rename", Path.rename))
    monkeypatch.setattr(Path, "replace", counted("replace", Path.replace))
    monkeypatch.setattr(os, "fsync", counted("fsync", os.fsync))
    monkeypatch.setattr(shutil, "rmtree", counted("rmtree", shutil.rmtree))
    return made


def test_a_replace_killed_anywhere_leaves_the_old_or_the_new_snapshot_whole(tmp_path: Path) -> None:
    old, new = raw(tmp_path), raw(tmp_path, with_cell(tables(), "people", "age", 0, 99))
    ended = []
    for number in range(100):
        root = tmp_path / str(number)
        write(store(root), old)
        with pytest.MonkeyPatch.context() as patch:
            made = kill_at(patch, number)
            try:
                write(store(root), new, replace=True)
            except Killed:
                ended.append("killed")
            else:
                ended.append("done")
        left = store(root).snapshots()
        assert left in ([old.snapshot], [new.snapshot])
        assert store(root).columns(left[0], ["age"])["age"][0] == (20 if left == [old.snapshot] else 99)
        assert store(root).labels(left[0])["label"].sum() == 3
        write(store(root), new, replace=True)
        assert store(root).snapshots() == [new.snapshot]
        assert names(root / "store") in ([".lock", FOLDER], [FOLDER])
        if ended[-1] == "done":
            break
    assert ended.count("killed") >= 8
    assert ended[-1] == "done"
    assert made.count("rename") == 2


def test_labels_killed_anywhere_leave_the_snapshot_without_or_with_them(tmp_path: Path) -> None:
    item = raw(tmp_path)
    bare = unlabelled(item)
    for number in range(100):
        root = tmp_path / str(number)
        write(store(root), bare)
        with pytest.MonkeyPatch.context() as patch:
            kill_at(patch, number)
            done = True
            try:
                write(store(root), item)
            except Killed:
                done = False
        assert store(root).snapshots() in ([bare.snapshot], [item.snapshot])
        write(store(root), item)
        assert store(root).labels(store(root).get("may"))["label"].sum() == 3
        assert names(root / "store" / FOLDER) == ["features.parquet", "labels.parquet", "manifest.json"]
        if done:
            return
    pytest.fail("the write never ended")


@pytest.mark.parametrize("damage", ["truncated", "emptied", "flipped", "removed"])
@pytest.mark.parametrize("file", ["features.parquet", "labels.parquet"])
def test_a_damaged_table_is_an_artifact_error_and_replace_mends_it(tmp_path: Path, damage: str, file: str) -> None:
    item = raw(tmp_path)
    write(store(tmp_path), item)
    path = tmp_path / "store" / FOLDER / file
    content = path.read_bytes()
    middle = 30  # in the first page's data
    changed = {
        "truncated": content[: len(content) // 2],
        "emptied": b"",
        "flipped": content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :],
    }
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(changed[damage])
    damaged = store(tmp_path)
    read = {
        "features.parquet": lambda: damaged.columns(item.snapshot, ["customer"]),
        "labels.parquet": lambda: damaged.labels(item.snapshot),
    }
    with pytest.raises(ArtifactError, match=rf"{file} is damaged .*--replace"):
        read[file]()
    assert write(store(tmp_path), item, replace=True)
    assert store(tmp_path).columns(item.snapshot, ["age"])["age"][0] == 20


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"format": 1}', '{"format": 9, "as_of": "2024-05-31"}', '{"format": 1, "as_of": "x"}']
)
def test_a_damaged_manifest_is_an_artifact_error_and_replace_mends_it(tmp_path: Path, content: str) -> None:
    item = raw(tmp_path)
    write(store(tmp_path), item)
    (tmp_path / "store" / FOLDER / "manifest.json").write_text(content)
    with pytest.raises(ArtifactError, match=r"manifest.json is damaged"):
        store(tmp_path).snapshots()
    with pytest.raises(ArtifactError, match=r"manifest.json is damaged"):
        write(store(tmp_path), item)
    assert write(store(tmp_path), item, replace=True)
    assert store(tmp_path).snapshots() == [item.snapshot]


def test_a_disk_that_cannot_be_written_is_unavailable_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = raw(tmp_path)
    write(store(tmp_path), old)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "sync", full)
    monkeypatch.setattr(snapshots, "sync", full)
    with pytest.raises(Unavailable, match="cannot be written: No space left on device"):
        write(store(tmp_path), raw(tmp_path, with_cell(tables(), "people", "age", 0, 99)), replace=True)
    assert store(tmp_path).snapshots() == [old.snapshot]


def test_a_column_named_as_feasts_timestamp_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="event_timestamp"):
        ParquetSnapshots(tmp_path, "customer", "left", [Feature("event_timestamp", DType.FLOAT)])


def _write(root: Path, barrier: Any, answers: Any) -> None:
    item = raw(root / str(os.getpid()))
    barrier.wait()
    answers.put(write(store(root), item))


def test_of_two_processes_that_write_the_same_one_does(tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")  # forked from a process without threads that has the imports
    context.set_forkserver_preload(["ratchet.features.feast_features"])  # one server serves all tests
    barrier, answers = context.Barrier(2), context.Queue()
    workers = [context.Process(target=_write, args=(tmp_path, barrier, answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    wrote = sorted(answers.get(timeout=60) for _ in workers)
    for worker in workers:
        worker.join()
    assert wrote == [False, True]
    assert [item.name for item in store(tmp_path).snapshots()] == ["may"]
