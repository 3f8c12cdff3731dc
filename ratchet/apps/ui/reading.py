"""The pages that show something."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from ratchet.apps.ui.drift_tracks import drift_history
from ratchet.apps.ui.headers import REPORT_POLICIES
from ratchet.apps.ui.looks import Looks
from ratchet.apps.ui.now import now
from ratchet.apps.ui.pages import Pages
from ratchet.apps.ui.performance import performance, volume_chart
from ratchet.apps.ui.sight import Ports, see
from ratchet.apps.ui.story import checks, decision
from ratchet.apps.ui.words import is_report_name, report_name
from ratchet.apps.wording import summary
from ratchet.core.errors import RatchetError
from ratchet.core.events import entry_of

_A_PAGE = 40  # records


class Reading:
    """The pages that show something; they change nothing.

    Args:
        ports: what the pages look at.
        looks: shared by all visitors.
        reports: likewise, for reports alone.
        pages: renders.
    """

    def __init__(self, ports: Ports, looks: Looks, reports: Looks, pages: Pages) -> None:
        self._ports, self._looks, self._reports, self._pages = ports, looks, reports, pages

    def now(self, request: Request) -> HTMLResponse:
        """Who serves, why, and what wants attention."""
        sight = see(self._looks, self._ports, "ledger", "registry", "serving", "requests")
        versions = sight.registry.versions if sight.registry else {}
        seen = now(sight, datetime.now(UTC))
        made, gates = checks(sight.ledger.known), [record for record in sight.ledger.records if record.kind == "gate"]
        judged = decision(gates[-1], sight.ledger.known, self._ports.project, versions) if gates else None
        return self._pages.page(
            request,
            "now.html.j2",
            seen.headline,
            now=seen,
            check=made[-1] if made else None,
            decision=judged,
            unread=gates[-1].seq if gates and judged is None else None,
            waiting=sight.ledger.waiting,
            champion=sight.registry.champion if sight.registry else None,
            earlier=sorted({t.version for t in seen.tenures}, reverse=True),
            previous=sight.registry.previous if sight.registry else None,
            problems=sight.problems,
        )

    def history(self, request: Request) -> HTMLResponse:
        """All records, newest first."""
        sight = see(self._looks, self._ports, "ledger")
        kinds = sorted({record.kind for record in sight.ledger.records})
        kind = request.query_params.get("kind", "")
        found = [record for record in reversed(sight.ledger.records) if kind in {"", record.kind}]
        page = _page_of(request.query_params.get("page", "1"))
        pages = max(1, -(-len(found) // _A_PAGE))
        if page > pages or (kind and kind not in kinds and not sight.problems):
            raise HTTPException(404, "there is no such page of the history")
        return self._pages.page(
            request,
            "history.html.j2",
            "History",
            rows=[
                (record, *summary(entry_of(record).event), report_name(record.body.get("report", "") or ""))
                for record in found[(page - 1) * _A_PAGE :][:_A_PAGE]
            ],
            kinds=kinds,
            kind=kind,
            page=page,
            pages=pages,
            count=len(sight.ledger.records),
            broken=sight.ledger.broken,
            head=sight.ledger.records[-1].hash if sight.ledger.records else "",
            problems=sight.problems,
        )

    def record(self, request: Request) -> HTMLResponse:
        """One record, all of it."""
        sight = see(self._looks, self._ports, "ledger", "registry")
        if "ledger" in sight.problems:
            raise HTTPException(503, sight.problems["ledger"])
        seq: int = request.path_params["seq"]
        found = next((record for record in sight.ledger.records if record.seq == seq), None)
        if found is None:
            raise HTTPException(404, f"the ledger has no record {seq}")
        versions = sight.registry.versions if sight.registry else {}
        judged = decision(found, sight.ledger.known, self._ports.project, versions) if found.kind == "gate" else None
        outcome, why = summary(entry_of(found).event)
        return self._pages.page(
            request,
            "record.html.j2",
            f"Record {seq}: {found.kind}",
            record=found,
            outcome=outcome,
            why=why,
            decision=judged,
            report=report_name(found.body.get("report", "") or ""),
            problems=sight.problems,
        )

    def drift(self, request: Request) -> HTMLResponse:
        """Each feature over time."""
        sight = see(self._looks, self._ports, "ledger")
        policy = self._ports.project.policy.drift
        history = drift_history(sight.ledger.known)
        return self._pages.page(request, "drift.html.j2", "Drift", history=history, policy=policy, problems=sight.problems)

    def performance(self, request: Request) -> HTMLResponse:
        """How well each version does, and its requests."""
        sight = see(self._looks, self._ports, "ledger", "registry", "requests")
        live = sight.ledger.of("live")
        return self._pages.page(
            request,
            "performance.html.j2",
            "Performance",
            metric=sight.task.metric,
            performance=performance(sight.task, sight.registry.versions if sight.registry else {}, live),
            live=[(record, summary(entry_of(record).event)[1]) for record in reversed(live)][:_A_PAGE],
            volume=volume_chart(sight.requests) if sight.requests else None,
            problems=sight.problems,
        )

    def snapshots(self, request: Request) -> HTMLResponse:
        """What data there is."""
        sight = see(self._looks, self._ports, "store", "ledger", "registry")
        used: dict[str, list[int]] = {}
        for version in sight.registry.versions.values() if sight.registry else ():
            for item in version.provenance.snapshot_ids if version.provenance else ():
                used.setdefault(item, []).append(version.number)
        came = {record.body["snapshot"]: record for record in sight.ledger.of("ingest")}
        return self._pages.page(
            request, "snapshots.html.j2", "Snapshots", stored=sight.store, used=used, came=came, problems=sight.problems
        )

    def report(self, request: Request) -> Response:
        """A report as it was stored, in a sandbox."""
        name: str = request.path_params["name"]
        if not is_report_name(name):
            raise HTTPException(404, "there is no report of that name")
        seen = self._reports.take({name: lambda: self._ports.reports.load(name)})[name]
        if seen.problem:
            raise HTTPException(503, seen.problem)
        if seen.value is None:
            raise HTTPException(404, f"the report {name} is not there any more")
        return HTMLResponse(seen.value, headers={"content-security-policy": REPORT_POLICIES[name.partition("_")[0]]})

    def style(self, _request: Request) -> Response:
        """The style sheet."""
        return Response(self._pages.style, media_type="text/css", headers={"cache-control": "public, max-age=31536000, immutable"})

    @staticmethod
    def livez(_request: Request) -> Response:
        """Whether the process answers; the stores have no part in it."""
        return PlainTextResponse("alive")

    async def refused(self, request: Request, error: Exception) -> Response:
        """One sentence in place of a page."""
        status, text = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "")
        if isinstance(error, RatchetError):
            status, text = 503, str(error)
        sentence = {404: "there is no such page", 405: "this address does not take that", 500: "a defect: the log has its trace"}
        text = sentence[status] if text in {"", "Not Found", "Method Not Allowed"} else text
        return self._pages.page(request, "refused.html.j2", f"Not possible ({status})", status, sentence=text)


def _page_of(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 7 and int(text)):  # noqa: PLR2004 - more pages than any ledger has
        raise HTTPException(404, "there is no such page of the history")
    return int(text)
