from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.errors import UserError
from ratchet.core.row_groups import MOST_GROUPS, label_of, labelled, row_groups


@given(rows=st.integers(0, 10**9), per_pod=st.integers(1000, 10**7))
def test_groups_cover_every_row_once_and_are_few(rows: int, per_pod: int) -> None:
    groups = row_groups(rows, per_pod)
    assert (groups[0].start, groups[-1].stop) == (0, rows)
    assert all(left.stop == right.start and len(left) for left, right in itertools.pairwise(groups))
    assert len(groups) <= MOST_GROUPS
    assert (len(groups) == 1) == (rows <= per_pod)
    assert [labelled(label_of(group), rows) for group in groups] == groups


def test_a_snapshot_of_up_to_five_million_rows_is_counted_by_one_pod() -> None:
    assert row_groups(5_000_000) == [range(5_000_000)]
    assert row_groups(12_000_000) == [range(4_000_000), range(4_000_000, 8_000_000), range(8_000_000, 12_000_000)]


@pytest.mark.parametrize("label", ["", "5", "-5", "a-b", "3-2", "0-11", "0-10-", "\u0665-6 "])
def test_what_is_no_stretch_of_the_rows_is_refused(label: str) -> None:
    with pytest.raises(UserError, match="is no stretch of 10 rows"):
        labelled(label, 10)
