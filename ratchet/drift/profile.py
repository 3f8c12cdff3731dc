"""The reference profile: per feature a histogram that merges exactly.

It holds integers, the smallest and the largest value, and nothing else: merging is addition, so it is associative and commutative
to the bit, and partitions may be profiled anywhere and merged in any order. Drift is computed from profiles alone (verdict.py).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Self

from numpy.typing import NDArray

from ratchet.core.entity_key import codes_respelled
from ratchet.core.errors import ArtifactError, DataError
from ratchet.core.schema import Coded, Feature, rows_of
from ratchet.drift.histogram import FeatureProfile, count, display_edges, require

__all__ = ["FeatureProfile", "Profile", "display_edges", "merge", "profile"]

_VERSION = 2
_READABLE = {1, 2}  # 1: all numbers on the coarsest grid


@dataclass(frozen=True, eq=False)
class Profile:
    """The histograms of a snapshot's features, in the project's order. Two profiles are equal when their `to_json()` is."""

    features: tuple[FeatureProfile, ...]

    @classmethod
    def empty(cls, features: Sequence[Feature]) -> Self:
        """The profile of no rows: merging with it changes nothing."""
        return cls(tuple(FeatureProfile(feature.name, feature.dtype) for feature in features))

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.features[0].rows if self.features else 0

    def __iter__(self) -> Iterator[FeatureProfile]:
        """The features' histograms, in order."""
        return iter(self.features)

    def __getitem__(self, name: str) -> FeatureProfile:
        """The histogram of the feature of that name. Raises KeyError when there is none."""
        for item in self.features:
            if item.name == name:
                return item
        raise KeyError(name)

    def to_json(self) -> str:
        """Compact and canonical: the same rows give the same text, whatever way they were partitioned."""
        content = {"version": _VERSION, "features": [item.state() for item in self.features]}
        return json.dumps(content, separators=(",", ":"), allow_nan=False)

    def respelled(self, declared: Mapping[str, Collection[str]]) -> Profile:
        """The profile with each code in its one spelling, as months are read: releases before the rule counted `3.0` and `3` apart.

        Args:
            declared: the categories that ratchet.yaml lists, by feature.
        """
        features = tuple(_respelled(item, declared.get(item.name, ())) for item in self.features)
        return self if all(new is old for new, old in zip(features, self.features, strict=True)) else Profile(features)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`. Raises ArtifactError when the text is not a whole, consistent profile."""
        try:
            content = json.loads(text)
            require(content["version"] in _READABLE, "version")
            features = tuple(FeatureProfile.from_state(state) for state in content["features"])
            require(len({item.rows for item in features}) <= 1, "rows")
            require(len({item.name for item in features}) == len(features), "names")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"the reference profile cannot be read ({error}): restore the model version's files, or train a new version"
            raise ArtifactError(message) from error
        return cls(features)


def profile(features: Sequence[Feature], columns: Mapping[str, NDArray[Any] | Coded]) -> Profile:
    """Count a snapshot, or one partition of it.

    Args:
        features: what to count.
        columns: one column a feature (core/schema.py), all of n rows; others are ignored. A category may be `Coded`, which costs
            a tenth.

    Returns:
        The profile of these rows.

    Raises:
        DataError: a column is missing, of another length, holds an infinite number or, as a category, something that is not text.
    """
    absent = [feature.name for feature in features if feature.name not in columns]
    if absent:
        message = f"no column for {', '.join(absent)}: the data needs every feature of ratchet.yaml"
        raise DataError(message)
    rows = rows_of({feature.name: columns[feature.name] for feature in features})
    return Profile(tuple(count(feature, columns[feature.name], rows) for feature in features))


def merge(*profiles: Profile) -> Profile:
    """All rows of all profiles, in any order. Raises DataError when their features differ."""
    return reduce(_merge, profiles)


def _respelled(item: FeatureProfile, declared: Collection[str]) -> FeatureProfile:
    changed = codes_respelled(item.categories, declared)
    if not changed:
        return item
    counts: Counter[str] = Counter()
    for name, rows in item.categories.items():
        counts[changed.get(name, name)] += rows
    return replace(item, categories=counts)


def _merge(a: Profile, b: Profile) -> Profile:
    if len(a.features) != len(b.features):
        message = (
            f"profiles of {len(a.features)} and {len(b.features)} features cannot be merged; profile both with one ratchet.yaml"
        )
        raise DataError(message)
    return Profile(tuple(x.merge(y) for x, y in zip(a.features, b.features, strict=True)))
