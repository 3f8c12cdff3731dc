"""`ratchet data check --learn`: the change to ratchet.yaml as a diff that keeps every comment, or a sentence where it cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.errors import ProjectError
from ratchet.project import yaml_text
from ratchet.project.file import Project, load_project
from ratchet.sources.folder import TableSource
from ratchet.sources.learn.changes import Change, applied, changes
from ratchet.sources.learn.edited import difference, edited
from ratchet.sources.learn.project_file import learn, written
from ratchet.sources.problems import Lesson, Problem

MONTH = "2024-02-29"
ROWS = 200
FLOW = """\
# read every line
model: own # the model
entity: id
tables: [people, visits, out] # three
label: {column: left, table: out} # who left
features: # inputs
  - {name: age, table: people, dtype: int, range: [18, 90]} # years
  - {name: plan, table: people, dtype: category, categories: [Basic, "No"]}   # what they pay
  - {name: fee, table: people, dtype: float}
  - {name: calls, table: visits, dtype: int, nullable: true, max_null_share: 0.1}
  - {name: joined, table: people, dtype: date, range: [0, 3000]}
holdout: {salt: s} # never change
"""
BLOCK = """\
model: own
entity: id
tables:
- people   # the list
- visits
- name: out
label:
  column: left   # who left
  table: out
features:
- name: age
  table: people
  dtype: int
  range:
  - 18   # grown up
  - 90

  # money
- name: plan
  table: people
  dtype: category
  categories:
    - Basic   # the cheap one
    - "No"
    # no more yet
- table: people
  name: fee
  dtype: float # in EUR
- {name: calls, table: visits, dtype: int,
   nullable: true, # may be
   max_null_share: 0.1,
  }
- name: joined
  table: people
  dtype: date
  range: [0, 3000]
holdout:
  salt: s"""
STYLES = {
    "flow": FLOW,
    "block": BLOCK,
    "windows": BLOCK.replace("\n", "\r\n"),
    "bom": "\ufeff" + FLOW,
    "document": f"---\n{FLOW}...\n",
}


def month() -> dict[str, pd.DataFrame]:
    ids = [f"u{row}" for row in range(ROWS)]
    people = {"id": ids, "age": [20 + row % 60 for row in range(ROWS)], "plan": ["Basic", "No"] * (ROWS // 2), "fee": 1.5}
    return {
        "people": pd.DataFrame({**people, "joined": "2024-01-01"}, dtype=object),
        "visits": pd.DataFrame({"id": ids, "calls": 1}, dtype=object),
        "out": pd.DataFrame({"id": ids, "left": [row % 4 == 0 for row in range(ROWS)]}, dtype=object),
    }


def bad_month() -> dict[str, pd.DataFrame]:
    """A finding of every kind that can be learnt."""
    tables = month()
    people = tables["people"]
    people.loc[0, "age"], people.loc[1, "age"] = -1, 104
    people.loc[[2, 3, 4], "plan"] = ["Max: #1", "yes", "Max: #1"]
    people.loc[5, "fee"] = "free"
    people.loc[6, "fee"] = None
    people.loc[7, "joined"] = "2024-03-05"
    tables["visits"] = tables["visits"].head(150)
    tables["visits"].loc[:40, "calls"] = None
    tables["out"] = pd.concat([tables["out"], pd.DataFrame({"id": ["x1"], "left": [True]})])
    return tables


def put(root: Path, tables: dict[str, pd.DataFrame]) -> Path:
    (root / MONTH).mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(root / MONTH / f"{name}.csv", index=False)
    return root


def described(root: Path, text: str) -> tuple[Path, Project]:
    path = root / "ratchet.yaml"
    path.write_bytes(text.encode())
    return path, load_project(path)


@pytest.mark.parametrize("style", STYLES)
def test_what_is_learnt_lets_the_month_in_and_leaves_every_other_character(tmp_path: Path, style: str) -> None:
    path, project = described(tmp_path, STYLES[style])
    data = put(tmp_path / "data", bad_month())
    problems = TableSource(data, project).check(MONTH)
    assert len(problems) == 8
    learnt = learn(path, project, problems)
    assert TableSource(data, learnt.project).check(MONTH) == []
    age, plan, fee, calls, joined = learnt.project.features
    assert age.range == (-1, 104)
    assert plan.categories == ("Basic", "No", "Max: #1", "yes")
    assert (fee.on_unknown, fee.nullable) == ("missing", True)
    assert calls.max_null_share == 0.28
    assert joined.range == (-5, 3000)
    assert learnt.project.table("visits").optional
    assert learnt.project.label.on_unknown == "missing"
    comments = [part for part in STYLES[style].split() if part.startswith("#")]
    assert [part for part in learnt.after.split() if part.startswith("#") and not part.startswith("#1")] == comments
    assert learnt.before == path.read_bytes().decode() == STYLES[style], "nothing is written"
    removed = [line for line in learnt.difference.splitlines() if line.startswith("-") and not line.startswith("---")]
    assert all(line[1:] in STYLES[style].splitlines() for line in removed)
    written(path, learnt)
    assert load_project(path) == learnt.project


def test_a_diff_names_file_and_lines(tmp_path: Path) -> None:
    path, project = described(tmp_path, FLOW)
    tables = month()
    tables["people"].loc[0, "age"] = 91
    found = learn(path, project, TableSource(put(tmp_path / "data", tables), project).check(MONTH))
    assert found.difference.splitlines()[:2] == ["--- ratchet.yaml", "+++ ratchet.yaml"]
    assert "-  - {name: age, table: people, dtype: int, range: [18, 90]} # years" in found.difference
    assert "+  - {name: age, table: people, dtype: int, range: [18, 91]} # years" in found.difference
    no_end = "\\ No newline at end of file"
    assert difference("a", "a\u2028\nb", "x").split("\n")[3:-1] == ["-a", no_end, "+a\u2028", "+b", no_end]


def test_what_is_learnt_is_held_against_tables_as_prepare_makes_them(tmp_path: Path) -> None:
    (tmp_path / "learn_prepare.py").write_text(
        'def prepare(tables):\n    people = tables["people"]\n    people["age"] = 2024 - people.pop("born")\n    return tables\n'
    )
    path, project = described(tmp_path, FLOW + "prepare: learn_prepare:prepare\n")
    tables = month()
    tables["people"].loc[0, "age"] = 91
    tables["people"]["born"] = 2024 - tables["people"].pop("age").astype(int)
    data = put(tmp_path / "data", tables)
    found = learn(path, project, TableSource(data, project).check(MONTH))
    assert found.project.features[0].range == (18, 91)
    assert TableSource(data, found.project).check(MONTH) == []


def test_nothing_wrong_teaches_nothing(tmp_path: Path) -> None:
    path, project = described(tmp_path, FLOW)
    found = learn(path, project, TableSource(put(tmp_path / "data", month()), project).check(MONTH))
    assert (found.difference, found.after, found.project) == ("", FLOW, project)


def test_what_nobody_may_learn_is_left(tmp_path: Path) -> None:
    path, project = described(tmp_path, FLOW)
    tables = month()
    tables["people"] = tables["people"].drop(columns=["fee"])
    tables["people"].loc[1, "id"] = "u0"
    tables["people"]["plan"] = None
    tables["out"]["left"] = "maybe"
    found = learn(path, project, TableSource(put(tmp_path / "data", tables), project).check(MONTH))
    added = " ".join(line for line in found.difference.splitlines() if line.startswith("+"))
    assert not any(word in added for word in ("fee", "plan", "positive", "nullable"))


def test_findings_of_several_months_are_one_change(tmp_path: Path) -> None:
    _, project = described(tmp_path, FLOW)
    problems = [
        Problem("people", "age", "x", lesson=Lesson("range", (5, 95))),
        Problem("people", "age", "x", lesson=Lesson("range", (17, 99))),
        Problem("people", "plan", "x", lesson=Lesson("categories", ("A", "B"))),
        Problem("people", "plan", "x", lesson=Lesson("categories", ("B", "C"))),
        Problem("people", "fee", "x", lesson=Lesson("on_unknown", (0.001,))),
        Problem("people", "fee", "x", lesson=Lesson("on_unknown", (0.0211,))),
    ]
    assert changes(project, problems) == [
        Change("column", "age", "range", [5, 99]),
        Change("column", "plan", "categories", ["A", "B", "C"]),
        Change("column", "fee", "on_unknown", "missing"),
        Change("column", "fee", "max_unknown_share", 0.03),
    ]
    many = Problem("people", "plan", "x", lesson=Lesson("categories", tuple(f"c{at}" for at in range(200))))
    assert changes(project, [many]) == [Change("column", "plan", "on_unknown", "missing")]


HOSTILE = {
    "an alias of a column": FLOW.replace("range: [18, 90]", "range: &r [18, 90]").replace("range: [0, 3000]", "range: *r"),
    "a merged column": "base: &b {table: people, range: [18, 90]}\n"
    + FLOW.replace("{name: age, table: people, dtype: int, range: [18, 90]}", "{<<: *b, name: age, dtype: int}"),
    "one list for two": FLOW.replace("features: # inputs", "slices: &f []\nfeatures: # inputs"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_is_changed_rightly_or_not_at_all(name: str) -> None:
    text = HOSTILE[name]
    change = Change("column", "age", "range", [-1, 104])
    try:
        made = edited(text, [change])
    except ProjectError as error:
        assert "change age by hand: range: [-1, 104]" in str(error)  # noqa: PT017 - either way is right
        return
    assert yaml_text.loads(made) == applied(yaml_text.loads(text), [change])


def test_an_alias_is_never_changed_with_what_it_names() -> None:
    with pytest.raises(ProjectError, match=r"change age by hand: range: \[-1, 104\]"):
        edited(HOSTILE["an alias of a column"], [Change("column", "age", "range", [-1, 104])])


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4, unique=True), st.sampled_from(sorted(STYLES)))
@settings(max_examples=150, deadline=None)
def test_any_category_is_written_as_itself_or_refused(names: list[str], style: str) -> None:
    change = Change("column", "plan", "categories", names)
    try:
        made = edited(STYLES[style], [change])
    except ProjectError:
        assert any(not all(character.isprintable() for character in name) for name in names)
        return
    assert yaml_text.loads(made) == applied(yaml_text.loads(STYLES[style]), [change])


WORDS = st.text("abcxyz -_#:,'\"[]{}&*!|>%@`?\t\\ä€", min_size=1, max_size=8)


def documents() -> st.SearchStrategy[dict[str, Any]]:
    column = st.fixed_dictionaries(
        {"name": st.just("age"), "table": WORDS},
        optional={
            "categories": st.lists(WORDS, min_size=1, max_size=3),
            "range": st.tuples(st.integers(), st.floats(-5, 5)).map(list),
        },
    )
    other = st.fixed_dictionaries({"name": WORDS, "table": WORDS})
    return st.fixed_dictionaries(
        {
            "features": st.tuples(other, column, other).map(list),
            "holdout": st.just({"salt": "s"}),
            "tables": st.just(["a", "visits"]),
        }
    )


@given(documents(), st.sampled_from([True, False, None]), st.integers(20, 200))
@settings(max_examples=200, deadline=None)
def test_whatever_way_yaml_is_laid_out_a_change_is_right_or_refused(content: dict[str, Any], flow: Any, width: int) -> None:
    text = yaml.safe_dump(content, default_flow_style=flow, width=width, allow_unicode=True, sort_keys=False)
    found = [
        Change("column", "age", "nullable", value=True),
        Change("column", "age", "range", [-1, 2.5]),
        Change("table", "visits", "optional", value=True),
    ]
    for change in found:
        try:
            made = edited(text, [change])
        except ProjectError as error:
            assert "by hand" in str(error)  # noqa: PT017 - either way is right
            continue
        assert yaml_text.loads(made) == applied(yaml_text.loads(text), [change])
        assert len(made.splitlines()) - len(text.splitlines()) in {0, 1}


def test_a_file_that_changed_meanwhile_is_left(tmp_path: Path) -> None:
    path, project = described(tmp_path, FLOW)
    found = learn(path, project, [Problem("people", "age", "x", lesson=Lesson("range", (5, 95)))])
    path.write_text(FLOW + "# mine\n")
    with pytest.raises(ProjectError, match="was changed meanwhile"):
        written(path, found)
    assert path.read_text() == FLOW + "# mine\n"
    path.write_text(FLOW)
    path.chmod(0o600)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    written(link, found)
    assert (link.is_symlink(), path.stat().st_mode & 0o777) == (True, 0o600)
    assert load_project(path).features[0].range == (5, 95)
