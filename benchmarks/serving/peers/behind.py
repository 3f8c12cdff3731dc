"""A Feast look-up in front of `mlflow models serve`."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from benchmarks.serving.peers.lookup import frame, look_up, warm


class Payload(BaseModel):
    """The body of a request."""

    user_id: str


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    limits = httpx.Limits(max_connections=128, max_keepalive_connections=128)
    async with httpx.AsyncClient(base_url=os.environ["BENCH_SCORER"], timeout=30, limits=limits, trust_env=False) as client:
        app.state.client = client
        warm()
        yield


app = FastAPI(lifespan=_lifespan)


@app.get("/ready")
async def ready() -> dict[str, str]:
    """FastAPI answers when the store is open, and MLflow's server has its own address for this."""
    (await app.state.client.get("/ping")).raise_for_status()
    return {"status": "ok"}


@app.post("/predict")
async def predict(payload: Payload) -> dict[str, Any]:
    """Look up, ask the scoring server by its own format, answer."""
    features = await run_in_threadpool(look_up, payload.user_id)
    asked = {"dataframe_split": json.loads(frame(features).to_json(orient="split", index=False, double_precision=15))}
    answer = await app.state.client.post("/invocations", json=asked)
    answer.raise_for_status()
    return {"user_id": payload.user_id, "prediction": int(answer.json()["predictions"][0]), "features_used": features}
