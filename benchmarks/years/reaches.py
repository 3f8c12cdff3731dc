"""What was to be reached, and whether it was: met or missed where the interval says so, open where it leaves both possible."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.decisions.rates import Rate
from benchmarks.years.policies import FIXED, OURS
from benchmarks.years.runner import LAGS, Outcome

Runs = Mapping[str, list[dict[str, Outcome]]]


def of(
    runs: Sequence[dict[str, Outcome]], policy: str, figure: str, lag: int | None = None
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """One figure of each run."""
    values = (getattr(run[policy], figure) for run in runs)
    return np.array([value if lag is None else value[lag] for value in values], dtype=float)


def best_fixed(runs: Sequence[dict[str, Outcome]], lag: int = 0) -> str:
    """The policy that knows the world: the best of never and of always with each window."""
    return max(FIXED, key=lambda name: float(of(runs, name, "mean", lag).mean()))


def _mean(claim: str, world: str, values: Sequence[float] | np.ndarray[Any, Any], bound: float, *, least: bool) -> dict[str, Any]:
    """A mean with its 95 % interval over runs."""
    array = np.asarray(values, dtype=float)
    value, half = float(array.mean()), 1.96 * float(array.std(ddof=1)) / math.sqrt(len(array))
    met, possible = (value >= bound, value + half >= bound) if least else (value <= bound, value - half <= bound)
    return _item(claim, world, value, value - half, value + half, len(array), met=met, possible=possible)


def _share(claim: str, world: str, hits: np.ndarray[Any, Any], bound: float, *, least: bool) -> dict[str, Any]:
    rate = Rate(int(hits.sum()), len(hits))
    low, high = rate.wilson()
    met, possible = (rate.value >= bound, high >= bound) if least else (rate.value <= bound, low <= bound)
    return _item(claim, world, rate.value, low, high, len(hits), met=met, possible=possible)


def _item(claim: str, world: str, value: float, low: float, high: float, runs: int, *, met: bool, possible: bool) -> dict[str, Any]:
    outcome = "met" if met else "open" if possible else "missed"
    return {
        "claim": claim,
        "world": world,
        "value": round(value, 5),
        "low": round(low, 5),
        "high": round(high, 5),
        "runs": runs,
        "outcome": outcome,
    }


def _gap(world: str, runs: Sequence[dict[str, Outcome]], lag: int) -> dict[str, Any]:
    gap = of(runs, OURS, "mean", lag) - of(runs, best_fixed(runs, lag), "mean", lag)
    late = f"labels {lag} months late: " if lag else ""
    return _mean(f"{late}mean AUC less the best fixed policy's >= -0.005", world, gap, -0.005, least=True)


def reaches(played: Runs) -> list[dict[str, Any]]:
    """Every claim, world by world."""
    found = [_gap(world, runs, 0) for world, runs in played.items()]
    found += [
        _share("runs with a useless promotion <= 6 %", world, of(played[world], OURS, "promotions") > 0, 0.06, least=False)
        for world in ("quiet", "irrelevant drift", "covariate shift", "label noise", "returning entities", "groups of 3")
    ]
    found.append(
        _mean("promotions in 29 looks <= 4", "month shocks 0.5", of(played["month shocks 0.5"], OURS, "in_short"), 4, least=False)
    )
    found.append(_mean("worst month >= 0.825", "December", of(played["December"], OURS, "worst", 0), 0.825, least=True))
    found += [
        _share("replaced on the first labels >= 95 %", world, of(played[world], OURS, "replaced") > 0, 0.95, least=True)
        for world in ("step, a right angle", "step, a quarter")
    ]
    for world in ("step, a right angle", "step, a quarter", "random walk"):
        found += [_gap(world, played[world], lag) for lag in LAGS[1:]]
    return found


def table(played: Runs) -> dict[str, dict[str, dict[str, float]]]:
    """World by world and policy by policy, means over runs."""
    return {
        world: {
            policy: {
                "mean_auc": round(float(of(runs, policy, "mean", 0).mean()), 4),
                "worst_month": round(float(of(runs, policy, "worst", 0).mean()), 4),
                "promotions": round(float(of(runs, policy, "promotions").mean()), 2),
                "in_29_looks": round(float(of(runs, policy, "in_short").mean()), 2),
                "taken_back": round(float(of(runs, policy, "taken_back").mean()), 2),
                "harmful_share": round(
                    float(of(runs, policy, "harmful").sum() / max(1.0, of(runs, policy, "promotions").sum())), 3
                ),
                "runs_with_any": round(float((of(runs, policy, "promotions") > 0).mean()), 4),
            }
            for policy in runs[0]
        }
        for world, runs in played.items()
    }


def shown(item: Mapping[str, Any]) -> str:
    """One line of the outcome."""
    interval = f"{item['low']:.4f} to {item['high']:.4f}, n={item['runs']}"
    return f"{item['outcome']:<6} {item['world']}: {item['claim']}: {item['value']:.4f} ({interval})"
