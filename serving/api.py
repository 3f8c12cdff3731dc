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
from ratchet.core.schema import FeatureValue, LoggedAnswer, StoredRow, features_hash
from ratchet.estimators.explain import contributions
from ratchet.project.file import Project
from ratchet.tasks.task import Answers
from serving.asked import Asked, Asking, posted_text
from serving.batch_body import read_batch
from serving.bodies import Refused, batch_limit, json_in, limit_of, read_body
from serving.features import OnlineFeatures, Row
from serving.metrics import CONTENT_TYPE, ENDPOINTS, Metrics
from serving.model import PinnedModel, Served
from serving.openapi import document
from serving.problems import HANDLERS, unscorable_sentence
from serving.rate import Lanes
from serving.request_log import RequestLogWriter
from serving.stale import Staleness
from serving.turns import CELLS, SLICE, Turns

REACHABLE, NO_STORE = "reachable", "none: requests bring the features"
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
    asking: Asking = field(init=False)
    stale: Staleness = field(init=False)

    def __post_init__(self) -> None:
        """Read the rules, once."""
        object.__setattr__(self, "asking", Asking(self.project))
        object.__setattr__(self, "stale", Staleness(self.project.serving.stale, self.metrics))


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
    served, probe = _served(parts), _is_probe(request)
    asked = await _asked(request, served, parts, probe=probe)
    row = await _row_of(asked, parts)
    score = served.bundle.scorer.row(row) if asked.posted is None else _posted_score(served, row)
    return _answer(asked, row, score, served, parts, probe=probe)


async def _predict_batch(request: Request, parts: Parts) -> list[dict[str, Any]]:
    """Answers in the order of the request; an entity that has none gets its error in its place."""
    served = _served(parts)
    async with parts.turns.place() as hold:
        body = await read_body(request, batch_limit(parts.project), hold)
        async with parts.turns.work():  # parsing is work too: sixty bodies that are here at once would take the loop for a second
            project, counted = parts.project, parts.asking.takes_features
            items = await read_batch(body, project.entity, project.serving.max_batch, limit_of(project), counted=counted)
            parts.rate.charge(max(0, len(items) - 1))
            return await _answers(items, served, parts, probe=_is_probe(request))


async def _answers(sent: list[Any], served: Served, parts: Parts, *, probe: bool) -> list[dict[str, Any]]:
    items = await _all_asked(sent, served, parts, probe=probe)
    looked_up = dict.fromkeys(item.entity for item in items if isinstance(item, Asked) and item.looked_up)
    names = list(looked_up)
    stored = dict(zip(names, await parts.features.of(names), strict=True)) if names else {}
    rows = [_row_from(item, stored.get(item.entity)) if isinstance(item, Asked) else None for item in items]
    scored = {id(row): row for row in rows if row is not None}  # an entity that is asked for twice has one row
    scores = dict(zip(scored, await run_in_threadpool(_scores, served, list(scored.values())), strict=True)) if scored else {}
    answers: list[dict[str, Any]] = []
    for number, (item, row) in enumerate(zip(items, rows, strict=True), 1):
        if number % SLICE == 0:
            await asyncio.sleep(0)  # whoever asks for one entity, or whether the process lives, is answered in between
        score = None if row is None else scores[id(row)]
        answers.append(_item(item, row, score, served, parts, probe=probe))
    return answers


async def _all_asked(sent: list[Any], served: Served, parts: Parts, *, probe: bool) -> list[Asked | Refused]:
    needed, items, refused, cells = served.bundle.features, list[Asked | Refused](), 0, 0
    golden = served.golden if probe else None
    for body in sent:
        item = parts.asking.read_item(body, needed, refused, golden)
        items.append(item)
        refused += isinstance(item, Refused)
        cells += len(item.posted) if isinstance(item, Asked) and item.posted else 0
        if cells >= CELLS:
            cells = 0
            await asyncio.sleep(0)
    return items


def _item(
    item: Asked | Refused, row: Row | None, score: float | DataError | None, served: Served, parts: Parts, *, probe: bool
) -> dict[str, Any]:
    """The answer in an item's place, or its error."""
    if isinstance(item, Refused):
        return {"error": str(item), "status": item.status}
    named = _named(item, parts)
    if row is None or score is None:
        parts.metrics.unknown.inc()
        return {**named, "error": _unknown_sentence(item, parts), "status": 404}
    if isinstance(score, DataError):
        refusal = None if item.posted is None else _unscorable(score, served)
        return {**named, "error": str(refusal or unscorable_sentence(score)), "status": refusal.status if refusal else 503}
    try:
        return _answer(item, row, score, served, parts, probe=probe)
    except Refused as refusal:
        return {**named, "error": str(refusal), "status": refusal.status}


async def _explain(request: Request, parts: Parts) -> dict[str, Any]:
    served, probe = _served(parts), _is_probe(request)
    asked = await _asked(request, served, parts, probe=probe)
    row = await _row_of(asked, parts)
    warned = _warned(asked, row, parts, probe=probe)
    scorer, typical = served.bundle.scorer, served.bundle.typical
    score = scorer.row(row) if asked.posted is None else _posted_score(served, row)
    shares = await run_in_threadpool(contributions, scorer, row, typical)
    return {
        **_named(asked, parts),
        **parts.answers.explained(score, scorer.row(typical)),
        "contributions": dict(sorted(shares.items(), key=lambda item: -abs(item[1]))),
        "features_used": _plain(row),
        "features_as_of": row.as_of,
        "model_version": served.version.number,
        **warned,
    }


async def _health(request: Request) -> Response:
    """200 when this process can answer, else 503; either way what is the matter."""
    parts: Parts = request.app.state.parts
    state, served, keeps = parts.model.state, parts.model.served, parts.project.keeps_features
    store = REACHABLE if keeps else NO_STORE
    try:
        if keeps:
            await parts.features.of(["ratchet-health"])
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
    return JSONResponse(body, 200 if served and store in {REACHABLE, NO_STORE} else 503)


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


async def _asked(request: Request, served: Served, parts: Parts, *, probe: bool) -> Asked:
    asking, golden = parts.asking, served.golden if probe else None
    if not asking.takes_features:
        return asking.read(json_in(await read_body(request)), (), golden=golden)
    body = json_in(await read_body(request, limit_of(parts.project)), counted=True)
    return asking.read(body, served.bundle.features, golden=golden)


async def _row_of(asked: Asked, parts: Parts) -> Row:
    stored = (await parts.features.of([asked.entity]))[0] if asked.looked_up else None
    row = _row_from(asked, stored)
    if row is None:
        parts.metrics.unknown.inc()
        raise Refused(404, _unknown_sentence(asked, parts))
    return row


def _row_from(asked: Asked, stored: Row | None) -> Row | None:
    """What is scored: the stored row, the posted one, or the posted values over the stored; None where a stored one is missing."""
    if asked.posted is None or not asked.looked_up:
        return stored if asked.posted is None else StoredRow(asked.posted)
    return None if stored is None else StoredRow({**stored, **asked.posted}, stored.as_of)


def _posted_score(served: Served, row: Row) -> float:
    try:
        return served.bundle.scorer.row(row)
    except DataError as error:
        raise _unscorable(error, served) from error


def _unscorable(error: DataError, served: Served) -> Refused:
    """Of posted features: ratchet.yaml and the version disagree about a type, because it was changed since."""
    return Refused(422, f"version {served.version.number} cannot score the posted features: {error}")


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


def _answer(asked: Asked, row: Row, score: float, served: Served, parts: Parts, *, probe: bool) -> dict[str, Any]:
    warned = _warned(asked, row, parts, probe=probe)
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
        posted = None if asked.posted is None else posted_text(asked.posted, row.as_of)
        parts.log.put(LoggedAnswer(prediction_id, asked.entity, version, score, features_hash(features), now, posted))
    return {
        **_named(asked, parts),
        **parts.answers.of(score),
        "features_used": features,
        "features_as_of": row.as_of,
        "model_version": version,
        "prediction_id": prediction_id,
        **warned,
    }


def _named(asked: Asked, parts: Parts) -> dict[str, str]:
    """The entity, where the request named one."""
    return {parts.project.entity: asked.entity} if asked.entity else {}


def _warned(asked: Asked, row: Row, parts: Parts, *, probe: bool) -> dict[str, str]:
    """What an answer warns of, as a part of it. Raises Refused (409)."""
    warning = parts.stale.warning(row, probe=probe, golden=asked.golden)
    return {"warning": warning} if warning else {}


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


def _unknown_sentence(asked: Asked, parts: Parts) -> str:
    sentence = f"{parts.project.entity} {asked.entity!r} is unknown: the online store has no features of it"
    return sentence if asked.posted is None else f"{sentence} for the posted ones to lie over"
