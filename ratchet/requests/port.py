"""The request log as the steps need it.

Every method raises `Unavailable` when its backend cannot be reached: an unreachable backend is never an empty answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from ratchet.core.live import LabelledAnswers
from ratchet.core.schema import Columns, FeatureValue, LoggedAnswer
from ratchet.requests.volume import Volume


@dataclass(frozen=True, slots=True)
class JoinReport:
    """What became of a set of labels: answers labelled, and labels for which no answer was found."""

    joined: int
    unknown: int


@dataclass(frozen=True, slots=True)
class PostedAnswer:
    """An answer to features that a request brought.

    `features` are the posted ones as the model saw them. `as_of` is the date of the stored ones that they lay over: the entity's
    row of that snapshot, with these over it, is the row that was scored, and has the hash; None where all were posted.
    """

    prediction_id: str
    entity: str  # empty where the request named nobody
    version: int
    score: float
    answered_at: float  # seconds since the epoch
    features_hash: str
    label: int | None
    features: Mapping[str, FeatureValue]
    as_of: date | None


class RequestLog(Protocol):
    """Answers that were given, and the labels that came later."""

    def append(self, rows: Sequence[LoggedAnswer]) -> None:
        """Store answers; one that is stored already stays as it is."""
        ...

    def join(self, labels: Columns) -> JoinReport:
        """Join labels (columns `prediction_id` or `entity`, `label`, optionally `observed_at`, `features_hash`) to answers.

        A label is a whole number, as the task has read it.
        """
        ...

    def newest_labelled(self) -> Mapping[int, float]:
        """When the newest answer that has a label was given, by version, in seconds since the epoch."""
        ...

    def labelled(self, version: int | None = None, since: float | None = None) -> Mapping[int, LabelledAnswers]:
        """Labelled answers by version, those given from `since` on (seconds since the epoch); no key for a version without any."""
        ...

    def volume(self, most: int) -> Volume:
        """All answers by version in about `most` slots of time, from the first to the last; deleted ones count too."""
        ...

    def count_before(self, moment: float) -> int:
        """How many answers were given before `moment` (seconds since the epoch)."""
        ...

    def delete_before(self, moment: float) -> int:
        """Delete the answers that were given before `moment`, with their labels; how many."""
        ...
