"""Signing in, and the forms that change something."""

from __future__ import annotations

from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ratchet.apps.ui.access import Access, Session, is_form_of, is_same_origin
from ratchet.apps.ui.forms import number, read_form
from ratchet.apps.ui.jobs import Jobs
from ratchet.apps.ui.pages import Pages
from ratchet.core.errors import UserError

_LONGEST_REASON = 300


class Acting:
    """What people may do who have shown the token.

    Args:
        access: knows who asks.
        jobs: carries out.
        pages: renders.
    """

    def __init__(self, access: Access, jobs: Jobs, pages: Pages) -> None:
        self._access, self._jobs, self._pages = access, jobs, pages

    def sign_in_page(self, request: Request) -> HTMLResponse:
        """The form for the token."""
        return self._form_page(request, 200, problem="", name="")

    def _form_page(self, request: Request, status: int, *, problem: str, name: str) -> HTMLResponse:
        by_proxy, user = self._access.by_proxy, self._access.user(request)
        return self._pages.page(
            request, "sign_in.html.j2", "Sign in", status, problem=problem, name=name, by_proxy=by_proxy, user=user
        )

    async def sign_in(self, request: Request) -> Response:
        """Check the token."""
        form = await self._form(request)
        answer = RedirectResponse("/", 303)
        try:
            self._access.sign_in(request, answer, form.get("name", ""), form.get("token", ""))
        except UserError as error:
            name = form.get("name", "")[:80]
            return self._form_page(request, 403, problem=str(error), name=name)
        return answer

    async def sign_out(self, request: Request) -> Response:
        """Forget the session."""
        await self._own_form(request)
        answer = RedirectResponse("/", 303)
        self._access.sign_out(answer)
        return answer

    async def approve(self, request: Request) -> Response:
        """Begin an approval."""
        session, form = await self._own_form(request)
        return self._acted(lambda: self._jobs.approve(session.actor, number(form, "version")))

    async def rollback(self, request: Request) -> Response:
        """Begin a rollback."""
        session, form = await self._own_form(request)
        reason = " ".join(form.get("reason", "").split())
        if not 0 < len(reason) <= _LONGEST_REASON or not reason.isprintable():
            raise HTTPException(400, f"give the reason in 1 to {_LONGEST_REASON} characters: the ledger keeps it")
        champion, to = number(form, "champion"), number(form, "to")
        return self._acted(lambda: self._jobs.rollback(session.actor, champion=champion, to=to, reason=reason))

    @staticmethod
    def _acted(begin: Callable[[], None]) -> Response:
        try:
            begin()
        except UserError as error:
            raise HTTPException(409, str(error)) from error
        return RedirectResponse("/", 303)

    @staticmethod
    async def _form(request: Request) -> dict[str, str]:
        if not is_same_origin(request):
            raise HTTPException(403, "this form came from another site")
        return await read_form(request)

    async def _own_form(self, request: Request) -> tuple[Session, dict[str, str]]:
        """The form of somebody who has signed in, proven to be made for that session."""
        session = self._access.session(request)
        if session is None:
            raise HTTPException(403, "sign in first")
        form = await self._form(request)
        if not is_form_of(session, form.get("csrf", "")):
            raise HTTPException(403, "this form was not made for your session: go back and load the page again")
        return session, form
