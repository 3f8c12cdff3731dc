"""The text of a guessed ratchet.yaml: guesses as YAML, everything else as comments."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import BaseModel

from ratchet.core.policy import GatePolicy
from ratchet.project.file import DataPolicy, Policy, Serving, Training
from ratchet.sources.guess.advice import ADVICE
from ratchet.sources.guess.holdout import Held


@dataclass(frozen=True, slots=True)
class Part:
    """One line of what was found: a column, our name and type of it, and why; `entry` is what would take it all the same."""

    place: str
    name: str
    taken_as: str
    why: str
    entry: Mapping[str, Any] = field(default_factory=dict)
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Guesses:
    """What was found: `features` are entries of ratchet.yaml, `left` tells of the columns that are none."""

    model: str
    entity: dict[str, str] | str
    label: dict[str, str]
    label_why: str
    dates: Mapping[str, date]
    dates_spoken: bool
    tables: Sequence[dict[str, Any] | str]
    features: Sequence[dict[str, Any]]
    left: Sequence[Part]
    held: Held
    min_rows: int


def render(found: Guesses) -> str:
    """The file's text."""
    chosen = _chosen(found.held, found.min_rows)
    lines = [
        "# The model project, guessed by `ratchet init`: read every line, a guess knows the data and not the business.",
        f"model: {_flow(found.model)}",
        f"entity: {_flow(found.entity)} # one row of each table",
        "",
        *_snapshot_lines(found.dates, spoken=found.dates_spoken),
        f"tables: {_flow(list(found.tables))}",
        "",
        f"label: {_flow(found.label)} # {_comment(found.label_why)}",
        "",
        "features: # ranges have room beside what was seen; up to 1 % of a column's cells that do not fit count as missing",
        *(f"  - {_flow(entry)}" for entry in found.features),
        *_left_lines(found.left),
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


def _left_lines(left: Sequence[Part]) -> list[str]:
    """What is left out and why; below it the line that would take it, where there is one."""
    lines = ["  # left out:"] if left else []
    for part in left:
        lines.append(f"  #   {_comment(f'{part.place}: {part.why}')}")
        if part.entry:
            lines.append(f"  # - {_flow(dict(part.entry))}")
    return lines


def _snapshot_lines(dates: Mapping[str, date], *, spoken: bool) -> list[str]:
    """Dates for the folders that are not named by one."""
    if not dates:
        return []
    how = "by their names, the last day of each" if spoken else "GUESSED as month ends, put the true dates"
    lines = [f"snapshots: # folder name -> the date that its rows describe; {how}"]
    return [*lines, *(f"  {_flow(name)}: {day}" for name, day in dates.items()), ""]


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


def _chosen(held: Held, min_rows: int) -> dict[str, tuple[object, str]]:
    """What a new project is better off with, and the minima where few rows ask for others."""
    usual = GatePolicy()
    minima = {"min_rows": held.min_rows, "min_per_class": held.min_per_class}
    lowered = {f"policy.gate.{name}": (value, held.lowered) for name, value in minima.items() if value != getattr(usual, name)}
    if min_rows != DataPolicy().min_rows:
        lowered["policy.data.min_rows"] = (min_rows, "half of what the smallest table has here")
    return {place: (list(value) if isinstance(value, tuple) else value, why) for place, (value, why) in ADVICE.items()} | lowered


def _flow(value: object) -> str:
    """One value as YAML on one line, whatever it is."""
    text = yaml.dump(value, Dumper=_OneLine, default_flow_style=True, sort_keys=False, width=sys.maxsize, allow_unicode=True)
    return text.removesuffix("...\n").strip()


class _OneLine(yaml.SafeDumper):
    """Writes text between double quotes where it has a character that is not seen, or at which another style breaks the line."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """The node of a str."""
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's
        """The same value twice is written twice."""
        return True


_OneLine.add_representer(str, _OneLine.represent_text)


def _comment(text: str) -> str:
    """On one line, with nothing that ends it."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
