"""Whether the tables of a snapshot speak of the same entities."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ratchet.project.file import Project
from ratchet.sources.problems import SAMPLES, Problem, counted


def mismatches(frames: Mapping[str, pd.DataFrame], project: Project) -> list[Problem]:
    """Compare each table's entities with those of the first table that is not the label's.

    The other feature tables must have exactly those, the label table may have fewer. Without the first table there is nothing to
    compare with.
    """
    label = project.label.table
    first = next((table for table in project.tables if table != label), "")
    if first not in frames:
        return []
    known = _entities(frames[first], project.entity)
    found = []
    for table, frame in frames.items():
        own = known if table == first else _entities(frame, project.entity)
        if own.equals(known):
            continue
        unknown, lacking = own.difference(known), known.difference(own)
        if len(unknown):
            nouns = ("label is", "labels are") if table == label else ("row is", "rows are")
            found.append(_stray(table, f"{counted(len(unknown), *nouns)} of entities that {first} does not have", unknown))
        if len(lacking) and table != label:
            found.append(_stray(table, f"{counted(len(lacking), 'entity', 'entities')} of {first} missing", lacking))
    return found


def _entities(frame: pd.DataFrame, entity: str) -> pd.Index:
    return pd.Index(frame[entity].dropna().unique()).sort_values()


def _stray(table: str, text: str, entities: pd.Index) -> Problem:
    return Problem(table, "", text, len(entities), tuple(str(key) for key in entities[:SAMPLES]))
