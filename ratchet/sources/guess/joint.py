"""What only shows when tables are laid beside each other: who is missing where, how many labels there are, and who copies them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ratchet.core.schema import DType
from ratchet.sources import cells
from ratchet.sources.dates import typed_dates
from ratchet.sources.entity_keys import entity_keys
from ratchet.sources.guess.copies import Hint, knows
from ratchet.sources.guess.folders import Folders, read
from ratchet.sources.guess.label import Found

_LABELLED = 3  # snapshots in which copies of the label are looked for
_NO_LABEL = -1
_SOME_DAY = date(2000, 1, 1)


@dataclass(slots=True)
class Joint:
    """`optional` tables lack entities, or a snapshot lacks them; `beyond` have entities that the first table does not have.

    `labelled` has rows and rows of the rarer label a labelled snapshot; `known` says of columns, by table and header, why they know
    the label.
    """

    optional: set[str] = field(default_factory=set)
    beyond: dict[str, int] = field(default_factory=dict)
    labelled: list[tuple[int, int]] = field(default_factory=list)
    known: dict[tuple[str, str], Hint] = field(default_factory=dict)


def look(folders: Folders, first: str, keys: Mapping[str, str], label: Found, wanted: Mapping[str, Mapping[str, DType]]) -> Joint:
    """Read the snapshots once more, keys and labels of all, and features of those that are labelled best.

    Args:
        folders: the snapshots.
        first: the table that lists the entities.
        keys: the key's header by table.
        label: what is predicted.
        wanted: of each table the headers that may be features, with their types.
    """
    joint = Joint()
    looked = 0
    for snapshot in folders.read:
        here = [table for table in folders.tables(snapshot) if table in keys]
        joint.optional |= {table for table in keys if table not in here and table != label.seen.table}
        if first not in here:
            continue
        entities = {table: _keys(folders, snapshot, table, keys[table]) for table in here}
        known = entities[first]
        for table, own in entities.items():
            strangers = len(own.difference(known))
            if strangers:
                joint.beyond[table] = max(joint.beyond.get(table, 0), strangers)
            if strangers or len(own) < len(known):
                joint.optional.add(table)
        if label.seen.table not in here or snapshot not in label.seen.snapshots:
            continue
        labels = _labels(folders, snapshot, label).set_axis(entities[label.seen.table])
        labels = labels[(labels != _NO_LABEL) & labels.index.isin(known)]
        positives = int(labels.sum())
        if not 0 < positives < len(labels):
            continue
        joint.labelled.append((len(labels), min(positives, len(labels) - positives)))
        if looked < _LABELLED:
            looked += 1
            for table in here:
                _look_at(joint, folders, snapshot, table, entities[table], labels, wanted.get(table, {}), first_look=looked == 1)
    return joint


def _look_at(
    joint: Joint,
    folders: Folders,
    snapshot: str,
    table: str,
    entities: pd.Index,
    labels: pd.Series,
    wanted: Mapping[str, DType],
    *,
    first_look: bool,
) -> None:
    """Who knows the label, or may, in every snapshot that was looked at."""
    own = labels.reindex(entities).to_numpy()
    rows = ~np.isnan(own)
    content = read(folders.place / snapshot, table, list(wanted)).content if wanted else None
    for header, dtype in wanted.items():
        place = (table, header)
        if content is None or (not first_look and place not in joint.known):
            continue
        values = _values(content[header], dtype)[rows]
        if hint := knows(values, own[rows].astype(np.int8)):
            joint.known[place] = hint.again(joint.known.get(place))
        else:
            joint.known.pop(place, None)


def _values(column: pa.ChunkedArray, dtype: DType) -> pd.Series:
    """Numbers as float64, categories as objects; a cell that does not fit is missing."""
    if dtype is DType.DATE:
        days = typed_dates(column, "days", _SOME_DAY).values  # noqa: PD011 - Arrow's
        return pd.Series(days.cast("float64").to_numpy(zero_copy_only=False))
    read = cells.typed(column, dtype).values  # noqa: PD011 - Arrow's
    if dtype is DType.CATEGORY:
        return pd.Series(read.to_pandas(), dtype=object)
    return pd.Series((read.cast("int8") if dtype is DType.BOOL else read).cast("float64").to_numpy(zero_copy_only=False))


def _keys(folders: Folders, snapshot: str, table: str, header: str) -> pd.Index:
    content = read(folders.place / snapshot, table, [header]).content
    keys: pd.Index = pd.Index(entity_keys(content[header]).texts.to_pandas())
    return keys


def _labels(folders: Folders, snapshot: str, label: Found) -> pd.Series:
    """0, 1 or _NO_LABEL a row."""
    header = label.seen.header
    raw = cells.plain(read(folders.place / snapshot, label.seen.table, [header]).content[header])
    if label.positive is None:
        values = cells.typed(raw, DType.BOOL).values  # noqa: PD011 - Arrow's
    else:
        values = pc.equal(cells.typed(raw, DType.CATEGORY).values, label.positive)
    return pd.Series(pc.fill_null(values.cast("int8"), _NO_LABEL).to_numpy(zero_copy_only=False))
