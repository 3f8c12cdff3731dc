"""FastAPI's own price: an endpoint that gives back what came."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import BaseModel


class Payload(BaseModel):
    """The body of a request."""

    user_id: str


app = FastAPI()


@app.get("/ready")
async def ready() -> dict[str, str]:
    """At once."""
    return {"status": "ok"}


@app.post("/predict")
async def predict(payload: Payload) -> Payload:
    """Neither look-up nor model."""
    return payload
