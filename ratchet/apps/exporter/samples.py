"""From what was seen to samples. Pure, so that a test needs neither stores nor threads nor a clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family

from ratchet.apps.exporter import metrics as m
from ratchet.apps.exporter.history import OUTCOMES, RUN_OUTCOMES, Durations, History
from ratchet.apps.exporter.sources import Labelled, Look, Production, Serving
from ratchet.core.metric import Kind, Metric
from ratchet.core.schema import ModelVersion
from ratchet.project.file import Project
from ratchet.promotion.by_hand import agree
from ratchet.rollout.state import State
from ratchet.tasks.catalogue import task_of
from ratchet.tasks.task import Task

_DAY = 86_400.0
Value = tuple[Metric, float, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Reading:
    """The last try to look at a source: what was seen (None when it is away), when it was seen last, and how long that took."""

    look: Look | None
    at: float | None
    seconds: float


def families(seen: Mapping[str, Reading], project: Project, now: float) -> Iterator[Family]:
    """One scrape's families. What is read from a source that is away is left out: old figures must not pass for new ones.

    Args:
        seen: by source's name; a source that was not looked at yet has no entry.
        project: gives the policy's figures.
        now: seconds since the epoch.
    """
    gathered: dict[str, Family] = {}
    for metric, value, labels in _values(seen, project, now):
        if metric.name not in gathered:
            kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
            gathered[metric.name] = kind(metric.name, metric.help, labels=metric.labels)
        gathered[metric.name].add_metric(labels, value)  # type: ignore[attr-defined]  # both kinds have it, their base has not
    yield from gathered.values()
    for reading in seen.values():
        if isinstance(reading.look, History):
            yield _durations(reading.look.durations)


def _values(seen: Mapping[str, Reading], project: Project, now: float) -> Iterator[Value]:
    task = task_of(project)
    for name, reading in seen.items():
        yield m.UP, float(reading.look is not None), (name,)
        yield m.READ_SECONDS, reading.seconds, (name,)
        if reading.at is not None:
            yield m.READ_AT, reading.at, (name,)
        match reading.look:
            case Production(champion) if champion is not None:
                yield from _champion(champion, now, task)
            case History() as history:
                yield from _decided(history, now)
                yield from _measured(history, task)
                yield from _arrived(history)
            case Labelled(newest):
                for version, at in newest.items():
                    yield task.metrics.label_delay, max(0.0, now - at), (str(version),)
            case Serving() as serving:
                yield from _serving(serving)
    registry, rollout = (seen[name].look if name in seen else None for name in ("registry", "rollout"))
    if isinstance(registry, Production) and isinstance(rollout, Serving):
        target = registry.champion.number if registry.champion else None
        yield m.AGREE, float(agree(target, rollout.pinned, rollout.pods)), ()
    yield m.DRIFT_BOUND, project.policy.drift.drift_share, ()
    if project.policy.max_age_days is not None:
        yield m.MAX_AGE, project.policy.max_age_days * _DAY, ()


def _champion(champion: ModelVersion, now: float, task: Task) -> Iterator[Value]:
    version = (str(champion.number),)
    trained_on = max((item.split("@")[0] for item in champion.provenance.snapshot_ids), default="") if champion.provenance else ""
    yield m.CHAMPION, 1.0, (*version, trained_on)
    yield m.CHAMPION_VERSION, champion.number, ()
    yield m.CHAMPION_AGE, max(0.0, now - _aware(champion.created_at).timestamp()), ()
    if trained_on:
        yield m.CHAMPION_DATE, _midnight(date.fromisoformat(trained_on)), ()
    for metric, name in zip(task.metrics.promised, task.metric.held_out, strict=True):
        if name in champion.metrics:
            yield metric, champion.metrics[name], version


def _decided(history: History, now: float) -> Iterator[Value]:
    for kind, outcomes in OUTCOMES.items():  # from nought on, else Prometheus sees no increase in the first
        for outcome in outcomes:
            yield m.DECISIONS, history.decisions[kind, outcome], (kind, outcome)
    for kind, (outcome, at) in history.last.items():
        yield m.LAST_DECISION, at.timestamp(), (kind, outcome)
    for outcome in RUN_OUTCOMES:
        yield m.RUNS, history.runs[outcome], (outcome,)
    if history.changed:
        yield m.PROMOTION_AT, history.changed.timestamp(), ()
    yield m.OPEN, _since(history.open[1] if history.open else None, now), ()
    yield m.UNANSWERED, _since(history.unanswered, now), ()
    yield m.WAITING, len(history.waiting), ()


def _measured(history: History, task: Task) -> Iterator[Value]:
    if history.drift_share is not None:
        yield m.DRIFT_SHARE, history.drift_share, ()
    if history.worst:
        feature, severity = history.worst
        yield m.DRIFT_WORST, severity, (feature,)
    for number, body in history.live.items():
        version = (str(number),)
        for metric, name in zip(task.metrics.live, (task.metric.key, "low", "high"), strict=True):
            if body[name] is not None:
                yield metric, body[name], version
        for label, rows in task.by_label(body["rows"], {"positive": body["positives"]}).items():
            yield task.metrics.live_rows, rows, (*version, label)


def _arrived(history: History) -> Iterator[Value]:
    if history.ingested:
        yield m.SNAPSHOT_DATE, _midnight(max(history.ingested)), ()
        yield m.INGESTED_AT, max(history.ingested.values()).timestamp(), ()
    if history.interval is not None:
        yield m.INTERVAL, history.interval, ()


def _serving(serving: Serving) -> Iterator[Value]:
    yield m.PINNED, serving.pinned or 0, ()
    for state in State:
        yield m.STATE, float(state is serving.state), (state.value,)
    ready = Counter(pod.version for pod in serving.pods if pod.ready)
    for number in {serving.pinned, *(pod.version for pod in serving.pods)} - {None}:
        yield m.PODS_READY, ready[number], (str(number),)


def _durations(durations: Durations) -> HistogramMetricFamily:
    bounds = [*(str(bound) for bound in m.PROMOTION_BOUNDS), "+Inf"]
    buckets = list(zip(bounds, map(float, accumulate(durations.counts)), strict=True))
    family = HistogramMetricFamily(m.PROMOTION_SECONDS.name, m.PROMOTION_SECONDS.help)
    family.add_metric([], buckets, durations.total)
    return family


def _since(moment: datetime | None, now: float) -> float:
    return max(0.0, now - moment.timestamp()) if moment else 0.0


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
