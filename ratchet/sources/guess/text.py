"""The text of a guessed ratchet.yaml: guesses as YAML, everything else as comments."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import BaseModel

from ratchet.core.policy import GatePolicy
from ratchet.project.file import Policy, Serving, Training
from ratchet.sources.guess.advice import ADVICE
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
    label, chosen = {"column": found.label, "table": found.label_table}, _chosen(found.held)
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
        "# What follows are the defaults; lines without a comment sign do better in new projects. Take the sign off to change one.",
        *_section("policy", Policy(), chosen),
        *_section("training", Training(), chosen),
        *_section("serving", Serving()),
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


def _section(name: str, defaults: BaseModel, chosen: Mapping[str, tuple[object, str]] = MappingProxyType({})) -> list[str]:
    """A section's defaults as comments; without the sign what is chosen for this project, by its dotted name, with the reason."""
    return _lines({name: defaults.model_dump(mode="json")}, "", chosen)


def _lines(items: Mapping[str, Any], parent: str, chosen: Mapping[str, tuple[object, str]]) -> list[str]:
    lines = []
    for key, default in items.items():
        name, indent = f"{parent}{key}", "  " * parent.count(".")
        value, why = chosen.get(name, (default, ""))
        said = any(place == name or place.startswith(f"{name}.") for place in chosen)
        nested = isinstance(value, dict) and bool(value)
        text = f"{indent}{key}:" if nested else f"{indent}{key}: {_flow(value)}{f' # {why}' if why else ''}"
        lines.append(text if said else f"# {text}")
        lines += _lines(value, f"{name}.", chosen) if isinstance(value, dict) else []
    return lines


def _chosen(held: Held) -> dict[str, tuple[object, str]]:
    """What a new project is better off with, and the minima where few rows ask for others."""
    usual = GatePolicy()
    minima = {"min_rows": held.min_rows, "min_per_class": held.min_per_class}
    lowered = {f"policy.gate.{name}": (value, held.lowered) for name, value in minima.items() if value != getattr(usual, name)}
    return {place: (list(value) if isinstance(value, tuple) else value, why) for place, (value, why) in ADVICE.items()} | lowered


def _flow(value: object) -> str:
    """One value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True)
    return text.removesuffix("...\n").strip()
