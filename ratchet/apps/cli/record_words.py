"""A record of the ledger in words, as `ratchet history` shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ratchet.core.events import (
    Event,
    Gated,
    Ingested,
    LiveMeasured,
    Moved,
    Pruned,
    Reconciled,
    RunClaimed,
    RunEnded,
    Triggered,
)

E = TypeVar("E", bound=Event)
_Words = Callable[[E], tuple[str, str]]


def outcome_of(event: Event) -> tuple[str, str]:
    """Outcome and reasons; what this release cannot read is shown as it stands."""
    for kind, words in _WORDS:
        if isinstance(event, kind):
            return words(event)
    return "", "; ".join(f"{name} {value}" for name, value in event.to_body().items())


def _words(kind: type[E], words: _Words[E]) -> tuple[type[Event], Callable[..., tuple[str, str]]]:
    return kind, words


def _live(live: LiveMeasured) -> tuple[str, str]:
    interval = f"{live.value:.3f} ({live.low:.3f} to {live.high:.3f})" if live.low is not None else "not known yet"
    return f"version {live.version}", f"live {live.metric.upper()} {interval}, {live.rows} labelled answers"


_WORDS = (
    _words(Ingested, lambda e: (f"{e.name} taken in", f"{e.rows} rows, {e.labelled_rows} labelled, {e.snapshot}")),
    _words(Triggered, lambda e: (e.action, "; ".join(e.reasons))),
    _words(RunEnded, lambda e: (e.state, "; ".join(filter(None, (f"reached {', '.join(e.reached) or 'nothing'}", e.error))))),
    _words(RunClaimed, lambda e: (f"run {e.run_id}", f"{e.name} is new to version {e.champion or 'none'}")),
    _words(Gated, lambda e: (f"{e.verdict}: version {e.candidate} against {e.champion or 'none'}", "; ".join(e.decisive))),
    _words(Moved, lambda e: (f"{e.cause}: {e.before or 'none'} -> {e.to} {e.state}", e.error or "; ".join(e.reasons))),
    _words(Reconciled, lambda e: (f"pods {e.before} -> {e.to}", e.reason)),
    _words(LiveMeasured, _live),
    _words(Pruned, lambda e: (f"answers from before {e.before:%Y-%m-%d %H:%M} deleted", f"{e.answers} of them")),
)
