"""Generated months: valid, reproducible, and as learnable, drifted or changed as they were asked to be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ratchet.core.errors import DataError, UserError
from ratchet.core.schema import column
from ratchet.sources.checked_tables import RawSnapshot
from ratchet.sources.folder import TableSource
from ratchet.sources.generator import snapshots as generator
from ratchet.sources.generator import synthetic
from ratchet.sources.generator.snapshots import generate
from ratchet.sources.generator.synthetic import Change, Population
from tests.support.shop import SHOP
from tests.support.streamflow import streamflow

PROJECT = streamflow()


def month(out: Path, name: str, **options: Any) -> RawSnapshot:
    generate(PROJECT, out, name, **options)
    return TableSource(out, PROJECT).read(name)


def matrix(raw: RawSnapshot) -> Any:
    """Features as numbers: categories by their position in the project, nulls as zero."""
    parts = []
    for item in PROJECT.features:
        cells = raw.features[item.name]
        if item.categories:
            parts.append(np.array([item.categories.index(cell) for cell in cells], dtype=float))
        else:
            parts.append(np.nan_to_num(column(item.feature, cells.tolist())))
    return np.column_stack(parts)


def labels(raw: RawSnapshot) -> Any:
    assert raw.labels is not None
    return raw.labels[PROJECT.label.name].to_numpy()


def fitted(raw: RawSnapshot) -> Any:
    """A model of the first four fifths of the users."""
    part = slice(0, len(raw.features) * 4 // 5)
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(matrix(raw)[part], labels(raw)[part])


def auc(model: Any, raw: RawSnapshot) -> float:
    """Of the users that the model did not see."""
    part = slice(len(raw.features) * 4 // 5, None)
    return float(roc_auc_score(labels(raw)[part], model.predict_proba(matrix(raw)[part])[:, 1]))


@pytest.mark.parametrize("seed", [7, 1, 2])
def test_a_quiet_month_is_learnable_as_real_ones_are_and_the_model_keeps(tmp_path: Path, seed: int) -> None:
    first, second = (month(tmp_path, name, seed=seed) for name in ("month_000", "month_001"))
    assert 0.22 < labels(first).mean() < 0.28
    assert 0.78 < auc(fitted(first), first) < 0.90
    assert 0.78 < auc(fitted(first), second) < 0.90


@pytest.mark.parametrize("seed", [7, 1, 2])
def test_a_full_concept_change_makes_the_old_model_worthless_and_a_new_one_good(tmp_path: Path, seed: int) -> None:
    before = month(tmp_path, "month_000", seed=seed)
    after = month(tmp_path, "month_001", seed=seed, concept=1.0)
    assert auc(fitted(before), after) < 0.6
    assert auc(fitted(after), after) > 0.7


def test_label_noise_of_one_leaves_nothing_to_learn(tmp_path: Path) -> None:
    raw = month(tmp_path, "month_000", label_noise=1.0)
    assert 0.22 < labels(raw).mean() < 0.28
    assert abs(auc(fitted(raw), raw) - 0.5) < 0.06


def test_quiet_months_have_the_same_distribution_and_users_stay_themselves(tmp_path: Path) -> None:
    first, second = (month(tmp_path, name) for name in ("month_000", "month_001"))
    for name in ("monthly_fee", "watch_hours_30d", "skips_7d"):
        one, two = (raw.features[name].to_numpy(dtype=float) for raw in (first, second))
        assert ks_2samp(one, two).pvalue > 0.001
        assert np.corrcoef(one, two)[0, 1] > 0.7
        assert (one != two).mean() > 0.5


def test_drift_shifts_as_many_features_as_asked_for(tmp_path: Path) -> None:
    quiet = month(tmp_path, "month_000")
    drifted = month(tmp_path, "month_001", drift=1.0, drift_features=4)
    numbers = [item.name for item in PROJECT.features if item.dtype.value in {"int", "float"}]
    moved = [
        name
        for name in numbers
        if ks_2samp(*(raw.features[name].to_numpy(dtype=float) for raw in (quiet, drifted))).statistic > 0.2
    ]
    assert len(moved) == 4


def test_nulls_are_added_to_nullable_columns_alone(tmp_path: Path) -> None:
    plain, sparse = (month(tmp_path, name, nulls=nulls) for name, nulls in (("month_000", 0.0), ("month_001", 0.2)))
    added = (sparse.features.isna().mean() - plain.features.isna().mean()).round(2)
    assert {name: share for name, share in added.items() if share} == {
        "plan_stream_tv": pytest.approx(0.2, abs=0.03),
        "plan_stream_movies": pytest.approx(0.2, abs=0.03),
    }


def test_the_same_seed_makes_the_same_bytes_and_another_others(tmp_path: Path) -> None:
    folders = [
        generate(PROJECT, tmp_path / str(number), "month_000", users=300, seed=seed) for number, seed in enumerate((7, 7, 8))
    ]
    contents = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert sorted(contents[0]) == sorted(f"{table}.csv" for table in PROJECT.tables)
    assert contents[0] == contents[1]
    assert contents[0]["subscriptions.csv"] != contents[2]["subscriptions.csv"]


def test_the_first_users_are_the_same_however_many_are_asked_for(tmp_path: Path) -> None:
    few, many = (month(tmp_path, name, users=users) for name, users in (("2024-01-01", 200), ("2024-01-02", 500)))
    population = Population(PROJECT, 7)
    one, two = (population.chunk("x", 0, rows, Change()) for rows in (200, 500))
    for name, values in one.values.items():
        np.testing.assert_array_equal(values, two.values[name][:200])
    assert few.features["user_id"].tolist() == many.features["user_id"].tolist()[:200]
    assert few.features["user_id"][0] == "U0000001"


def test_csv_and_parquet_hold_the_same_month(tmp_path: Path) -> None:
    one = month(tmp_path / "csv", "month_000", users=1000)
    two = month(tmp_path / "parquet", "month_000", users=1000, format="parquet")
    assert one.snapshot == two.snapshot


def test_chunks_are_joined_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "CHUNK", 100)
    monkeypatch.setattr(synthetic, "CHUNK", 100)
    reported: list[int] = []
    for file_format in ("csv", "parquet"):
        raw = month(tmp_path / file_format, "month_000", users=250, on_rows=reported.append, format=file_format)
        assert raw.features["user_id"].tolist() == [f"U{number:07d}" for number in range(1, 251)]
        assert raw.features["monthly_fee"].nunique() > 200
    assert reported == [100, 100, 50] * 2


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
@pytest.mark.parametrize("bad_rows", [1, 3, 30])
def test_bad_rows_are_found_by_the_check(tmp_path: Path, file_format: Any, bad_rows: int) -> None:
    generate(PROJECT, tmp_path, "month_000", users=500, bad_rows=bad_rows, format=file_format)
    problems = TableSource(tmp_path, PROJECT).check("month_000")
    assert sum(problem.rows for problem in problems) == bad_rows


def test_bad_rows_break_the_rules_in_different_ways(tmp_path: Path) -> None:
    generate(PROJECT, tmp_path, "month_000", users=500, bad_rows=40)
    text = " ".join(problem.problem for problem in TableSource(tmp_path, PROJECT).check("month_000"))
    for phrase in ("not int", "outside", "none of", "repeat"):
        assert phrase in text


def test_labels_can_be_left_out(tmp_path: Path) -> None:
    raw = month(tmp_path, "month_000", users=300, labels=False)
    assert raw.labels is None


def test_another_project_needs_no_code(tmp_path: Path) -> None:
    generate(SHOP, tmp_path, "may", users=300)
    raw = TableSource(tmp_path, SHOP).read("may")
    assert raw.snapshot.labelled_rows == 300
    assert set(raw.features["plan"]) == {"Basic", "None", "Größe"}


def test_a_month_that_is_there_is_kept_unless_replace_is_asked_for(tmp_path: Path) -> None:
    before = month(tmp_path, "month_000", users=300)
    with pytest.raises(UserError, match="is there already"):
        generate(PROJECT, tmp_path, "month_000", users=300, seed=8)
    assert TableSource(tmp_path, PROJECT).read("month_000").snapshot == before.snapshot
    assert month(tmp_path, "month_000", users=300, seed=8, replace=True).snapshot != before.snapshot
    assert [item.name for item in tmp_path.iterdir()] == ["month_000"]


def test_a_broken_off_generation_leaves_nothing(tmp_path: Path) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(PROJECT, tmp_path, "month_000", users=300, on_rows=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        {"users": 0},
        {"concept": 1.5},
        {"nulls": -0.1},
        {"label_noise": 2.0},
        {"bad_rows": -1},
        {"drift": float("nan")},
        {"seed": -1},
    ],
    ids=str,
)
def test_an_option_out_of_bounds_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"{next(iter(options))} must be between"):
        generate(PROJECT, tmp_path, "month_000", **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden"])
def test_a_path_for_a_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="is not a snapshot's name"):
        generate(PROJECT, tmp_path, name, users=300)


def test_a_name_without_a_date_can_be_generated_but_not_read(tmp_path: Path) -> None:
    generate(PROJECT, tmp_path, "spring", users=300)
    with pytest.raises(DataError, match="has no date"):
        TableSource(tmp_path, PROJECT).read("spring")
