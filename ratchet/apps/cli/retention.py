"""`ratchet prune` and `ratchet migrate`: what is done to the databases from time to time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from ratchet.apps.cli.console import AsJson, document, line, waiting
from ratchet.steps.prune import forget, old_answers
from ratchet.wiring import Wiring
from ratchet.wiring import migrate as bring_up_to_date

_LONGEST = 36_500  # days


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command(epilog="Example: RATCHET_LEDGER_URL=… RATCHET_REQUESTS_URL=… RATCHET_ONLINE_URL=… ratchet migrate (the owner's)")(
        migrate
    )
    app.command(epilog="Examples: ratchet prune --answers 365; ratchet prune --answers 365 --yes")(prune)


def prune(
    answers: Annotated[int, typer.Option(min=1, max=_LONGEST, metavar="DAYS", help="Answers that are older than this go.")],
    yes: Annotated[bool, typer.Option("--yes", help="Delete them; without it they are only counted.")] = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Delete old answers and their labels from the request log. They do not come back.

    Keep them for longer than labels take to arrive: live performance is measured on answers that have one. Requests by version and
    day go on counting what was deleted; ledger, reports and models stay.
    """
    wiring = Wiring.load()
    with waiting("counting old answers"):
        old = old_answers(wiring.requests, answers, datetime.now(UTC))
    deleted = 0
    if yes and old.answers:
        with waiting(f"deleting {old.answers:,} answers"):
            deleted = forget(wiring.journal, wiring.requests, old)
    if as_json:
        document({"before": old.before.isoformat(), "answers": old.answers, "deleted": deleted})
        return
    when = f"from before {old.before:%Y-%m-%d %H:%M} UTC"
    if not old.answers:
        line(f"there are no answers {when}")
    elif yes:
        line(f"{deleted:,} answers {when} are deleted")
    else:
        line(f"{old.answers:,} answers are {when}: --yes deletes them, and they do not come back")


def migrate() -> None:
    """Bring the tables of ledger and request log up to date, and give the database roles their rights, by the tables' owner."""
    with waiting("looking at the tables"):
        roles = bring_up_to_date()
    line("the tables are up to date")
    line(
        f"rights given to {', '.join(roles)}"
        if roles
        else "no roles: neither PostgreSQL's ratchet_promoter nor the others are there"
    )
