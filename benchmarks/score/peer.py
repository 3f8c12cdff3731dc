"""What one would write by hand: pandas reads the file, the fitted scikit-learn pipeline scores it, pandas writes the answers.

`python -m benchmarks.score.peer MODEL_URI FILE OUT ENTITY`
"""

from __future__ import annotations

import os
import sys

import mlflow.sklearn
import numpy as np
import pandas as pd

MISSING = "<missing>"  # as the pipeline was fitted


def main() -> None:
    """Score and write."""
    uri, source, out, entity = sys.argv[1:]
    mlflow.set_tracking_uri(os.environ["RATCHET_TRACKING_URI"])
    model = mlflow.sklearn.load_model(uri)
    frame = pd.read_parquet(source)
    inputs = frame.drop(columns=[entity])
    for name in inputs:
        if inputs[name].dtype == object and inputs[name].map(lambda cell: isinstance(cell, str)).any():
            inputs[name] = inputs[name].fillna(MISSING)
        else:
            inputs[name] = inputs[name].astype(np.float64)
    scores = model.predict_proba(inputs)[:, 1]
    answers = pd.DataFrame({entity: frame[entity], "probability": scores, "prediction": (scores >= 0.5).astype(np.int64)})
    answers.to_parquet(out, index=False)


if __name__ == "__main__":
    main()
