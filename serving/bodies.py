"""Requests' bodies: bounded, JSON, of the agreed shape; anything else is refused in one sentence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from ratchet.core.entity_key import EXACT, MAX_KEY, NO_NAME, key_of, wrong_with
from ratchet.core.errors import DataError
from ratchet.core.schema import LONGEST_CELL, DType
from ratchet.project.file import Project
from serving.connection import LARGEST_BODY

MAX_ENTITY = MAX_KEY  # characters of an entity's name
MAX_WHOLE = EXACT  # beyond it a JSON number with a point may stand for several integers (RFC 7493, 2.2)
ONE = 64 * 1024  # bytes of a body with one entity
MAX_OBJECTS = 1000  # of an item: beyond what anybody means, and below what takes long
EACH = 4 * MAX_ENTITY  # bytes that a batch may spend on each entity
_NUMBER, _TEXT = 64, 1040  # bytes of a posted value, with the marks around it
_LONG = 2 * LONGEST_CELL  # and of a text that is longer, quotes and line breaks in it written as JSON has them


class Refused(DataError):  # noqa: N818 - an answer to a client, not a failure
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


async def read_body(request: Request, limit: int = ONE, hold: Callable[[int], None] | None = None) -> bytes:
    """The body, sent as JSON, of at most `limit` bytes, told to `hold` as they come.

    Raises Refused: 413 when it is larger, 415 when it is sent otherwise.
    """
    _check_kind(request)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Refused(413, f"the body is larger than {limit} bytes: send fewer or shorter entities")
        if hold is not None:
            hold(len(chunk))
    return bytes(body)


class Doubled(dict[str, Any]):
    """An object of JSON in which a name stands more than once: of the values any reader may take another (RFC 8259, 4)."""

    twice = ""


def json_in(body: bytes, *, counted: bool = False) -> Any:
    """What a body says; where names are `counted`, an object with one twice is a Doubled. Raises Refused (400) for no JSON."""
    try:
        return decoder_of(counted=counted).decode(body.decode())
    except (ValueError, RecursionError) as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise not_json(error) from error


def decoder_of(*, counted: bool) -> json.JSONDecoder:
    """What reads one item, a body or one of a batch. Where names are counted, it raises Refused (422) for too many objects."""
    if counted:
        _COUNT.objects = 0
        return _COUNTED
    return _JSON


def not_json(error: Exception) -> Refused:
    """What is answered to a body that a decoder refused."""
    return Refused(400, f"the body is not JSON: {error}")


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


def limit_of(project: Project) -> int:
    """Bytes that a body with one entity may have: one long text too, unless lists of categories allow none."""
    long = project.takes_posted != "never" and any(one.dtype is DType.CATEGORY and not one.categories for one in project.features)
    return ONE + row_bytes(project) + (_LONG if long else 0)


def batch_limit(project: Project) -> int:
    """Bytes that a batch may have: for the most entities that it may be of, and at most what the gateway passes on."""
    return min(LARGEST_BODY, ONE + project.serving.max_batch * (EACH + row_bytes(project)))


def row_bytes(project: Project) -> int:
    """Bytes that the posted features of one row may have; 0 where a request may bring none."""
    if project.takes_posted == "never":
        return 0
    return sum(len(column.name) + (_TEXT if column.dtype is DType.CATEGORY else _NUMBER) for column in project.features)


def entity_in(body: Any, key: str) -> str:
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


def _no_constant(name: str) -> float:
    message = f"{name} is no JSON value"
    raise ValueError(message)


class _Count:
    """The objects of one item. An item has two, and making a million of them takes seconds, in which nobody is answered."""

    objects = 0

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self.objects += 1
        if self.objects > MAX_OBJECTS:
            raise Refused(422, f"there are more than {MAX_OBJECTS} objects in one another: send one, and its features as values")
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        doubled = Doubled(found)
        doubled.twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        return doubled


_COUNT = _Count()  # for the event loop, which reads one item at a time
_JSON = json.JSONDecoder(parse_constant=_no_constant)  # one for all: making it costs as much as reading a small body
_COUNTED = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_COUNT)
