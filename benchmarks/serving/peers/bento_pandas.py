"""BentoML as its documentation shows it: the registered scikit-learn pipeline on a DataFrame, behind a Feast look-up."""

from __future__ import annotations

import os
from typing import Any

import bentoml
import mlflow

from benchmarks.serving.peers.lookup import frame, look_up, warm


@bentoml.service(name="bento_pandas", workers=int(os.environ.get("BENCH_WORKERS", "1")))
class BentoPandas:
    """The model is loaded when a worker starts."""

    def __init__(self) -> None:
        mlflow.set_tracking_uri(os.environ["RATCHET_TRACKING_URI"])
        self.model = mlflow.sklearn.load_model(os.environ["BENCH_MODEL_URI"])
        self.model.predict_proba(frame(look_up(warm())))

    @bentoml.api  # type: ignore[untyped-decorator]  # BentoML ships no types
    def predict(self, user_id: str) -> dict[str, Any]:
        """A plain method: BentoML runs it in a thread."""
        features = look_up(user_id)
        probability = float(self.model.predict_proba(frame(features))[0, 1])
        return {"user_id": user_id, "prediction": int(probability >= 0.5), "probability": probability, "features_used": features}
