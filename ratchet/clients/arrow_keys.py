"""Columns of entity keys and of codes in Arrow, brought into the one spelling that ratchet.core.entity_key has for each."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from ratchet.core.entity_key import ODD, code_of, codes_respelled, spelled


def respelled(keys: pa.Array) -> pa.Array:
    """Text keys by the rule, null where they are blank; the array itself where all are already.

    Only what may be spelled otherwise is looked at key by key: a million that are not cost 0.05 s.
    """
    odd = pc.fill_null(pc.or_(pc.match_substring_regex(keys, ODD), pc.equal(keys, "")), fill_value=False)
    if not pc.any(odd).as_py():
        return keys
    changed = pa.array([spelled(key) or None for key in keys.filter(odd).to_pylist()], pa.string())
    return pc.replace_with_mask(keys, odd, changed)


def stored(keys: pa.Array) -> pa.Array:
    """The keys of a stored table by the rule. Releases before it kept them as they were written.

    Where two of them are one key by the rule, all stay as they are: whose rows these were cannot be told.
    """
    found = respelled(keys)
    if found is keys or found.equals(keys):
        return keys
    return found if not found.null_count and pc.count_distinct(found).as_py() == len(found) else keys


def one_code(text: pa.Array, declared: Collection[str]) -> pa.Array:
    """Categories that are codes in one spelling: as the project declares them, else without a point (`3.0` is `3`).

    The array itself where all are already.
    """
    found = pc.unique(text).drop_null()
    if all(code_of(name) == name for name in declared):
        found = found.filter(pc.match_substring_regex(found, r"\.0*$"))
    changed = codes_respelled(found.to_pylist(), declared)
    if not changed:
        return text
    at = pc.index_in(text, value_set=pa.array(list(changed), pa.string()))
    return pc.coalesce(pa.array(list(changed.values()), pa.string()).take(at), text)
