"""Labels of a snapshot that come by and by."""

from __future__ import annotations

import pandas as pd

from ratchet.core.errors import DataError
from ratchet.core.schema import Columns

_NAMED = 3  # of entities whose label is another


def joined(stored: Columns, brought: pd.DataFrame, entity: str, label: str) -> pd.DataFrame | None:
    """The stored labels and those that are new, sorted by entity; None where nothing is new.

    Args:
        stored: `entity` and `label` of the labelled rows.
        brought: the same under the project's names; it may lack entities that are stored, whose labels stay.
        entity: the key's column.
        label: the label's column.

    Raises DataError where an entity that has a label gets another: how many there are, and three of them.
    """
    known = pd.Series(stored["label"], index=stored["entity"])
    there = brought[entity].isin(known.index).to_numpy()
    again = brought[there]
    other = known.loc[again[entity]].to_numpy() != again[label].to_numpy()
    if other.any():
        names = ", ".join(again[entity].to_numpy()[other][:_NAMED])
        message = f"{int(other.sum())} of {len(again)} labels that came before are others now, as for {entity} {names}"
        raise DataError(message)
    if there.all():
        return None
    before = pd.DataFrame({entity: stored["entity"], label: stored["label"]}).astype({label: brought[label].dtype})
    return pd.concat([before, brought[~there]], ignore_index=True).sort_values(entity, ignore_index=True)
