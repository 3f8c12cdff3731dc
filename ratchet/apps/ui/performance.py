"""Each version live against its holdout, and how many requests each answered."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ratchet.apps.ui.words import trained_on
from ratchet.apps.wording import in_words, interval_of
from ratchet.core.estimate import Interval
from ratchet.core.events import Entry, LiveMeasured
from ratchet.core.schema import ModelVersion
from ratchet.reports.html.figures import Axis, Span, axis, span
from ratchet.requests.volume import Volume
from ratchet.tasks.task import Task

_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version: both figures as text and on the axis. `verdict` is empty while too few labels have come."""

    version: int
    trained_on: str
    holdout: str
    live: str
    labelled: int
    rows: int
    verdict: str
    holdout_span: Span | None
    live_span: Span | None


@dataclass(frozen=True, slots=True)
class Performance:
    """All versions, newest first, on one axis; `chance` is the position of a model that knows nothing."""

    axis: Axis
    chance: float
    rows: tuple[VersionRow, ...]


def performance(task: Task, versions: Mapping[int, ModelVersion], newest: Mapping[int, Entry[LiveMeasured]]) -> Performance:
    """Lay the intervals out: the holdout's from the registry, the live ones as `ratchet labels` measured them last."""
    metric = task.metric
    promised = {n: metric.promised(version.metrics) for n, version in versions.items()}
    seen = {n: interval_of(entry.event) for n, entry in newest.items()}
    ends = [end for value in (*promised.values(), *seen.values()) for end in (value.value, value.low, value.high)]
    scale = axis([metric.neutral, *ends], pad=0.06)
    rows = [
        _row(task, number, versions.get(number), newest.get(number), scale) for number in sorted({*versions, *newest}, reverse=True)
    ]
    return Performance(scale, scale.at(metric.neutral), tuple(rows))


def _row(task: Task, number: int, version: ModelVersion | None, entry: Entry[LiveMeasured] | None, scale: Axis) -> VersionRow:
    promised, live = task.metric.promised(version.metrics if version else {}), entry.event if entry else None
    seen = interval_of(live) if live else Interval(math.nan, math.nan, math.nan)
    verdict = ""
    enough = live is not None and task.enough(live.rows, live.counts)
    if enough and math.isfinite(seen.high) and math.isfinite(promised.low):
        verdict = "FAIL" if task.metric.fell(seen, promised) else "PASS"
    return VersionRow(
        number,
        trained_on(version),
        in_words(promised),
        in_words(seen),
        live.labelled if live else 0,
        live.rows if live else 0,
        verdict,
        span(scale, promised),
        span(scale, seen),
    )


@dataclass(frozen=True, slots=True)
class VolumeRow:
    """One version's bars: x, width and height in percent, and what each counts."""

    version: int
    total: int
    bars: tuple[tuple[float, float, float, str], ...]
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class VolumeChart:
    """All versions on one scale of time; `most` is the count of a full bar."""

    rows: tuple[VolumeRow, ...]
    most: int
    start: str
    end: str
    slot: str


def volume_chart(volume: Volume) -> VolumeChart:
    """Lay the counts out, newest version first."""
    most = max((count for counts in volume.counts.values() for count in counts), default=0)
    rows = [_volume_row(volume, version, most) for version in sorted(volume.counts, reverse=True)]
    end = volume.start + volume.slots * volume.width
    return VolumeChart(tuple(rows), most, _clock(volume, volume.start), _clock(volume, end), _slot(volume.width))


def _volume_row(volume: Volume, version: int, most: int) -> VolumeRow:
    counts = volume.counts[version]
    wide = 100 / volume.slots
    given = [index for index, count in enumerate(counts) if count]
    bars = [
        (
            round(index * wide, 3),
            round(wide * 0.86, 3),
            round(max(100 * counts[index] / most, 2.0), 2),
            f"{_clock(volume, volume.start + index * volume.width)}: {counts[index]:,}",
        )
        for index in given
    ]
    first, last = ((_clock(volume, volume.start + index * volume.width)) for index in (given[0], given[-1]))
    return VolumeRow(version, sum(counts), tuple(bars), first, last)


def _clock(volume: Volume, at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%Y-%m-%d}" if volume.width >= _DAY else f"{moment:%Y-%m-%d %H:%M:%S}".removesuffix(":00")


def _slot(width: float) -> str:
    for unit, name in ((_DAY, "day"), (3600.0, "hour"), (60.0, "minute")):
        if width >= unit:
            count = round(width / unit)
            return f"{count} {name}{'s' if count > 1 else ''}"
    return "1 second" if width == 1 else f"{width:.0f} seconds"
