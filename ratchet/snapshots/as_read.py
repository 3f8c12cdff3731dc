"""A stored table as it would be stored today: releases before the rule of ratchet.core.entity_key kept what was written."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd
import pyarrow as pa

from ratchet.clients.arrow_keys import one_code, stored
from ratchet.clients.content_hash import table_hash

_PANDAS = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}  # exact with nulls, as the table was when it was hashed


def hash_as_read(table: pa.Table, entity: str, codes: Mapping[str, Collection[str]], known: str) -> str:
    """The hash of the content with keys and codes in their one spelling; empty where `known` is not that of the table as it is.

    That is so where the table was stored with other columns, or with values of another type: then nothing can be said about it.

    Args:
        table: the entity key and the project's columns, as stored.
        entity: the key's column.
        codes: the category columns, with what ratchet.yaml declares of each.
        known: features_hash of the table's manifest.
    """
    columns = {name: _text(table[name]) if name == entity or name in codes else table[name] for name in table.column_names}
    if _hash(columns, entity) != known:
        return ""
    for name, declared in codes.items():
        columns[name] = one_code(columns[name], declared)
    return _hash({**columns, entity: stored(columns[entity])}, entity)


def _text(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.cast(pa.string()).chunks) if column.num_chunks else pa.array([], pa.string())


def _hash(columns: Mapping[str, pa.Array | pa.ChunkedArray], entity: str) -> str:
    return table_hash(pa.table(dict(columns)).to_pandas(types_mapper=_PANDAS.get), entity)
