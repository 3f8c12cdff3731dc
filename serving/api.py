"""The HTTP contract as a Starlette app; service.py makes a BentoML service of it.

Bodies (bodies.py), their refusals (problems.py) and the OpenAPI document (openapi.py) are ours and not FastAPI's: with a model of
the request FastAPI answers 0.72 times as many requests, for 162 us more of CPU each; with one of the answer too, which its document
needs, 0.64 times as many, for 240 us more. Nor does it bound a body before it has read it (docs/benchmarks-serving.md).
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter, time
from typing import Any

from prometheus_client import Histogram
from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ratchet.core.errors import DataError, RatchetError, Unavailable
from ratchet.core.headers import PROBE
from ratchet.core.schema import FeatureValue, LoggedAnswer, features_hash
from ratchet.estimators.explain import contributions
from ratchet.project.file import Project
from ratchet.tasks.task import Answers
from serving.bodies import Refused, batch_limit, entities_in, read_body, read_entity
from serving.features import OnlineFeatures, Row
from serving.metrics import CONTENT_TYPE, ENDPOINTS, Metrics
from serving.model import PinnedModel, Served
from serving.openapi import document
from serving.problems import HANDLERS, unscorable_sentence
from serving.rate import Lanes
from serving.request_log import RequestLogWriter
from serving.turns import SLICE, Turns

GONE = 499  # nginx' status for a client that broke off, which HTTP has none for

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the handlers work with, resolved once; put into `app.state.parts` when the service starts."""

    project: Project
    answers: Answers
    scores: Histogram
    model: PinnedModel
    features: OnlineFeatures
    log: RequestLogWriter
    metrics: Metrics
    rate: Lanes
    turns: Turns = field(default_factory=Turns)


def make_app() -> Starlette:
    """The app, without its parts: building it does no work."""
    return Starlette(
        routes=[
            *(_timed(name, handler) for name, handler in zip(ENDPOINTS, (_predict, _predict_batch, _explain), strict=True)),
            Route("/health", _health),
            Route("/metrics", _metrics),
            Route("/openapi.json", _openapi),
        ],
        exception_handlers=HANDLERS,
    )


class _Json(Response):
    """A JSON answer, written by Pydantic's serializer in a fifth of the standard library's time."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return to_json(content)


def _timed(name: str, handler: Callable[[Request, Parts], Awaitable[Any]]) -> Route:
    async def endpoint(request: Request) -> Response:
        parts: Parts = request.app.state.parts
        seconds, start = parts.metrics.seconds[name], perf_counter()
        try:
            parts.rate.enter(probe=_is_probe(request))
            return _Json(await handler(request, parts))
        except RatchetError as error:
            parts.metrics.refused(name, str(error.status if isinstance(error, Refused) else 503)).inc()
            raise
        except ClientDisconnect:  # the body never came whole: nobody's fault here, and nobody hears the answer
            parts.metrics.refused(name, str(GONE)).inc()
            _logger.info("%s: the client broke off before its body was here", name)
            return Response(status_code=GONE)
        except Exception:  # a defect of ours, which the client gets as a 500
            parts.metrics.refused(name, "500").inc()
            raise
        finally:
            seconds.observe(perf_counter() - start)

    return Route(f"/{name}", endpoint, methods=["POST"])


async def _predict(request: Request, parts: Parts) -> dict[str, Any]:
    served = _served(parts)
    entity = await read_entity(request, parts.project.entity)
    row = await _features_of(entity, parts)
    return _answer(entity, row, served.bundle.scorer.row(row), served, parts, probe=_is_probe(request))


async def _predict_batch(request: Request, parts: Parts) -> list[dict[str, Any]]:
    """Answers in the order of the request; an entity that has none gets its error in its place."""
    served = _served(parts)
    async with parts.turns.place():
        most = parts.project.serving.max_batch
        body = await read_body(request, batch_limit(most))
        async with parts.turns.work():  # parsing is work too: sixty bodies that are here at once would take the loop for a second
            items = entities_in(body, parts.project.entity, most)
            parts.rate.charge(max(0, len(items) - 1))
            return await _answers(items, served, parts, probe=_is_probe(request))


async def _answers(items: list[str | Refused], served: Served, parts: Parts, *, probe: bool) -> list[dict[str, Any]]:
    key = parts.project.entity
    entities = list(dict.fromkeys(item for item in items if isinstance(item, str)))
    rows = await parts.features.of(entities) if entities else []
    found = {entity: row for entity, row in zip(entities, rows, strict=True) if row is not None}
    scores = dict(zip(found, await run_in_threadpool(_scores, served, list(found.values())), strict=True)) if found else {}
    answers: list[dict[str, Any]] = []
    for number, item in enumerate(items, 1):
        if number % SLICE == 0:
            await asyncio.sleep(0)  # whoever asks for one entity, or whether the process lives, is answered in between
        if isinstance(item, Refused):
            answers.append({"error": str(item), "status": item.status})
        elif item not in found:
            parts.metrics.unknown.inc()
            answers.append({key: item, "error": _unknown_sentence(key, item), "status": 404})
        elif isinstance(score := scores[item], DataError):
            answers.append({key: item, "error": unscorable_sentence(score), "status": 503})
        else:
            answers.append(_answer(item, found[item], score, served, parts, probe=probe))
    return answers


async def _explain(request: Request, parts: Parts) -> dict[str, Any]:
    served = _served(parts)
    entity = await read_entity(request, parts.project.entity)
    row = await _features_of(entity, parts)
    scorer, typical = served.bundle.scorer, served.bundle.typical
    shares = await run_in_threadpool(contributions, scorer, row, typical)
    return {
        parts.project.entity: entity,
        **parts.answers.explained(scorer.row(row), scorer.row(typical)),
        "contributions": dict(sorted(shares.items(), key=lambda item: -abs(item[1]))),
        "features_used": _plain(row),
        "model_version": served.version.number,
    }


async def _health(request: Request) -> Response:
    """200 when this process can answer, else 503; either way what is the matter."""
    parts: Parts = request.app.state.parts
    state, served = parts.model.state, parts.model.served
    try:
        await parts.features.of(["ratchet-health"])
        store = "reachable"
    except RatchetError as error:
        store = str(error)
    created = served.version.created_at if served else None
    body = {
        "model": parts.project.model,
        "model_version": parts.model.number,
        "model_digest": served.version.digest if served else "",
        "ready": served is not None,
        "detail": state.detail,
        "model_created_at": created.isoformat() if created else None,
        "model_age_days": round((datetime.now(UTC) - _aware(created)).total_seconds() / 86400, 3) if created else None,
        "feature_store": store,
        "request_log_backlog": parts.log.backlog,
    }
    return JSONResponse(body, 200 if served and store == "reachable" else 503)


async def _metrics(request: Request) -> Response:
    parts: Parts = request.app.state.parts
    parts.metrics.backlog.set(parts.log.backlog)
    parts.metrics.ready.set(1 if parts.model.served else 0)
    return Response(await run_in_threadpool(parts.metrics.render), media_type=CONTENT_TYPE)


async def _openapi(request: Request) -> Response:
    parts: Parts = request.app.state.parts
    return JSONResponse(document(parts.project))


def _served(parts: Parts) -> Served:
    served = parts.model.served
    if served is None:
        raise Unavailable(parts.model.state.detail)
    return served


async def _features_of(entity: str, parts: Parts) -> Row:
    (row,) = await parts.features.of([entity])
    if row is None:
        parts.metrics.unknown.inc()
        raise Refused(404, _unknown_sentence(parts.project.entity, entity))
    return row


def _scores(served: Served, rows: list[Row]) -> list[float | DataError]:
    """The score of each row, or what is wrong with the row; rows come one by one because a batch fails as a whole."""
    return [_score(served, row) for row in rows]


def _score(served: Served, row: Row) -> float | DataError:
    try:
        return served.bundle.scorer.row(row)
    except DataError as error:
        return error


def _is_probe(request: Request) -> bool:
    return request.headers.get(PROBE) == "1"


def _answer(entity: str, row: Row, score: float, served: Served, parts: Parts, *, probe: bool) -> dict[str, Any]:
    features = _plain(row)
    now = time()
    prediction_id = _new_id(now)
    version = served.version.number
    if not probe:
        for name, value in features.items():
            if value is None:
                parts.metrics.missing(name).inc()
        parts.metrics.predictions.inc()
        parts.scores.observe(score)
        parts.log.put(LoggedAnswer(prediction_id, entity, version, score, features_hash(features), now))
    return {
        parts.project.entity: entity,
        **parts.answers.of(score),
        "features_used": features,
        "model_version": version,
        "prediction_id": prediction_id,
    }


def _new_id(now: float) -> str:
    """A UUID of version 7 (RFC 9562, 5.7) as 32 hex digits: 48 bits of milliseconds, then 74 random ones.

    The log's index grows at its end by such ids; with random ones each answer dirties a page of its own.
    """
    chance = int.from_bytes(os.urandom(10))
    low = chance & (1 << 62) - 1
    return f"{int(now * 1000) << 80 | 7 << 76 | chance >> 68 << 64 | 2 << 62 | low:032x}"


def _plain(row: Row) -> dict[str, FeatureValue]:
    """The row as JSON can carry it: None for NaN."""
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _unknown_sentence(key: str, entity: str) -> str:
    return f"{key} {entity!r} is unknown: the online store has no features of it"
