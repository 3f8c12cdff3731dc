"""Synthetic data in the shape of any project: users who stay themselves from month to month, and a label that depends on them.

Every column of a user in a month is F^-1(Phi(z)) of a standard normal z = rho * z_user + sqrt(1 - rho^2) * z_month (a Gaussian
copula over time): the user's values are correlated between months, and all quiet months have exactly the same distribution. The
label's log-odds are linear in the z of the features plus two products of pairs; concept change turns those weights towards a vector
at right angles, so that at a full turn the old weights say nothing. Every stream of random numbers is named by (seed, purpose,
chunk, column): the first n users are the same however many are asked for.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from ratchet.core.schema import DType
from ratchet.project.columns import Column
from ratchet.project.file import Project

Floats = NDArray[np.float64]
_WHOLE = frozenset({DType.INT, DType.DATE})
_USUAL = {"": (0.0, 100.0), "days": (0.0, 3650.0), "weekday": (0.0, 6.0), "month": (1.0, 12.0)}  # of a column without a range

CHUNK = 100_000  # users; a part of the streams' names, so another size makes other users
RHO = 0.9  # a user's z in two months correlate by its square, 0.81
BASE_RATE = 0.25
STRENGTH = 2.2  # log-odds a standard deviation of the score: of a one and a zero the best model knows 85 in 100 apart
_PAIRS, _PAIR_WEIGHT = 2, 0.25
_TINY = 1e-9
_WORLD, _USER, _MONTH = range(3)  # purposes of streams
_LABEL, _NOISE, _NULLS = 10_000, 10_001, 20_000  # streams that belong to no column's value


@dataclass(frozen=True, slots=True)
class Change:
    """How a month differs from a quiet one.

    `drift` shifts `drift_features` features by so many standard deviations of z; `concept` (0 to 1) turns the label's weights by
    that share of a right angle; `nulls` is added to the null share of nullable columns; `label_noise` is the share of labels
    replaced by a draw at the base rate.
    """

    drift: float = 0.0
    drift_features: int = 3
    concept: float = 0.0
    nulls: float = 0.0
    label_noise: float = 0.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Up to CHUNK users in a month: `values` hold n cells a column in natural units, `nulls` the masks of nullable columns."""

    start: int
    values: Mapping[str, NDArray[Any]]
    nulls: Mapping[str, NDArray[np.bool_]]
    labels: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Marginal:
    """F^-1 of one column."""

    column: Column
    names: tuple[str, ...] = ()
    cuts: tuple[float, ...] = ()
    low: float = 0.0
    width: float = 1.0
    shape: tuple[float, float] = (2.0, 3.0)

    def values(self, z: Floats) -> NDArray[Any]:
        """Cells in natural units: float64, int64, bool or str objects."""
        u = ndtr(z)
        if self.names:
            names: NDArray[Any] = np.array(self.names, dtype=object)
            return np.asarray(names[np.searchsorted(self.cuts, u)])
        if self.column.dtype is DType.BOOL:
            return np.asarray(u > self.cuts[0], dtype=np.bool_)
        a, b = self.shape
        # Kumaraswamy's distribution: shaped like a beta, with a quantile function in closed form (J. Hydrology 46, 1980)
        numbers: Floats = self.low + self.width * (1.0 - (1.0 - u) ** (1.0 / b)) ** (1.0 / a)
        if self.column.dtype in _WHOLE:
            return np.floor(numbers).astype(np.int64)
        return np.round(numbers, max(2, 4 - int(np.floor(np.log10(self.width)))))


class Population:
    """The population and the law of the label, fixed by project and seed.

    Args:
        project: its columns are what is drawn.
        seed: another seed makes other users, other marginals and another law.
    """

    def __init__(self, project: Project, seed: int) -> None:
        self._seed = seed
        self._columns = project.columns
        self._features = len(project.features)
        rng = np.random.default_rng([seed, _WORLD])
        self._marginals = [_marginal(column, rng) for column in project.columns]
        numbers = [i for i, column in enumerate(project.features) if column.dtype in {*_WHOLE, DType.FLOAT}]
        others = [i for i in range(self._features) if i not in numbers]
        self._drifting = [*rng.permutation(numbers).tolist(), *rng.permutation(others).tolist()]
        self._pairs = [tuple(rng.choice(self._features, 2, replace=False)) for _ in range(_PAIRS if self._features > 1 else 0)]
        self._weights = self._direction(rng)
        other = self._direction(rng)
        other -= (other @ self._weights) * self._weights
        length = float(np.linalg.norm(other))
        # with a single feature no direction is at right angles: turning then means the opposite sign
        self._other = other / length if length > _TINY else -self._weights
        self._intercept = _intercept(BASE_RATE, STRENGTH)

    def chunk(self, snapshot: str, index: int, rows: int, change: Change) -> Chunk:
        """The month's rows of the users `index * CHUNK` to `index * CHUNK + rows`.

        Args:
            snapshot: the month; its name is a part of the seed.
            index: which chunk of users.
            rows: how many, at most CHUNK.
            change: how the month differs from a quiet one.
        """
        month = zlib.crc32(snapshot.encode())
        shifted = set(self._drifting[: change.drift_features])
        z = np.empty((len(self._columns), rows))
        values, nulls = {}, {}
        for i, column in enumerate(self._columns):
            z[i] = RHO * self._stream(_USER, index, i).standard_normal(rows)
            z[i] += np.sqrt(1.0 - RHO**2) * self._stream(_MONTH, month, index, i).standard_normal(rows)
            if i in shifted:
                z[i] += change.drift
            values[column.name] = self._marginals[i].values(z[i])
            if column.nullable:
                share = min(0.4 * column.max_null_share, 0.2) + change.nulls
                nulls[column.name] = self._stream(_MONTH, month, index, _NULLS + i).random(rows) < share
        labels = self._labels(z[: self._features], month, index, change)
        return Chunk(index * CHUNK, values, nulls, labels)

    def _labels(self, z: Floats, month: int, index: int, change: Change) -> NDArray[np.bool_]:
        angle = change.concept * np.pi / 2
        weights = np.cos(angle) * self._weights + np.sin(angle) * self._other
        score = weights[: self._features] @ z
        for weight, (a, b) in zip(weights[self._features :], self._pairs, strict=True):
            score += weight * z[a] * z[b]
        rows = z.shape[1]
        labels = self._stream(_MONTH, month, index, _LABEL).random(rows) < expit(self._intercept + STRENGTH * score)
        noise = self._stream(_MONTH, month, index, _NOISE).random((rows, 2))
        return np.where(noise[:, 0] < change.label_noise, noise[:, 1] < BASE_RATE, labels)

    def _stream(self, *name: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, *name])

    def _direction(self, rng: np.random.Generator) -> Floats:
        """A unit vector over features and pairs: every feature counts for something, the pairs for a part."""
        linear = rng.choice([-1.0, 1.0], self._features) * rng.uniform(0.3, 1.0, self._features)
        linear *= np.sqrt(1.0 - _PAIR_WEIGHT**2 * bool(self._pairs)) / np.linalg.norm(linear)
        pairs = rng.standard_normal(len(self._pairs))
        if self._pairs:
            pairs *= _PAIR_WEIGHT / np.linalg.norm(pairs)
        return np.concatenate([linear, pairs])


def _marginal(column: Column, rng: np.random.Generator) -> _Marginal:
    if column.dtype is DType.CATEGORY:
        names = column.categories or ("A", "B", "C")
        cuts = np.cumsum(rng.dirichlet(np.full(len(names), 6.0)))[:-1]
        return _Marginal(column, names=names, cuts=tuple(cuts))
    if column.dtype is DType.BOOL:
        return _Marginal(column, cuts=(float(rng.uniform(0.25, 0.75)),))
    low, high = column.range or _USUAL[column.of_date if column.dtype is DType.DATE else ""]
    share = float(rng.uniform(0.15, 0.4))  # declared ranges are bounds of the possible, not of the usual
    width = (high - low) * share
    if column.dtype in _WHOLE:
        # at least ten values, so that little of z is lost; the floor of the top value stays within the range
        width = min(max(width, 10.0), np.floor(high) - np.ceil(low) + 1.0 - 1e-9)
        return _Marginal(
            column, low=float(np.ceil(low)), width=width, shape=(float(rng.uniform(1.0, 2.0)), float(rng.uniform(2.0, 5.0)))
        )
    return _Marginal(column, low=low, width=width, shape=(float(rng.uniform(1.5, 3.0)), float(rng.uniform(2.0, 5.0))))


def _intercept(rate: float, strength: float) -> float:
    """The intercept at which the mean of expit(intercept + strength * N(0, 1)) is `rate`, by bisection on a quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(64)
    low, high = -50.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = float(weights @ expit(middle + strength * nodes)) / float(weights.sum())
        low, high = (middle, high) if mean < rate else (low, middle)
    return low
