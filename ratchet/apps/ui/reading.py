"""The pages that show something."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from ratchet.apps.ui.drift_tracks import drift_history
from ratchet.apps.ui.headers import REPORT_POLICIES
from ratchet.apps.ui.months import months
from ratchet.apps.ui.now import now
from ratchet.apps.ui.pages import Pages
from ratchet.apps.ui.performance import performance, volume_chart
from ratchet.apps.ui.queries import Queries
from ratchet.apps.ui.stores import Ports, ask_stores
from ratchet.apps.ui.story import checks, decision
from ratchet.apps.ui.words import is_report_name, report_name
from ratchet.apps.wording import summary
from ratchet.core.errors import RatchetError
from ratchet.core.events import Entry, Event, Gated, Ingested, Triggered
from ratchet.core.record import Record
from ratchet.reports.html.contained import contained

_A_PAGE = 40  # records


class Reading:
    """The pages that show something; they change nothing.

    Args:
        ports: what the pages show.
        queries: shared by all visitors.
        reports: likewise, for reports alone.
        pages: renders.
    """

    def __init__(self, ports: Ports, queries: Queries, reports: Queries, pages: Pages) -> None:
        self._ports, self._queries, self._reports, self._pages = ports, queries, reports, pages

    def now(self, request: Request) -> HTMLResponse:
        """Who serves, why, and what wants attention."""
        stores = ask_stores(self._queries, self._ports, "ledger", "registry", "serving", "requests")
        versions = stores.registry.versions if stores.registry else {}
        seen = now(stores, datetime.now(UTC))
        history = stores.ledger.history
        made, gates = checks(history), [entry for entry in history.entries if entry.kind == Gated.KIND]
        gate = gates[-1].of(Gated) if gates else None
        return self._pages.page(
            request,
            "now.html.j2",
            seen.headline,
            now=seen,
            check=made[-1] if made else None,
            decision=decision(gate, history, self._ports.project, versions) if gate else None,
            unread=gates[-1].seq if gates and gate is None else None,
            waiting=stores.ledger.waiting,
            champion=stores.version,
            earlier=sorted({t.version for t in seen.tenures}, reverse=True),
            previous=stores.registry.previous if stores.registry else None,
            problems=stores.problems,
        )

    def history(self, request: Request) -> HTMLResponse:
        """All records, newest first."""
        stores = ask_stores(self._queries, self._ports, "ledger")
        entries = stores.ledger.history.entries
        kinds = sorted({entry.kind for entry in entries})
        kind = request.query_params.get("kind", "")
        found = [entry for entry in reversed(entries) if kind in {"", entry.kind}]
        page = _page_of(request.query_params.get("page", "1"))
        pages = max(1, -(-len(found) // _A_PAGE))
        if page > pages or (kind and kind not in kinds and not stores.problems):
            raise HTTPException(404, "there is no such page of the history")
        return self._pages.page(
            request,
            "history.html.j2",
            "History",
            rows=[(entry, *summary(entry.event), _report(entry)) for entry in found[(page - 1) * _A_PAGE :][:_A_PAGE]],
            kinds=kinds,
            kind=kind,
            page=page,
            pages=pages,
            count=len(entries),
            broken=stores.ledger.broken,
            head=stores.ledger.history.head,
            problems=stores.problems,
        )

    def record(self, request: Request) -> HTMLResponse:
        """One record, all of it."""
        stores = ask_stores(self._queries, self._ports, "ledger", "registry")
        if "ledger" in stores.problems:
            raise HTTPException(503, stores.problems["ledger"])
        seq: int = request.path_params["seq"]
        history = stores.ledger.history
        entry = next((entry for entry in history.entries if entry.seq == seq), None)
        stored = self._stored(seq) if entry is not None else None
        if entry is None or stored is None:
            raise HTTPException(404, f"the ledger has no record {seq}")
        gate = entry.of(Gated)
        versions = stores.registry.versions if stores.registry else {}
        outcome, why = summary(entry.event)
        return self._pages.page(
            request,
            "record.html.j2",
            f"Record {seq}: {entry.kind}",
            record=stored,
            outcome=outcome,
            why=why,
            decision=decision(gate, history, self._ports.project, versions) if gate else None,
            report=_report(entry),
            problems=stores.problems,
        )

    def _stored(self, seq: int) -> Record | None:
        """The record as it stands in the ledger. Raises HTTPException 503 when that is away."""
        name = f"record {seq}"
        answer = self._queries.ask({name: lambda: self._ports.journal.record(seq)})[name]
        if answer.problem:
            raise HTTPException(503, answer.problem)
        record: Record | None = answer.value
        return record

    def drift(self, request: Request) -> HTMLResponse:
        """Each feature over time."""
        stores = ask_stores(self._queries, self._ports, "ledger")
        policy = self._ports.project.policy.drift
        history = drift_history(stores.ledger.history.triggers)
        return self._pages.page(request, "drift.html.j2", "Drift", history=history, policy=policy, problems=stores.problems)

    def performance(self, request: Request) -> HTMLResponse:
        """How well each version does, and its requests."""
        stores = ask_stores(self._queries, self._ports, "ledger", "registry", "requests")
        history = stores.ledger.history
        return self._pages.page(
            request,
            "performance.html.j2",
            "Performance",
            metric=stores.task.metric,
            months=months(history, stores.standing, stores.champion, stores.previous, stores.task.metric),
            performance=performance(stores.task, stores.registry.versions if stores.registry else {}, history.live()),
            live=[(entry, summary(entry.event)[1]) for entry in reversed(history.live_measurements)][:_A_PAGE],
            volume=volume_chart(stores.requests) if stores.requests else None,
            problems=stores.problems,
        )

    def snapshots(self, request: Request) -> HTMLResponse:
        """What data there is."""
        stores = ask_stores(self._queries, self._ports, "store", "ledger", "registry")
        used: dict[str, list[int]] = {}
        for version in stores.registry.versions.values() if stores.registry else ():
            for item in version.provenance.snapshot_ids if version.provenance else ():
                used.setdefault(item, []).append(version.number)
        came = {entry.event.snapshot: entry for entry in stores.ledger.history.of(Ingested)}
        return self._pages.page(
            request, "snapshots.html.j2", "Snapshots", stored=stores.snapshots, used=used, came=came, problems=stores.problems
        )

    def report(self, request: Request) -> Response:
        """A report as it was stored, in a sandbox."""
        name: str = request.path_params["name"]
        if not is_report_name(name):
            raise HTTPException(404, "there is no report of that name")
        answer = self._reports.ask({name: lambda: self._ports.reports.load(name)})[name]
        if answer.problem:
            raise HTTPException(503, answer.problem)
        if answer.value is None:
            raise HTTPException(404, f"the report {name} is not there any more")
        kind = name.partition("_")[0]
        page = contained(answer.value) if kind == "drift" else answer.value  # one of an older release lets data run as script
        return HTMLResponse(page, headers={"content-security-policy": REPORT_POLICIES[kind]})

    def style(self, _request: Request) -> Response:
        """The style sheet."""
        return Response(self._pages.style, media_type="text/css", headers={"cache-control": "public, max-age=31536000, immutable"})

    @staticmethod
    async def livez(_request: Request) -> Response:
        """Whether the process answers; stores have no part in it, nor have the threads that wait for them."""
        return PlainTextResponse("alive")

    @staticmethod
    async def gone(_request: Request, _error: Exception) -> Response:
        """For a client that broke off before its form was here; nobody reads it."""
        return Response(status_code=499)

    async def refused(self, request: Request, error: Exception) -> Response:
        """One sentence in place of a page."""
        status, text = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "")
        if isinstance(error, RatchetError):
            status, text = 503, str(error)
        sentence = {404: "there is no such page", 405: "this address does not take that", 500: "a defect: the log has its trace"}
        text = sentence[status] if text in {"", "Not Found", "Method Not Allowed"} else text
        return self._pages.page(request, "refused.html.j2", f"Not possible ({status})", status, sentence=text)


def _report(entry: Entry[Event]) -> str:
    """The name of its report; empty when it has none."""
    return report_name(entry.event.report) if isinstance(entry.event, Triggered | Gated) else ""


def _page_of(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 7 and int(text)):  # noqa: PLR2004 - more pages than any ledger has
        raise HTTPException(404, "there is no such page of the history")
    return int(text)
