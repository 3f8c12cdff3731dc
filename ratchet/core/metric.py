"""What a metric is called, and what it means: declared once, for the code that exports it and for the table in docs/metrics.md."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Prometheus' types. A counter only grows, and its name ends in `_total`."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """A declared metric; the name ends in its base unit (seconds, ratio), a task's metric has none.

    Args:
        name: as Prometheus shows it; a histogram's without `_bucket`, `_sum`, `_count`.
        kind: its type.
        help: one line: what it counts or measures, and what its labels' values are.
        labels: their names; every label's values are bounded.
        buckets: upper bounds of a histogram.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class OfTask:
    """The metrics that each task declares for itself.

    `scores` is the histogram of a serving process's answers; `promised`, `measured` and `live` are the primary metric with the
    lower and upper ends of its interval, when the version was trained, on the newest labelled snapshot (by version and role) and on
    labelled answers; `live_rows` counts those by label, and `label_delay` is the age of the newest.
    """

    scores: Metric
    promised: tuple[Metric, Metric, Metric]
    measured: tuple[Metric, Metric, Metric]
    live: tuple[Metric, Metric, Metric]
    live_rows: Metric
    label_delay: Metric
