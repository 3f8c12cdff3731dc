from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ratchet.core.errors import ArtifactError
from ratchet.core.schema import Columns, digest_of
from ratchet.drift.reference import Reference
from ratchet.estimators import documents
from ratchet.estimators.bundle import TOLERANCE, Bundle, golden_rows, read, typical, worst_difference, write
from ratchet.estimators.plain.scoring import score
from tests.support.churn import FEATURES, churn, fitted, scorer

PIPELINE = fitted("trees")
SCORER = scorer("trees")
COLUMNS, _ = churn(300, seed=11)
ENTITIES = np.array([f"user-{k}" for k in range(300)], dtype=object)
WHOLE = tuple(feature for feature in FEATURES if feature.name != "never")


def bundle() -> Bundle:
    golden = golden_rows(FEATURES, COLUMNS, ENTITIES, SCORER, 20, seed=1)
    return Bundle("churn", SCORER, golden, '{"features": {}}', typical(FEATURES, COLUMNS))


def test_a_bundle_reads_back_as_it_was_written(tmp_path: Path) -> None:
    written = bundle()
    write(tmp_path / "version", written)
    again = read(tmp_path / "version")
    assert (again.model, again.golden, again.profile, again.typical, again.features) == (
        "churn",
        written.golden,
        written.profile,
        written.typical,
        FEATURES,
    )
    assert worst_difference(again) == 0.0


def test_the_same_bundle_has_the_same_digest(tmp_path: Path) -> None:
    write(tmp_path / "one", bundle())
    write(tmp_path / "two", bundle())
    assert digest_of(tmp_path / "one") == digest_of(tmp_path / "two")


def test_golden_rows_carry_the_pipeline_s_answers() -> None:
    chosen = bundle().golden
    positions = np.array([int(golden.entity.removeprefix("user-")) for golden in chosen])
    expected = score(PIPELINE, FEATURES, COLUMNS)[positions]
    assert [golden.score for golden in chosen] == expected.tolist()
    assert len(set(positions.tolist())) == 20


def test_golden_rows_are_the_same_for_a_seed_and_others_for_another() -> None:
    def drawn(seed: int) -> list[str]:
        return [golden.entity for golden in golden_rows(FEATURES, COLUMNS, ENTITIES, SCORER, 20, seed)]

    assert drawn(1) == drawn(1) != drawn(2)


def incomplete(rows: Columns, count: int) -> int:
    chosen = golden_rows(WHOLE, rows, ENTITIES, SCORER, count, seed=1)
    assert len(chosen) == min(count, len(rows["fee"]))
    return sum(None in golden.features.values() for golden in chosen)


def test_golden_rows_include_missing_values_when_there_are_any() -> None:
    months, fee, tv = np.arange(300.0), np.ones(300), np.zeros(300)
    net, city = np.full(300, "DSL", dtype=object), np.full(300, "city 1", dtype=object)
    rows: Columns = {"months": months, "fee": fee, "tv": tv, "net": net, "city": city}
    assert incomplete(rows, 20) == 0
    rows["fee"] = np.where(months == 123, np.nan, 1.0)
    assert [incomplete(rows, count) for count in (1, 20, 400)] == [1, 1, 1]
    rows["net"] = np.array([None, "DSL"] * 150, dtype=object)
    assert incomplete(rows, 20) == 5
    rows["net"] = np.full(300, None, dtype=object)
    assert incomplete(rows, 20) == 20


def test_a_typical_row_has_values_that_occur() -> None:
    columns: Columns = {
        "months": np.array([1.0, 2.0, 3.0, 4.0]),
        "fee": np.array([np.nan, 5.0, np.nan, np.nan]),
        "tv": np.array([1.0, 1.0, 0.0, np.nan]),
        "net": np.array(["No", "DSL", None, None], dtype=object),
        "city": np.array([None] * 4, dtype=object),
        "never": np.full(4, np.nan),
    }
    assert typical(FEATURES, columns) == {"months": 2.0, "fee": 5.0, "tv": 1.0, "net": "DSL", "city": None, "never": None}


def test_a_changed_scorer_is_seen_on_the_golden_rows() -> None:
    other = scorer("stumps")
    assert worst_difference(replace(bundle(), scorer=other)) > 1e-3


@pytest.mark.parametrize("name", ["scorer.json", "golden.json", "schema.json", "profile.json"])
@pytest.mark.parametrize("damage", ["gone", "", "[]", "{", "\xff"])
def test_a_missing_or_malformed_file_is_named(name: str, damage: str, tmp_path: Path) -> None:
    write(tmp_path, bundle())
    if damage == "gone":
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(damage, encoding="latin-1")
    with pytest.raises(ArtifactError, match=rf"{name} (is missing|cannot be used \([^\n]+\)): register the version again[^\n]*$"):
        read(tmp_path)


def test_a_schema_of_another_model_is_refused(tmp_path: Path) -> None:
    write(tmp_path, bundle())
    schema = json.loads((tmp_path / "schema.json").read_text(encoding="utf-8"))
    schema["features"].reverse()
    (tmp_path / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"lists other features than scorer\.json"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["linear", "stumps"])
def test_a_bundle_of_the_release_before_answers_as_it_did(name: str) -> None:
    folder = Path(__file__).parents[1] / "data" / "bundles" / name
    assert all("probability" in row for row in json.loads((folder / "golden.json").read_text(encoding="utf-8")))
    stored = read(folder)
    assert worst_difference(stored) <= TOLERANCE
    assert stored.features == FEATURES
    labels = Reference.from_json(stored.profile).labels
    assert ({*labels}, sum(labels.values())) == ({"0", "1"}, 60)


def test_what_is_written_now_names_the_score_by_no_task(tmp_path: Path) -> None:
    write(tmp_path, bundle())
    assert {*json.loads((tmp_path / "golden.json").read_text(encoding="utf-8"))[0]} == {"entity", "features", "score"}


def test_a_file_that_is_larger_than_a_version_can_be_is_read_no_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, bundle())
    monkeypatch.setattr(documents, "LARGEST", 1000)
    with (tmp_path / "golden.json").open("wb") as file:
        file.truncate(10**10)  # a hole: nothing of it is on the disk
    with pytest.raises(ArtifactError, match=r"golden\.json cannot be used \(it is larger than 1000 bytes\)"):
        documents.parsed(tmp_path / "golden.json", bytes)
