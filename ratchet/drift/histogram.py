"""One feature's part of a profile: a histogram that merges exactly."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ratchet.core.errors import DataError
from ratchet.core.schema import Coded, DType, Feature
from ratchet.drift import bins, precision
from ratchet.drift.bins import Floats, Ints
from ratchet.drift.precision import Counted, together

_WIDTH = 63  # bits of a key


def _none() -> Ints:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class FeatureProfile:
    """One feature's histogram. Two of them are equal when their `state()` is.

    A number has `keys` on the grid of `bits` (see bins.py and precision.py; strictly increasing) with `counts`, both int64 of
    shape (k,), and the exact `low` and `high` (inf and -inf while there is no value). A category has `categories`, from value
    to count. No count is 0.
    """

    name: str
    dtype: DType
    missing: int = 0
    keys: Ints = field(default_factory=_none)
    counts: Ints = field(default_factory=_none)
    low: float = math.inf
    high: float = -math.inf
    bits: int = bins.FINEST
    categories: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def present(self) -> int:
        """The number of rows with a value."""
        return int(self.counts.sum()) + sum(self.categories.values())

    @property
    def rows(self) -> int:
        """The number of rows, with and without a value."""
        return self.missing + self.present

    @cached_property
    def values(self) -> Floats:
        """The value of each bin, shape (k,), increasing: within 1/4096 of every value counted there, and next to zero."""
        return bins.values_of(self.keys, self.bits)

    @property
    def counted(self) -> Counted:
        """The bins of a number."""
        return Counted(self.keys, self.counts, self.bits)

    @property
    def cdf(self) -> Floats:
        """Share of the present rows at or below each of `values`, shape (k,)."""
        return np.cumsum(self.counts) / max(self.present, 1)

    @property
    def mean(self) -> float:
        """Mean of the binned values; NaN when there is none. For people: decisions use whole distributions."""
        return float(self.values @ (self.counts / self.present)) if len(self.counts) else math.nan

    @property
    def std(self) -> float:
        """Population standard deviation of the binned values; NaN when there is none."""
        return math.sqrt(float(np.square(self.values - self.mean) @ (self.counts / self.present))) if len(self.counts) else math.nan

    def quantile(self, share: float) -> float:
        """The smallest binned value with at least `share` (0 to 1) of the present rows at or below it; NaN when there is none."""
        if not len(self.counts):
            return math.nan
        return float(self.values[np.searchsorted(self.cdf, min(share, 1.0))])

    def shares(self) -> dict[str, float]:
        """Share of the present rows by category, most frequent first; a bool's categories are `0` and `1`."""
        counts = self.categories or {f"{value:g}": int(count) for value, count in zip(self.values, self.counts, strict=True)}
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return {value: count / self.present for value, count in ordered}

    def density(self, edges: Floats) -> Floats:
        """Share of the present rows between display edges of shape (b + 1,); shape (b,), see `display_edges`."""
        heights, _ = np.histogram(self.values, bins=edges, weights=self.counts.astype(np.float64))
        return heights / max(self.present, 1)

    def merge(self, other: FeatureProfile) -> FeatureProfile:
        """Both histograms in one. Raises DataError when they are not of the same feature."""
        if (self.name, self.dtype) != (other.name, other.dtype):
            message = (
                f"profiles of different features cannot be merged: {self.name} ({self.dtype}) and {other.name} ({other.dtype}); "
                "profile both parts with one ratchet.yaml"
            )
            raise DataError(message)
        whole = self.counted.merge(other.counted)
        return FeatureProfile(
            name=self.name,
            dtype=self.dtype,
            missing=self.missing + other.missing,
            keys=whole.keys,
            counts=whole.counts,
            bits=whole.bits,
            low=min(self.low, other.low),
            high=max(self.high, other.high),
            categories=Counter(self.categories) + Counter(other.categories),
        )

    def aligned(self, other: FeatureProfile) -> tuple[Floats, Ints, Ints]:
        """Common values of two numbers, increasing, and the counts of either at them, on the coarser grid; each has shape (k,)."""
        one, two = together(self.counted, other.counted)
        keys, _ = bins.merge(one.keys, one.counts, two.keys, two.counts)
        return bins.values_of(keys, one.bits), _spread(one, keys), _spread(two, keys)

    def state(self) -> dict[str, Any]:
        """The profile as JSON types; keys as steps from one to the next without the `zeros` bits that all of them end in."""
        state: dict[str, Any] = {"name": self.name, "dtype": self.dtype.value, "missing": self.missing}
        if not self.dtype.is_number:
            return state | {"categories": dict(sorted(self.categories.items()))}
        seen = len(self.keys) > 0
        zeros = _zeros(self.keys)
        return state | {
            "bits": self.bits,
            "zeros": zeros,
            "steps": np.diff(self.keys >> zeros, prepend=0).tolist(),
            "counts": self.counts.tolist(),
            "low": self.low if seen else None,
            "high": self.high if seen else None,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The inverse of `state`. Raises KeyError, TypeError or ValueError on anything that `state` cannot have written."""
        dtype, name, missing = DType(state["dtype"]), state["name"], state["missing"]
        require(type(name) is str, "name")
        require(type(missing) is int and missing >= 0, "missing")
        if not dtype.is_number:
            categories = state["categories"]
            require(all(type(count) is int and count > 0 for count in categories.values()), "categories")
            return cls(name, dtype, missing, categories=dict(categories))
        bits, zeros = state.get("bits", bins.COARSEST), state.get("zeros", 0)  # a profile of an earlier release has neither
        require(type(bits) is int and bins.COARSEST <= bits <= bins.FINEST, "bits")
        require(type(zeros) is int and 0 <= zeros < _WIDTH, "zeros")
        keys, counts = np.cumsum(_integers(state["steps"])), _integers(state["counts"])
        last = bins.last_key(bits) >> zeros
        require(len(keys) == len(counts) and bool((counts > 0).all()), "counts")
        require(bool((keys[1:] > keys[:-1]).all()) and bool(((keys >= -last) & (keys <= last)).all()), "steps")
        if not len(keys):
            return cls(name, dtype, missing)
        low, high = float(state["low"]), float(state["high"])
        require(math.isfinite(low) and math.isfinite(high) and low <= high, "low and high")
        return cls(name, dtype, missing, keys << zeros, counts, low, high, bits)


def count(feature: Feature, values: NDArray[Any] | Coded, rows: int) -> FeatureProfile:
    """Count a column of `rows` elements. Raises DataError when it does not fit, see `profile`."""
    if len(values) != rows:
        message = f"column {feature.name} has {len(values)} rows where the others have {rows}: the tables do not fit together"
        raise DataError(message)
    if not feature.dtype.is_number:
        return _count_categories(feature, values)
    if isinstance(values, Coded):
        message = f"column {feature.name} holds text where a number belongs: check its type in ratchet.yaml"
        raise DataError(message)
    numbers = np.ascontiguousarray(values, dtype=np.float64)
    low = float(np.fmin.reduce(numbers, initial=math.inf)) + 0.0  # + 0.0 makes one zero of -0.0 and 0.0
    high = float(np.fmax.reduce(numbers, initial=-math.inf)) + 0.0
    if low > high:
        return FeatureProfile(feature.name, feature.dtype, rows)
    if math.isinf(low) or math.isinf(high):
        message = f"column {feature.name} holds an infinite number: correct it, or leave the cell empty"
        raise DataError(message)
    found = precision.count(numbers, low, high)
    missing = rows - int(found.counts.sum())
    return FeatureProfile(feature.name, feature.dtype, missing, found.keys, found.counts, low, high, found.bits)


def _count_categories(feature: Feature, values: NDArray[Any] | Coded) -> FeatureProfile:
    categories: Counter[Any] = values.tally() if isinstance(values, Coded) else Counter(values.tolist())
    missing = categories.pop(None, 0)
    strange = next((value for value in categories if type(value) is not str), None)
    if strange is not None:
        message = f"column {feature.name} holds {strange!r} where a category is text: check its type in ratchet.yaml"
        raise DataError(message)
    return FeatureProfile(feature.name, feature.dtype, missing, categories=categories)


def display_edges(*items: FeatureProfile, bars: int = 20) -> Floats:
    """Common edges of shape (bars + 1,) to draw several profiles of one number with `density`; 0 to 1 when none has a value."""
    seen = [item.values for item in items if len(item.values)]
    low, high = min((float(v[0]) for v in seen), default=0.0), max((float(v[-1]) for v in seen), default=1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bars + 1)


def _spread(found: Counted, keys: Ints) -> Ints:
    """The counts at `keys`, which hold all of its own."""
    counts = np.zeros(len(keys), dtype=np.int64)
    counts[np.searchsorted(keys, found.keys)] = found.counts
    return counts


def _zeros(keys: Ints) -> int:
    """How many bits, all of them 0, every key ends in."""
    used = int(np.bitwise_or.reduce(keys, initial=0))
    return (used & -used).bit_length() - 1 if used else 0


def _integers(values: Any) -> Ints:
    array = np.asarray(values)
    require(array.ndim == 1 and (array.dtype == np.int64 or array.size == 0), "an array")
    return array.astype(np.int64)


def require(condition: bool, what: str) -> None:
    """Raise ValueError unless the stored part `what` is as it must be."""
    if not condition:
        message = f"{what} does not fit"
        raise ValueError(message)
