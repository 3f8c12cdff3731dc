"""The text of a guessed ratchet.yaml: guesses as YAML, everything else as comments."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml
from pydantic import BaseModel

from ratchet.core.policy import GatePolicy
from ratchet.project.file import Policy, Serving, Training
from ratchet.sources.guess.holdout import Held

_FIRST_MONTH = (2024, 1)


@dataclass(frozen=True, slots=True)
class Guesses:
    """What was found: `features` are entries of ratchet.yaml, `notes` tell of the columns that were left out."""

    model: str
    entity: str
    label_table: str
    label: str
    snapshots: Sequence[str]
    tables: Sequence[str]
    features: Sequence[dict[str, Any]]
    notes: Sequence[str]
    held: Held


def render(found: Guesses) -> str:
    """The file's text."""
    label = {"column": found.label, "table": found.label_table}
    lines = [
        "# The model project, guessed by `ratchet init`: read every line, a guess knows the data and not the business.",
        f"model: {_flow(found.model)}",
        f"entity: {_flow(found.entity)} # one row of each table",
        "",
        *_snapshot_lines(found.snapshots),
        f"tables: {_flow(list(found.tables))}",
        "",
        f"label: {_flow(label)} # true or 1 is what the model predicts",
        "",
        "features: # ranges have room on either side of what was seen; a value outside is refused at ingest",
        *(f"  - {_flow(entry)}" for entry in found.features),
        *(["  # left out:", *(f"  #   {note}" for note in found.notes)] if found.notes else []),
        "",
        "slices: [] # groups for which no candidate may get worse; a line moved here is no input of the model any more:",
        *(f"#  - {_flow(entry)}" for entry in _sliceable(found.features)),
        "",
        f"# {found.held.why}; rows that hang together (a household, a day) stay on one side by group: {{name, table, dtype}}",
        f"holdout: {{salt: {_flow(f'{found.model}-1')}, share: {found.held.share}}} # never trained on; another salt is another",
        "",
        "# What follows are the defaults; take the comment sign off a line to change it.",
        *_policy(found.held),
        *_defaults("training", Training()),
        *_defaults("serving", Serving()),
    ]
    return "\n".join(lines) + "\n"


def _snapshot_lines(names: Sequence[str]) -> list[str]:
    """Dates for the folders that are not named by one: month after month, for a person to correct."""
    undated = [name for name in names if not _is_date(name)]
    if not undated:
        return []
    lines = ["snapshots: # folder name -> the date that its rows describe; GUESSED as month ends, put the true dates"]
    year, month = _FIRST_MONTH
    for number, name in enumerate(undated):
        years, months = divmod(month - 1 + number, 12)
        day = monthrange(year + years, months + 1)[1]
        lines.append(f"  {_flow(name)}: {date(year + years, months + 1, day)}")
    return [*lines, ""]


def _is_date(name: str) -> bool:
    try:
        date.fromisoformat(name)
    except ValueError:
        return False
    return True


def _sliceable(features: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in features if entry["dtype"] in {"bool", "category"}][:3]


def _defaults(name: str, model: BaseModel) -> list[str]:
    text = yaml.safe_dump({name: model.model_dump(mode="json")}, sort_keys=False, width=10_000)
    return [f"# {line}" for line in text.splitlines()]


def _policy(held: Held) -> list[str]:
    """The policy's defaults as comments; minima that are not the defaults without the sign."""
    usual = GatePolicy()
    minima = {"min_rows": held.min_rows, "min_per_class": held.min_per_class}
    lines = _defaults("policy", Policy())
    at = lines.index("#   gate:")
    changed = {name: value for name, value in minima.items() if value != getattr(usual, name)}
    if not changed:
        return lines
    for number, line in enumerate(lines):
        name = line.removeprefix("#").partition(":")[0].strip()
        if number in {0, at}:
            lines[number] = line.removeprefix("# ")
        elif number > at and name in changed:
            lines[number] = f"    {name}: {changed.pop(name)} # {held.lowered}"
    return lines


def _flow(value: object) -> str:
    """One value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True)
    return text.removesuffix("...\n").strip()
