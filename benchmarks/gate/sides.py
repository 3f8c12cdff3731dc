"""Two models on one holdout, with groups: the gate as it runs in `evaluate`, and what people write instead."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date
from statistics import NormalDist
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks.harness import peak_mib
from ratchet.core.budget import confidence_of
from ratchet.core.decision import Decision, Reason, Verdict
from ratchet.core.estimate import Labels, Scores
from ratchet.core.gate import judge
from ratchet.core.measurement import Measurement
from ratchet.core.policy import GatePolicy
from ratchet.core.schema import Snapshot
from ratchet.steps.parts.holdout import Holdout, measure
from ratchet.tasks.binary.task import BINARY

Figures = tuple[float, float, float]  # delta, and its interval's ends
_POLICY = GatePolicy()
_SEEN = (Reason(Verdict.PASS, "neither version saw the holdout"),)
_DAY = date(2024, 2, 29)
RESAMPLES = 100  # an interval at 98 % needs ten times as many


def holdout(rows: int, seed: int) -> tuple[Holdout, Scores, Scores]:
    """Labels, a quarter positive, groups as StreamFlow has them, and two models' probabilities that share most of their noise."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(rows) < 0.25).astype(np.int8)
    shared = labels * 0.8 + 0.8 * rng.normal(size=rows)
    better, worse = (1 / (1 + np.exp(-(shared + labels * gain + 0.6 * rng.normal(size=rows)))) for gain in (0.2, 0.0))
    groups = {
        "contract_type": _texts(rng, rows, ["Month-to-month", "One year", "Two year"], [0.55, 0.2, 0.25]),
        "user_is_senior": _texts(rng, rows, ["true", "false", None], [0.15, 0.8, 0.05]),
        "user_gender": _texts(rng, rows, ["Female", "Male"], [0.5, 0.5]),
    }
    snapshot = Snapshot("holdout", _DAY, rows, rows, "-", "-")
    return Holdout(snapshot, np.arange(rows), {}, labels, groups), better, worse


def gate(held: Holdout, first: Scores, second: Scores) -> tuple[Measurement, Decision]:
    """Ours: AUCs, DeLong intervals of the whole and of each group, Brier scores, and the decision."""
    measured = measure(BINARY, _POLICY, held, first, second)
    return measured, judge(measured, _POLICY, _SEEN)


def by_definition(labels: Labels, first: Scores, second: Scores, confidence: float) -> Figures:
    """DeLong's kernel over all pairs of a positive and a negative, as the paper defines it."""
    kernels = []
    for scores in (first, second):
        apart = scores[labels == 1][:, None] - scores[labels == 0][None, :]
        kernels.append(np.where(apart > 0, 1.0, np.where(apart == 0, 0.5, 0.0)))
    gap = kernels[0] - kernels[1]
    variance = gap.mean(axis=1).var(ddof=1) / gap.shape[0] + gap.mean(axis=0).var(ddof=1) / gap.shape[1]
    return _interval(float(gap.mean()), variance, confidence)


def by_loops(labels: Labels, first: Scores, second: Scores, confidence: float) -> Figures:
    """Sun and Xu's algorithm as it is most often written in Python: midranks in a loop, for each class and both together."""
    above, below = [], []
    for scores in (first, second):
        wins, losses = scores[labels == 1], scores[labels == 0]
        together = _midranks_in_a_loop(np.concatenate([wins, losses]))
        above.append((together[: len(wins)] - _midranks_in_a_loop(wins)) / len(losses))
        below.append(1 - (together[len(wins) :] - _midranks_in_a_loop(losses)) / len(wins))
    variance = (above[0] - above[1]).var(ddof=1) / len(above[0]) + (below[0] - below[1]).var(ddof=1) / len(below[0])
    return _interval(float(above[0].mean() - above[1].mean()), variance, confidence)


def by_bootstrap(labels: Labels, first: Scores, second: Scores, confidence: float) -> Figures:
    """scikit-learn's AUC on resampled rows: what is written where nobody knows DeLong. Another method, so another interval."""
    rng = np.random.default_rng(0)
    deltas = []
    for _ in range(RESAMPLES):
        rows = rng.integers(0, len(labels), len(labels))
        deltas.append(roc_auc_score(labels[rows], first[rows]) - roc_auc_score(labels[rows], second[rows]))
    low, high = np.quantile(deltas, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(roc_auc_score(labels, first) - roc_auc_score(labels, second)), float(low), float(high)


Method = Callable[[Labels, Scores, Scores, float], Figures]


def everywhere(method: Method, held: Holdout, first: Scores, second: Scores) -> list[Figures]:
    """What the gate measures, by another method: the whole, then each group, at the gate's confidences."""
    groups = [values == value for values in held.slices.values() for value in sorted(set(values), key=lambda v: v or "(missing)")]
    each = 1 - (1 - _POLICY.confidence) / len(groups)
    return [
        method(held.labels, first, second, confidence_of((), held.snapshot.as_of, _POLICY)),
        *(method(held.labels[rows], first[rows], second[rows], each) for rows in groups),
    ]


def figures(measured: Measurement) -> list[Figures]:
    """The same of ours."""
    pairs = [measured.paired, *(group.paired for group in measured.slices)]
    return [(pair.delta.value, pair.delta.low, pair.delta.high) for pair in pairs if pair]


def _interval(value: float, variance: float, confidence: float) -> Figures:
    half = NormalDist().inv_cdf(0.5 + confidence / 2) * float(np.sqrt(variance))
    return value, value - half, value + half


def _midranks_in_a_loop(values: Scores) -> Scores:
    order = np.argsort(values)
    ordered, ranks = values[order], np.zeros(len(values))
    start = 0
    while start < len(values):
        end = start
        while end < len(values) and ordered[end] == ordered[start]:
            end += 1
        ranks[start:end] = 0.5 * (start + end - 1) + 1
        start = end
    by_row = np.empty(len(values))
    by_row[order] = ranks
    return by_row


def _texts(rng: np.random.Generator, rows: int, names: list[str | None], shares: list[float]) -> NDArray[Any]:
    return np.array(names, dtype=object)[rng.choice(len(names), rows, p=shares)]


def alone(rows: int, repeats: int) -> dict[str, Any]:
    """`gate` in a process of its own, for its memory: one warm-up at a hundredth of the rows, then `repeats`."""
    gate(*holdout(max(1000, rows // 100), 1))
    held = holdout(rows, 2)
    before = peak_mib()
    wall, cpu, verdict = [], [], ""
    for _ in range(repeats):
        began, cpu_began = perf_counter(), process_time()
        verdict = gate(*held)[1].verdict.value
        wall.append(perf_counter() - began)
        cpu.append(process_time() - cpu_began)
    return {"wall": wall, "cpu": cpu, "verdict": verdict, "data_mib": before, "peak_mib": peak_mib()}


if __name__ == "__main__":
    print(json.dumps(alone(int(sys.argv[1]), int(sys.argv[2]))))
