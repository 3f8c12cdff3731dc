"""What stands around every component's body: adapters in, errors out as a line that a runner can read."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from ratchet.clients.obstacles import forget_shared_metrics
from ratchet.clients.secrets import trace_of
from ratchet.core.errors import RatchetError, RetryableError
from ratchet.wiring import Wiring, say

__all__ = ["Wiring", "attempt", "hand_on", "say", "step"]

T = TypeVar("T")


@contextmanager
def step(name: str) -> Iterator[Wiring]:
    """The shell around a component's body: adapters in, errors out as one `[ERROR]` line that a runner can read.

    The process ends with the error's exit code; a defect of ours keeps its trace and ends with 1.
    """
    forget_shared_metrics()
    try:
        yield Wiring.load()
    except RatchetError as error:
        say(f"[ERROR] {json.dumps({'step': name, 'code': error.exit_code, 'type': type(error).__name__, 'message': str(error)})}")
        sys.stdout.flush()
        sys.stderr.write(trace_of(error))
        raise SystemExit(error.exit_code) from error


def attempt(name: str, body: Callable[[Wiring], T]) -> T:
    """Run a component's body in `step`; after a RetryableError again, up to RATCHET_STEP_TRIES times in all.

    Here and not by the orchestrator, whose retries cannot tell a store that is down from a snapshot that is wrong.
    """

    def report(state: RetryCallState) -> None:
        say(f"[RETRY] {name}: {state.outcome.exception() if state.outcome else ''}")

    with step(name) as wiring:
        tries = Retrying(
            retry=retry_if_exception_type(RetryableError),
            stop=stop_after_attempt(wiring.settings.step_tries),
            wait=wait_exponential_jitter(initial=4, max=60),
            before_sleep=report,
            reraise=True,
        )
        return tries(body, wiring)


def hand_on(artifact: Any, facts: Mapping[str, str]) -> None:
    """Give the next step these facts: as the artifact's metadata, which KFP shows, and as its file."""
    artifact.metadata.update(facts)
    Path(artifact.path).write_text(json.dumps(facts, indent=1), encoding="utf-8")
