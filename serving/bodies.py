"""Requests' bodies: bounded, JSON, of the agreed shape; anything else is refused in one sentence."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from ratchet.core.entity_key import EXACT, MAX_KEY, NO_NAME, key_of, wrong_with
from ratchet.core.errors import DataError

MAX_ENTITY = MAX_KEY  # characters of an entity's name
MAX_WHOLE = EXACT  # beyond it a JSON number with a point may stand for several integers (RFC 7493, 2.2)
ONE = 64 * 1024  # bytes of a body with one entity
EACH = 4 * MAX_ENTITY  # bytes that a batch may spend on each entity


class Refused(DataError):  # noqa: N818 - an answer to a client, not a failure
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


async def read_body(request: Request, limit: int = ONE) -> bytes:
    """The body, sent as JSON, of at most `limit` bytes. Raises Refused: 413 when it is larger, 415 when it is sent otherwise."""
    _check_kind(request)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Refused(413, f"the body is larger than {limit} bytes: send fewer or shorter entities")
    return bytes(body)


def json_in(body: bytes) -> Any:
    """What a body says. Raises Refused (400) when it is not JSON."""
    try:
        return _JSON.decode(body.decode())
    except (ValueError, RecursionError) as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise Refused(400, f"the body is not JSON: {error}") from error


def _check_kind(request: Request) -> None:
    """Raise Refused (415) unless the body is sent as JSON.

    A browser sends JSON to another site's server only after it has asked whether it may, and nothing here says yes. Programs may
    leave the type out; what a page sends has an Origin.
    """
    headers = request.headers
    kind = headers.get("content-type")
    if kind is not None:
        kind = kind.partition(";")[0].strip().lower()
    if (kind != "application/json" if kind is not None else "origin" in headers) or "content-encoding" in headers:
        raise Refused(415, "the body must be sent as it is, with content-type: application/json")


async def read_entity(request: Request, key: str) -> str:
    """The entity of a body like `{"user_id": "7590-VHVEG"}`, where `key` is `user_id`."""
    return entity_of(json_in(await read_body(request)), key)


def batch_limit(most: int) -> int:
    """Bytes that a batch of so many entities may have."""
    return ONE + most * EACH


def entities_in(content: bytes, key: str, most: int) -> list[str | Refused]:
    """The entities of a list of such bodies, at most `most`; an item that cannot be read is the Refused it would raise alone."""
    body = json_in(content)
    if not isinstance(body, list):
        raise Refused(422, f'the body must be a list of entities: [{{"{key}": "..."}}, ...]')
    if len(body) > most:
        raise Refused(422, f"{len(body)} entities are more than the {most} that one batch may have: send several batches")
    return [_entity_or_refusal(item, key) for item in body]


def entity_of(body: Any, key: str) -> str:
    """The entity that a parsed body names, in its one spelling: text of 1 to 256 characters or a whole number, its digits.

    Raises Refused (422) for anything else, unknown fields included: a feature sent along would be ignored silently.
    """
    if not isinstance(body, dict):
        raise Refused(422, f'the body must be an object that names the entity: {{"{key}": "..."}}')
    if key not in body:
        raise Refused(422, f'the body has no field {key}: send {{"{key}": "..."}}')
    unknown = sorted(set(body) - {key})
    if unknown:
        raise Refused(422, f"unknown field {unknown[0][:MAX_ENTITY]!r}: send {key} alone, the features come from the feature store")
    value = body[key]
    name = key_of(value) if isinstance(value, str | int | float) else None
    if name is None:
        raise Refused(422, f"{key} must be text or a whole number, not {_KINDS[type(value)]}")
    sent = value if isinstance(value, str) else name
    if not 1 <= len(sent) <= MAX_ENTITY:
        raise Refused(422, f"{key} must have 1 to {MAX_ENTITY} characters, not {len(sent)}")
    if wrong_with(sent) == NO_NAME:
        raise Refused(422, f"{key} has characters that no entity's name can have")
    if not name:
        raise Refused(422, f"{key} is blank")
    return name


_KINDS: dict[type, str] = {bool: "true or false", float: "a fraction", list: "a list", dict: "an object", type(None): "null"}


def _entity_or_refusal(item: Any, key: str) -> str | Refused:
    try:
        return entity_of(item, key)
    except Refused as refusal:
        return refusal


def _no_constant(name: str) -> float:
    message = f"{name} is no JSON value"
    raise ValueError(message)


_JSON = json.JSONDecoder(parse_constant=_no_constant)  # one for all: making it costs as much as reading a small body
