"""From what was seen to samples. Pure, so that a test needs neither stores nor threads nor a clock."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family

from ratchet.apps.exporter import metrics as m
from ratchet.apps.exporter.outcomes import Value, by_labels, fell, midnight
from ratchet.apps.exporter.sources import Chain, Labelled, Production, Seen, Serving
from ratchet.core.decision import Verdict
from ratchet.core.events import Entry, Gated, LiveMeasured, Moved, MoveState, Triggered
from ratchet.core.history import History, Outcome
from ratchet.core.metric import Kind
from ratchet.core.schema import ModelVersion
from ratchet.core.trigger import Action
from ratchet.project.file import Project
from ratchet.promotion.by_hand import agree, strange
from ratchet.rollout.state import State
from ratchet.tasks.catalogue import task_of
from ratchet.tasks.task import Task

_DAY = 86_400.0
_OUTCOMES = {Triggered.KIND: Action, Gated.KIND: Verdict, Moved.KIND: MoveState}
_LIVE_VERSIONS = 10  # of older ones than these only the one in production is shown


@dataclass(frozen=True, slots=True)
class Reading:
    """The last try to read a source: what was read (None when it is away), when it was read last, and how long that took."""

    seen: Seen | None
    at: float | None
    seconds: float


def families(seen: Mapping[str, Reading], project: Project, now: float) -> Iterator[Family]:
    """One scrape's families. What is read from a source that is away is left out: old figures must not pass for new ones.

    Args:
        seen: by source's name; a source that was not read yet has no entry.
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
        if isinstance(reading.seen, History):
            yield _durations(reading.seen.promotion_seconds)


def _values(seen: Mapping[str, Reading], project: Project, now: float) -> Iterator[Value]:
    task = task_of(project)
    for name, reading in seen.items():
        yield m.UP, float(reading.seen is not None), (name,)
        yield m.READ_SECONDS, reading.seconds, (name,)
        if reading.at is not None:
            yield m.READ_AT, reading.at, (name,)
        match reading.seen:
            case Production(champion) if champion is not None:
                yield from _champion(champion, now, task)
            case History() as history:
                yield from _decided(history, now)
                yield from _measured(history, task)
                yield from _arrived(history)
                yield from by_labels(project, history, now)
            case Labelled(newest):
                for version, at in newest.items():
                    yield task.metrics.label_delay, max(0.0, now - at), (str(version),)
            case Chain(broken):
                yield m.BROKEN, float(bool(broken)), ()
            case Serving() as serving:
                yield from _serving(serving)
    yield from _together({name: reading.seen for name, reading in seen.items()}, project)
    yield m.DRIFT_BOUND, project.policy.drift.drift_share, ()
    if project.policy.max_age_days is not None:
        yield m.MAX_AGE, project.policy.max_age_days * _DAY, ()


def _together(seen: Mapping[str, Seen | None], project: Project) -> Iterator[Value]:
    """What takes more than one source."""
    registry, rollout, ledger = (seen.get(name) for name in ("registry", "rollout", "ledger"))
    if not isinstance(registry, Production):
        return
    champion = registry.champion
    if isinstance(rollout, Serving):
        at_alias = agree(champion.number if champion else None, rollout.pinned, rollout.pods)
        yield m.AGREE, float(at_alias and (not isinstance(ledger, History) or _promoted(ledger, rollout))), ()
    if isinstance(ledger, History):
        yield m.FOREIGN, float(_is_foreign(champion, ledger)), ()
    if isinstance(ledger, History) and champion is not None:
        yield from fell(project, ledger, champion)


def _promoted(history: History, serving: Serving) -> bool:
    """Whether template and pods are at the last promotion, version and digest; where there is none, the alias alone can tell."""
    if history.champion is None:
        return True
    number = history.champion.event.to
    return agree(number, serving.pinned, serving.pods) and not strange(history.digest_of(number), serving.digest, serving.pods)


def _is_foreign(named: ModelVersion | None, history: History) -> bool:
    """Whether the alias names something else than the last promotion or the one under way."""
    moves = (history.champion, history.open)
    return (named.number if named else None) not in {move.event.to for move in moves if move} and (
        named or history.champion
    ) is not None


def _champion(champion: ModelVersion, now: float, task: Task) -> Iterator[Value]:
    version = (str(champion.number),)
    trained_on = max((item.split("@")[0] for item in champion.provenance.snapshot_ids), default="") if champion.provenance else ""
    yield m.CHAMPION, 1.0, (*version, trained_on)
    yield m.CHAMPION_VERSION, champion.number, ()
    yield m.CHAMPION_AGE, max(0.0, now - _aware(champion.created_at).timestamp()), ()
    if trained_on:
        yield m.CHAMPION_DATE, midnight(date.fromisoformat(trained_on)), ()
    for metric, name in zip(task.metrics.promised, task.metric.held_out, strict=True):
        if name in champion.metrics:
            yield metric, champion.metrics[name], version


def _decided(history: History, now: float) -> Iterator[Value]:
    decisions, runs = history.decisions(), history.outcomes()
    for kind, outcomes in _OUTCOMES.items():  # from nought on, else Prometheus sees no increase in the first
        for outcome in outcomes:
            yield m.DECISIONS, decisions.get((kind, outcome.value), 0), (kind, outcome.value)
    for kind in _OUTCOMES:
        if (last := history.last_decision(kind)) is not None:
            yield m.LAST_DECISION, last[1].timestamp(), (kind, last[0])
    for outcome in Outcome:
        yield m.RUNS, runs.get(outcome, 0), (outcome.value,)
    if history.changed:
        yield m.PROMOTION_AT, history.changed.timestamp(), ()
    yield m.OPEN, _since(history.open.at if history.open else None, now), ()
    yield m.UNANSWERED, _since(history.unanswered_drift, now), ()
    yield m.REFUSED_ALIASES, history.refused_aliases, ()
    yield m.WAITING, len(history.waiting), ()


def _measured(history: History, task: Task) -> Iterator[Value]:
    if history.drift_share is not None:
        yield m.DRIFT_SHARE, history.drift_share, ()
    if (worst := history.worst_drift) is not None:
        yield m.DRIFT_WORST, max(0.0, worst.severity or 0.0), (worst.feature,)
    for entry in shown_live(history):
        live, version = entry.event, (str(entry.event.version),)
        for metric, value in zip(task.metrics.live, (live.value, live.low, live.high), strict=True):
            if value is not None:
                yield metric, value, version
        for label, rows in task.by_label(live.rows, live.counts).items():
            yield task.metrics.live_rows, rows, (*version, label)


def shown_live(history: History) -> list[Entry[LiveMeasured]]:
    """The last measurement of each of the newest versions and of the one in production, by version."""
    live = history.live()
    in_production = {history.champion.event.to} if history.champion else set()
    return [live[number] for number in sorted({*sorted(live)[-_LIVE_VERSIONS:], *(in_production & live.keys())})]


def _arrived(history: History) -> Iterator[Value]:
    if ingests := history.ingests():
        yield m.SNAPSHOT_DATE, midnight(max(ingests)), ()
        yield m.INGESTED_AT, max(entry.at for entry in ingests.values()).timestamp(), ()
    if history.interval is not None:
        yield m.INTERVAL, history.interval, ()


def _serving(serving: Serving) -> Iterator[Value]:
    yield m.PINNED, serving.pinned or 0, ()
    for state in State:
        yield m.STATE, float(state is serving.state), (state.value,)
    ready = Counter(pod.version for pod in serving.pods if pod.ready)
    for number in {serving.pinned, *(pod.version for pod in serving.pods)} - {None}:
        yield m.PODS_READY, ready[number], (str(number),)


def _durations(seconds: Sequence[float]) -> HistogramMetricFamily:
    counts = Counter(bisect_left(m.PROMOTION_BOUNDS, each) for each in seconds)
    bounds = [*(str(bound) for bound in m.PROMOTION_BOUNDS), "+Inf"]
    up_to = accumulate(float(counts[index]) for index in range(len(bounds)))
    family = HistogramMetricFamily(m.PROMOTION_SECONDS.name, m.PROMOTION_SECONDS.help)
    family.add_metric([], list(zip(bounds, up_to, strict=True)), sum(seconds))
    return family


def _since(moment: datetime | None, now: float) -> float:
    return max(0.0, now - moment.timestamp()) if moment else 0.0


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
