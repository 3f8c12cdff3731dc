"""`ratchet data check` on months as people have them: values with their counts, exit codes, and what would let them in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ratchet.project.file import load_project
from tests.support.club import Club

ROWS = 300
FIRST, NEXT = "2024-01-31", "2024-02-29"
TEXT = """\
model: cases
entity: customer_id # one row of each table
tables: [customers, tickets, labels]
label: {column: churned, table: labels}
features:
  - {name: age, table: customers, dtype: int, range: [18, 90]} # years
  - {name: plan, table: customers, dtype: category, categories: [pro, max]}
  - {name: flag, table: customers, dtype: bool}
  - {name: tickets, table: tickets, dtype: int}
holdout: {salt: s}
"""


def months(root: Path) -> None:
    ids = [f"C{row:05d}" for row in range(ROWS)]
    for name in (FIRST, NEXT):
        (root / name).mkdir(parents=True)
        people = pd.DataFrame({"customer_id": ids, "age": 40, "plan": ["pro", "max", "pro"] * 100, "flag": [0, 1] * 150})
        tickets = pd.DataFrame({"customer_id": ids, "tickets": 2})
        if name == NEXT:
            people.loc[0, "age"] = -1
            people.loc[[1, 2], "plan"] = "ultra"
            people.loc[3, "flag"] = 2
            tickets = tickets.iloc[::3]
        people.to_csv(root / name / "customers.csv", index=False)
        tickets.to_csv(root / name / "tickets.csv", index=False)
        pd.DataFrame({"customer_id": ids, "churned": [1, 0, 0] * 100}).to_csv(root / name / "labels.csv", index=False)


@pytest.fixture
def club(tmp_path: Path) -> Club:
    made = Club(tmp_path, text=TEXT)
    months(made.raw)
    return made


def test_check_shows_values_with_their_counts_and_ends_as_its_help_says(club: Club) -> None:
    fine = club.ratchet("data", "check", str(club.raw), FIRST)
    assert (fine.code, fine.out) == (0, f"{FIRST}: fine\n")
    wrong = club.ratchet("data", "check", str(club.raw), FIRST, NEXT, COLUMNS="300")
    assert wrong.code == 2
    for said in (
        "'-1' (1)",
        "'ultra' (2)",
        "'2' (1)",
        "200 entities of customers missing",
        f"{NEXT}: 4 problems",
        f"{FIRST}: fine",
    ):
        assert said in wrong.out
    told = " ".join(club.ratchet("data", "check", "--help").out.split())
    assert "Exit codes: 0 all is fine (with --learn: would be with the change), 2 something is wrong, 75 a store is away." in told
    assert club.ratchet("data", "check", str(club.raw), "2024-03-31").code == 2


def test_learn_prints_the_change_and_writes_it_when_asked(club: Club) -> None:
    asked = club.ratchet("data", "check", str(club.raw), FIRST, NEXT, "--learn")
    assert asked.code == 0, asked.err
    assert asked.out.startswith("--- ratchet.yaml\n+++ ratchet.yaml\n@@ ")
    assert "+  - {name: age, table: customers, dtype: int, range: [-1, 90]} # years\n" in asked.out
    assert "+  - {name: plan, table: customers, dtype: category, categories: [pro, max, ultra]}\n" in asked.out
    assert "+  - {name: flag, table: customers, dtype: bool, on_unknown: missing}\n" in asked.out
    assert "+tables: [customers, {name: tickets, optional: true}, labels]\n" in asked.out
    assert club.project.read_text() == TEXT, "nothing is applied unless asked for"
    made = club.ratchet("data", "check", str(club.raw), NEXT, "--learn", "--write")
    assert (made.code, made.out) == (0, asked.out)
    assert load_project(club.project).features[0].range == (-1, 90)
    assert club.ratchet("data", "check", str(club.raw), FIRST, NEXT).code == 0
    nothing = club.ratchet("data", "check", str(club.raw), FIRST, NEXT, "--learn", "--write")
    assert (nothing.code, nothing.out) == (0, "")


def test_a_snapshot_that_is_not_there_hides_nothing_of_the_others(club: Club) -> None:
    wrong = club.ratchet("data", "check", str(club.raw), NEXT, "2024-03-31", FIRST)
    assert (wrong.code, wrong.error.startswith("there is no snapshot 2024-03-31 in ")) == (2, True)
    assert f"{NEXT}: 4 problems" in wrong.out
    assert f"{FIRST}: fine" in wrong.out
    alone = club.ratchet("data", "check", str(club.raw), "2024-03-31")
    assert (alone.code, alone.out) == (2, "")


def test_learn_as_json_is_one_document(club: Club) -> None:
    asked = club.ratchet("data", "check", str(club.raw), NEXT, "--learn", "--json")
    assert (asked.code, set(asked.document)) == (0, {"difference", "left"})
    assert asked.document["difference"].startswith("--- ratchet.yaml")
    assert asked.document["left"] == {NEXT: []}


def test_what_no_change_mends_is_said_and_ends_with_two(club: Club) -> None:
    people = pd.read_csv(club.raw / NEXT / "customers.csv")
    people.loc[5, "customer_id"] = "C00004"
    people.drop(columns=["flag"]).to_csv(club.raw / NEXT / "customers.csv", index=False)
    asked = club.ratchet("data", "check", str(club.raw), NEXT, "--learn")
    assert asked.code == 2
    assert f"{NEXT}: not mended: customers.flag: the column is missing from customers.csv" in asked.err
    assert "range: [-1, 90]" in asked.out
    assert "--write makes the change" in club.ratchet("data", "check", str(club.raw), NEXT, "--write").error


def test_labels_in_words_say_what_they_hold_and_what_to_write(club: Club) -> None:
    path = club.raw / FIRST / "labels.csv"
    table = pd.read_csv(path)
    table["churned"] = np.where(table["churned"] == 1, "Yes", "No")
    table.to_csv(path, index=False)
    wrong = club.ratchet("data", "check", str(club.raw), FIRST, COLUMNS="400")
    assert wrong.code == 2
    assert "'No' (200), 'Yes' (100)" in wrong.out
    assert "`positive:` of the label names the value that counts as 1" in wrong.out
    club.project.write_text(TEXT.replace("{column: churned, table: labels}", "{column: churned, table: labels, positive: Yes}"))
    assert club.ratchet("data", "check", str(club.raw), FIRST).code == 0


@pytest.mark.parametrize("written", ["float keys in Parquet", "a point in one table's CSV", "blanks in one table's CSV"])
def test_keys_that_the_rule_makes_one_are_one(club: Club, written: str) -> None:
    numbers = list(range(ROWS))
    for table in ("customers", "tickets", "labels"):
        path = club.raw / FIRST / f"{table}.csv"
        content = pd.read_csv(path).assign(customer_id=numbers)
        if table == "labels" and "CSV" in written:
            content["customer_id"] = [f"{number}.0" if "point" in written else f" {number} " for number in numbers]
        if table == "labels" and "Parquet" in written:
            path.unlink()
            content.astype({"customer_id": float}).to_parquet(path.with_suffix(".parquet"))
        else:
            content.to_csv(path, index=False)
    assert club.ratchet("data", "check", str(club.raw), FIRST).code == 0


@pytest.mark.parametrize("kind", ["category", "string", "object"])
def test_a_category_of_digits_in_parquet_is_a_category(club: Club, kind: str) -> None:
    path = club.raw / FIRST / "customers.csv"
    plans = pd.Series([str(1 + row % 8) for row in range(ROWS)], dtype=kind)
    pd.read_csv(path).assign(plan=plans).to_parquet(path.with_suffix(".parquet"), index=False)
    path.unlink()
    club.project.write_text(TEXT.replace("categories: [pro, max]", 'categories: ["1", "2", "3", "4", "5", "6", "7", "8"]'))
    assert club.ratchet("data", "check", str(club.raw), FIRST).code == 0
