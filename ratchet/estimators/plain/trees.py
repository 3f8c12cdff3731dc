"""Gradient-boosted trees, scored without walking them.

The method is QuickScorer (Lucchese et al., SIGIR 2015): number a tree's leaves from left to right and keep one bit for each. A
split that sends the row to the right strikes out the leaves of its left subtree; when all splits have had their say, the lowest bit
left is the leaf that the row falls into. What a feature strikes out depends only on the rank of its value among its thresholds, so
it is tabulated: a row costs one bisection and one AND over all trees for each feature. It is exact: the tests are scikit-learn's
`value <= threshold` in float64, and the leaves are added in its order.

What it buys (docs/benchmarks-serving.md, "What is ours"): with 60 trees of 15 leaves a row takes 22 us where a walk takes 40 and
scikit-learn's pipeline 8.3 ms; with 300 of 31 it takes 42 us, 285 and 13 ms. A serving process needs no scikit-learn.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from ratchet.core.schema import FeatureValue, Scored, rows_of
from ratchet.estimators.documents import Spec
from ratchet.estimators.plain.encoding import Inputs, by_spelling, category, number, numbers_of, positions_of

Split = tuple[int, float | None, bool]
Tree = tuple[float | Split, ...]

_WORD = 64
_CHUNK_BYTES = 1 << 19  # of struck-out bits held at once in a batch: fits the second-level cache


class Trees(Spec):
    """A fitted ensemble.

    A tree lists its nodes in pre-order: a leaf is its value (log-odds, shrinkage included), a split is
    [encoded column, threshold, whether missing goes left]; threshold null sends every number left and is a split on missingness.
    """

    kind: Literal["trees"] = "trees"
    inputs: Inputs
    baseline: float
    trees: tuple[Tree, ...]

    @model_validator(mode="after")
    def _shapes_fit(self) -> Self:
        width, count = self.inputs.width, len(self.inputs.numbers)
        hot = [c for item in self.inputs.categories for c in (*item.columns.values(), item.otherwise) if c is not None]
        named = [node[0] for tree in self.trees for node in tree if isinstance(node, tuple)]
        if any(not count <= column < width for column in hot) or any(not 0 <= column < width for column in named):
            message = "a split or a category names a column that is not there"
            raise ValueError(message)
        return self

    def scorer(self) -> TreeScorer:
        """What scores rows by it. Raises ValueError when it is malformed."""
        return TreeScorer(self)


class _Strike:
    """One split: where it stands, what it asks and which leaves it strikes out when the answer is "right"."""

    __slots__ = ("first", "last", "missing_left", "threshold", "tree")

    def __init__(self, tree: int, split: Split, first: int) -> None:
        self.tree = tree
        self.threshold = math.inf if split[1] is None else split[1]
        self.missing_left = split[2]
        self.first = first
        self.last = -1  # open until the left subtree is complete


def _leaves_and_strikes(position: int, tree: Tree) -> tuple[list[float], list[tuple[int, _Strike]]]:
    """Number the leaves of one tree. Raises ValueError when the list is not the pre-order of a binary tree."""
    leaves: list[float] = []
    strikes: list[tuple[int, _Strike]] = []
    open_splits: list[_Strike] = []
    for index, node in enumerate(tree):
        if index and not open_splits:
            message = f"tree {position} goes on after its last leaf"
            raise ValueError(message)
        if isinstance(node, tuple):
            strike = _Strike(position, node, len(leaves))
            strikes.append((node[0], strike))
            open_splits.append(strike)
            continue
        leaves.append(node)
        while open_splits and open_splits[-1].last >= 0:
            open_splits.pop()  # both subtrees are complete
        if open_splits:
            open_splits[-1].last = len(leaves)
    if open_splits or not leaves:
        message = f"tree {position} is cut off"
        raise ValueError(message)
    return leaves, strikes


class TreeScorer:
    """Log-odds by a fitted `Trees`. Raises ValueError when a tree is malformed."""

    def __init__(self, spec: Trees) -> None:
        parsed = [_leaves_and_strikes(position, tree) for position, tree in enumerate(spec.trees)]
        strikes: list[list[_Strike]] = [[] for _ in range(spec.inputs.width)]
        for _, found in parsed:
            for column, strike in found:
                strikes[column].append(strike)
        most = max((len(leaves) for leaves, _ in parsed), default=1)
        bits = next((size for size in (8, 16, 32) if most <= size), _WORD)
        self._bits, self._words, self._trees = bits, -(-most // bits), len(parsed)
        self._baseline = spec.baseline
        stride = self._bits * self._words
        self._values = np.zeros((self._trees, stride))
        for position, (leaves, _) in enumerate(parsed):
            self._values[position, : len(leaves)] = leaves
        self._offsets = np.arange(self._trees, dtype=np.intp) * stride
        self._tabulate(spec.inputs, strikes)

    def _tabulate(self, inputs: Inputs, strikes: list[list[_Strike]]) -> None:
        """Make the table: for each number its missing row and one row a rank, for each category a row, then one for the others."""
        blocks: list[NDArray[Any]] = []
        start = 0
        numbers, categories = [], []
        for column, name in enumerate(inputs.numbers):
            thresholds = sorted({strike.threshold for strike in strikes[column]})
            numbers.append((name, thresholds, start))
            block = self._blank(len(thresholds) + 2)
            for strike in strikes[column]:
                self._strike(block[bisect_left(thresholds, strike.threshold) + 2 :], strike)
                if not strike.missing_left:
                    self._strike(block[:1], strike)
            blocks.append(block)
            start += len(block)
        for item in inputs.categories:
            hot = [*item.columns.values(), item.otherwise]
            known = by_spelling({key: start + k for k, key in enumerate(item.columns)})
            categories.append((item.name, known, start + len(item.columns)))
            block = self._blank(len(hot))
            for column in {switched for switched in hot if switched is not None}:
                for strike in strikes[column]:
                    for k, switched in enumerate(hot):
                        if strike.threshold < float(column == switched):
                            self._strike(block[k : k + 1], strike)
            blocks.append(block)
            start += len(block)
        self._table = np.concatenate(blocks).reshape(start, self._words * self._trees)
        self._numbers, self._categories = tuple(numbers), tuple(categories)

    def _blank(self, rows: int) -> NDArray[Any]:
        """Rows that strike out nothing, shape (rows, words, trees)."""
        return np.full((rows, self._words, self._trees), np.iinfo(f"u{self._bits // 8}").max, dtype=f"u{self._bits // 8}")

    def _strike(self, block: NDArray[Any], strike: _Strike) -> None:
        """Clear the bits of the split's left leaves in every row of the block."""
        clear = (1 << strike.last) - (1 << strike.first)
        whole = (1 << self._bits) - 1
        for word in range(strike.first // self._bits, (strike.last - 1) // self._bits + 1):
            block[:, word, strike.tree] &= block.dtype.type(whole & ~(clear >> (word * self._bits)))

    def _leaf(self, alive: NDArray[Any]) -> NDArray[np.intp]:
        """Positions in `_values` of the lowest bits: alive has shape (rows, words * trees), the answer (rows, trees)."""
        lowest: NDArray[Any] = np.bitwise_count(
            ~alive & (alive - alive.dtype.type(1))
        )  # trailing zeros; all bits when the word is empty
        if self._words > 1:
            of_word = lowest.reshape(-1, self._words, self._trees).astype(np.intp)
            lowest = of_word[:, 0]
            for word in range(1, self._words):
                lowest = lowest + np.where(lowest == word * self._bits, of_word[:, word], 0)
        return lowest + self._offsets

    def row(self, features: Mapping[str, FeatureValue]) -> float:
        """The log-odds of one row. Raises DataError when a value does not fit its feature."""
        get = features.get
        where = []
        for name, thresholds, start in self._numbers:
            value = get(name)
            if value is None:
                where.append(start)
                continue
            x = value if type(value) is float else number(name, value)
            where.append(start + 1 + bisect_left(thresholds, x) if x == x else start)  # noqa: PLR0124 - NaN test without a call
        for name, rows, others in self._categories:
            where.append(rows.get(category(get(name)), others))
        alive = np.bitwise_and.reduce(self._table.take(where, axis=0), axis=0, keepdims=True)
        return self._sum(self._values.take(self._leaf(alive)[0]).tolist())

    def _sum(self, values: Iterable[float]) -> float:
        total = self._baseline
        for value in values:  # one after the other, as scikit-learn adds them: sum() may compensate, np.sum adds pairwise
            total += value
        return total

    def batch(self, columns: Scored) -> NDArray[np.float64]:
        """The log-odds of n rows, shape (n,); equal to `row` bit by bit. Raises DataError as `row` does."""
        where = []
        for name, thresholds, start in self._numbers:
            values = numbers_of(columns, name)
            ranks = np.searchsorted(np.array(thresholds), values, side="left")
            where.append(np.where(np.isnan(values), start, start + 1 + ranks))
        for name, rows, others in self._categories:
            where.append(positions_of(columns, name, rows, others))
        total = np.full(rows_of(columns), self._baseline)
        step = max(1, _CHUNK_BYTES // (self._table.itemsize * self._table.shape[1]))
        for start in range(0, len(total), step):
            part = slice(start, start + step)
            alive = self._table.take(where[0][part], axis=0)
            for positions in where[1:]:
                alive &= self._table.take(positions[part], axis=0)
            for values in np.ascontiguousarray(self._values.take(self._leaf(alive)).T):
                total[part] += values
        return total
