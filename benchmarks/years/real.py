"""The rule on StreamFlow's two real months: no truth is known there, so what it says is shown and nothing is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.years.months import WINDOWS, History, fit, pooled
from benchmarks.years.ours import play
from ratchet.core.holdout import held_out


def shown(folder: Path | None) -> list[str]:
    """What the rule says of the second month, or that the folder is not there."""
    months = sorted(folder.glob("month_*")) if folder else []
    if len(months) < 2:
        return ["StreamFlow's months: not there, skipped"]
    history = _history(months)
    served = play(history, months=len(months) - 1)
    lines = [f"StreamFlow {months[0].name}: AUC {history.figure((0, 1), 0).value:.3f} on {len(history.groups)} held-out rows"]
    for month in range(1, len(months)):
        figures = ", ".join(
            f"{name} {history.figure(model, month).value:.3f}" for name, model in (("champion", (0, 1)), ("candidate", (month, 1)))
        )
        lines.append(f"StreamFlow {months[month].name}: {figures}; {served.said[month - 1]}")
    return lines


def _history(folders: list[Path]) -> History:
    """The months with every column as numbers, missing ones at the mean, scaled as in the first month."""
    tables = [_month(folder) for folder in folders]
    columns = tables[0].columns.drop("churn_label")
    mean, spread = tables[0][columns].mean(), tables[0][columns].std().replace(0.0, 1.0)
    kept = held_out("years", 0.2, tables[0].index.to_numpy(dtype=object))
    fits, held = [], []
    for table in tables:
        rows = ((table.reindex(tables[0].index)[columns] - mean) / spread).fillna(0.0).to_numpy(dtype=float)
        ones = table.reindex(tables[0].index)["churn_label"].to_numpy(dtype=bool)
        fits.append(fit(rows[~kept], ones[~kept]))
        held.append((rows[kept], ones[kept]))
    models = {
        (month, window): pooled(fits[max(0, month + 1 - window) : month + 1]) for month in range(len(fits)) for window in WINDOWS
    }
    return History([], [], models, np.arange(int(kept.sum())), held)


def _month(folder: Path) -> pd.DataFrame:
    tables = [pd.read_csv(path, index_col="user_id") for path in sorted(folder.glob("*.csv"))]
    joined = pd.concat(tables, axis=1).drop(columns=["signup_date", "total_paid"])
    return pd.get_dummies(joined, drop_first=True, dtype=float).astype(float)
