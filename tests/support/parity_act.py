"""What the tasks of tests/support/parity_components.py do.

PARITY_OUTCOMES is JSON: a task's output by its name; the task named by `fails` ends with an error. Each task adds its name to
PARITY_LOG.
"""

from __future__ import annotations

import json
import os
from pathlib import Path


def act(name: str) -> str:
    """What a task does: note that it ran, fail if it shall, else return its outcome."""
    with Path(os.environ["PARITY_LOG"]).open("a", encoding="utf-8") as log:
        log.write(f"{name}\n")
    outcomes = json.loads(os.environ["PARITY_OUTCOMES"])
    if outcomes.get("fails") == name:
        raise SystemExit(2)
    return str(outcomes.get(name, ""))
