"""HTTP as all that asks a serving process does it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from ratchet.core.address import place_of
from ratchet.core.errors import Unavailable

_ASK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, however it came here; names of headers in small letters."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The `error` of a JSON body, else the beginning of the body."""
        try:
            return str(json.loads(self.content)["error"])
        except (ValueError, KeyError, TypeError):
            return self.content.decode("utf-8", "replace").strip()[:200] or f"status {self.status}"


Post = Callable[[str, Mapping[str, str], Mapping[str, str]], Reply]
"""Send a JSON object to a path with headers. Raises Unavailable."""


def get(url: str, timeout: float) -> Reply:
    """GET, straight and not through a proxy of the environment. Raises httpx.HTTPError."""
    return _reply(httpx.get(url, timeout=timeout, trust_env=False))


def post_to(address: Callable[[], str], hint: str) -> Post:
    """A Post to the address of the moment; `hint` says what to do when nothing answers there."""

    def post(path: str, body: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
        url = f"{address()}{path}"
        try:
            return _reply(httpx.post(url, json=dict(body), headers=dict(headers), timeout=_ASK_SECONDS, trust_env=False))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            message = f"{place_of(url)}{path} does not answer ({type(error).__name__}): {hint}"
            raise Unavailable(message) from error

    return post


def _reply(response: httpx.Response) -> Reply:
    return Reply(response.status_code, response.content, {name.lower(): value for name, value in response.headers.items()})
