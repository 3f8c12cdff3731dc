"""Headers of every answer: nothing is loaded from elsewhere, nothing is framed, nothing is kept by a cache."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PAGE = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
# A report is made of names and figures from data: it gets an origin of its own, no network and no forms. Only the drift report
# needs its script: it is Evidently's, and the policy in the file names what of it may run, by digests (reports/html/contained.py).
_REPORT = "sandbox{}; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
REPORT_POLICIES = {
    "decision": _REPORT.format("") + "; frame-ancestors 'none'",
    "drift": _REPORT.format(" allow-scripts")
    + "; script-src 'unsafe-inline' 'unsafe-eval'; font-src data:; worker-src blob:; frame-ancestors 'none'",
}
_HEADERS = {
    "content-security-policy": _PAGE,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # `no-referrer` would make the Origin of our own forms null
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


class Headers:
    """Adds the headers that an answer does not have yet.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)
