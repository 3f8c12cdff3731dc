"""An event in words: what came of it, and why. The rows of `ratchet history` and of the status page's history."""

from __future__ import annotations

import math

from ratchet.core.estimate import Interval
from ratchet.core.events import (
    Event,
    Gated,
    Ingested,
    LiveMeasured,
    Measured,
    Moved,
    Pruned,
    Reconciled,
    RunClaimed,
    RunEnded,
    Trained,
    Triggered,
)


def summary(event: Event) -> tuple[str, str]:
    """Outcome and reasons in words. What cannot be read is shown as it stands."""
    match event:
        case Ingested() | Trained():
            return _made(event)
        case Triggered():
            return event.action.value, "; ".join(event.reasons)
        case Gated():
            against = f"version {event.candidate} against {event.champion or 'none'}"
            return f"{event.verdict}: {against}", "; ".join(event.decisive)
        case Moved():
            way = f"{event.before or 'none'} -> {event.to}"
            return f"{event.cause}: {way} {event.state}", event.error or "; ".join(event.reasons)
        case Measured():
            return f"version {event.version} on {event.as_of or event.snapshot}", _measured(event)
        case _:
            return _others(event)


def _others(event: Event) -> tuple[str, str]:
    match event:
        case RunEnded():
            reached = f"reached {', '.join(event.reached) or 'nothing'}"
            return event.state.value, "; ".join(filter(None, (reached, event.error)))
        case RunClaimed():
            return f"run {event.run_id}", f"{event.name} is new to version {event.champion or 'none'}"
        case Reconciled():
            what = "alias" if event.refused else "digest" if event.digest else "pods"
            return f"{what} {event.before} -> {event.to}", event.reason
        case LiveMeasured():
            return f"version {event.version}", _live(event)
        case Pruned():
            return f"answers from before {event.before:%Y-%m-%d %H:%M} deleted", f"{event.answers} of them"
        case _:
            return "", "; ".join(f"{name} {value}" for name, value in event.to_body().items())


def _made(event: Ingested | Trained) -> tuple[str, str]:
    if isinstance(event, Trained):
        return f"version {event.version} made", f"of {event.months} months up to {event.snapshot}"
    return f"{event.name} taken in", f"{event.rows} rows, {event.labelled_rows} labelled, {event.snapshot}"


def interval_of(event: LiveMeasured | Measured) -> Interval:
    """Its figure, NaN where it could not be measured."""
    return Interval(*(math.nan if value is None else value for value in (event.value, event.low, event.high)))


def in_words(value: Interval) -> str:
    """`0.857 (0.832 to 0.880)`."""
    if not math.isfinite(value.value):
        return "not known"
    return f"{value.value:.3f}" + (f" ({value.low:.3f} to {value.high:.3f})" if math.isfinite(value.low + value.high) else "")


def _live(event: LiveMeasured) -> str:
    return f"live {event.metric.upper()} {_interval(event)}, {event.rows} labelled answers"


def _measured(event: Measured) -> str:
    beside = "" if event.delta is None else f", {event.delta:+.3f} against version {event.against}"
    return f"{event.role}: {event.metric.upper()} {_interval(event)}{beside}, {event.rows} labelled rows"


def _interval(event: LiveMeasured | Measured) -> str:
    known = event.value is not None and event.low is not None and event.high is not None
    return f"{event.value:.3f} ({event.low:.3f} to {event.high:.3f})" if known else "not known yet"
