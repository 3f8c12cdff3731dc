"""What went wrong, as an answer: a status and one sentence, never a trace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ratchet.core.errors import DataError, RatchetError
from serving.bodies import Refused
from serving.rate import Exceeded


def unscorable_sentence(error: Exception) -> str:
    """For features in the store that the model refuses."""
    return f"the stored features cannot be scored: {error}"


def _error(status: int, sentence: str, **headers: str) -> Response:
    return JSONResponse({"error": sentence}, status, headers=headers)


async def _refused(_request: Request, error: Exception) -> Response:
    return _error(error.status if isinstance(error, Refused) else 422, str(error))


async def _too_many(_request: Request, error: Exception) -> Response:
    delay = error.delay if isinstance(error, Exceeded) else 1
    return _error(429, str(error), **{"retry-after": str(delay)})


async def _unavailable(_request: Request, error: Exception) -> Response:
    return _error(503, str(error), **{"retry-after": "1"})


async def _unscorable(_request: Request, error: Exception) -> Response:
    return _error(503, unscorable_sentence(error))


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return _error(status, f"{request.method} {request.url.path[:200]} is not something this service answers", **headers)


async def _unexpected(_request: Request, _failure: Exception) -> Response:
    """Starlette calls this and raises on, so that the trace is in the log and not in the answer."""
    return _error(500, "something went wrong that this service did not foresee: its log has the trace")


HANDLERS: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    Exceeded: _too_many,
    Refused: _refused,
    DataError: _unscorable,
    RatchetError: _unavailable,
    HTTPException: _http_error,
    Exception: _unexpected,
}
