"""BentoML's own price: an endpoint that answers nothing, with the options that the product's service has."""

from __future__ import annotations

import os

import bentoml


@bentoml.service(
    name="bento_empty",
    workers=int(os.environ.get("BENCH_WORKERS", "1")),
    traffic={"timeout": 5},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
    tracing={"excluded_urls": ".*"},
)
class BentoEmpty:
    """Neither look-up nor model."""

    @bentoml.api  # type: ignore[untyped-decorator]  # BentoML ships no types
    async def predict(self, user_id: str) -> dict[str, str]:
        """Give back what came; a coroutine, so no thread is paid for."""
        return {"user_id": user_id}
