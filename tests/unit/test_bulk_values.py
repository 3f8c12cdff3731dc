"""Cells and keys encoded by the column, held to protobuf's and Feast's own encoders."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.clients.lean_imports import feast_importable
from ratchet.features.bulk_values import encoded, keys_of

with feast_importable():
    from feast.infra.key_encoding_utils import serialize_entity_key
    from feast.infra.online_stores.helpers import extract_text_and_num
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
EDGES = st.sampled_from([0, 1, -1, 127, 128, 2**14, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)])
COLUMNS = st.one_of(
    st.tuples(st.just("int64"), st.lists(st.none() | EDGES | st.integers(-(2**63), 2**63 - 1))),
    st.tuples(st.just("double"), st.lists(st.none() | st.floats() | st.sampled_from([0.0, -0.0, 0.1, 1e16, 1e22, 5e-324]))),
    st.tuples(st.just("bool"), st.lists(st.none() | st.booleans())),
    st.tuples(st.just("string"), st.lists(st.none() | st.sampled_from(["", "Größe", "\0", "𝄞"]) | TEXTS)),
)
ARROW = {"int64": pa.int64(), "double": pa.float64(), "bool": pa.bool_(), "string": pa.string()}


@given(COLUMNS)
def test_each_cell_is_what_protobuf_and_feast_make_of_it(column: tuple[str, list[Any]]) -> None:
    kind, cells = column
    made = encoded(pa.array(cells, ARROW[kind]), kind)
    missing = [cell is None or cell != cell for cell in cells]  # noqa: PLR0124 - NaN, which Feast takes for null
    values = [Value() if gone else Value(**{f"{kind}_val": cell}) for cell, gone in zip(cells, missing, strict=True)]
    assert made.spread(made.different.values) == [value.SerializeToString() for value in values]
    assert made.spread(made.different.texts) == [extract_text_and_num(value, compute_num=False)[0] for value in values]


@given(TEXTS.filter(bool), st.lists(TEXTS))
def test_each_key_is_what_feast_makes_of_it(entity: str, keys: list[str]) -> None:
    messages = [EntityKey(join_keys=[entity], entity_values=[Value(string_val=key)]) for key in keys]
    assert keys_of(entity, keys) == [serialize_entity_key(message, 3) for message in messages]


@pytest.mark.parametrize(("kind", "cells"), [("bool", [True, False]), ("string", ["a", "b"]), ("int64", [1, 2**60])])
def test_repeated_values_are_made_once(kind: str, cells: list[object]) -> None:
    made = encoded(pa.array(cells * 1000, ARROW[kind]), kind)
    assert len(made.different.values) == 2
    assert len(made.spread(made.different.values)) == 2000


@pytest.mark.parametrize(
    ("kind", "cells", "text"),
    [("double", pa.array([3], pa.int64()), "3.0"), ("int64", pa.array([3.7]), "3"), ("double", pa.array([None], pa.null()), None)],
)
def test_a_column_of_another_type_is_taken_as_the_feature_has_it(kind: str, cells: pa.Array, text: str | None) -> None:
    assert encoded(cells, kind).different.texts == [text]
