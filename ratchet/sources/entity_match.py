"""Whether the tables of a snapshot speak of the same entities."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from ratchet.core.entity_key import alike, differ_by
from ratchet.project.file import Project
from ratchet.sources.cells import Mask, plain
from ratchet.sources.entity_keys import Keys
from ratchet.sources.problems import SAMPLES, Lesson, Problem, clipped, counted
from ratchet.sources.which_tables import brings_labels_alone, entity_table, may_be_missing


def key_problems(table: str, entity: str, raw: pa.ChunkedArray, read: Keys) -> tuple[list[Problem], Mask]:
    """What is wrong with a table's keys as they are written, and the rows that are told of here.

    Args:
        table: its name.
        entity: the key's column.
        raw: the keys as read.
        read: what `entity_keys` made of them.
    """
    found = []
    for fault in read.faults:
        rows = np.flatnonzero(fault.rows)
        lines = ", ".join(str(row + 1) for row in rows[:SAMPLES])
        text = f"{counted(len(rows), 'key is', 'keys are')} {fault.phrase}, as in row {lines}"
        found.append(Problem(table, entity, text, len(rows), (), clipped(raw.take(pa.array(rows[:SAMPLES])).to_pylist())))
    keys = read.texts
    twice = _respelled_twins(raw, keys)
    if twice.any():
        rows = np.flatnonzero(twice)
        text = f"{counted(len(rows), 'row repeats a key', 'rows repeat a key')} that is spelled otherwise in another row"
        hint = "blanks around a key and the `.0` of a whole number are no part of it"
        samples = pa.array(rows[:SAMPLES])
        names, written = keys.take(samples).to_pylist(), map(str, raw.take(samples).to_pylist())
        found.append(Problem(table, entity, text, len(rows), tuple(names), tuple(written), hint=hint))
    return found, read.faulty | twice


def _respelled_twins(raw: pa.ChunkedArray, read: pa.Array) -> Mask:
    """Rows whose key another row has in another spelling, the first of each key left out."""
    none = np.zeros(len(read), dtype=np.bool_)
    written = plain(raw)
    if written.type != read.type or written.equals(read):
        return none
    keys = pd.DataFrame({"key": read.to_pandas(), "written": written.to_pandas()})
    again = keys["key"].notna() & keys["key"].duplicated()
    if not again.any():
        return none
    same = keys.groupby("key")["written"].transform("nunique") > 1
    return np.asarray(again & same, dtype=np.bool_)


def mismatches(frames: Mapping[str, pd.DataFrame], project: Project) -> list[Problem]:
    """Compare each table's entities with those of the table that lists them.

    The other feature tables must have exactly those, the label's own table and optional ones may have fewer. Where that table could
    not be read there is nothing to compare with.
    """
    first = entity_table(project)
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
            nouns = ("label is", "labels are") if brings_labels_alone(project, table) else ("row is", "rows are")
            text = (
                f"{counted(len(unknown), *nouns)} of entities that {first} does not have{spelled_otherwise(unknown, known, first)}"
            )
            lesson = Lesson("strangers") if brings_labels_alone(project, table) and len(own) > len(unknown) else None
            found.append(_stray(table, text, unknown, lesson))
        if len(lacking) and not may_be_missing(project, table):
            found.append(
                _stray(
                    table, f"{counted(len(lacking), 'entity', 'entities')} of {first} missing", lacking, _optional(project, table)
                )
            )
    return found


def spelled_otherwise(unknown: pd.Index, known: pd.Index, first: str) -> str:
    """Where keys differ by spelling alone, an example of it."""
    by_likeness = {alike(str(key)): key for key in known}
    twin = next(((key, by_likeness[alike(str(key))]) for key in unknown if alike(str(key)) in by_likeness), None)
    if twin is None:
        return ""
    how = differ_by(str(twin[0]), str(twin[1]))
    return f" (spelled otherwise? {twin[0]!r} may be {twin[1]!r} of {first}{f': they differ by {how}' if how else ''})"


def _entities(frame: pd.DataFrame, entity: str) -> pd.Index:
    return pd.Index(frame[entity].dropna().unique()).sort_values()


def _optional(project: Project, table: str) -> Lesson | None:
    """A table may become optional where another one lists the entities."""
    return Lesson("optional") if table != entity_table(project) else None


def _stray(table: str, text: str, entities: pd.Index, lesson: Lesson | None) -> Problem:
    return Problem(table, "", text, len(entities), tuple(str(key) for key in entities[:SAMPLES]), lesson=lesson)
