"""Gradient-boosted trees: numbers as they are, because the splits send NaN to the better side.

scikit-learn keeps the trees in private attributes; it is pinned, and `scoring.verify` compares every new scorer with its pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier

from ratchet.core.errors import ArtifactError
from ratchet.estimators.plain.columns import PlainEstimator
from ratchet.estimators.plain.extraction import Parts, unknown
from ratchet.estimators.plain.trees import Tree, Trees
from ratchet.private_names import boosted_trees


class _HistGradientBoosting:
    """Implements `columns.Kind`."""

    def unfitted(self, params: Mapping[str, Any], seed: int) -> HistGradientBoostingClassifier:
        """Without early stopping, which would hold out rows of its own."""
        settings = {"early_stopping": False, "random_state": seed, "categorical_features": None}
        return HistGradientBoostingClassifier(**{**settings, **params})

    def preparation(self) -> str:
        """None."""
        return "passthrough"

    def read(self, parts: Parts) -> Trees:
        """The fitted trees."""
        if not isinstance(parts.estimator, HistGradientBoostingClassifier):
            raise unknown(parts.estimator)
        if parts.preparation is not None and getattr(parts.preparation, "func", None) is not None:
            raise unknown(parts.preparation)
        baseline, trees = boosted_trees(parts.estimator)
        return Trees(inputs=parts.inputs(len(parts.numbers)), baseline=baseline, trees=tuple(_tree(nodes) for nodes in trees))


def _tree(nodes: Any) -> Tree:
    """One tree's node table as the pre-order list of `Trees`."""
    order: list[float | tuple[int, float | None, bool]] = []
    waiting = [0]
    while waiting:
        node = nodes[waiting.pop()]
        if node["is_leaf"]:
            order.append(float(node["value"]))
            continue
        if node["is_categorical"]:
            raise ArtifactError(
                "the trees split on native categories, which the scorer does not know: leave categorical_features alone"
            )
        threshold = float(node["num_threshold"])
        order.append((int(node["feature_idx"]), None if threshold == float("inf") else threshold, bool(node["missing_go_to_left"])))
        waiting += [int(node["right"]), int(node["left"])]
    return tuple(order)


ESTIMATOR = PlainEstimator(_HistGradientBoosting())
