"""Another's project from generated months to a served answer: odd headers, dates, labels in words, an optional table."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from ratchet.core.decision import Verdict
from ratchet.core.schema import column
from ratchet.drift.feature_drift import feature_drift
from ratchet.drift.profile import profile
from ratchet.project.file import load_project
from ratchet.reports.html.distributions import Histogram, distribution
from ratchet.sources.folder import TableSource
from ratchet.steps import evaluate, promote, train
from tests.support.club import Club

TEXT = """\
model: own_churn
entity: {name: customer, column: Customer ID}
tables: [{name: customers, file: customer-info}, {name: visits, optional: true, key: Cust.-Nr}, labels]
label: {column: "Left us?", name: gone, table: labels, positive: "No"}
features:
  - {name: joined, column: Joined on, table: customers, dtype: date, range: [0, 4000]}
  - {name: joined_day, column: Joined on, table: customers, dtype: date, of_date: weekday}
  - {name: born, table: customers, dtype: date, of_date: month, nullable: true}
  - {name: fee, column: "Fee (€)", table: customers, dtype: float, range: [0, 100]}
  - {name: last_visit, column: "last, visit", table: visits, dtype: date}
  - {name: plan, table: customers, dtype: category, categories: [Basic, Plus]}
slices: [{name: city, column: Größe/Ort, table: customers, dtype: category}]
holdout: {salt: own, share: 0.25}
training: {folds: 2, logistic_regression: {C: [1.0]}, hist_gradient_boosting: null}
serving: {golden_rows: 5}
"""
MONTH = "2024-03-31"
USER = "U0000001"


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> Club:
    made = Club(tmp_path_factory.mktemp("own"), text=TEXT)
    for kind, root in (("csv", made.raw), ("parquet", made.root / "parquet")):
        ran = made.ratchet("data", "generate", str(root), "--snapshot", MONTH, "--users", "2000", "--format", kind)
        assert (ran.code, ran.err) == (0, "")
    return made


def test_generated_months_have_the_projects_headers_files_dates_and_words(club: Club) -> None:
    table = pd.read_csv(club.raw / MONTH / "customer-info.csv")
    assert set(table) == {"Customer ID", "Joined on", "born", "Fee (€)", "plan", "Größe/Ort"}
    assert table["Joined on"].between("2013-01-01", MONTH).all()
    assert set(pd.read_csv(club.raw / MONTH / "labels.csv")["Left us?"]) == {"Yes", "No"}
    assert pq.read_schema(club.root / "parquet" / MONTH / "visits.parquet").names == ["Cust.-Nr", "last, visit"]


def test_csv_and_parquet_of_a_month_with_dates_are_one_snapshot(club: Club) -> None:
    project = load_project(club.project)
    one, two = (TableSource(root, project).read(MONTH) for root in (club.raw, club.root / "parquet"))
    assert one.snapshot.hash == two.snapshot.hash
    assert one.notes == two.notes == ()
    assert one.features["joined_day"].between(0, 6).all()
    assert one.features["born"].dropna().between(1, 12).all()
    days = pd.read_csv(club.raw / MONTH / "customer-info.csv").set_index("Customer ID")["Joined on"]
    asked = (pd.Timestamp(MONTH) - pd.to_datetime(days)).dt.days
    assert one.features["joined"].tolist() == asked.sort_index().tolist()


def test_bad_rows_are_made_and_found_with_odd_headers_and_dates(club: Club, tmp_path: Path) -> None:
    ran = club.ratchet("data", "generate", str(tmp_path), "--snapshot", MONTH, "--users", "500", "--bad-rows", "12")
    assert ran.code == 0
    problems = TableSource(tmp_path, load_project(club.project)).check(MONTH)
    assert sum(problem.rows for problem in problems) == 12


def test_a_model_is_trained_on_dates_and_answers_with_them(club: Club) -> None:
    with club.serving():
        assert club.ratchet("data", "ingest", str(club.raw), MONTH).code == 0
        wiring = club.wiring
        snapshot, stores = wiring.store.get(MONTH), (wiring.store, wiring.features, wiring.registry, wiring.journal)
        version = train.run(wiring.project, *stores, snapshot, say=lambda _: None)
        promote_first(club, version.number)
        answer = club.ratchet("predict", USER, "--json").document
        assert (answer["model_version"], "probability" in json.dumps(answer)) == (version.number, True)
    stored = wiring.store.columns(snapshot, ["customer", "joined", "joined_day"])
    at = stored["customer"].tolist().index(USER)
    days = pd.read_csv(club.raw / MONTH / "customer-info.csv").set_index("Customer ID")["Joined on"]
    assert stored["joined"][at] == (pd.Timestamp(MONTH) - pd.Timestamp(days[USER])).days
    assert stored["joined_day"][at] == pd.Timestamp(days[USER]).weekday()


def promote_first(club: Club, number: int) -> None:
    wiring, silent = club.wiring, lambda _: None
    snapshot = wiring.store.get(MONTH)
    said = evaluate.run(wiring.project, wiring.store, wiring.registry, wiring.journal, wiring.reports, snapshot, number, say=silent)
    assert said.decision.verdict is Verdict.PASS, said.decision
    promote.run(wiring.project, wiring.quiet_production, number)
    club.wait_for_server()


def test_dates_drift_as_numbers_and_a_table_that_did_not_come_as_missing_values(club: Club) -> None:
    later, drifted = "2024-04-30", ("--drift", "2", "--drift-features", "6")
    assert club.ratchet("data", "generate", str(club.raw), "--snapshot", later, "--users", "2000", *drifted).code == 0
    (club.raw / later / "visits.csv").unlink()
    project = load_project(club.project)
    source = TableSource(club.raw, project)
    before, after = (
        profile(project.inputs, {f.name: column(f, raw.features[f.name]) for f in project.inputs})
        for raw in (source.read(MONTH), source.read(later))
    )
    found = {(item.feature, item.test): item.verdict for item in feature_drift(before, after, project.policy.drift)}
    assert [found[name, "value"] for name in ("joined", "born", "joined_day")] == [Verdict.PASS, Verdict.PASS, Verdict.FAIL]
    assert found["last_visit", "missing"] is Verdict.PASS
    assert isinstance(distribution(before["joined"], after["joined"]), Histogram)
