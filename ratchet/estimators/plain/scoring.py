"""The fitted pipeline's own answers, and the proof that the scorer gives the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratchet.core.errors import ArtifactError
from ratchet.core.schema import Columns, Feature, rows_of, take
from ratchet.estimators.frames import frame
from ratchet.estimators.plain.encoding import row_of
from ratchet.estimators.plain.scorer import Scorer
from ratchet.estimators.threads import threads_for


def answers(pipeline: Any, rows: pd.DataFrame) -> NDArray[np.float64]:
    """What a fitted pipeline says of n rows, shape (n, 2): the second column is what the scorer repeats."""
    return np.asarray(pipeline.predict_proba(rows), dtype=np.float64)


def score(pipeline: Any, features: Sequence[Feature], columns: Columns) -> NDArray[np.float64]:
    """The pipeline's own scores, shape (n,). Raises DataError when a feature has no column."""
    rows = frame(features, columns)
    if rows.empty:
        return np.empty(0)
    with threads_for(len(rows)):
        return answers(pipeline, rows)[:, 1]


def verify(scorer: Scorer, pipeline: Any, features: Sequence[Feature], columns: Columns, *, rows: int = 32) -> None:
    """Show that the scorer repeats the pipeline bit by bit, row by row.

    Args:
        scorer: made from `pipeline`.
        pipeline: fitted on `features`.
        features: the model's inputs.
        columns: rows to compare on.
        rows: how many of them, spread evenly; a row with everything missing comes on top.

    Raises:
        ArtifactError: an answer differs; the version must not be registered.
    """
    count = rows_of(columns)
    spread = np.unique(np.linspace(0, count - 1, min(rows, count)).astype(np.intp)) if count else np.empty(0, dtype=np.intp)
    nothing: Columns = {f.name: np.array([np.nan]) if f.dtype.is_number else np.array([None], dtype=object) for f in features}
    for part in (*(take(columns, np.array([position])) for position in spread), nothing):
        expected = float(score(pipeline, features, part)[0])
        for answer in (scorer.row(row_of(features, part, 0)), float(scorer.batch(part)[0])):
            if answer != expected:
                message = (
                    f"the scorer says {answer!r} where the pipeline says {expected!r}: "
                    "nothing was registered; install the scikit-learn that uv.lock names"
                )
                raise ArtifactError(message)
