"""The lab's way: FastAPI, the registered model as an mlflow.pyfunc, and a Feast look-up."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import mlflow
from fastapi import FastAPI
from pydantic import BaseModel

from benchmarks.serving.peers.lookup import frame, look_up, warm


class Payload(BaseModel):
    """The body of a request."""

    user_id: str


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    mlflow.set_tracking_uri(os.environ["RATCHET_TRACKING_URI"])
    app.state.model = mlflow.pyfunc.load_model(os.environ["BENCH_MODEL_URI"])
    app.state.model.predict(frame(look_up(warm())))
    yield


app = FastAPI(lifespan=_lifespan)


@app.get("/ready")
def ready() -> dict[str, str]:
    """FastAPI answers when the model is loaded."""
    return {"status": "ok"}


@app.post("/predict")
def predict(payload: Payload) -> dict[str, Any]:
    """A plain function, as in the lab: FastAPI runs it in a thread."""
    features = look_up(payload.user_id)
    prediction = app.state.model.predict(frame(features))
    return {"user_id": payload.user_id, "prediction": int(prediction[0]), "features_used": features}
