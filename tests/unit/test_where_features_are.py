"""What ratchet.yaml may say of where features are."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ratchet.project.file import Project
from ratchet.settings import Settings
from ratchet.sources.row_checks import RowChecks
from ratchet.wiring import Wiring
from serving.asked import Asking

REPOSITORY = {"repository": "feast", "service": "churn", "key": "client"}
BASE: dict[str, Any] = {
    "model": "m",
    "entity": "id",
    "tables": ["people", "y"],
    "label": {"column": "left", "table": "y"},
    "features": [{"name": "a", "dtype": "float"}, {"name": "b", "dtype": "category"}],
    "slices": [{"name": "s", "table": "people", "dtype": "bool"}],
    "holdout": {"salt": "x"},
    "feature_store": REPOSITORY,
}


def refused(**changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Project.model_validate({**BASE, **changes})
    return str(caught.value)


def test_features_of_a_repository_need_no_table_and_tables_are_read_without_them() -> None:
    project = Project.model_validate(BASE)
    assert [feature.name for feature in project.inputs] == ["a", "b"]
    assert [column.name for column in project.in_tables.columns] == ["s"]
    assert project.keeps_features


def test_features_of_a_repository_stand_in_no_table() -> None:
    features = [{"name": "a", "dtype": "float", "table": "people"}, {"name": "b", "dtype": "category", "column": "B b"}]
    assert "leave table and column out of a, b" in refused(features=features)


@pytest.mark.parametrize("store", ["feast", "none"])
def test_other_features_need_a_table(store: str) -> None:
    assert "table is missing of a, b: name the table that the column stands in" in refused(feature_store=store)


def test_slices_and_the_holdouts_group_need_a_table_wherever_features_are() -> None:
    assert "table is missing of s" in refused(slices=[{"name": "s", "dtype": "bool"}])
    assert "table is missing of g" in refused(holdout={"salt": "x", "group": {"name": "g", "dtype": "category"}})


def test_a_date_comes_from_no_repository() -> None:
    assert "a date cannot come from Feast" in refused(features=[{"name": "since", "dtype": "date"}])


def test_somebody_lists_the_entities() -> None:
    assert "no table of the entities beside the label's" in refused(tables=["y"], slices=[])


def test_rows_and_requests_that_bring_features_are_read_where_these_stand_in_no_table() -> None:
    project = Project.model_validate({**BASE, "serving": {"posted": "over"}})
    assert Asking(project).takes_features
    checks = RowChecks(project, "rows.csv", date(2024, 1, 31))
    assert checks.headers(["a", "b"], ["id", "a", "b"]) == {"id": "id", "a": "a", "b": "b"}


@pytest.mark.parametrize(
    "store", [{"repository": ""}, {"repository": "x"}, {"service": "x"}, {**REPOSITORY, "apply": True}, "feats", 3]
)
def test_a_feature_store_is_feast_none_or_a_repository_with_its_service(store: object) -> None:
    assert "feature_store" in refused(feature_store=store)


@pytest.mark.parametrize(("posted", "takes"), [("never", "alone"), ("over", "alone"), ("alone", "alone")])
def test_without_a_store_a_request_brings_all_features_whatever_serving_says(posted: str, takes: str) -> None:
    features = [{"name": "a", "dtype": "float", "table": "people"}]
    project = Project.model_validate({**BASE, "features": features, "feature_store": "none", "serving": {"posted": posted}})
    assert (project.takes_posted, project.keeps_features) == (takes, False)
    kept = Project.model_validate({**BASE, "features": features, "feature_store": "feast", "serving": {"posted": posted}})
    assert (kept.takes_posted, kept.keeps_features) == (posted, True)


@pytest.mark.parametrize(
    ("store", "url", "file"),
    [("feast", "", True), ("feast", "postgresql+psycopg://u:p@h/d", False), (REPOSITORY, "", False), ("none", "", False)],
)
def test_only_a_file_of_ours_is_looked_up_without_a_thread(tmp_path: Path, store: object, url: str, *, file: bool) -> None:
    features = [{"name": "a", "dtype": "float", **({} if store is REPOSITORY else {"table": "people"})}]
    project = Project.model_validate({**BASE, "features": features, "feature_store": store})
    assert Wiring(Settings(home=tmp_path, online_url=url), project).looks_up_in_a_file is file


def test_where_features_are_is_no_part_of_what_decisions_go_by() -> None:
    features = [{"name": "a", "dtype": "float", "table": "people"}]
    one, other = (Project.model_validate({**BASE, "features": features, "feature_store": store}) for store in ("feast", "none"))
    assert one.hash == other.hash
