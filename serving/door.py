"""What a server answers at all: requests that name it by one of its names, for a path that it is documented to have."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Collection
from ipaddress import ip_address
from typing import Any

from ratchet.core.errors import UserError

LOCAL = frozenset({"localhost"})  # beside addresses, the name of a server that this machine alone reaches
_REMEMBERED = 64  # Host headers that were found good: reading one costs more than a look-up


def hosts_for(address: str, names: str, variable: str) -> frozenset[str] | None:
    """The names by which a server may be asked; None for any.

    Args:
        address: what it listens at; on this machine alone it is asked by this machine's names alone, whatever DNS says elsewhere.
        names: more of them, with commas between.
        variable: where those came from, for the sentence.

    Raises UserError when they are no names.
    """
    wanted = frozenset(name.strip().lower() for name in names.split(",") if name.strip())
    for name in wanted:
        if not all(part.replace("-", "").isalnum() for part in name.split(".")):
            message = f"{variable} is not usable: {name!r} is no host name; write names without ports, with commas between"
            raise UserError(message)
    if wanted or is_loopback(address):
        return LOCAL | wanted
    return None


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches a server that listens there."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


class Door:
    """An ASGI app that lets in what is meant for the app behind it.

    A page elsewhere whose name its owner points at this machine (DNS rebinding) asks by that name; an address in its place is
    always good, because no name is looked up for it, and probes ask by it.

    Args:
        app: what answers.
        hosts: names in Host that are taken, None for any.
        paths: documented ones, None for any.
    """

    def __init__(self, app: Any, hosts: Collection[str] | None, paths: Collection[str] | None = None) -> None:
        self._app, self._hosts, self._paths = app, hosts, paths
        self._good: set[bytes] = set()

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """ASGI 3; no coroutine of its own, which every request would pay."""
        if scope["type"] == "http":
            named = [value for name, value in scope["headers"] if name == b"host"]
            known = len(named) == 1 and (self._hosts is None or named[0] in self._good)
            if not (known and (self._paths is None or scope["path"] in self._paths)) and (refusal := self._refusal(scope, named)):
                return _answer(send, *refusal)
        answered: Awaitable[None] = self._app(scope, receive, send)
        return answered

    def _refusal(self, scope: Any, named: list[bytes]) -> tuple[int, str] | None:
        if len(named) != 1 and not (not named and scope["http_version"] == "1.0"):  # RFC 9112, 3.2
            return 400, "a request has one Host header"
        if self._hosts is not None and named and named[0] not in self._good and not self._is_ours(named[0]):
            return 400, f"this server is not {_shown(named[0])}: ask it by its own name or address"
        if self._paths is not None and scope["path"] not in self._paths:
            return 404, f"{scope['method']} {_shown(scope['path'].encode())} is not something this service answers"
        return None

    def _is_ours(self, host: bytes) -> bool:
        name = host.decode("latin-1").lower()
        bare = name[1:].partition("]")[0] if name.startswith("[") else name.rpartition(":")[0] or name
        try:
            ip_address(bare)
        except ValueError:
            if self._hosts is None or bare.removesuffix(".") not in self._hosts:
                return False
        if len(self._good) < _REMEMBERED:
            self._good.add(host)
        return True


def _shown(raw: bytes) -> str:
    text = raw.decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:200]


async def _answer(send: Any, status: int, sentence: str) -> None:
    content = json.dumps({"error": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
