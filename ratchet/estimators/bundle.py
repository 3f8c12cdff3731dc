"""The folder that a version is: scorer, golden rows, reference profile and schema, as text that runs no code."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AliasChoices, Field, TypeAdapter

from ratchet.core.errors import ArtifactError
from ratchet.core.schema import Columns, Feature, FeatureValue, GoldenRow, is_missing, rows_of
from ratchet.estimators.catalogue import load_scorer
from ratchet.estimators.documents import REMEDY, SCORER, Input, Spec, parsed
from ratchet.estimators.estimator import Scorer
from ratchet.estimators.plain.encoding import column_of, numbers_of, row_of

GOLDEN, PROFILE, SCHEMA = "golden.json", "profile.json", "schema.json"
TOLERANCE = 1e-9  # of a golden row's score: the largest difference between two machines whose BLAS picks different kernels


class Golden(Spec):
    """A row of golden.json. The releases before this one called the score `probability`."""

    entity: str
    features: dict[str, float | str | None]
    score: float = Field(validation_alias=AliasChoices("score", "probability"))


_GOLDEN_ROWS = TypeAdapter[tuple[Golden, ...]](Annotated[tuple[Golden, ...], Field(min_length=1)])


class Schema(Spec):
    """The content of schema.json: what a request must bring and how its answer is read."""

    model: str = Field(min_length=1)
    features: tuple[Input, ...]
    typical: dict[str, float | str | None]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A version, loaded.

    `typical` is each feature's median or most frequent value among
    the training rows, the baseline of explanations; `profile` is the reference profile's JSON text (ratchet.drift.profile).
    """

    model: str
    scorer: Scorer
    golden: tuple[GoldenRow, ...]
    profile: str
    typical: Mapping[str, FeatureValue]

    @property
    def features(self) -> tuple[Feature, ...]:
        """The model's inputs, in order."""
        return self.scorer.features


def write(folder: Path, bundle: Bundle) -> None:
    """Write the bundle's files; the folder is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    bundle.scorer.save(folder)
    inputs = tuple(Input(name=feature.name, dtype=feature.dtype) for feature in bundle.features)
    schema = Schema(model=bundle.model, features=inputs, typical=dict(bundle.typical))
    (folder / SCHEMA).write_text(schema.model_dump_json(indent=1), encoding="utf-8")
    golden = tuple(Golden(entity=row.entity, features=dict(row.features), score=row.score) for row in bundle.golden)
    (folder / GOLDEN).write_bytes(_GOLDEN_ROWS.dump_json(golden, indent=1))
    (folder / PROFILE).write_text(bundle.profile, encoding="utf-8")


def read(folder: Path) -> Bundle:
    """Load what `write` wrote. Raises ArtifactError naming the file that is missing, malformed or does not fit the others."""
    scorer = load_scorer(folder)
    schema = parsed(folder / SCHEMA, Schema.model_validate_json)
    golden = parsed(folder / GOLDEN, lambda content: _GOLDEN_ROWS.validate_json(content, strict=True))
    profile = parsed(folder / PROFILE, _json_text)
    if tuple(Feature(item.name, item.dtype) for item in schema.features) != scorer.features:
        message = f"{folder / SCHEMA} lists other features than {SCORER} beside it: {REMEDY}"
        raise ArtifactError(message)
    rows = tuple(GoldenRow(row.entity, row.features, row.score) for row in golden)
    return Bundle(schema.model, scorer, rows, profile, schema.typical)


def _json_text(content: bytes) -> str:
    """The text of a JSON object, unread. Raises ValueError when it is none."""
    text = content.decode("utf-8")
    if not isinstance(json.loads(text), dict):
        message = "not a JSON object"
        raise ValueError(message)  # noqa: TRY004 - a file's content is wrong, not an argument's type
    return text


def typical(features: Sequence[Feature], columns: Columns) -> dict[str, FeatureValue]:
    """The lower median of each number and the most frequent category (of equals the first by name); None where all are missing."""
    row: dict[str, FeatureValue] = {}
    for feature in features:
        if feature.dtype.is_number:
            values = numbers_of(columns, feature.name)
            values = values[~np.isnan(values)]
            row[feature.name] = float(np.quantile(values, 0.5, method="lower")) if len(values) else None
        else:
            counts = Counter(str(value) for value in column_of(columns, feature.name) if not is_missing(value))
            row[feature.name] = min(counts, key=lambda name: (-counts[name], name)) if counts else None
    return row


def golden_rows(
    features: Sequence[Feature], columns: Columns, entities: NDArray[Any], scorer: Scorer, count: int, seed: int
) -> tuple[GoldenRow, ...]:
    """Draw rows that stand for the version's answers; the same for a seed.

    Args:
        features: the model's inputs.
        columns: n rows to draw from.
        entities: their keys, shape (n,).
        scorer: gives the scores (it repeats the pipeline bit by bit, see `plain.scoring.verify`).
        count: rows to draw; all n when there are fewer. A quarter of them, at least one, have missing values if so many rows do.
        seed: of the draw.
    """
    drawn = np.random.default_rng(seed).permutation(rows_of(columns))
    missing = np.zeros(len(drawn), dtype=np.bool_)
    for feature in features:
        missing |= np.array([is_missing(value) for value in column_of(columns, feature.name)], dtype=np.bool_)
    with_missing, whole = drawn[missing[drawn]], drawn[~missing[drawn]]
    quota = max(1, count // 4, count - len(whole))
    chosen = np.concatenate([with_missing[:quota], whole[: count - min(quota, len(with_missing))]])
    rows = ((str(entities[position]), row_of(features, columns, position)) for position in chosen)
    return tuple(GoldenRow(entity, row, scorer.row(row)) for entity, row in rows)


def worst_difference(bundle: Bundle) -> float:
    """Score the golden rows again: the largest absolute difference from the stored ones."""
    return max(abs(bundle.scorer.row(golden.features) - golden.score) for golden in bundle.golden)
