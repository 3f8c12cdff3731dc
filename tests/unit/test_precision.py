"""A column is counted as finely as its spread asks for, and parts still merge to what the whole gives."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ratchet.core.errors import ArtifactError
from ratchet.core.schema import DType, Feature
from ratchet.drift import bins, precision, tally
from ratchet.drift.histogram import FeatureProfile
from ratchet.drift.profile import Profile, merge, profile

RNG = np.random.default_rng(7)
COLUMNS = {
    "coordinates": RNG.normal(52.4, 0.001, 30_000),
    "seconds": np.floor(RNG.uniform(1.7e9, 1.7e9 + 2.6e6, 30_000)),
    "ids": np.arange(1e9, 1e9 + 30_000),
    "few prices": RNG.choice([0.1, 9.99, 19.9, 129.95], 30_000),
    "whole numbers": RNG.poisson(30, 30_000).astype(np.float64),
    "both signs": RNG.normal(0, 1, 30_000),
    "a wide tail": np.concatenate([np.full(20_000, 1.7e9), RNG.lognormal(0, 9, 10_000)]),
    "zeros beside coordinates": np.where(RNG.random(30_000) < 0.1, 0.0, RNG.normal(-52.4, 0.01, 30_000)),
    "a bulk below zero and few far away": np.where(
        RNG.random(30_000) < 1e-3, RNG.normal(0, 1e4, 30_000), RNG.normal(-1e3, 0.01, 30_000)
    ),
    "-999 beside coordinates": np.where(RNG.random(30_000) < 0.1, -999.0, RNG.normal(52.4, 0.01, 30_000)),
    "zeros of both signs and what is next to them": np.concatenate(
        [RNG.normal(1e9, 1, 30_000), [0.0, -0.0, 5e-324, -5e-324, 1e-310]]
    ),
    "missing": np.where(RNG.random(30_000) < 0.3, np.nan, RNG.normal(1e6, 0.1, 30_000)),
}


def fees(values: NDArray[np.float64]) -> Profile:
    return profile([Feature("fee", DType.FLOAT)], {"fee": values})


def finest(values: NDArray[np.float64], most: int) -> int:
    """By definition: the finest grid with at most `most` bins, or the coarsest."""
    present = values[~np.isnan(values)]
    fitting = [bits for bits in range(bins.COARSEST, bins.FINEST + 1) if len(tally.count(present, bits)[0]) <= most]
    return max(fitting, default=bins.COARSEST)


@pytest.mark.parametrize("name", COLUMNS)
def test_the_grid_is_the_finest_with_few_bins(name: str) -> None:
    values = COLUMNS[name]
    item = fees(values)["fee"]
    assert item.bits == finest(values, precision.MOST_BINS)
    keys, counts = tally.count(values, item.bits)
    assert (item.keys.tolist(), item.counts.tolist()) == (keys.tolist(), counts.tolist())


@pytest.mark.parametrize("parts", [2, 7, 60])
@pytest.mark.parametrize("name", COLUMNS)
def test_parts_merge_to_the_whole_in_any_order(name: str, parts: int) -> None:
    values = COLUMNS[name]
    for ordered in (values, np.sort(values)):
        pieces = [fees(part) for part in np.array_split(ordered, parts)]
        assert merge(*pieces).to_json() == merge(*reversed(pieces)).to_json() == fees(values).to_json()


WILD = st.floats(allow_infinity=False) | st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1.7e308, -1.7e308]) | st.floats(52.3, 52.5)


@given(st.lists(st.lists(WILD, max_size=12), min_size=2, max_size=4), st.integers(2, 8))
def test_any_values_merge_to_the_bit_where_few_bins_are_allowed(parts: list[list[float]], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(precision, "MOST_BINS", most)
        every = np.array([value for part in parts for value in part], dtype=np.float64)
        whole, pieces = fees(every), [fees(np.array(part, dtype=np.float64)) for part in parts]
        assert merge(*pieces).to_json() == merge(*reversed(pieces)).to_json() == whole.to_json()
        assert Profile.from_json(whole.to_json()).to_json() == whole.to_json()
        if (~np.isnan(every)).any():
            assert whole["fee"].bits == finest(every, most)


def test_a_small_snapshot_is_kept_as_it_is() -> None:
    values = RNG.normal(0, 1, 2_000)
    item = fees(values)["fee"]
    assert np.repeat(item.values, item.counts).tolist() == np.sort(values).tolist()


def of_an_earlier_release(values: NDArray[np.float64]) -> FeatureProfile:
    """What releases with one grid for all columns wrote of them."""
    keys, counts = tally.count(values)
    steps = np.diff(keys, prepend=0).tolist()
    state = {"name": "fee", "dtype": "float", "missing": 0, "steps": steps, "counts": counts.tolist()}
    state |= {"low": float(values.min()), "high": float(values.max())}
    return Profile.from_json(json.dumps({"version": 1, "features": [state]}))["fee"]


@pytest.mark.parametrize("name", ["coordinates", "few prices", "both signs", "zeros beside coordinates"])
def test_a_profile_of_an_earlier_release_is_compared_on_its_grid(name: str) -> None:
    values = COLUMNS[name]
    old = of_an_earlier_release(values)
    assert old.bits == bins.COARSEST
    points, before, after = old.aligned(fees(values)["fee"])
    assert before.tolist() == after.tolist() == old.counts.tolist()
    assert points.tolist() == old.values.tolist()


@pytest.mark.parametrize(("bits", "zeros"), [(11, 0), (53, 0), ("52", 0), (52, -1), (52, 63), (12, 53)])
def test_a_grid_that_is_none_is_refused(bits: object, zeros: object) -> None:
    content = json.loads(fees(np.array([1.0, 2.0])).to_json())
    content["features"][0] |= {"bits": bits, "zeros": zeros}
    with pytest.raises(ArtifactError):
        Profile.from_json(json.dumps(content))
