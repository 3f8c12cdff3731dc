"""Findings of one or several snapshots, put together as the keys that ratchet.yaml would have to have."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ratchet.project.columns import Column
from ratchet.project.file import Project
from ratchet.sources.problems import Lesson, Problem

MOST_CATEGORIES = 100  # of a column: more are no list that anybody keeps
_FINE = 100  # shares are written in hundredths


@dataclass(frozen=True, slots=True)
class Change:
    """One key of ratchet.yaml.

    `place` is what has it: `column` with `name`, `table` with `name`, or `label`. `value` is what the key becomes; of categories,
    what is added to them.
    """

    place: str
    name: str
    key: str
    value: Any


def changes(project: Project, problems: Iterable[Problem]) -> list[Change]:
    """What the project would have to say, each key once, in the order of the findings."""
    columns = {column.name: column for column in project.columns}
    told: dict[tuple[str, str], list[Lesson]] = {}
    for problem in problems:
        if problem.lesson is not None:
            name = problem.column if problem.column in columns else problem.table
            told.setdefault((name, problem.lesson.key), []).append(problem.lesson)
    found: list[Change] = []
    for (name, key), lessons in told.items():
        if key == "optional":
            found.append(Change("table", name, "optional", value=True))
        elif key == "strangers":
            found.append(Change("label", "", "on_unknown", "missing"))
        else:
            found += _of_column(columns[name], key, [lesson.values for lesson in lessons])
    return [change for at, change in enumerate(found) if change not in found[:at]]


def _of_column(column: Column, key: str, values: list[tuple[Any, ...]]) -> list[Change]:
    def change(name: str, value: Any) -> Change:
        return Change("column", column.name, name, value)

    if key == "range":
        low, high = column.range or (math.inf, -math.inf)
        bounds = [min(low, *(pair[0] for pair in values)), max(high, *(pair[1] for pair in values))]
        return [change("range", [_plain(bound) for bound in bounds])]
    if key == "categories":
        new = list(dict.fromkeys(name for names in values for name in names))
        if len(new) + len(column.categories or ()) <= MOST_CATEGORIES:
            return [change("categories", new)]
        return [change("on_unknown", "missing")]
    if key == "nullable":
        return [change("nullable", value=True)]
    share = math.ceil(max(value for (value,) in values) * _FINE) / _FINE
    if key == "on_unknown":
        more = [change("max_unknown_share", share)] if share > column.max_unknown_share else []
        return [change("on_unknown", "missing"), *more]
    return [change(key, share)]


def _plain(bound: float) -> float:
    return int(bound) if float(bound).is_integer() else float(bound)


def applied(content: Any, found: Iterable[Change]) -> Any:
    """The content of a project file with the changes in it. Raises LookupError where it does not say what is changed."""
    content = _copied(content)
    for change in found:
        if change.place == "table":
            tables = content["tables"]
            at = next(
                at for at, one in enumerate(tables) if change.name in (one, one.get("name") if isinstance(one, dict) else one)
            )
            tables[at] = {**(tables[at] if isinstance(tables[at], dict) else {"name": tables[at]}), change.key: change.value}
            continue
        described = content["label"] if change.place == "label" else column_in(content, change.name)
        added = [*described["categories"], *change.value] if change.key == "categories" else change.value
        described[change.key] = added
    return content


def column_in(content: Mapping[str, Any], name: str) -> Any:
    """The description of a column. Raises LookupError where there is none."""
    group = content.get("holdout", {}).get("group")
    groups = [group] if isinstance(group, dict) else []
    for described in (*content.get("features", ()), *content.get("slices", ()), *groups):
        if described.get("name") == name:
            return described
    raise LookupError(name)


def _copied(content: Any) -> Any:
    """The same values, each its own: two places that are one by an alias are two here."""
    if isinstance(content, dict):
        return {key: _copied(value) for key, value in content.items()}
    return [_copied(value) for value in content] if isinstance(content, list) else content
