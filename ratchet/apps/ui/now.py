"""The first screen: who serves, since when and why, and what wants a person's attention."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ratchet.apps.ui.sight import Sight
from ratchet.apps.ui.story import Tenure, checks, tenures
from ratchet.apps.ui.words import ago, day_of, moment, trained_on
from ratchet.core.decision import Verdict, number
from ratchet.core.estimate import Interval
from ratchet.core.record import Record
from ratchet.core.schema import ModelVersion
from ratchet.rollout.state import State


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that a person should know. `commands` in backticks; `page` shows more, empty when none does."""

    text: str
    page: str = ""


@dataclass(frozen=True, slots=True)
class Now:
    """The first screen's text. `tone` is `pass`, `unknown` or `fail`; `facts` are name, value and a note."""

    tone: str
    stamp: str
    headline: str
    why: str
    attention: tuple[Attention, ...]
    facts: tuple[tuple[str, str, str], ...]
    tenures: tuple[Tenure, ...]


def now(sight: Sight, at: datetime) -> Now:
    """Put what was seen into words. What is away is left out here, and told by `sight.problems`."""
    held = tenures(sight.ledger.known)
    last = held[-1] if held else None
    champion = _champion(sight, last)
    attention = tuple(_attention(sight, champion, last))
    broken = bool(sight.ledger.broken) or any(item.text.startswith(_NOT_SERVED) for item in attention)
    tone = "fail" if broken else ("unknown" if attention or sight.problems else "pass")
    stamp = {"pass": "ALL WELL", "unknown": "WANTS A LOOK", "fail": "SOMETHING IS WRONG"}[tone]
    return Now(
        tone, stamp, _headline(sight, champion), _why(last, champion), attention, tuple(_facts(sight, last, at)), tuple(held)
    )


_NOT_SERVED = "Nothing answers"


def _champion(sight: Sight, last: Tenure | None) -> int | None:
    """By the registry; while that is away by the ledger."""
    if sight.registry is not None:
        return sight.registry.champion.number if sight.registry.champion else None
    return last.version if last else None


def _headline(sight: Sight, champion: int | None) -> str:
    if champion is None:
        away = {"registry", "ledger"} & set(sight.problems)
        return "It cannot be told who serves" if away else "No model is in production yet"
    if sight.serving is None:
        return f"Version {champion} is in production"
    return f"Version {champion} serves" if _served(sight, champion) else f"Version {champion} should serve"


def _served(sight: Sight, champion: int) -> bool:
    serving = sight.serving
    if serving is None or serving.pinned != champion:
        return False
    return any(pod.ready for pod in serving.pods) and all(pod.version == champion for pod in serving.pods)


def _why(last: Tenure | None, champion: int | None) -> str:
    if champion is None:
        return "The first run that finds a good enough model puts it into production: ratchet run."
    if last is None or last.version != champion:
        return "The ledger does not tell how it came there."
    return f"In production since {moment(last.since)}, because {last.how}: {'; '.join(last.why)}."


def _attention(sight: Sight, champion: int | None, last: Tenure | None) -> Iterator[Attention]:
    if sight.ledger.broken:
        yield Attention(f"The record of decisions cannot be trusted: {sight.ledger.broken}.", "/history")
    yield from _disagreement(sight, champion, last)
    if sight.ledger.interrupted is not None:
        to = sight.ledger.interrupted.body["to"]
        yield Attention(f"A move to version {to} is under way or was interrupted; `ratchet reconcile` finishes or undoes it.")
    for record in sight.ledger.waiting:
        yield Attention(f"Version {record.body['to']} passed the gate and waits for approval.", f"/history/{record.seq}")
    yield from _worse_than_promised(sight, champion)
    yield from _unanswered_drift(sight, champion)
    runs = sight.ledger.of("run")
    if runs and runs[-1].body["state"] == "failed":
        yield Attention(f"The last run, on {runs[-1].body['snapshot']}, failed.", f"/history/{runs[-1].seq}")


def _disagreement(sight: Sight, champion: int | None, last: Tenure | None) -> Iterator[Attention]:
    if sight.registry is not None and champion is None and last is not None:
        yield Attention(
            f"{_NOT_SERVED} for: the ledger says that version {last.version} is in production, and the registry names none."
        )
    if sight.serving is None or champion is None:
        return
    serving = sight.serving
    if serving.pinned != champion:
        pinned = f"version {serving.pinned}" if serving.pinned is not None else "no version"
        yield Attention(f"The registry names version {champion}, the servers are told {pinned}: `ratchet reconcile` mends it.")
    if not any(pod.ready for pod in serving.pods):
        yield Attention(f"{_NOT_SERVED} requests now: {serving.progress.detail}.")
    elif serving.progress.state is not State.READY:
        yield Attention(f"The rollout is not complete: {serving.progress.detail}.")
    wrong = [pod.name for pod in serving.pods if pod.version != champion and pod.ready]
    if wrong and serving.pinned == champion:
        yield Attention(f"{', '.join(wrong)} still serves another version.")


def last_live(records: list[Record]) -> dict[int, Record]:
    """The newest measurement of each version on live answers."""
    return {record.body["version"]: record for record in records}


def _worse_than_promised(sight: Sight, champion: int | None) -> Iterator[Attention]:
    record = last_live(sight.ledger.of("live")).get(champion or 0)
    version = sight.registry.champion if sight.registry else None
    if record is None or version is None or record.body["high"] is None:
        return
    body, metric = record.body, sight.task.metric
    live, promised = Interval(body[metric.key], body["low"], body["high"]), metric.promised(version.metrics)
    if sight.task.enough(body["rows"], {"positive": body["positives"]}) and metric.fell(live, promised):
        yield Attention(
            f"Version {champion} does worse on live answers than on the holdout when it was trained: upper end of live "
            f"{metric.label} {number(live.high)} < {number(promised.low)}, the lower end then.",
            "/performance",
        )


def _unanswered_drift(sight: Sight, champion: int | None) -> Iterator[Attention]:
    """The newest snapshot differs from what the present champion was trained on."""
    made = [check for check in checks(sight.ledger.known) if check.champion == champion and check.verdict]
    newest = max((day_of(record.body["snapshot"]) for record in sight.ledger.of("ingest")), default="")
    if made and made[-1].verdict == Verdict.PASS and made[-1].snapshot == newest:
        yield Attention(
            f"The newest snapshot, {newest}, has drifted from what version {champion} was trained on: {made[-1].reasons[0]}.",
            "/drift",
        )


def _facts(sight: Sight, last: Tenure | None, at: datetime) -> Iterator[tuple[str, str, str]]:
    champion: ModelVersion | None = sight.registry.champion if sight.registry else None
    if last is not None:
        yield "In production since", moment(last.since), ago(last.since, at)
    if trained := trained_on(champion):
        yield "Trained on snapshot", trained, ""
    metric = sight.task.metric
    promised = metric.promised(champion.metrics if champion else {})
    if math.isfinite(promised.value):
        between = f"{promised.low:.3f} to {promised.high:.3f}" if math.isfinite(promised.low + promised.high) else ""
        yield f"{metric.label} on the holdout", f"{promised.value:.3f}", between
    if champion is not None and (live := last_live(sight.ledger.of("live")).get(champion.number)):
        body = live.body
        known = body[metric.key] is not None and body["low"] is not None
        value, between = (
            (f"{body[metric.key]:.3f}", f"{body['low']:.3f} to {body['high']:.3f}") if known else ("too few labels", "")
        )
        yield f"{metric.label} on live answers", value, between
    if sight.requests is not None and champion is not None:
        everybody = sum(sight.requests.total(version) for version in sight.requests.counts)
        yield "Requests answered", f"{sight.requests.total(champion.number):,}", f"of {everybody:,} by all versions"
    if sight.serving is not None:
        ready = sum(pod.ready for pod in sight.serving.pods)
        yield "Serving", f"{ready} of {len(sight.serving.pods)} ready", sight.serving.progress.state.value.lower()
