"""What one cell may do is the project's to say: refuse the snapshot, or count as missing up to a share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ratchet.core.errors import DataError
from ratchet.project.file import Project
from ratchet.sources.folder import TableSource
from tests.support.shop import SHOP, Tables, put, tables, with_cell

ROWS = 200


def month() -> Tables:
    content = tables(ROWS)
    content["people"]["age"] = pd.Series([20 + row % 60 for row in range(ROWS)], dtype=object)
    return content


def tolerant(column: str, **keys: Any) -> Project:
    facts = SHOP.model_dump(mode="json")
    facts["features"] = [{**item, **keys} if item["name"] == column else item for item in facts["features"]]
    return Project.model_validate(facts)


def source(root: Path, content: Tables, project: Project) -> TableSource:
    put(root / "may", content)
    return TableSource(root, project)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("plan", "Gold", "people.plan: 1 value does not fit and count as missing: 'Gold' (1)"),
        ("age", -1, "people.age: 1 value does not fit and count as missing: '-1' (1)"),
        ("age", "old", "people.age: 1 value does not fit and count as missing: 'old' (1)"),
        ("vip", "2", "people.vip: 1 value does not fit and count as missing: '2' (1)"),
    ],
)
def test_a_cell_that_does_not_fit_counts_as_missing_where_the_project_says_so(
    tmp_path: Path, column: str, value: object, said: str
) -> None:
    content = with_cell(month(), "people", column, 3, value)
    with pytest.raises(DataError, match=rf"people.{column}: 1 value is"):
        source(tmp_path, content, SHOP).read("may")
    raw = source(tmp_path, content, tolerant(column, on_unknown="missing")).read("may")
    assert raw.notes == (said,)
    assert raw.features[column].isna().tolist() == [row == 3 for row in range(ROWS)]


def test_more_of_them_than_the_project_allows_are_refused_with_values_and_counts(tmp_path: Path) -> None:
    content = month()
    content["people"]["plan"] = ["Gold"] * 6 + ["Iron"] * 2 + content["people"]["plan"].tolist()[8:]
    found = source(tmp_path, content, tolerant("plan", on_unknown="missing")).check("may")
    assert found[0].problem == "8 of 200 values do not fit, 0.040 > 0.010 (max_unknown_share)"
    assert found[0].tally == (("Gold", 6), ("Iron", 2))
    assert not source(tmp_path, content, tolerant("plan", on_unknown="missing", max_unknown_share=0.05)).check("may")


def test_what_counts_as_missing_counts_against_the_share_of_nulls(tmp_path: Path) -> None:
    content = month()
    content["orders"]["visits"] = [None] * 99 + ["many"] * 2 + [1] * (ROWS - 101)
    project = tolerant("visits", on_unknown="missing", max_unknown_share=0.05)
    (problem,) = source(tmp_path, content, project).check("may")
    assert "101 of 200 values are null" in problem.problem


def test_a_problem_tells_its_values_by_how_often_they_are_there(tmp_path: Path) -> None:
    content = month()
    content["people"]["age"] = ["?"] * 5 + ["old"] * 2 + [-7] * 3 + [30] * (ROWS - 10)
    found = {problem.problem: problem.tally for problem in source(tmp_path, content, SHOP).check("may")}
    assert found["7 values are not int"] == (("?", 5), ("old", 2))
    assert found["3 values are outside 0 to 120"] == (("-7", 3),)


def test_labels_of_entities_that_the_snapshot_does_not_have_are_left_out_where_the_project_says_so(tmp_path: Path) -> None:
    content = month()
    content["outcome"] = pd.concat([content["outcome"], pd.DataFrame({"customer": ["X1", "X2"], "left": [True, False]})])
    with pytest.raises(DataError, match="2 labels are of entities that people does not have"):
        source(tmp_path, content, SHOP).read("may")
    label = SHOP.label.model_copy(update={"on_unknown": "missing"})
    project = SHOP.model_copy(update={"label": label})
    raw = source(tmp_path, content, project).read("may")
    assert raw.notes == ("outcome: 2 labels are of entities that people does not have, left out",)
    assert raw.snapshot.labelled_rows == ROWS
    content["outcome"] = content["outcome"].tail(2)
    with pytest.raises(DataError, match="2 labels are of entities that people does not have"):
        source(tmp_path, content, project).read("may")


def test_the_keys_leave_a_project_that_does_not_use_them_what_it_was() -> None:
    assert tolerant("plan", on_unknown="refuse", max_unknown_share=0.01).hash == SHOP.hash
    assert tolerant("plan", on_unknown="missing").hash != SHOP.hash
