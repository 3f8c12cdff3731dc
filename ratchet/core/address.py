"""Addresses with passwords in them: read once, named by host, port and database, and never repeated as they were given.

What is refused here would reach no store either: the grammar is SQLAlchemy's (RFC 1738), and in a password `@` is written `%40`.
The reasons repeat nothing of the text, because what stands in the wrong place may be the password.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][\w+.-]*)://"
    r"(?:(?P<user>[^:/@?#]*)(?::(?P<password>[^@]*))?@)?"
    r"(?:\[(?P<six>[0-9A-Fa-f:.%]+)\]|(?P<host>[^/:?#@]*))"
    r"(?::(?P<port>[^/?#]*))?"
    r"(?:/(?P<path>[^?]*))?"
    r"(?:\?(?P<query>.*))?",
    re.DOTALL,
)
_HOST = re.compile(r"[\w.-]*")
_SECRET_KEY = re.compile(r"pass|pwd|secret|token|key|credential|auth|sig", re.IGNORECASE)
_KEYWORD = re.compile(
    r"(?:\w*(?:pass|pwd|secret|token)\w*)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|\{((?:[^}]|\}\})*)\}|([^\s&;]+))", re.IGNORECASE
)
_PIECES = re.compile(r"[@/?#:&=\[\]\s]")
_MOST_PORT = 65_535
_LEAST_PIECE = 4  # characters: a shorter piece of a password is no help to anybody, and taking it out would leave no text
_SQLITE = "sqlite:///"
_WEB = {"http", "https", "s3", "file"}

AS_ESCAPED = "in a user's name or password @ is written as %40, and likewise : / ? # % and blanks by their codes"


class BadAddress(ValueError):  # noqa: N818 - what is so
    """Its text says what an address has to be, and nothing of what was given."""


@dataclass(frozen=True, slots=True)
class Address:
    """The parts that may be shown. `path` of a database is its name."""

    scheme: str
    host: str
    port: int | None
    path: str

    @property
    def place(self) -> str:
        """`host:port/path`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host + (f":{self.port}" if self.port is not None else "") + (f"/{self.path}" if self.path else "")


def read_address(text: str, schemes: Collection[str]) -> Address:
    """The parts of a URL that has one of these schemes; what stands behind `+` in a scheme is a driver, and not looked at.

    Raises BadAddress.
    """
    found = _URL.fullmatch(text)
    scheme, driver, _ = found["scheme"].lower().partition("+") if found else ("", "", "")
    if found is None or scheme not in schemes or (driver and scheme in _WEB):
        message = f"it does not begin with one of {', '.join(f'{scheme}://' for scheme in sorted(schemes))}, or cannot be read"
        raise BadAddress(message)
    host, port, path = found["six"] or found["host"] or "", found["port"], unquote(found["path"] or "")
    if not _HOST.fullmatch(host) and not found["six"]:
        message = f"its host cannot be read: {AS_ESCAPED}"
        raise BadAddress(message)
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) <= _MOST_PORT):
        message = f"its port is no number from 1 to {_MOST_PORT}: {AS_ESCAPED}"
        raise BadAddress(message)
    if "@" in (found["path"] or "") or "@" in (found["query"] or ""):
        message = f"it has an @ behind its host: {AS_ESCAPED}"
        raise BadAddress(message)
    misread = r"[/?#\s\[\]]" if found["scheme"].lower().startswith("http") else r"\?.*=|\[|\]"
    if re.search(misread, found["password"] or ""):
        message = f"its password ends at a character that ends a host: {AS_ESCAPED}"
        raise BadAddress(message)
    if any(not character.isprintable() for character in text):
        message = "it has a control character or a line break in it"
        raise BadAddress(message)
    return Address(found["scheme"].lower(), host, int(port) if port else None, path)


def place_of(text: str) -> str:
    """A URL without what may be secret: a file's as it is, of others host, port and database; nothing of what cannot be read."""
    if (file := sqlite_file(text)) is not None:
        return f"{_SQLITE}{file}"
    found = _URL.fullmatch(text)
    if found is None:
        return "an address that cannot be read" if re.search(r"://|[@=]", text) else text
    try:
        address = read_address(text, {found["scheme"].partition("+")[0].lower()})
    except BadAddress:
        return "an address that cannot be read"
    if address.scheme not in {"http", "https"}:
        return address.place
    bare = Address(address.scheme, address.host, address.port, "").place  # a path may be a secret, as a webhook's is
    return bare if found["user"] is not None else f"{address.scheme}://{bare}"


def has_password(text: str) -> bool:
    """Whether a URL has a password, or in its query what is named like one; a user's name alone is none."""
    found = _URL.fullmatch(text)
    query = text.partition("?")[2]
    asked = parse_qsl(query)
    named = any(_SECRET_KEY.search(key) or _KEYWORD.search(value) for key, value in asked)  # a value may be settings: odbc_connect
    return found is None or found["password"] is not None or named


def sqlite_url(path: str) -> str:
    """The URL of a file: `%`, `?` and `#` in its name would be read as something else."""
    return _SQLITE + quote(path, safe="/ !$&'()*+,;=:@[]~" + "".join({c for c in path if not c.isascii()}))


def sqlite_file(url: str) -> str | None:
    """The file of an SQLite URL; None for another URL, and for a database in memory."""
    if not url.startswith(_SQLITE):
        return None
    return unquote(url.removeprefix(_SQLITE).partition("?")[0]) or None


def secrets_in(text: str) -> frozenset[str]:
    """Everything in an address that may be secret, and its parts, as written and decoded: rather too much than too little."""
    found: set[str] = set()
    _, separator, rest = text.partition("://")
    rest = rest if separator else text
    userinfo, at, behind = rest.rpartition("@")
    if at:
        user, colon, password = userinfo.partition(":")
        whole = password if colon else user
        found |= {whole, *_PIECES.split(whole)}
        found |= set(_PIECES.split(behind)) if re.search(r"[?=]", userinfo) else set()  # an @ in a query
    port = re.split(r"[/?#]", behind if at else rest, maxsplit=1)[0].partition(":")[2]
    found |= set() if port.isdigit() else {port, *_PIECES.split(port)}  # no port, so perhaps a password in its place
    query = rest.partition("?")[2]
    found |= {value for key, value in parse_qsl(query) if _SECRET_KEY.search(key)}
    found |= {part.partition("=")[2] for part in query.split("&") if _SECRET_KEY.search(part.partition("=")[0])}
    settings = [value for _, value in parse_qsl(query)]  # of which odbc_connect is a whole row
    found |= {quoted or braced or plain for item in (text, *settings) for quoted, braced, plain in _KEYWORD.findall(item)}
    found |= {unquote(item) for item in found} | {quote(item, safe="") for item in found}
    return frozenset(item for item in found if len(item) >= _LEAST_PIECE)


def without(text: str, secrets: Iterable[str]) -> str:
    """The text with each of these taken out, the longest first; and whatever stands as `user:password@` in a URL."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return re.sub(r"(://)[^/\s@]*@", r"\1***@", text)
