from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from ratchet.core.errors import ArtifactError, DataError
from ratchet.core.schema import Coded, Columns, FeatureValue, Scored, column, rows_of
from ratchet.estimators.frames import frame
from ratchet.estimators.plain.encoding import row_of
from ratchet.estimators.plain.scorer import Scorer
from ratchet.estimators.plain.scoring import score, verify
from ratchet.estimators.threads import threads_for
from ratchet.private_names import boosted_trees
from tests.support.churn import ESTIMATORS, FEATURES, MODELS, NETS, churn, fitted, scorer

SCORERS = {name: scorer(name) for name in MODELS}
every_model = pytest.mark.parametrize("name", list(MODELS))
steady = settings(max_examples=120, deadline=None, derandomize=True)


def thresholds(name: str) -> list[float]:
    estimator = fitted(name)[-1]
    trees = boosted_trees(estimator)[1] if hasattr(estimator, "n_trees_per_iteration_") else []
    return [float(node["num_threshold"]) for nodes in trees for node in nodes if not node["is_leaf"]] or [0.0]


EDGES = sorted({value for name in MODELS for value in thresholds(name) if math.isfinite(value)})
numbers = st.one_of(
    st.none(),
    st.just(math.nan),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(0, 80),
    st.sampled_from(EDGES),
    st.sampled_from(EDGES).map(lambda edge: math.nextafter(edge, math.inf)),
    st.sampled_from(EDGES).map(lambda edge: math.nextafter(edge, -math.inf)),
    st.floats(-1e290, 1e290),
)
texts = st.one_of(
    st.none(),
    st.sampled_from(NETS),
    st.integers(1, 310).map(lambda k: f"city {k}"),
    st.text(max_size=5),
    st.just("<missing>"),
    st.integers(),
)
rows = st.fixed_dictionaries({}, optional={f.name: numbers if f.dtype.is_number else texts for f in FEATURES})


def columns_of(*raw: Mapping[str, Any]) -> Columns:
    return {feature.name: column(feature, [row.get(feature.name) for row in raw]) for feature in FEATURES}


@every_model
@given(row=rows)
@steady
def test_a_row_scores_as_the_pipeline_scores_a_frame_of_that_row(name: str, row: dict[str, FeatureValue]) -> None:
    expected = score(fitted(name), FEATURES, columns_of(row))[0]
    assert SCORERS[name].row(row) == expected


@every_model
@given(raw=st.lists(rows, max_size=8))
@steady
def test_a_batch_scores_as_its_rows(name: str, raw: list[dict[str, FeatureValue]]) -> None:
    assert SCORERS[name].batch(columns_of(*raw)).tolist() == [SCORERS[name].row(row) for row in raw]


def as_codes(columns: Columns) -> Scored:
    """The categories as Parquet keeps them, with a value that no row has."""
    found: dict[str, Any] = dict(columns)
    for feature in FEATURES:
        if not feature.dtype.is_number:
            cells = columns[feature.name].tolist()
            values = ["nobody has it", *sorted({cell for cell in cells if cell is not None})]
            codes = [-1 if cell is None else values.index(cell) for cell in cells]
            found[feature.name] = Coded(np.array(codes, dtype=np.int32), values)
    return found


@every_model
@given(raw=st.lists(rows, max_size=8))
@steady
def test_categories_as_codes_score_as_the_rows(name: str, raw: list[dict[str, FeatureValue]]) -> None:
    assert SCORERS[name].batch(as_codes(columns_of(*raw))).tolist() == [SCORERS[name].row(row) for row in raw]


@every_model
def test_a_batch_larger_than_a_chunk_scores_as_the_pipeline(name: str) -> None:
    columns, _ = churn(20_000, seed=5)
    expected = score(fitted(name), FEATURES, columns)
    answers = SCORERS[name].batch(columns)
    if name == "linear":  # the pipeline's own sum depends on the number of rows, see ratchet/estimators/plain/linear.py
        np.testing.assert_allclose(answers, expected, rtol=0, atol=1e-15)
        assert answers[:500].tolist() == [SCORERS[name].row(row_of(FEATURES, columns, k)) for k in range(500)]
    else:
        assert answers.tolist() == expected.tolist()


@every_model
def test_a_saved_scorer_answers_the_same_bits(name: str, tmp_path: Path) -> None:
    columns, _ = churn(3000, seed=6)
    SCORERS[name].save(tmp_path)
    loaded = Scorer.load(tmp_path)
    assert loaded.features == FEATURES
    assert loaded.batch(columns).tobytes() == SCORERS[name].batch(columns).tobytes()


@given(value=st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=500, deadline=None, derandomize=True)
def test_the_file_keeps_every_double(value: float) -> None:
    document = SCORERS["stumps"]._document  # noqa: SLF001 - the file format is what is tested
    trees = document.model.model_copy(update={"baseline": value, "trees": ((value,),)})
    text = document.model_copy(update={"model": trees}).model_dump_json()
    again = type(document).model_validate_json(text).model.model_dump()
    assert math.copysign(1, again["baseline"]) == math.copysign(1, value)
    assert (again["baseline"], again["trees"]) == (value, ((value,),))


def test_large_trees_really_need_more_than_one_word_and_cities_are_really_pooled() -> None:
    leaves = [int(nodes["is_leaf"].sum()) for nodes in boosted_trees(fitted("large trees")[-1])[1]]
    assert max(leaves) > 128
    encoder = fitted("trees")[0].named_transformers_["categories"]
    assert encoder.infrequent_categories_[1] is not None


@every_model
def test_an_empty_batch_has_no_answers(name: str) -> None:
    nothing = columns_of()
    assert rows_of(nothing) == 0
    assert SCORERS[name].batch(nothing).shape == score(fitted(name), FEATURES, nothing).shape == (0,)


@every_model
@pytest.mark.parametrize("value", ["many", [1], {}, 10**400])
def test_a_value_that_is_no_number_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(DataError, match=r"^fee is .* which is not a number"):
        SCORERS[name].row({"fee": value})


@every_model
def test_a_batch_without_a_feature_is_refused_by_name(name: str) -> None:
    columns, _ = churn(3, seed=1)
    del columns["fee"]
    with pytest.raises(DataError, match="feature fee is not among the columns"):
        SCORERS[name].batch(columns)
    with pytest.raises(DataError, match="feature fee is not among the columns"):
        frame(FEATURES, columns)


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_a_linear_model_refuses_an_infinite_number_as_the_pipeline_does(value: float) -> None:
    with pytest.raises(DataError, match="too large"):
        SCORERS["linear"].row({"fee": value})
    with pytest.raises(DataError, match="too large"):
        SCORERS["linear"].batch(columns_of({"fee": value}, {"fee": 1.0}))
    with pytest.raises(ValueError, match="infinity"):
        score(fitted("linear"), FEATURES, columns_of({"fee": value}))


@pytest.mark.parametrize("value", [math.inf, -math.inf])
@pytest.mark.parametrize("name", ["trees", "large trees", "stumps"])
def test_trees_take_an_infinite_number_as_the_pipeline_does(name: str, value: float) -> None:
    assert SCORERS[name].row({"fee": value}) == score(fitted(name), FEATURES, columns_of({"fee": value}))[0]


@every_model
def test_verify_passes_the_pipeline_s_own_scorer(name: str) -> None:
    verify(SCORERS[name], fitted(name), FEATURES, churn(50, seed=2)[0])
    verify(SCORERS[name], fitted(name), FEATURES, columns_of())


def test_verify_stops_a_scorer_that_is_off_by_one_bit() -> None:
    document = SCORERS["trees"]._document  # noqa: SLF001 - a defect is planted
    off = document.model.model_copy(update={"baseline": math.nextafter(document.model.model_dump()["baseline"], 9) + 1e-15})
    with pytest.raises(ArtifactError, match="where the pipeline says"):
        verify(Scorer(document.model_copy(update={"model": off})), fitted("trees"), FEATURES, churn(50, seed=2)[0])


@pytest.mark.parametrize("kind", [("months",), ("net",), ("tv", "net")])
@pytest.mark.parametrize("model", ["logistic_regression", "hist_gradient_boosting"])
def test_a_project_with_few_features_scores_as_its_pipeline(model: str, kind: tuple[str, ...]) -> None:
    features = tuple(feature for feature in FEATURES if feature.name in kind)
    columns, labels = churn(200, seed=3)
    with threads_for(len(labels)):
        pipeline = ESTIMATORS[model].pipeline(features, {}, seed=1).fit(frame(features, columns), labels)
    ESTIMATORS[model].scorer(pipeline, features, columns)


def damaged(path: tuple[str | int, ...], value: Any, name: str = "trees") -> str:
    document = json.loads(SCORERS[name]._document.model_dump_json())  # noqa: SLF001 - a defect is planted
    part = document
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "\xff",
        damaged(("format",), 2),
        damaged(("features",), []),
        damaged(("features", 0, "name"), "other"),
        damaged(("model", "kind"), "forest"),
        damaged(("model", "baseline"), "0.5"),
        damaged(("model", "baseline"), None),
        damaged(("model", "trees", 0), []),
        damaged(("model", "trees", 0), [0.1, 0.2]),
        damaged(("model", "trees", 0), [[0, 1.0, True], 0.1]),
        damaged(("model", "trees", 0), [[999, 1.0, True], 0.1, 0.2]),
        damaged(("model", "trees", 0), [[-1, 1.0, True], 0.1, 0.2]),
        damaged(("model", "inputs", "categories", 0, "columns", "DSL"), 0),
        damaged(("model", "weights"), [1.0], "linear"),
        damaged(("model", "indicators", 0), 7, "linear"),
        damaged(("model", "scales", 0), 0.0, "linear"),
        damaged(("model", "intercept"), float("nan"), "linear"),
        damaged(("model", "unheard_of"), 1, "linear"),
    ],
)
def test_a_damaged_file_is_one_sentence(content: str, tmp_path: Path) -> None:
    (tmp_path / "scorer.json").write_text(content, encoding="latin-1")
    with pytest.raises(ArtifactError, match=r"scorer\.json cannot be used \([^\n]+\): register the version again[^\n]*$"):
        Scorer.load(tmp_path)


@given(share=st.floats(0, 0.9999))
@steady
def test_a_truncated_file_is_refused(share: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("cut")
    SCORERS["linear"].save(folder)
    content = (folder / "scorer.json").read_bytes()
    (folder / "scorer.json").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ArtifactError, match="cannot be used"):
        Scorer.load(folder)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"scorer\.json is missing"):
        Scorer.load(tmp_path)


def test_a_pipeline_of_another_kind_is_refused() -> None:
    columns, labels = churn(200, seed=1)
    known, trees = fitted("trees"), ESTIMATORS["hist_gradient_boosting"]
    prepared = known[0].transform(frame(FEATURES, columns))
    tree = DecisionTreeClassifier(max_depth=2).fit(prepared, labels)
    with pytest.raises(ArtifactError, match="no scorer can be made from a DecisionTreeClassifier"):
        trees.unproven(Pipeline([("columns", known[0]), ("estimator", tree)]), FEATURES)
    with pytest.raises(ArtifactError, match="no scorer can be made from a LogisticRegression"):
        trees.unproven(LogisticRegression(), FEATURES)
    with pytest.raises(ArtifactError, match="not the project's features"):
        trees.unproven(known, FEATURES[:-1])


def test_loading_and_scoring_imports_neither_scikit_learn_nor_pandas() -> None:
    modules = "ratchet.estimators.bundle, ratchet.estimators.explain"
    program = f"import sys, {modules}; print(sorted({{'sklearn', 'pandas', 'scipy'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == "[]"
