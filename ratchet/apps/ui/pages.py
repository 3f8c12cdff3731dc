"""The templates, and what every page has in common."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from ratchet.apps.ui.access import Access
from ratchet.apps.ui.jobs import Jobs
from ratchet.apps.ui.words import ago, day_of, moment, sentence
from ratchet.reports.html.text import shown

_LONGEST = 400  # characters of a reason or a sentence from a store
_NAV = (("/", "Now"), ("/history", "History"), ("/drift", "Drift"), ("/performance", "Performance"), ("/snapshots", "Snapshots"))


class Pages:
    """Renders pages.

    Args:
        model: the model's name.
        access: knows who asks.
        jobs: knows what is under way.
    """

    def __init__(self, model: str, access: Access, jobs: Jobs) -> None:
        self._model, self._access, self._jobs = model, access, jobs
        self._environment = Environment(
            loader=ChoiceLoader(
                [PackageLoader("ratchet.apps.ui"), PackageLoader("ratchet.reports.html")]
            ),  # the reports' look and drawings
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        filters: dict[str, Callable[..., str]] = {
            "safe_text": lambda text: shown(str(text), _LONGEST),
            "moment": moment,
            "day_of": day_of,
            "sentence": sentence,
        }
        self._environment.filters.update(filters)

    @cached_property
    def style(self) -> str:
        """The style sheet."""
        return self._environment.get_template("ui.css.j2").render()

    @cached_property
    def style_tag(self) -> str:
        """Changes with the style sheet, so that browsers can keep it."""
        return hashlib.sha256(self.style.encode()).hexdigest()[:16]

    def page(self, request: Request, template: str, title: str, status: int = 200, **content: Any) -> HTMLResponse:
        """One page. Names and texts from the stores are escaped by Jinja, and made printable by the filter `safe_text`."""
        at = datetime.now(UTC)
        session = self._access.session(request)
        job = self._jobs.last if session else None
        html = self._environment.get_template(template).render(
            model=shown(self._model),
            title=title,
            nav=_NAV,
            path=request.url.path,
            session=session,
            can_sign_in=self._access.possible,
            job=job,
            at=at,
            ago=lambda moment: ago(moment, at),
            style_tag=self.style_tag,
            **{"problems": {}, **content},
        )
        if job is None or not job.running or status != 200:  # noqa: PLR2004 - HTTP
            return HTMLResponse(html, status)
        # A page that shows an action under way loads again by itself. The address is given: without one a browser that is at a
        # fragment (#content) only jumps to it.
        again = quote(request.url.path) + (f"?{request.url.query}" if request.url.query else "")
        return HTMLResponse(html, status, {"refresh": f"3; url={again}"})
