"""The one place where columns become what the fitted pipeline is given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ratchet.core.schema import Columns, Feature
from ratchet.estimators.plain.encoding import categories_of, numbers_of


def frame(features: Sequence[Feature], columns: Columns) -> pd.DataFrame:
    """Columns as a DataFrame in the features' order.

    Args:
        features: the model's inputs.
        columns: n cells for each of them; other columns are left out.

    Returns:
        n rows; numbers (int, float, bool as 0 and 1) float64 with NaN, categories object str with MISSING for empty cells.

    Raises:
        DataError: a feature has no column.
    """
    return pd.DataFrame(
        {
            feature.name: numbers_of(columns, feature.name)
            if feature.dtype.is_number
            else np.array(categories_of(columns, feature.name), dtype=object)
            for feature in features
        },
        columns=[feature.name for feature in features],
    )
