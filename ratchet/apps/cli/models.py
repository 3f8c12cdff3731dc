"""All models of a home, for `ratchet status` where no project file says which one is meant."""

from __future__ import annotations

import os
from typing import Any

from ratchet.apps.cli.console import document, table, waiting
from ratchet.core.errors import RatchetError
from ratchet.ledger.journal import Journal
from ratchet.promotion import by_hand
from ratchet.wiring import SeenModel, models_of_home


def show_all(*, as_json: bool) -> bool:
    """Show who is in production and what serves, a line a model; False where a project file is named or there, or no model is."""
    if os.environ.get("RATCHET_PROJECT"):
        return False
    with waiting("asking registry, ledger and servers"):
        rows = [_row(seen) for seen in models_of_home()]
    if rows and as_json:
        document(rows)
    elif rows:
        table("models", ["model", "production", "since", "serving", "agree"], [_cells(row) for row in rows])
    return bool(rows)


def _row(seen: SeenModel) -> dict[str, Any]:
    try:
        found = by_hand.status(seen.registry, Journal(seen.ledger, seen.model), seen.rollout)
    except RatchetError as error:  # one model's trouble hides no other model
        return {"model": seen.model, "error": str(error)}
    return {
        "model": seen.model,
        "production": found.number,
        "since": found.last.at.isoformat() if found.last else None,
        "pinned": found.pinned,
        "serving": sorted({pod.version for pod in found.pods if pod.version is not None and pod.ready}),
        "agree": found.agree,
        "error": found.trouble,
    }


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    if row["error"]:
        return row["model"], "?", "", row["error"], "?"
    serving = ", ".join(f"version {version}" for version in row["serving"])
    return (
        row["model"],
        f"version {row['production']}" if row["production"] else "no model yet",
        f"{row['since'][:16].replace('T', ' ')} UTC" if row["since"] else "",
        serving or f"nothing runs; pinned: {row['pinned'] or 'none'}",
        "yes" if row["agree"] else "NO",
    )
