"""A file of late labels is read as people write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.core.errors import DataError
from ratchet.core.schema import Columns
from ratchet.project.file import Project
from ratchet.sources.label_file import read_label_file, read_late_labels


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_separator_is_seen_from_the_header(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "late.csv"
    path.write_text("id,gone,observed_at\nu1,1,2024-02-29\n".replace(",", mark))
    found = read_label_file(path, "id", "gone")
    assert {name: values.tolist() for name, values in found.items()} == {
        "entity": ["u1"],
        "label": ["1"],
        "observed_at": ["2024-02-29"],
    }


def test_a_label_that_is_not_known_yet_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    path.write_text("id,gone\nu1,\nu2,1\nu3, \n")
    assert read_label_file(path, "id", "gone")["entity"].tolist() == ["u2"]
    path.write_text("id,gone\nu1,\n")
    with pytest.raises(DataError, match="has no label: the cells of all 1 rows are empty"):
        read_label_file(path, "id", "gone")


OWN = Project.model_validate(
    {
        "model": "own",
        "entity": {"name": "customer", "column": "Customer ID"},
        "tables": ["people", {"name": "out", "key": "Cust no"}],
        "label": {"column": "Left us?", "name": "left", "table": "out", "positive": "Yes"},
        "features": [{"name": "age", "table": "people", "dtype": "int"}],
        "holdout": {"salt": "s"},
    }
)


def late(folder: Path, text: str) -> Columns:
    path = folder / "late.csv"
    path.write_text(text, encoding="utf-8")
    return read_late_labels(path, OWN)


@pytest.mark.parametrize(
    "header", ["Customer ID,Left us?", "Cust no,Left us?", "customer,left", "entity,label", " Cust no , Left us? "]
)
def test_labels_come_under_the_projects_headers_and_in_its_words(tmp_path: Path, header: str) -> None:
    found = late(tmp_path, f"{header}\nu1,Yes\nu2, No \nu3,\nu4,NaN\n")
    assert {name: values.tolist() for name, values in found.items()} == {"entity": ["u1", "u2"], "label": ["1", "0"]}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("u1,1\nu2,0\n", "none is 'Yes', which label.positive names; there are '1' (1), '0' (1)"),
        ("u1,Yes\nu2,No\nu3,No\nu4,?\n", "a binary label has two values, and here are 3: 'No' (2), 'Yes' (1), '?' (1)"),
        ("u1,yes\n", "none is 'Yes', which label.positive names; there are 'yes' (1)"),
        ("u1,1\nu2,1\n", "none is 'Yes', which label.positive names; there are '1' (2): write 'Yes' or 0"),
        ("u1,true\n", "there are 'true' (1): write 'Yes' or 0"),
        ("u1,Y\n", "there are 'Y' (1): write 'Yes' or 0"),
        ("u1,gone\n", "there are 'gone' (1): write 'Yes' or 0"),
    ],
)
def test_late_labels_that_are_none_are_named_with_their_counts(tmp_path: Path, rows: str, said: str) -> None:
    with pytest.raises(DataError) as refused:
        late(tmp_path, f"customer,left\n{rows}")
    assert said in str(refused.value)


@pytest.mark.parametrize("other", ["No", "0", "false", "n", "OFF", "nein", "not Yes"])
def test_a_file_of_one_plain_no_has_it_with_a_word(tmp_path: Path, other: str) -> None:
    path, said = tmp_path / "late.csv", list[str]()
    path.write_text(f"customer,left\nu1,{other}\n")
    assert read_late_labels(path, OWN, said.append)["label"].tolist() == ["0"]
    (word,) = said
    assert word.startswith(f"{path}: no label is 'Yes', which label.positive names; there are '")


def test_a_file_that_has_the_positive_label_says_nothing(tmp_path: Path) -> None:
    path, said = tmp_path / "late.csv", list[str]()
    path.write_text("customer,left\nu1,Yes\n")
    assert read_late_labels(path, OWN, said.append)["label"].tolist() == ["1"]
    assert said == []


def test_a_separator_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match="one column, 'customer:left': its cells stand between none of commas, semicolons, tabs and"
    ):
        late(tmp_path, "customer:left\nu1:Yes\n")


def test_two_columns_for_one_thing_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 columns for entity: customer, Customer ID; leave one"):
        late(tmp_path, "customer,Customer ID,left\nu1,u1,Yes\n")
