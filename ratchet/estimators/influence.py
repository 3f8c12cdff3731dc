"""How much of a score's variance each feature has a hand in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ratchet.core.schema import Columns, rows_of, take
from ratchet.estimators.estimator import Scorer

_ROWS = 2_000


def influence(scorer: Scorer, columns: Columns, *, seed: int, rows: int = _ROWS) -> Mapping[str, float]:
    """The share of the score's variance that is lost when a feature's values are dealt out anew among the rows.

    It is the total-effect index of Sobol by the estimator of Jansen (1999, Computer Physics Communications 117:35), half the
    mean squared change of the score over its variance: exactly 0 for a feature that the score does not depend on, and exact for
    independent features. Correlated ones make rows that the world does not have, and the shares may then add up to more than 1;
    each is cut off there.

    Args:
        scorer: of the version.
        columns: its inputs, n rows.
        seed: of the draw.
        rows: that are looked at, at most; the cost is a score of each of them for each feature.

    Returns:
        Shares of 0 to 1 by feature; all 0 where there are fewer than two rows or every score is the same.
    """
    random = np.random.default_rng(seed)
    some = take({item.name: columns[item.name] for item in scorer.features}, random.permutation(rows_of(columns))[:rows])
    found = dict.fromkeys((item.name for item in scorer.features), 0.0)
    scores = scorer.batch(some)
    variance = float(scores.var()) if len(scores) else 0.0
    if variance == 0.0:
        return found
    for name in found:
        dealt = take({name: some[name]}, random.permutation(len(scores)))
        change = scorer.batch({**some, **dealt}) - scores
        found[name] = min(1.0, float(np.square(change).mean()) / 2 / variance)
    return found
