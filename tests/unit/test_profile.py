"""Profiles count exactly and merge exactly, whatever the partitions."""

from __future__ import annotations

import json
import math
import struct
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.errors import ArtifactError, DataError
from ratchet.core.schema import Coded, Columns, DType, Feature, column
from ratchet.drift import bins, tally
from ratchet.drift.profile import Profile, display_edges, merge, profile

FEATURES = (
    Feature("visits", DType.INT),
    Feature("fee", DType.FLOAT),
    Feature("paperless", DType.BOOL),
    Feature("plan", DType.CATEGORY),
)
ROW = st.tuples(
    st.none() | st.integers(-9000, 9000),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.booleans(),
    st.none() | st.text(max_size=3),
)
ROWS = st.lists(ROW, max_size=30)


def columns_of(rows: list[tuple[Any, ...]]) -> Columns:
    return {feature.name: column(feature, [row[i] for row in rows]) for i, feature in enumerate(FEATURES)}


def profile_of(rows: list[tuple[Any, ...]]) -> Profile:
    return profile(FEATURES, columns_of(rows))


def fees(*values: float | None) -> Profile:
    feature = Feature("fee", DType.FLOAT)
    return profile([feature], {"fee": column(feature, list(values))})


@given(ROWS, ROWS, ROWS)
def test_merging_is_associative_and_commutative_to_the_bit(a: list[Any], b: list[Any], c: list[Any]) -> None:
    x, y, z = profile_of(a), profile_of(b), profile_of(c)
    assert merge(merge(x, y), z).to_json() == merge(x, merge(y, z)).to_json()
    assert merge(x, y).to_json() == merge(y, x).to_json()


@given(ROWS)
def test_merging_no_rows_changes_nothing(rows: list[Any]) -> None:
    mine, nothing = profile_of(rows), Profile.empty(FEATURES)
    assert merge(mine, nothing).to_json() == merge(nothing, mine).to_json() == mine.to_json()


@given(ROWS, st.integers(0, 30))
def test_the_profile_of_all_rows_is_the_merge_of_its_partitions(rows: list[Any], at: int) -> None:
    assert merge(profile_of(rows[:at]), profile_of(rows[at:])).to_json() == profile_of(rows).to_json()


@given(ROWS)
def test_a_profile_comes_back_from_json_as_it_was(rows: list[Any]) -> None:
    mine = profile_of(rows)
    back = Profile.from_json(mine.to_json())
    assert back.to_json() == mine.to_json()
    assert back.rows == mine.rows == len(rows)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_bins_are_ordered_as_values_are_and_near_them(values: list[float]) -> None:
    array = np.array(values, dtype=np.float64)
    keys, counts = tally.count(array)
    assert counts.sum() == len(values)
    assert (np.diff(keys) > 0).all()
    near = np.repeat(bins.values_of(keys), counts)
    exact = np.sort(array)
    assert (np.abs(near) <= np.abs(exact)).all()
    # Half the smallest normal number stands for "both are zero".
    assert (np.abs(exact - near) <= np.abs(exact) / 4096 + 1.2e-308).all()


def test_integers_up_to_8192_are_exact() -> None:
    values = np.arange(-8192, 8193, dtype=np.float64)
    keys, counts = tally.count(values)
    assert (bins.values_of(keys) == values).all()
    assert (counts == 1).all()


def keys_by_definition(values: list[float]) -> Counter[int]:
    """Sign, exponent and 12 bits of the mantissa, value by value; NaN left out."""
    keys: Counter[int] = Counter()
    for value in values:
        if not math.isnan(value):
            (bits,) = struct.unpack("<q", struct.pack("<d", abs(value)))
            keys[-(bits >> 40) if value < 0 else bits >> 40] += 1
    return keys


ODD_NUMBERS = st.sampled_from([math.nan, -math.nan, 0.0, -0.0, 5e-324, -5e-324, 1.0, -1.0, 1.7976931348623157e308, -1e300, 1e-300])
NUMBERS = st.lists(ODD_NUMBERS | st.floats(allow_infinity=False) | st.integers(-50, 50).map(float), max_size=40)


@given(NUMBERS)
def test_every_value_is_counted_in_its_own_bin(values: list[float]) -> None:
    keys, counts = tally.count(np.array(values, dtype=np.float64))
    assert dict(zip(keys.tolist(), counts.tolist(), strict=True)) == keys_by_definition(values)
    assert (np.diff(keys) > 0).all()


@given(NUMBERS, NUMBERS)
def test_merged_bins_are_those_of_all_values(some: list[float], others: list[float]) -> None:
    merged = bins.merge(*tally.count(np.array(some, dtype=np.float64)), *tally.count(np.array(others, dtype=np.float64)))
    together = tally.count(np.array(some + others, dtype=np.float64))
    assert [part.tolist() for part in merged] == [part.tolist() for part in together]


def test_many_rows_are_counted_as_a_few_are() -> None:
    rng = np.random.default_rng(4)
    values = np.concatenate(
        [rng.normal(0, 1e3, 60_000), rng.poisson(3, 60_000), rng.lognormal(0, 40, 20_000), np.full(9_000, np.nan)]
    )
    rng.shuffle(values)
    feature = [Feature("fee", DType.FLOAT)]
    parts = [profile(feature, {"fee": part}) for part in np.array_split(values, 7)]
    assert merge(*parts).to_json() == profile(feature, {"fee": values}).to_json()
    item = merge(*parts)["fee"]
    assert dict(zip(item.keys.tolist(), item.counts.tolist(), strict=True)) == keys_by_definition(values.tolist())
    assert (item.missing, item.low, item.high) == (9_000, np.nanmin(values), np.nanmax(values))


@given(st.lists(st.none() | st.text(max_size=3), max_size=30), st.lists(st.text(max_size=3), max_size=3))
def test_codes_are_counted_as_their_texts_are(cells: list[str | None], unused: list[str]) -> None:
    values = [*unused, *dict.fromkeys(cell for cell in cells if cell is not None)]  # may name a text twice, as Arrow may
    coded = Coded(np.array([-1 if cell is None else values.index(cell) for cell in cells], dtype=np.int32), values)
    feature = [FEATURES[3]]
    assert coded.texts().tolist() == cells
    assert profile(feature, {"plan": coded}).to_json() == profile(feature, {"plan": column(FEATURES[3], cells)}).to_json()


@pytest.mark.parametrize("codes", [[0, 2], [-2, 0]])
def test_codes_without_a_text_are_refused(codes: list[int]) -> None:
    with pytest.raises(DataError, match=r"codes go from .* with 2 values: it is damaged"):
        profile([FEATURES[3]], {"plan": Coded(np.array(codes, dtype=np.int32), ["a", "b"])})


def test_codes_where_a_number_belongs_are_refused() -> None:
    with pytest.raises(DataError, match="column fee holds text where a number belongs"):
        profile([FEATURES[1]], {"fee": Coded(np.zeros(1, dtype=np.int32), ["a"])})


def test_values_far_apart_are_counted_like_near_ones() -> None:
    spread = np.array([1e-300, 1e-300, 3.0, 1e300, -1e300, 0.0, -0.0])
    keys, counts = tally.count(spread)
    assert counts.tolist() == [1, 2, 2, 1, 1]
    assert bins.values_of(keys) == pytest.approx([-1e300, 0.0, 1e-300, 3.0, 1e300], rel=1 / 4096)


def test_missing_cells_are_counted_apart() -> None:
    mine = profile_of([(1, None, True, "a"), (None, None, None, None), (3, 2.5, False, "a")])
    assert [item.missing for item in mine] == [1, 2, 1, 1]
    assert mine.rows == 3
    assert mine["plan"].categories == {"a": 2}
    assert mine["visits"].values.tolist() == [1.0, 3.0]
    assert (mine["visits"].low, mine["visits"].high) == (1.0, 3.0)
    assert mine["paperless"].shares() == {"0": 0.5, "1": 0.5}


def test_a_summary_is_that_of_the_values() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(50, 10, 5000)
    item = profile([Feature("fee", DType.FLOAT)], {"fee": values})["fee"]
    assert item.mean == pytest.approx(values.mean(), rel=1e-3)
    assert item.std == pytest.approx(values.std(), rel=1e-3)
    assert item.quantile(0.25) == pytest.approx(np.quantile(values, 0.25), rel=1e-2)
    assert item.quantile(0) == pytest.approx(values.min(), rel=1e-3)
    assert item.quantile(1) == pytest.approx(values.max(), rel=1e-3)
    assert item.cdf[-1] == 1.0


def test_display_bars_hold_every_row_of_both_profiles() -> None:
    a, b = fees(1.0, 2.0, 2.0, 90.0)["fee"], fees(-5.0, 2.0, None)["fee"]
    edges = display_edges(a, b, bars=10)
    assert len(edges) == 11
    assert a.density(edges).sum() == pytest.approx(1.0)
    assert b.density(edges).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("values", [(), (None, None), (4.0, 4.0)])
def test_display_survives_a_column_with_nothing_to_show(values: tuple[float | None, ...]) -> None:
    item = fees(*values)["fee"]
    bars = item.density(display_edges(item, bars=4))
    assert bars.sum() == (1.0 if 4.0 in values else 0.0)
    assert math.isnan(item.quantile(0.5)) == math.isnan(item.mean) == math.isnan(item.std) == (4.0 not in values)


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_an_infinite_number_is_refused_by_name(value: float) -> None:
    with pytest.raises(DataError, match="column fee holds an infinite number"):
        fees(1.0, value)


def test_a_missing_column_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="no column for plan"):
        profile(FEATURES, {name: values for name, values in columns_of([]).items() if name != "plan"})


def test_columns_of_different_lengths_are_refused() -> None:
    columns = columns_of([(1, 1.0, True, "a")]) | {"plan": np.array(["a", "b"], dtype=object)}
    with pytest.raises(DataError, match="column plan has 2 rows where the others have 1"):
        profile(FEATURES, columns)


def test_a_number_among_categories_is_refused() -> None:
    with pytest.raises(DataError, match=r"column plan holds 1\.5"):
        profile([FEATURES[3]], {"plan": np.array(["a", 1.5], dtype=object)})


@pytest.mark.parametrize(
    "features", [FEATURES[:3], (*FEATURES[:3], Feature("plan", DType.INT)), (*FEATURES[:3], Feature("plam", DType.CATEGORY))]
)
def test_profiles_of_other_features_are_not_merged(features: tuple[Feature, ...]) -> None:
    with pytest.raises(DataError, match="cannot be merged"):
        merge(Profile.empty(FEATURES), Profile.empty(features))


def _set(path: tuple[Any, ...], value: Any) -> Callable[[Any], Any]:
    def change(content: Any) -> Any:
        target = content
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = value
        return content

    return change


@pytest.mark.parametrize(
    "damage",
    [
        _set(("version",), 3),
        _set(("features",), None),
        _set(("features", 0, "dtype"), "moment"),
        _set(("features", 0, "missing"), -1),
        _set(("features", 0, "missing"), 1.5),
        _set(("features", 0, "missing"), 40),
        _set(("features", 0, "counts"), [1]),
        _set(("features", 0, "counts"), [1, -1]),
        _set(("features", 0, "counts"), [1.5, 1.5]),
        _set(("features", 0, "counts"), [1, 2**70]),
        _set(("features", 0, "steps"), [5, 0]),
        _set(("features", 0, "steps"), [5, 2**40]),
        _set(("features", 0, "low"), math.nan),
        _set(("features", 0, "high"), None),
        _set(("features", 1, "name"), "visits"),
        _set(("features", 3, "categories"), {"a": 0}),
        _set(("features", 3, "categories"), ["a", "b"]),
        lambda content: content["features"],
    ],
)
def test_a_damaged_profile_is_refused(damage: Callable[[Any], Any]) -> None:
    text = profile_of([(1, 0.5, True, "a"), (2, 1.5, False, "b")]).to_json()
    with pytest.raises(ArtifactError, match="reference profile cannot be read"):
        Profile.from_json(json.dumps(damage(json.loads(text))))


@pytest.mark.parametrize("cut", [0, 1, 40, -1])
def test_a_cut_off_profile_is_refused(cut: int) -> None:
    with pytest.raises(ArtifactError):
        Profile.from_json(profile_of([(1, 0.5, True, "a")]).to_json()[:cut])
