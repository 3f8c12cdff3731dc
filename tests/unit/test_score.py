"""Many rows at once: by which version, each entity once, all of them or none, and taken up where a run was broken off."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.errors import ArtifactError, DataError, LockHeld, NoSuchVersion, UserError
from ratchet.project.file import Project
from ratchet.scores import file as score_file
from ratchet.scores.file import folder_beside, suffix_of
from ratchet.scores.port import Target
from ratchet.sources.row_file import FileRows
from ratchet.steps.parts.pace import Pace
from ratchet.steps.parts.unique_keys import UniqueKeys, named
from tests.support.fakes import Killed
from tests.support.loop import PROJECT, Loop, first_champion
from tests.support.scoring import Dying, file_target, read, row_by_row, scored, small, stored


@pytest.fixture
def loop() -> Loop:
    return first_champion()


def flat(loop: Loop, path: Path, rows: int = 1200) -> Path:
    """A month as one file of features, which nobody ingested."""
    columns, _ = loop.store.stored[max(loop.store.stored)][1:]
    frame = pd.DataFrame({name: columns[name][:rows] for name in ("id", "a", "b", "c")})
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False, row_group_size=400)
    return path


@pytest.mark.parametrize("name", ["scores.parquet", "scores.csv"])
def test_a_snapshot_is_scored_by_the_champion_as_serving_answers(loop: Loop, tmp_path: Path, name: str) -> None:
    snapshot = loop.arrive(2)
    with small():
        found = scored(loop, stored(loop, snapshot), file_target(tmp_path / name))
    rows = read(tmp_path / name)
    assert list(rows) == ["id", "probability", "prediction", "model_version", "as_of"]
    assert dict(zip(rows["id"], rows["probability"], strict=True)) == row_by_row(loop, snapshot, 1)
    assert rows["prediction"].tolist() == (rows["probability"] >= PROJECT.serving.threshold).astype(int).tolist()
    assert set(rows["model_version"]) == {1}
    assert {str(day) for day in rows["as_of"]} == {"2024-02-01"}
    assert (found.rows, found.version, found.taken_up) == (len(rows), 1, 0)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_another_version_scores_when_it_is_named(loop: Loop, tmp_path: Path) -> None:
    snapshot = loop.arrive(2, turn=1.0)
    loop.run(snapshot)
    other = loop.at.registry.versions()[-1].number
    assert other != 1
    found = scored(loop, stored(loop, snapshot), file_target(tmp_path / "s.csv"), version=1)
    assert found.version == 1
    assert read(tmp_path / "s.csv")["probability"].tolist() == list(row_by_row(loop, snapshot, 1).values())


def test_without_a_champion_the_way_on_is_said(tmp_path: Path) -> None:
    loop = Loop()
    snapshot = loop.arrive(1)
    with pytest.raises(UserError, match="no version is in production yet: `ratchet run` makes one, or name one by --version"):
        scored(loop, stored(loop, snapshot), file_target(tmp_path / "s.csv"))
    with pytest.raises(NoSuchVersion):
        scored(loop, stored(loop, snapshot), file_target(tmp_path / "s.csv"), version=7)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("version", [None, 1])
def test_files_that_are_not_those_on_record_score_nothing(loop: Loop, tmp_path: Path, version: int | None) -> None:
    snapshot = loop.arrive(2)
    loop.at.registry.stored[1] = loop.at.registry.stored[1].__class__(**{**vars_of(loop.at.registry.stored[1]), "digest": "0" * 64})
    with pytest.raises(ArtifactError, match="another digest in the registry"):
        scored(loop, stored(loop, snapshot), file_target(tmp_path / "s.csv"), version=version)
    assert not list(tmp_path.iterdir())


def vars_of(version: Any) -> dict[str, Any]:
    return {name: getattr(version, name) for name in type(version).__dataclass_fields__}


@pytest.mark.parametrize("source", ["new.csv", "new.parquet"])
def test_a_file_is_scored_as_the_snapshot_of_the_same_rows(loop: Loop, tmp_path: Path, source: str) -> None:
    snapshot = loop.arrive(2)
    path = flat(loop, tmp_path / source)
    with small():
        scored(loop, FileRows(path, PROJECT, snapshot.as_of), file_target(tmp_path / "s.csv"))
        scored(loop, stored(loop, snapshot), file_target(tmp_path / "all.csv"))
    assert read(tmp_path / "s.csv").equals(read(tmp_path / "all.csv")[:1200])


@pytest.mark.parametrize("source", ["new.csv", "new.parquet"])
@pytest.mark.parametrize("again", ["u3", " u3 "])
def test_an_entity_that_is_there_twice_is_refused_by_name(loop: Loop, tmp_path: Path, source: str, again: str) -> None:
    path = flat(loop, tmp_path / source)
    frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    frame.loc[900, "id"] = again
    frame.to_csv(path, index=False) if path.suffix == ".csv" else frame.to_parquet(path, index=False)
    (tmp_path / "s.csv").write_text("old")
    with small(), pytest.raises(DataError, match=r"a key is there more than once, as id 'u3' \(rows 4 and 901\): leave one row"):
        scored(loop, FileRows(path, PROJECT, pd.Timestamp("2024-02-01").date()), file_target(tmp_path / "s.csv"))
    assert (tmp_path / "s.csv").read_text() == "old"
    assert not folder_beside(tmp_path / "s.csv").exists()


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("a", "many", "new.csv.a: 1 value is not float, as for id u5: 'many'"),
        ("a", "", "new.csv.a: 1 value is null where the project allows none, as for id u5"),
        ("c", "", "new.csv.c: 1 value is null where the project allows none, as for id u5"),
        ("id", "", "new.csv.id: 1 key is empty, as in row 6"),
        ("id", "x" * 300, r"new.csv.id: 1 key is longer than 256 characters"),
    ],
)
def test_a_cell_that_ingest_would_refuse_is_refused(loop: Loop, tmp_path: Path, column: str, value: str, sentence: str) -> None:
    path = flat(loop, tmp_path / "new.csv")
    frame = pd.read_csv(path, dtype=object)
    frame.loc[5, column] = value
    frame.to_csv(path, index=False)
    with pytest.raises(DataError, match=sentence):
        scored(loop, FileRows(path, PROJECT, pd.Timestamp("2024-02-01").date()), file_target(tmp_path / "s.csv"))
    assert not (tmp_path / "s.csv").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "new.csv is empty"),
        (b"id,a,b,c\n", "new.csv has no rows"),
        (b"id,a,b\nu1,1,2\n", r"new.csv.c: the column is missing \(called c\)"),
        (b"a,b,c\n1,2,x\n", r"new.csv.id: the column is missing \(called id\)"),
        (b"id,a,a,b,c\nu1,1,1,2,x\n", "new.csv.a: the column is there 2 times"),
        (b"id,a,b,c\nu1,1,2,x\nu2,1\n", "1 row has another number of cells than the header|Expected 4 columns"),
        (b"\x00\x01\x02", "new.csv"),
        ("id,a,b,c\nü,1,2,x\n".encode("latin-1"), "new.csv is not UTF-8 text|invalid UTF8"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(loop: Loop, tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "new.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=sentence):
        scored(loop, FileRows(path, PROJECT, pd.Timestamp("2024-02-01").date()), file_target(tmp_path / "s.csv"))
    assert not (tmp_path / "s.csv").exists()


def test_a_damaged_or_absent_parquet_file_says_why(loop: Loop, tmp_path: Path) -> None:
    path = flat(loop, tmp_path / "new.parquet")
    path.write_bytes(path.read_bytes()[:-700])
    with pytest.raises(DataError, match=r"new\.parquet is damaged or truncated"):
        scored(loop, FileRows(path, PROJECT, pd.Timestamp("2024-02-01").date()), file_target(tmp_path / "s.csv"))
    path.unlink()
    with pytest.raises(DataError, match=r"new\.parquet cannot be read: .*No such file"):
        scored(loop, FileRows(path, PROJECT, pd.Timestamp("2024-02-01").date()), file_target(tmp_path / "s.csv"))


def test_a_feature_that_the_project_has_no_more_is_named(loop: Loop, tmp_path: Path) -> None:
    facts = PROJECT.model_dump(mode="json")
    facts["features"] = [item for item in facts["features"] if item["name"] != "b"]
    path = flat(loop, tmp_path / "new.csv")
    rows = FileRows(path, Project.model_validate(facts), pd.Timestamp("2024-02-01").date())
    with pytest.raises(DataError, match=r"the version needs the feature b, which ratchet\.yaml does not have"):
        scored(loop, rows, file_target(tmp_path / "s.csv"))


def test_an_entity_called_as_a_column_of_the_scores_is_refused(loop: Loop, tmp_path: Path) -> None:
    loop.project = Project.model_validate({**PROJECT.model_dump(mode="json"), "entity": "prediction"})
    with pytest.raises(UserError, match="the entity is called prediction, as is a column of the scores"):
        scored(loop, stored(loop, loop.arrive(2)), file_target(tmp_path / "s.csv"))


MOMENTS = ["before begin", "after begin", *(f"{when} keep" for when in ("before", "after") for _ in range(3)), "before publish"]


@pytest.mark.parametrize("death", range(12))
def test_a_kill_anywhere_leaves_the_old_file_and_the_next_run_goes_on(loop: Loop, tmp_path: Path, death: int) -> None:
    snapshot = loop.arrive(2)
    out, heard = tmp_path / "s.parquet", list[str]()
    out.write_text("old")

    def hear(moment: str) -> None:
        heard.append(moment)
        if len(heard) == death + 1:
            raise Killed

    with small():
        with pytest.raises(Killed):
            scored(loop, stored(loop, snapshot), Dying(file_target(out), hear))
        assert out.read_bytes() == b"old" or heard[-1] == "after publish"
        kept = max(heard.count("after keep"), heard.count("before keep") - 1)
        found = scored(loop, stored(loop, snapshot), file_target(out))
    assert found.taken_up == min(500 * kept, found.rows)
    assert read(out)["probability"].tolist() == list(row_by_row(loop, snapshot, 1).values())
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


@pytest.mark.parametrize("where", ["in the middle of the file", "before the rename", "after the rename"])
def test_a_kill_while_the_file_is_put_together_leaves_the_old_one_or_the_new_one(
    loop: Loop, tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot, out = loop.arrive(2), tmp_path / "s.parquet"
    out.write_text("old")

    def dies(*_: Any, **__: Any) -> None:
        raise Killed

    def half(file: Any, *_: Any) -> None:
        file.write(b"PAR1 half of it")
        raise Killed

    with monkeypatch.context() as patched:
        if where == "in the middle of the file":
            patched.setattr(score_file, "write", half)
        elif where == "before the rename":
            patched.setattr(score_file, "write_synced", dies)
        else:
            patched.setattr(shutil, "rmtree", dies)
        with small(), pytest.raises(Killed):
            scored(loop, stored(loop, snapshot), file_target(out))
    expected = list(row_by_row(loop, snapshot, 1).values())
    if where == "after the rename":
        assert read(out)["probability"].tolist() == expected
    else:
        assert out.read_text() == "old"
    with small():
        found = scored(loop, stored(loop, snapshot), file_target(out))
    assert found.taken_up == found.rows
    assert read(out)["probability"].tolist() == expected
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


@pytest.mark.parametrize("change", ["another version", "another date", "another content", "another threshold", "a damaged part"])
def test_what_was_kept_of_anything_else_is_not_taken_up(loop: Loop, tmp_path: Path, change: str) -> None:
    path, out, day = flat(loop, tmp_path / "new.csv"), tmp_path / "s.csv", pd.Timestamp("2024-02-01").date()

    def dies_at_the_end(moment: str) -> None:
        if moment == "before publish":
            raise Killed

    with small():
        with pytest.raises(Killed):
            scored(loop, FileRows(path, PROJECT, day), Dying(file_target(out), dies_at_the_end))
        parts = sorted(folder_beside(out).glob("part-*"))
        assert len(parts) == 3
        version = None
        if change == "another version":
            loop.run(loop.arrive(2, turn=1.0))
        elif change == "another date":
            day = pd.Timestamp("2024-02-02").date()
        elif change == "another content":
            path.write_text(path.read_text().replace("u7,", "u7000,"))
        elif change == "another threshold":
            serving = {**PROJECT.model_dump(mode="json")["serving"], "threshold": 0.9}
            loop.project = Project.model_validate({**PROJECT.model_dump(mode="json"), "serving": serving})
        else:
            parts[1].write_bytes(parts[1].read_bytes()[:50])
        found = scored(loop, FileRows(path, PROJECT, day), file_target(out), version=version)
    assert (found.taken_up, found.rows) == (0, 1200)
    assert len(read(out)) == 1200


def test_the_shares_and_the_keys_of_a_run_before_count_when_it_is_taken_up(loop: Loop, tmp_path: Path) -> None:
    path, out, day = flat(loop, tmp_path / "new.csv"), tmp_path / "s.csv", pd.Timestamp("2024-02-01").date()
    frame = pd.read_csv(path)
    frame.loc[1100, "id"] = "u3"
    frame.to_csv(path, index=False)
    kept = list[str]()

    def dies_after_two(moment: str) -> None:
        kept.append(moment)
        if kept.count("after keep") == 2:
            raise Killed

    with small():
        with pytest.raises(Killed):
            scored(loop, FileRows(path, PROJECT, day), Dying(file_target(out), dies_after_two))
        with pytest.raises(DataError, match=r"'u3' \(rows 4 and 1101\)"):
            scored(loop, FileRows(path, PROJECT, day), file_target(out))


def test_two_at_once_do_not_write_one_file(loop: Loop, tmp_path: Path) -> None:
    snapshot, out = loop.arrive(2), tmp_path / "s.csv"
    first = file_target(out)
    first.begin({"a": 1}, resume=True)
    with pytest.raises(LockHeld, match="somebody else is writing scores to"):
        scored(loop, stored(loop, snapshot), file_target(out))
    first.close()
    scored(loop, stored(loop, snapshot), file_target(out))
    assert len(read(out)) == snapshot.rows


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("nowhere/s.csv", "there is no folder .*nowhere, make it first"),
        ("folder.csv", "folder.csv is a folder"),
    ],
)
def test_a_place_that_cannot_be_written_is_said_before_anything_is_scored(
    loop: Loop, tmp_path: Path, out: str, sentence: str
) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UserError, match=sentence):
        scored(loop, stored(loop, loop.arrive(2)), file_target(tmp_path / out))


@pytest.mark.parametrize("name", ["scores", "scores.xlsx", "", "csv"])
def test_a_name_without_a_form_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"it ends in .parquet or .csv"):
        suffix_of(name)


def test_progress_is_a_line_every_five_seconds() -> None:
    now, said = [0.0], list[str]()
    pace = Pace(said.append, lambda: now[0])
    pace.step(2, "scoring", 1000)
    for second in range(1, 12):
        now[0] = float(second)
        pace.at(50 * second)
    assert said == [
        "[SCORE] step 2 of 3: scoring",
        "[SCORE] step 2 of 3: 250 of 1,000 rows, 50 a second, 15 s left",
        "[SCORE] step 2 of 3: 500 of 1,000 rows, 50 a second, 10 s left",
    ]


@given(st.lists(st.lists(st.text(max_size=3), max_size=6), max_size=6))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_a_key_is_named_when_and_only_when_it_is_there_twice(parts: list[list[str]]) -> None:
    arrays, unique = [np.array(part, dtype=object) for part in parts], UniqueKeys()
    for part in arrays:
        unique.add(part)
    keys = [key for part in parts for key in part]
    twice = {key for key in keys if keys.count(key) > 1}
    shown = named(unique.repeated(), arrays)
    assert len(shown) == min(3, len(twice))
    assert all(any(text.startswith(f"{key!r} (rows {keys.index(key) + 1} and ") for key in twice) for text in shown)


def test_keys_whose_hashes_are_alike_are_not_taken_for_one() -> None:
    keys = np.array(["a", "b"], dtype=object)
    unique = UniqueKeys()
    unique.add(np.array(["a", "a"], dtype=object))
    assert named(unique.repeated(), [keys]) == []


def test_the_json_of_a_run_is_plain(loop: Loop, tmp_path: Path) -> None:
    from dataclasses import asdict  # noqa: PLC0415 - as the command does

    found = scored(loop, stored(loop, loop.arrive(2)), file_target(tmp_path / "s.csv"))
    assert json.loads(json.dumps(asdict(found), default=str))["rows"] == found.rows


def _fits(target: Target) -> Target:
    """Type checkers hold the adapter to the port."""
    return target


_ = _fits(file_target(Path("s.csv")))
