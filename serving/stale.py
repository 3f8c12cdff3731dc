"""How old the stored features of an answer are, and what the project has said is done about old ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from ratchet.core.schema import StoredRow
from ratchet.project.file import Stale
from serving.bodies import Refused
from serving.metrics import Metrics

_CONFLICT = 409  # RFC 9110, 15.5.10: the state of what was asked for does not allow it


class Staleness:
    """The project's `serving.stale`.

    Args:
        policy: None where age changes nothing.
        metrics: counts the answers that it changed.
        today: in UTC.
    """

    def __init__(
        self, policy: Stale | None, metrics: Metrics, today: Callable[[], date] = lambda: datetime.now(UTC).date()
    ) -> None:
        self._policy, self._metrics, self._today = policy, metrics, today

    def warning(self, row: StoredRow, *, probe: bool = False, golden: bool = False) -> str:
        """What an answer from this row warns of; empty where nothing is old, or nothing stored is in it.

        A promotion compares versions, not months: so a probe that asks for a golden row's entity is warned where a client is
        refused. No probe is counted. Raises Refused (409).
        """
        if self._policy is None or row.as_of is None:
            return ""
        age = (self._today() - row.as_of).days
        if age <= self._policy.days:
            return ""
        refused = self._policy.then == "refuse" and not (probe and golden)
        if not probe:
            self._metrics.stale["refused" if refused else "warned"].inc()
        sentence = (
            f"the stored features are of {row.as_of.isoformat()}, {age} days old: more than {self._policy.days} (serving.stale)"
        )
        if refused:
            raise Refused(_CONFLICT, f"{sentence}; `ratchet data ingest` takes in newer ones")
        return sentence
