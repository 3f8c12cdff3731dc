"""The status page's routes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import ASGIApp

from ratchet.apps.ui.access import Access
from ratchet.apps.ui.acting import Acting
from ratchet.apps.ui.headers import Headers
from ratchet.apps.ui.jobs import ActionPorts, Jobs
from ratchet.apps.ui.pages import Pages
from ratchet.apps.ui.queries import Queries
from ratchet.apps.ui.reading import Reading
from ratchet.apps.ui.settings import UiSettings
from ratchet.apps.ui.stores import SOURCES, Ports, ask_stores
from ratchet.core.errors import RatchetError
from serving.door import Door, hosts_for


def make_app(
    ports: Ports,
    act_as: Callable[[str], ActionPorts],
    settings: UiSettings,
    say: Callable[[str], None],
    complain: Callable[[str], None],
) -> ASGIApp:
    """The application. Bound to this machine alone it answers to this machine's names alone, whatever DNS says elsewhere."""
    queries, reports = (
        Queries(settings.look_seconds),
        Queries(settings.look_seconds),
    )  # a store of reports that hangs holds up no page
    access = Access(settings.token.get_secret_value(), settings.user_header)
    jobs = Jobs(act_as, queries.forget, say, complain)
    pages = Pages(ports.project.model, access, jobs)
    reading, acting = Reading(ports, queries, reports, pages), Acting(access, jobs, pages)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await run_in_threadpool(ask_stores, queries, ports, *SOURCES)  # the first visitor shall not wait for clients to start
        yield
        await run_in_threadpool(jobs.wait)  # an action under way ends first
        queries.close()
        reports.close()

    routes = [
        Route("/", reading.now),
        Route("/history", reading.history),
        Route("/history/{seq:int}", reading.record),
        Route("/drift", reading.drift),
        Route("/performance", reading.performance),
        Route("/snapshots", reading.snapshots),
        Route("/reports/{name}", reading.report),
        Route("/style.css", reading.style),
        Route("/livez", reading.livez),
        Route("/sign-in", acting.sign_in_page),
        Route("/sign-in", acting.sign_in, methods=["POST"]),
        Route("/sign-out", acting.sign_out, methods=["POST"]),
        Route("/approve", acting.approve, methods=["POST"]),
        Route("/rollback", acting.rollback, methods=["POST"]),
    ]
    handlers = {HTTPException: reading.refused, RatchetError: reading.refused, ClientDisconnect: reading.gone, 500: reading.refused}
    app = Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan)
    return Headers(
        Door(app, hosts_for(settings.host, settings.hosts, "RATCHET_UI_HOSTS"))
    )  # around all of it: Starlette answers a defect outside of its own middleware
