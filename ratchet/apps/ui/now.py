"""The first screen: who serves, since when and why, and what wants a person's attention."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ratchet.apps.ui.outcomes import Attention, concerns, figure
from ratchet.apps.ui.stores import Stores
from ratchet.apps.ui.story import Tenure, checks, tenures
from ratchet.apps.ui.words import ago, day_of, moment, trained_on
from ratchet.apps.wording import interval_of
from ratchet.core.decision import Verdict, number
from ratchet.core.events import Ingested, RunState
from ratchet.core.schema import ModelVersion
from ratchet.rollout.state import State
from ratchet.steps.parts.standing import Standing


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


def now(stores: Stores, at: datetime) -> Now:
    """Put what was seen into words. What is away is left out here, and stands in `stores.problems`."""
    held = tenures(stores.ledger.history)
    last = held[-1] if held else None
    champion, seen = stores.champion, stores.standing
    attention = tuple(_attention(stores, champion, seen))
    broken = bool(stores.ledger.broken) or any(item.text.startswith(_NOT_SERVED) for item in attention)
    tone = "fail" if broken else ("unknown" if attention or stores.problems else "pass")
    stamp = {"pass": "ALL WELL", "unknown": "WANTS A LOOK", "fail": "SOMETHING IS WRONG"}[tone]
    facts = tuple(_facts(stores, last, at, seen))
    return Now(tone, stamp, _headline(stores, champion), _why(last, champion), attention, facts, tuple(held))


_NOT_SERVED = "Nothing answers"


def _headline(stores: Stores, champion: int | None) -> str:
    if champion is None:
        away = {"registry", "ledger"} & set(stores.problems)
        return "It is not known who serves" if away else "No model is in production yet"
    if stores.serving is None:
        return f"Version {champion} is in production"
    return f"Version {champion} serves" if _served(stores, champion) else f"Version {champion} should serve"


def _served(stores: Stores, champion: int) -> bool:
    serving = stores.serving
    if serving is None or serving.pinned != champion:
        return False
    return any(pod.ready for pod in serving.pods) and all(pod.version == champion for pod in serving.pods)


def _why(last: Tenure | None, champion: int | None) -> str:
    if champion is None:
        return "The first run that finds a good enough model puts it into production: ratchet run."
    if last is None or last.version != champion:
        return "The ledger does not tell how it came there."
    return f"In production since {moment(last.since)}, because {last.how}: {'; '.join(last.why)}."


def _attention(stores: Stores, champion: int | None, seen: Standing) -> Iterator[Attention]:
    if stores.ledger.broken:
        yield Attention(f"The record of decisions cannot be trusted: {stores.ledger.broken}.", "/history")
    yield from _disagreement(stores, champion)
    if stores.ledger.interrupted is not None:
        to = stores.ledger.interrupted.event.to
        yield Attention(f"A move to version {to} is under way or was interrupted; `ratchet reconcile` finishes or undoes it.")
    for entry in stores.ledger.waiting:
        yield Attention(f"Version {entry.event.to} passed the gate and waits for approval.", f"/history/{entry.seq}")
    yield from _worse_than_promised(stores, champion, seen)
    yield from concerns(seen, stores.ledger.history, champion)
    yield from _unanswered_drift(stores, champion)
    runs = stores.ledger.history.run_ends
    if runs and runs[-1].event.state is RunState.FAILED:
        yield Attention(f"The last run, on {runs[-1].event.snapshot}, failed.", f"/history/{runs[-1].seq}")


def _disagreement(stores: Stores, champion: int | None) -> Iterator[Attention]:
    if stores.foreign and champion is not None:
        yield Attention(
            f"The registry's alias names {stores.foreign}, but the last promotion is of version {champion}: "
            "`ratchet reconcile` sets it back."
        )
    elif stores.foreign:
        yield Attention(f"The registry's alias names {stores.foreign}, which nobody promoted: nothing of it is rolled out.")
    if stores.registry is not None and champion is not None and stores.version is None:
        yield Attention(f"The registry does not know version {champion}, which is in production: `ratchet adopt` brings it back.")
    if stores.serving is None or champion is None:
        return
    serving = stores.serving
    if serving.pinned != champion:
        pinned = f"version {serving.pinned}" if serving.pinned is not None else "no version"
        yield Attention(f"The registry names version {champion}, the servers were given {pinned}: `ratchet reconcile` mends it.")
    if not any(pod.ready for pod in serving.pods):
        yield Attention(f"{_NOT_SERVED} requests now: {serving.progress.detail}.")
    elif serving.progress.state is not State.READY:
        yield Attention(f"The rollout is not complete: {serving.progress.detail}.")
    wrong = [pod.name for pod in serving.pods if pod.version != champion and pod.ready]
    if wrong and serving.pinned == champion:
        yield Attention(f"{', '.join(wrong)} still serves another version.")


def _worse_than_promised(stores: Stores, champion: int | None, seen: Standing) -> Iterator[Attention]:
    if seen.live:
        yield Attention(f"Version {champion} does worse on live answers than it promised: {seen.live}.", "/performance")
        return
    entry = stores.ledger.history.live().get(champion or 0)
    version = stores.version
    if entry is None or version is None or entry.event.high is None:
        return
    metric = stores.task.metric
    live, promised = interval_of(entry.event), metric.promised(version.metrics)
    if stores.task.enough(entry.event.rows, entry.event.counts) and metric.fell(live, promised):
        yield Attention(
            f"Version {champion} does worse on live answers than on the holdout when it was trained: upper end of live "
            f"{metric.label} {number(live.high)} < {number(promised.low)}, the lower end then.",
            "/performance",
        )


def _unanswered_drift(stores: Stores, champion: int | None) -> Iterator[Attention]:
    """The newest snapshot differs from what the present champion was trained on."""
    made = [check for check in checks(stores.ledger.history) if check.champion == champion and check.verdict]
    newest = max((day_of(entry.event.snapshot) for entry in stores.ledger.history.of(Ingested)), default="")
    if made and made[-1].verdict == Verdict.PASS and made[-1].snapshot == newest:
        why = made[-1].reasons[0] if made[-1].reasons else "no reason is on record"
        yield Attention(
            f"The newest snapshot, {newest}, has drifted from what version {champion} was trained on: {why}.",
            "/drift",
        )


def _facts(stores: Stores, last: Tenure | None, at: datetime, seen: Standing) -> Iterator[tuple[str, str, str]]:
    champion: ModelVersion | None = stores.version
    if last is not None:
        yield "In production since", moment(last.since), ago(last.since, at)
    if trained := trained_on(champion):
        yield "Trained on snapshot", trained, ""
    metric = stores.task.metric
    yield from figure(seen, metric)
    if champion is not None and (entry := stores.ledger.history.live().get(champion.number)):
        live = interval_of(entry.event)
        known = math.isfinite(live.value + live.low + live.high)
        value, between = (f"{live.value:.3f}", f"{live.low:.3f} to {live.high:.3f}") if known else ("too few labels", "")
        yield f"{metric.label} on live answers", value, between
    if stores.requests is not None and champion is not None:
        everybody = sum(stores.requests.total(version) for version in stores.requests.counts)
        yield "Requests answered", f"{stores.requests.total(champion.number):,}", f"of {everybody:,} by all versions"
    if stores.serving is not None:
        ready = sum(pod.ready for pod in stores.serving.pods)
        yield "Serving", f"{ready} of {len(stores.serving.pods)} ready", stores.serving.progress.state.value.lower()
