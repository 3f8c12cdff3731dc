"""How the versions of production do, for `ratchet status`: as JSON, and as its rows of text."""

from __future__ import annotations

import math
from typing import Any

from ratchet.apps.wording import in_words, interval_of
from ratchet.core.estimate import MetricName
from ratchet.core.events import Measured
from ratchet.core.schema import ModelVersion
from ratchet.steps.parts.standing import Standing


def measured(found: Measured | None) -> dict[str, Any] | None:
    """A measurement as JSON shows it; None before there is one."""
    if found is None:
        return None
    return {
        "as_of": found.as_of.isoformat() if found.as_of else None,
        "snapshot": found.snapshot,
        "metric": found.metric,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "confidence": found.confidence,
        "rows": found.rows,
        "against": found.against,
        "delta": found.delta,
    }


def as_json(seen: Standing) -> dict[str, Any]:
    """The keys of `ratchet status --json` that say how production does. Each version's own figure stands with the version."""
    return {
        "challengers": [{"version": number, "measured": measured(found)} for number, found in seen.challengers],
        "fallen": seen.fallen or None,
        "waiting_for_labels": [{"wish": item.name, "since": item.since.isoformat(), "why": item.text} for item in seen.waiting],
        "on_probation": seen.probation,
    }


def champion_row(seen: Standing, metric: MetricName) -> dict[str, str | None]:
    """The row of the champion's figure: the metric `on 2024-02-29`, and before it was measured `at training, on 2024-01-31`."""
    found = seen.champion
    if found is not None:
        return {f"{metric.label} on {found.as_of}": f"{in_words(interval_of(found))}, {found.rows:,} held-out rows"}
    if seen.training is None or not math.isfinite(seen.training[0].value):
        return {metric.label: None}
    figure, day = seen.training
    return {f"{metric.label} at training, on {day}": f"{in_words(figure)}; no later labels yet"}


def rows(seen: Standing, metric: MetricName, previous: ModelVersion | None) -> dict[str, str]:
    """The rows of what stands beside the champion, and of what it has before it."""
    before = f"version {previous.number}" if previous else ""
    return {
        "worse than it was": seen.fallen,
        "previous": f"{before} (ratchet rollback){_beside(seen.previous, metric)}" if previous else "",
        "challengers": "; ".join(
            f"version {number}{_beside(found, metric) or ', not measured yet'}" for number, found in seen.challengers
        ),
        "waits for labels": "; ".join(f"{item.name} since {item.since}: {item.text}" for item in seen.waiting),
        "probation": f"{before} comes back if it is better on the next labelled snapshot" if seen.probation else "",
    }


def _beside(found: Measured | None, metric: MetricName) -> str:
    if found is None:
        return ""
    delta = "" if found.delta is None else f", {found.delta:+.3f} against version {found.against}"
    return f", {metric.label} {in_words(interval_of(found))} on {found.as_of}{delta}"
