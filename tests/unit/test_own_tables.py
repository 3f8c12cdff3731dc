"""Tables as people have them: any header, one flat table, labels in words, tables without some entities, keys in two spellings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ratchet.core.errors import DataError, ProjectError
from ratchet.project.file import Project, load_project
from ratchet.sources.folder import TableSource

ROWS = 40
MONTH = "2024-05-31"


def project(**keys: Any) -> Project:
    facts: dict[str, Any] = {
        "model": "own",
        "entity": "customer",
        "tables": ["customers", "labels"],
        "label": {"column": "churned", "table": "labels"},
        "features": [{"name": "age", "table": "customers", "dtype": "int"}],
        "holdout": {"salt": "s"},
        "policy": {"data": {"min_rows": 5}},
    }
    return Project.model_validate({**facts, **keys})


def people(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"customer": [f"C{row:03d}" for row in range(ROWS)], "age": range(20, 20 + ROWS), **columns}, dtype=object)


def labels(values: list[Any] | None = None) -> pd.DataFrame:
    known = [row % 4 == 0 for row in range(ROWS)] if values is None else values
    return pd.DataFrame({"customer": [f"C{row:03d}" for row in range(len(known))], "churned": pd.Series(known, dtype=object)})


def source(root: Path, described: Project, kind: str = "csv", **tables: pd.DataFrame) -> TableSource:
    (root / MONTH).mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        path = root / MONTH / f"{name}.{kind}"
        if kind == "csv":
            table.to_csv(path, index=False)
        else:
            table.convert_dtypes().to_parquet(path, index=False)
    return TableSource(root, described)


def sentences(found: TableSource, described: Project) -> list[str]:
    return [problem.sentence(described.entity) for problem in found.check(MONTH)]


NOT_STAYED = (False, True)
HEADERS = ["mean radius", "home.dest", "größe", "2nd visit (€)", "a-b", "  ", 'say "x", y', "zeile\numbruch"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_any_header_is_read_under_the_name_that_we_give_it(tmp_path: Path, kind: str) -> None:
    table = people(**dict.fromkeys(HEADERS, 1.5)).rename(columns={"customer": "Customer ID"})
    described = project(
        entity={"name": "customer", "column": "Customer ID"},
        tables=["customers", {"name": "labels", "key": "Cust.-Nr"}],
        label={"column": "left us?", "name": "churned", "table": "labels"},
        features=[
            {"name": f"f{at}", "column": header, "table": "customers", "dtype": "float"} for at, header in enumerate(HEADERS)
        ],
    )
    late = labels().rename(columns={"customer": "Cust.-Nr", "churned": "left us?"})
    raw = source(tmp_path, described, kind, customers=table, labels=late).read(MONTH)
    assert raw.features.columns.tolist() == ["customer", *(f"f{at}" for at in range(len(HEADERS)))]
    assert raw.features["f7"].tolist() == [1.5] * ROWS
    assert raw.labels is not None
    assert raw.labels.columns.tolist() == ["customer", "churned"]
    assert raw.labels["churned"].sum() == ROWS // 4


def test_a_header_that_is_missing_is_named_as_the_file_would_have_it(tmp_path: Path) -> None:
    described = project(
        entity={"name": "customer", "column": "Customer ID"},
        features=[{"name": "age", "column": "Age (years)", "table": "customers", "dtype": "int"}],
    )
    found = sentences(source(tmp_path, described, customers=people(), labels=labels()), described)
    assert "customers.customer: the column 'Customer ID' is missing from customers.csv" in found
    assert "customers.age: the column 'Age (years)' is missing from customers.csv" in found


def test_two_tables_may_have_a_column_of_one_name(tmp_path: Path) -> None:
    described = project(
        tables=["customers", "usage", "labels"],
        features=[
            {"name": "total", "table": "customers", "dtype": "int"},
            {"name": "usage_total", "column": "total", "table": "usage", "dtype": "int"},
        ],
    )
    usage = people(total=2)[["customer", "total"]]
    raw = source(tmp_path, described, customers=people(total=1), usage=usage, labels=labels()).read(MONTH)
    assert (set(raw.features["total"]), set(raw.features["usage_total"])) == ({1}, {2})


def test_a_table_is_read_from_the_file_that_it_names(tmp_path: Path) -> None:
    described = project(tables=[{"name": "customers", "file": "customer-info 2"}, "labels"])
    found = source(tmp_path, described, labels=labels())
    people().to_csv(tmp_path / MONTH / "customer-info 2.csv", index=False)
    before = found.fingerprint(MONTH)
    assert found.read(MONTH).snapshot.rows == ROWS
    people(more=1).to_csv(tmp_path / MONTH / "customer-info 2.csv", index=False)
    assert found.fingerprint(MONTH) != before
    (tmp_path / MONTH / "customer-info 2.csv").unlink()
    with pytest.raises(DataError, match=r"customers: the table is missing: neither customer-info 2\.csv nor"):
        found.read(MONTH)


@pytest.mark.parametrize("file", ["../customers", "a/b", "a\\b", ".hidden", "", "a\nb"])
def test_a_file_is_a_name_and_no_path(file: str) -> None:
    with pytest.raises(ValueError, match="file"):
        project(tables=[{"name": "customers", "file": file}, "labels"])


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_one_flat_table_brings_features_and_labels(tmp_path: Path, kind: str) -> None:
    described = project(tables=["customers"], label={"column": "churned", "table": "customers"})
    known = [None if row % 2 else row % 4 == 0 for row in range(ROWS)]
    found = source(tmp_path, described, kind, customers=people(churned=known))
    raw = found.read(MONTH)
    assert raw.features.columns.tolist() == ["customer", "age"]
    assert (raw.snapshot.rows, raw.snapshot.labelled_rows) == (ROWS, ROWS // 2)
    assert raw.labels is not None
    assert raw.labels["churned"].tolist() == [1, 0] * (ROWS // 4)
    assert found.has_labels(MONTH)
    again = source(tmp_path, described, kind, customers=people(churned=[None] * ROWS)).read(MONTH)
    assert again.labels is None
    assert again.snapshot.features_hash == raw.snapshot.features_hash


def test_a_flat_table_without_its_labels_column_is_a_month_whose_labels_have_not_come(tmp_path: Path) -> None:
    described = project(tables=["customers"], label={"column": "churned", "table": "customers"})
    raw = source(tmp_path, described, customers=people()).read(MONTH)
    assert raw.labels is None
    assert raw.notes == ("customers: customers.csv has no column 'churned', so no label has come",)


def test_a_label_table_with_features_of_its_own_has_everybody(tmp_path: Path) -> None:
    described = project(
        features=[{"name": "age", "table": "customers", "dtype": "int"}, {"name": "late", "table": "labels", "dtype": "int"}]
    )
    late = labels().assign(late=3)
    assert set(source(tmp_path, described, customers=people(), labels=late).read(MONTH).features["late"]) == {3}
    found = sentences(source(tmp_path, described, customers=people(), labels=late.head(30)), described)
    assert found == ["labels: 10 entities of customers missing, as for customer C030, C031, C032"]


def test_no_feature_reads_the_labels_column_and_some_table_lists_everybody() -> None:
    with pytest.raises(ValueError, match="age is the label's own column 'churned'"):
        project(
            tables=["customers"],
            label={"column": "churned", "table": "customers"},
            features=[{"name": "age", "column": "churned", "table": "customers", "dtype": "int"}],
        )
    with pytest.raises(ValueError, match="no table lists the entities"):
        project(tables=[{"name": "customers", "optional": True}, "labels"])


def in_words(yes: Any, no: Any) -> list[Any]:
    return [yes if row % 4 == 0 else no for row in range(ROWS)]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("values", "positive"),
    [
        (in_words("Yes", "No"), "Yes"),
        (in_words(" Yes", "No "), "Yes"),
        (in_words("Yes", "No"), " Yes "),
        (in_words("bad", "good"), "bad"),
        (in_words(2, 1), 2),
        (in_words(2, 1), "2.0"),
        (in_words(2.0, 1.0), 2),
        (in_words(*NOT_STAYED), False),
        (in_words("None", "Some"), "None"),
        (in_words("ja", "nein"), "ja"),
        (in_words("Yes", "No"), True),  # what YAML makes of an unquoted Yes
        (in_words("off", "on"), False),
    ],
)
def test_the_label_is_one_where_the_positive_value_stands(tmp_path: Path, kind: str, values: list[Any], positive: Any) -> None:
    described = project(label={"column": "churned", "table": "labels", "positive": positive})
    raw = source(tmp_path, described, kind, customers=people(), labels=labels(values)).read(MONTH)
    assert raw.labels is not None
    assert raw.labels["churned"].tolist() == [int(row % 4 == 0) for row in range(ROWS)]
    assert raw.labels["churned"].dtype == "int8"
    assert raw.notes == ()


def test_yaml_says_yes_and_means_the_file_does(tmp_path: Path) -> None:
    text = """
model: own
entity: customer
tables: [customers, labels]
label: {column: churned, table: labels, positive: Yes}
features: [{name: age, table: customers, dtype: int}]
holdout: {salt: s}
policy: {data: {min_rows: 5}}
"""
    (tmp_path / "ratchet.yaml").write_text(text)
    described = load_project(tmp_path / "ratchet.yaml")
    raw = source(tmp_path, described, customers=people(), labels=labels(in_words("Yes", "No"))).read(MONTH)
    assert raw.labels is not None
    assert raw.labels["churned"].sum() == ROWS // 4
    (tmp_path / "ratchet.yaml").write_text(text.replace("positive: Yes", "positive: [Yes]"))
    with pytest.raises(ProjectError, match=r"label\.positive"):
        load_project(tmp_path / "ratchet.yaml")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_labels_that_have_not_come_are_no_third_value(tmp_path: Path, kind: str) -> None:
    described = project(label={"column": "churned", "table": "labels", "positive": "Yes"})
    values: list[Any] = ["Yes", None, "No", *["No"] * 5, None]
    raw = source(tmp_path, described, kind, customers=people(), labels=labels(values)).read(MONTH)
    assert raw.labels is not None
    assert raw.labels["customer"].tolist() == ["C000", *(f"C{row:03d}" for row in range(2, 8))]
    nothing = source(tmp_path, described, kind, customers=people(), labels=labels([None] * 9)).read(MONTH)
    assert nothing.labels is None


@pytest.mark.parametrize(
    ("values", "positive", "said"),
    [
        (
            ["Yes"] * 3 + ["No"] * 2 + ["Maybe"],
            "Yes",
            "a binary label has two values, and here are 3: 'Yes' (3), 'No' (2), 'Maybe' (1)",
        ),
        (["yes", "Yes", "No"], "Yes", "a binary label has two values, and here are 3: 'yes' (1), 'Yes' (1), 'No' (1)"),
        (["No"] * 3 + ["Yes"] * 2, "ja", "none is 'ja', which label.positive names; there are 'No' (3), 'Yes' (2)"),
        (["yes"] * 3, "Yes", "none is 'Yes', which label.positive names; there are 'yes' (3)"),
        ([1] * 3, "Yes", "none is 'Yes', which label.positive names; there are '1' (3): write 'Yes' or 0"),
        ([True] * 3, "gone", "there are 'true' (3): write 'gone' or 0"),
        (["good"] * 3, "bad", "there are 'good' (3): write 'bad' or 0"),
        ([0] * 3, "No", "there are '0' (3)"),
        ([1] * 3, 2, "there are '1' (3): write '2' or 0"),
        ([0.5 * row for row in range(7)], "1", "and here are 7: '0' (1), '0.5' (1), '1' (1), '1.5' (1), '2' (1) and 2 more"),
    ],
)
def test_values_that_are_no_binary_label_are_named_with_their_counts(
    tmp_path: Path, values: list[Any], positive: str, said: str
) -> None:
    described = project(label={"column": "churned", "table": "labels", "positive": positive})
    found = sentences(source(tmp_path, described, customers=people(), labels=labels(values)), described)
    assert len(found) == 1
    assert found[0].startswith("labels.churned: ")
    assert said in found[0]


def test_a_month_without_any_positive_label_is_taken_with_a_word(tmp_path: Path) -> None:
    described = project(label={"column": "churned", "table": "labels", "positive": "Yes"})
    raw = source(tmp_path, described, customers=people(), labels=labels(["No"] * ROWS)).read(MONTH)
    assert raw.notes == ("labels.churned: no label is 'Yes', which label.positive names; there are 'No' (40)",)
    assert raw.labels is not None
    assert raw.labels["churned"].sum() == 0


@pytest.mark.parametrize(
    ("value", "positive"),
    [("Yes", "No"), (True, False), (1, 0), ("on", "off"), ("n", "y"), (-1, 1), ("0", "bad"), ("not gone", "gone")],
)
def test_one_value_is_0_where_it_denies_the_positive_one(tmp_path: Path, value: Any, positive: Any) -> None:
    described = project(label={"column": "churned", "table": "labels", "positive": positive})
    raw = source(tmp_path, described, customers=people(), labels=labels([value] * ROWS)).read(MONTH)
    assert raw.labels is not None
    assert raw.labels["churned"].sum() == 0
    assert "no label is " in raw.notes[0]


def test_labels_in_words_say_which_key_names_the_positive_one(tmp_path: Path) -> None:
    found = source(tmp_path, project(), customers=people(), labels=labels(in_words("Yes", "No"))).check(MONTH)
    assert [problem.problem for problem in found] == ["40 values are not bool (true, false, 1 or 0)"]
    assert found[0].hint == "`positive:` of the label names the value that counts as 1, where the two are words"
    assert found[0].tally == (("No", 30), ("Yes", 10))


def with_tickets(**keys: Any) -> Project:
    return project(
        tables=["customers", {"name": "tickets", "optional": True}, "labels"],
        features=[
            {"name": "age", "table": "customers", "dtype": "int"},
            {"name": "tickets", "table": "tickets", "dtype": "int", **keys},
            {"name": "cost", "table": "tickets", "dtype": "float"},
            {"name": "topic", "table": "tickets", "dtype": "category"},
            {"name": "open", "table": "tickets", "dtype": "bool"},
            {"name": "last", "table": "tickets", "dtype": "date"},
        ],
    )


def tickets(rows: range) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer": [f"C{row:03d}" for row in rows],
            "tickets": list(rows),
            "cost": [row / 2 for row in rows],
            "topic": ["bill" for _ in rows],
            "open": [row % 2 == 0 for row in rows],
            "last": ["2024-05-01" for _ in rows],
        }
    )


NEW = ["tickets", "cost", "topic", "open", "last"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_who_is_not_in_an_optional_table_has_missing_values(tmp_path: Path, kind: str) -> None:
    described = with_tickets()
    some = tickets(range(0, ROWS, 3)).sample(frac=1, random_state=1)
    raw = source(tmp_path, described, kind, customers=people(), tickets=some, labels=labels()).read(MONTH)
    assert raw.snapshot.rows == ROWS
    for name in NEW:
        assert raw.features[name].isna().tolist() == [row % 3 != 0 for row in range(ROWS)]
    assert [raw.features[name][6] for name in NEW] == [6, 3.0, "bill", True, 30]
    assert raw.features["topic"].tolist()[1] is None
    assert {name: str(kind) for name, kind in raw.features.dtypes.items()} == {
        "customer": "object",
        "age": "Int64",
        "tickets": "Int64",
        "cost": "float64",
        "topic": "object",
        "open": "boolean",
        "last": "Int64",
    }


def test_without_an_optional_table_all_its_values_are_missing_and_it_is_said(tmp_path: Path) -> None:
    found = source(tmp_path, with_tickets(), customers=people(), labels=labels())
    raw = found.read(MONTH)
    assert raw.features[NEW].isna().to_numpy().all()
    assert raw.notes == ("tickets: the optional table is not there, its columns are missing for every entity",)
    empty = source(tmp_path, with_tickets(), tickets=tickets(range(0)))
    assert empty.read(MONTH).snapshot.features_hash == raw.snapshot.features_hash


def test_cells_of_an_optional_table_may_be_empty_and_are_checked_else(tmp_path: Path) -> None:
    described = with_tickets(range=[0, 5])
    some = tickets(range(10)).assign(cost=None)
    found = sentences(source(tmp_path, described, customers=people(), tickets=some, labels=labels()), described)
    assert found == ["tickets.tickets: 4 values are outside 0 to 5, as for customer C006, C007, C008: '6', '7', '8'"]
    (tmp_path / MONTH / "tickets.csv").write_text("customer,tickets\nC001\n")
    assert "tickets.csv: 1 row has not 2 columns" in sentences(TableSource(tmp_path, described), described)[0]


def test_rows_of_an_optional_table_about_others_are_left_out_and_counted(tmp_path: Path) -> None:
    described = with_tickets()
    found = source(tmp_path, described, customers=people(), tickets=tickets(range(30, 60)), labels=labels())
    raw = found.read(MONTH)
    assert raw.snapshot.rows == ROWS
    assert raw.notes == ("tickets: 20 rows are of entities that customers does not have, left out",)
    respelled = tickets(range(30, 60)).assign(customer=[f"c-{row:03d}" if row < 36 else f"C{row:03d}" for row in range(30, 60)])
    raw = source(tmp_path, described, tickets=respelled).read(MONTH)
    assert "left out (spelled otherwise? 'c-030' may be 'C030' of customers" in raw.notes[0]
    strangers = source(tmp_path, described, tickets=tickets(range(50, 60)))
    with pytest.raises(DataError, match="10 rows are of entities that customers does not have"):
        strangers.read(MONTH)


def test_keys_that_differ_by_the_rule_alone_are_one_key_in_every_table(tmp_path: Path) -> None:
    described = with_tickets()
    one = people().assign(customer=list(range(ROWS)))
    two = labels().assign(customer=[f" {float(row)} " for row in range(ROWS)])
    three = tickets(range(ROWS)).assign(customer=[f"{row}\u00a0" for row in range(ROWS)])
    raw = source(tmp_path, described, customers=one, labels=two, tickets=three).read(MONTH)
    assert raw.snapshot.labelled_rows == ROWS
    assert not raw.features["tickets"].isna().any()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("C 001", "('C 001' may be 'C001' of customers: they differ by blanks)"),
        ("C1", "('C1' may be 'C001' of customers: they differ by zeros before a number)"),
        ("c001", "('c001' may be 'C001' of customers: they differ by capital letters)"),
        ("C-001", "('C-001' may be 'C001' of customers: they differ by marks)"),
    ],
)
def test_keys_that_only_look_alike_are_named_by_what_they_differ_in(tmp_path: Path, written: str, said: str) -> None:
    late = labels()
    late.loc[1, "customer"] = written
    found = sentences(source(tmp_path, project(), customers=people(), labels=late), project())
    assert len(found) == 1
    assert said.replace("('", "(spelled otherwise? '") in found[0]


def test_a_key_that_is_there_in_two_spellings_is_told_the_rule(tmp_path: Path) -> None:
    table = people().assign(customer=["1", "1.0", *range(2, ROWS)])
    found = sentences(source(tmp_path, project(), customers=table), project())
    assert "blanks around a key and the `.0` of a whole number are no part of it" in found[0]


def test_a_table_without_a_column_of_ours_may_list_the_entities(tmp_path: Path) -> None:
    described = project(
        tables=["register", {"name": "customers", "optional": True}, "labels"],
        features=[{"name": "age", "table": "customers", "dtype": "int"}],
    )
    found = source(tmp_path, described, register=people()[["customer"]], customers=people().head(10), labels=labels())
    assert found.read(MONTH).features["age"].notna().sum() == 10


def test_a_label_of_very_many_values_is_named_by_the_most_frequent(tmp_path: Path) -> None:
    described = project(label={"column": "churned", "table": "labels", "positive": "Yes"})
    keys = [f"C{row:05d}" for row in range(3000)]
    late = pd.DataFrame({"customer": keys, "churned": ["free text"] * 3 + [f"text {row}" for row in range(2997)]})
    everybody = pd.DataFrame({"customer": keys, "age": 30})
    (found,) = sentences(source(tmp_path, described, customers=everybody, labels=late), described)
    assert found.startswith("labels.churned: a binary label has two values, and here are 2,998: 'free text' (3), ")
    assert found.endswith(" and 2,993 more")
