"""Forms as browsers send them, bounded before they are read."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

_MOST_BYTES = 8192
_MOST_FIELDS = 16
_KIND = "application/x-www-form-urlencoded"


async def read_form(request: Request) -> dict[str, str]:
    """The fields, the last of each name. Raises HTTPException 400, 413 or 415 when it is no form of ours."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _KIND:
        raise HTTPException(415, f"a form is sent as {_KIND}")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise HTTPException(413, f"the form has more than {_MOST_BYTES} bytes")
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:  # UnicodeDecodeError is one
        raise HTTPException(400, "this is not a form that a browser would send") from error
    return dict(fields)


def number(form: dict[str, str], name: str) -> int:
    """A version's number. Raises HTTPException 400 when there is none."""
    text = form.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004 - the registries' column of version numbers
        raise HTTPException(400, f"{name} is not a version's number")
    return int(text)
