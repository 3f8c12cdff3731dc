"""`ratchet init`: what it writes loads, and validates the data that it came from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ratchet.core.errors import DataError
from ratchet.core.holdout import held_out
from ratchet.core.schema import DType
from ratchet.project.file import Project, load_project
from ratchet.sources.folder import TableSource
from ratchet.sources.generator.snapshots import generate
from ratchet.sources.guess.holdout import choose
from ratchet.sources.guess.project import describe, guess
from tests.support.shop import SHOP, put, put_parquet, tables
from tests.support.streamflow import real_data, streamflow


def loaded(text: str, root: Path) -> Project:
    path = root / "ratchet.yaml"
    path.write_text(text, encoding="utf-8")
    return load_project(path)


def telco(folder: Path, rows: int = 200) -> Path:
    """One folder with what data in the wild has: an id, dates, free text, constants, nulls, odd names."""
    rng = np.random.default_rng(5)
    keys = [f"K-{number:04d}" for number in range(rows)]
    accounts = pd.DataFrame(
        {
            "account_id": keys,
            "opened": pd.date_range("2020-01-01", periods=rows).strftime("%Y-%m-%d"),
            "comment": [f"said {value}" for value in rng.random(rows)],
            "country": "CH",
            "tier": rng.choice(["No", "None", "gold: 1", "#2"], rows),
            "balance": rng.normal(0, 100, rows).round(2),
            "active": rng.choice(["True", "False", ""], rows),
            "odd name": rng.random(rows),
            "empty": "",
        }
    )
    usage = pd.DataFrame({"account_id": keys[::-1], "calls": rng.integers(0, 40, rows), "balance": rng.random(rows)})
    churn = pd.DataFrame({"account_id": keys, "churned": rng.choice([0, 1], rows), "reason": rng.choice(["a", "b"], rows)})
    return put(folder, {"accounts": accounts, "churn": churn, "usage": usage})


def test_the_text_loads_and_validates_the_data_that_it_came_from(tmp_path: Path) -> None:
    telco(tmp_path / "data" / "first")
    project = loaded(describe(tmp_path / "data"), tmp_path)
    assert (project.entity, project.label.table, project.label.name) == ("account_id", "churn", "churned")
    assert project.tables == ("accounts", "churn", "usage")
    assert TableSource(tmp_path / "data", project).check("first") == []


def test_types_ranges_and_categories_are_guessed(tmp_path: Path) -> None:
    project = loaded(describe(telco(tmp_path / "2024-05-31")), tmp_path)
    found = {column.name: column for column in project.features}
    assert {name: column.dtype for name, column in found.items()} == {
        "opened": DType.DATE,
        "tier": DType.CATEGORY,
        "balance": DType.FLOAT,
        "active": DType.BOOL,
        "odd_name": DType.FLOAT,
        "calls": DType.INT,
        "usage_balance": DType.FLOAT,
    }
    assert {name: column.header for name, column in found.items() if column.header != name} == {
        "odd_name": "odd name",
        "usage_balance": "balance",
    }
    assert {column.on_unknown for column in project.features} == {"missing"}
    assert set(found["tier"].categories or ()) >= {"No", "gold: 1", "#2"}
    low, high = found["balance"].range or (0, 0)
    assert low < -300
    assert high > 300
    assert found["calls"].range == (0, 100)
    assert found["active"].nullable
    assert 0.4 < found["active"].max_null_share < 1
    assert not found["calls"].nullable


def test_what_is_left_out_is_said_with_the_reason(tmp_path: Path) -> None:
    text = describe(telco(tmp_path / "data"))
    for note in (
        "accounts.comment: free text or an id: 200 different values",
        "accounts.country: every value is 'CH'",
        "accounts.empty: it has no values",
        "churn.reason: it comes with the label",
    ):
        assert f"#   {note}" in text


def test_all_defaults_are_shown_as_comments(tmp_path: Path) -> None:
    text = describe(telco(tmp_path / "data", rows=1200))
    for line in ("#     confidence: 0.98", "#     drift_share: 0.02", "#   window: 1", "# serving:"):
        assert f"\n{line}\n" in text
    uncommented = "\n".join(line.removeprefix("# ") for line in text.split("# What follows are the defaults")[1].splitlines()[1:])
    assert loaded(text.split("# What follows")[0] + uncommented, tmp_path) == loaded(text, tmp_path)


def test_a_new_project_makes_candidates_of_several_windows_each_month_and_says_why(tmp_path: Path) -> None:
    text = describe(telco(tmp_path / "data", rows=1200))
    project = loaded(text, tmp_path)
    assert (project.policy.retrain[0], project.training.recipes, project.policy.gate.min_delta) == ("always", (1, 2, 12), 0.005)
    assert "\n  retrain: [always, performance, live, drift, features, age] # every labelled snapshot makes candidates" in text


def labelled(folder: Path, rows: int, positives: int) -> Path:
    keys = [f"K{number}" for number in range(rows)]
    facts = pd.DataFrame({"id": keys, "calls": np.arange(rows) % 37, "spend": np.arange(rows) * 1.5})
    return put(folder, {"facts": facts, "label": pd.DataFrame({"id": keys, "left": np.arange(rows) < positives})})


@pytest.mark.parametrize(
    ("rows", "positives", "share", "min_rows", "min_per_class"),
    [
        (5000, 1000, 0.2, 200, 30),
        (1000, 250, 0.25, 200, 30),  # at a share of 0.2 it is a coin's toss whether 200 are held out
        (4000, 160, 0.3, 200, 30),  # by the rarer label
        (400, 100, 0.4, 130, 25),
        (100, 20, 0.4, 50, 10),
    ],
)
def test_share_and_minima_are_chosen_from_rows_and_label_rate(
    tmp_path: Path, rows: int, positives: int, share: float, min_rows: int, min_per_class: int
) -> None:
    found = guess(labelled(tmp_path / "data" / "2024-05-31", rows, positives))
    project = loaded(found.text, tmp_path)
    gate = project.policy.gate
    assert (project.holdout.share, gate.min_rows, gate.min_per_class) == (share, min_rows, min_per_class)
    assert (
        f"# of {rows:,} labelled rows ({positives / rows:.1%} of the rarer label) about {rows * share:,.0f} are held out"
        in found.text
    )
    lowered = (min_rows, min_per_class) != (200, 30)
    assert ("lowered from 200 and 30 for so few rows" in found.text) is lowered
    assert bool(found.held.lowered) is lowered
    before, _, after = found.text.partition("# What follows are the defaults")
    uncommented = "\n".join(line.removeprefix("# ") for line in after.splitlines()[1:])
    assert loaded(before + uncommented, tmp_path) == project


@pytest.mark.parametrize(("rows", "positives"), [(1000, 250), (4000, 160), (400, 100), (250, 60)])
def test_who_is_held_out_by_whatever_salt_is_enough_to_judge_by(rows: int, positives: int) -> None:
    found = choose(rows, positives)
    labels = np.arange(rows) < positives
    enough = 0
    for salt in range(200):
        inside = held_out(f"s{salt}", found.share, [f"u{number}" for number in range(rows)])
        enough += inside.sum() >= found.min_rows and labels[inside].sum() >= found.min_per_class
    assert enough >= 196


def test_folders_named_by_date_need_no_dates_and_others_get_a_guess(tmp_path: Path) -> None:
    telco(tmp_path / "dated" / "2024-05-31")
    assert "snapshots:" not in describe(tmp_path / "dated")
    for name in ("m1", "m2"):
        telco(tmp_path / "named" / name)
    project = loaded(describe(tmp_path / "named"), tmp_path)
    assert [day.isoformat() for day in project.snapshots.values()] == ["2024-01-31", "2024-02-29"]


def test_a_month_whose_labels_have_not_come_does_not_hide_the_label(tmp_path: Path) -> None:
    telco(tmp_path / "data" / "a")
    (tmp_path / "data" / "a" / "churn.csv").unlink()
    telco(tmp_path / "data" / "b")
    assert loaded(describe(tmp_path / "data"), tmp_path).label.name == "churned"


def test_options_decide_what_cannot_be_guessed(tmp_path: Path) -> None:
    content = tables(100)
    put_parquet(tmp_path / "data" / "may", content)
    with pytest.raises(DataError, match="--label"):
        describe(tmp_path / "data", label="nothing")
    project = loaded(describe(tmp_path / "data", entity="customer", label="left", model="mine"), tmp_path)
    assert (project.model, project.entity, project.label.name) == ("mine", "customer", "left")
    assert TableSource(tmp_path / "data", project.model_copy(update={"snapshots": SHOP.snapshots})).check("may") == []


def no_keys(folder: Path) -> None:
    """One table of equal rows."""
    for path in folder.iterdir():
        path.unlink()
    (folder / "usage.csv").write_text("other\n1\n1\n", encoding="utf-8")


def nameless(folder: Path) -> None:
    """The label's table and column are named like nothing that is a label."""
    text = (folder / "churn.csv").read_text(encoding="utf-8").replace("churned", "flag").replace("reason", "remark")
    (folder / "churn.csv").unlink()
    (folder / "stays.csv").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda folder: [path.unlink() for path in folder.iterdir()], "holds neither tables"),
        (no_keys, "key cannot be guessed: usage.other repeats: 1 of its values"),
        (nameless, "label cannot be guessed: no table named .* of two values are accounts.active"),
        (lambda folder: (folder / "usage.csv").write_bytes(b""), "usage.csv is empty"),
        (lambda folder: (folder / "usage.csv").write_text("account_id,x\n"), "usage.csv has no rows"),
        (lambda folder: (folder / "my usage.csv").write_text("account_id,x\n"), "my usage.csv has no rows"),
        (lambda folder: (folder / "usage.parquet").write_bytes(b"junk"), "both usage.csv and usage.parquet"),
        (lambda folder: [(folder / f"{name}.csv").unlink() for name in ("usage", "churn")], "no table named .* accounts.active"),
    ],
)
def test_data_that_cannot_be_described_gets_a_sentence(tmp_path: Path, change: object, sentence: str) -> None:
    folder = telco(tmp_path / "data")
    assert callable(change)
    change(folder)
    with pytest.raises(DataError, match=sentence):
        describe(tmp_path / "data")


def test_a_folder_that_is_not_there_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: No such file"):
        describe(tmp_path / "nowhere")


def test_generated_streamflow_is_described_as_the_project_has_it(tmp_path: Path) -> None:
    expected = streamflow()
    generate(expected, tmp_path / "data", "month_000", users=2000)
    project = loaded(describe(tmp_path / "data"), tmp_path)
    found = {column.name: column for column in project.features}
    assert (project.entity, project.label) == (expected.entity, expected.label)
    for column in expected.columns:
        assert found[column.name].dtype is column.dtype
        assert found[column.name].nullable == column.nullable
        assert set(found[column.name].categories or ()) == set(column.categories or ())


def test_the_real_data_is_described_and_validates(tmp_path: Path) -> None:
    folder = real_data()
    if folder is None:  # the generated month stands in
        return
    project = loaded(describe(folder), tmp_path)
    source = TableSource(folder, project)
    assert [source.check(name) for name in source.names()] == [[]] * len(source.names())
