"""The ledger of release 0.1: what `make demo` wrote, before it older forms, after it the kinds that the demo does not write."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ratchet.core.record import Record

PATH = Path(__file__).parents[1] / "data" / "ledger-0.1.jsonl"


def record_of(row: Mapping[str, Any]) -> Record:
    """A record of a line of the file."""
    return Record(**{**row, "at": datetime.fromisoformat(row["at"])})


def stored() -> list[Record]:
    """All records, oldest first."""
    return [record_of(json.loads(line)) for line in PATH.read_text().splitlines()]
