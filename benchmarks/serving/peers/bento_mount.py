"""BentoML's own price for a mounted app, the way that the product takes: no pydantic model and no JSON schema made a response."""

from __future__ import annotations

import os

import bentoml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def _predict(request: Request) -> JSONResponse:
    return JSONResponse(await request.json())


app = Starlette(routes=[Route("/predict", _predict, methods=["POST"])])


@bentoml.service(
    name="bento_mount",
    workers=int(os.environ.get("BENCH_WORKERS", "1")),
    traffic={"timeout": 5},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
    tracing={"excluded_urls": ".*"},
)
@bentoml.asgi_app(app)
class BentoMount:
    """Neither look-up nor model."""
