"""The other ports of the steps, where nothing serves, nobody asks and nothing is reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from ratchet.core.live import LabelledAnswers
from ratchet.core.schema import Columns, Feature, FeatureValue, LoggedAnswer, ModelVersion
from ratchet.requests.port import JoinReport
from ratchet.requests.volume import Volume
from ratchet.rollout.state import Answer, Pin, PodReport, Progress, State


class NoLock:
    """A lock that nobody else could take, and its own fence."""

    @contextmanager
    def hold(self) -> Iterator[NoLock]:
        """Held at once."""
        yield self

    def check(self) -> None:
        """Always ours."""


class NoPods:
    """A rollout without pods. A replay's plan of promotion ends with the alias, and asks for no more than the pin."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._revision = 0

    @contextmanager
    def session(self) -> Iterator[None]:
        """Nothing has to be started."""
        yield

    def pinned(self) -> Pin:
        """What was pinned last."""
        return Pin(self._version, str(self._revision))

    def pin(self, version: int | None, *, revision: str, digest: str = "") -> Pin:
        """Remember it."""
        del revision, digest
        self._version, self._revision = version, self._revision + 1
        return self.pinned()

    def progress(self) -> Progress:
        """Ready at once."""
        return Progress(State.READY, "nothing serves in a replay")

    def pods(self) -> list[PodReport]:
        """None."""
        return []

    def ask(self, entity: str, features: Mapping[str, FeatureValue] | None = None) -> Answer | None:
        """Nobody answers."""
        del entity, features
        return None

    def infra_check(self, version: ModelVersion) -> Mapping[str, float]:
        """Versions serve where they were made."""
        del version
        return {"seconds": 0.0, "worst": 0.0}


class NoRequests:
    """A request log without answers: what a replay knows of outcomes are the snapshots' labels."""

    def append(self, rows: Sequence[LoggedAnswer]) -> None:
        """Answers are not replayed."""
        _refuse(rows)

    def join(self, labels: Columns) -> JoinReport:
        """Nor are labels joined to them."""
        _refuse(labels)

    def newest_labelled(self) -> Mapping[int, float]:
        """None."""
        return {}

    def labelled(self, version: int | None = None, since: float | None = None) -> Mapping[int, LabelledAnswers]:
        """None."""
        del version, since
        return {}

    def volume(self, most: int) -> Volume:
        """None."""
        del most
        return Volume()

    def count_before(self, moment: float) -> int:
        """None."""
        del moment
        return 0

    def delete_before(self, moment: float) -> int:
        """None."""
        del moment
        return 0


class Counts:
    """Reports that nobody reads; kept are the counts of rows that the steps of a run leave for each other, until `forget`."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    def save(self, name: str, content: str) -> str:
        """Keep JSON, drop HTML."""
        if name.endswith(".json"):
            self._kept[name] = content
        return name

    def load(self, name: str) -> str | None:
        """What was kept."""
        return self._kept.get(name)

    def forget(self) -> None:
        """A run has ended."""
        self._kept.clear()


class NoDriftReport:
    """Draws nothing."""

    def drift_report(
        self,
        features: Sequence[Feature],
        reference: Columns,
        current: Columns,
        name: str,
        *,
        number_effect: float,
        category_effect: float,
        drift_share: float,
        verdict: Sequence[str],
    ) -> tuple[str, dict[str, float]]:
        """An empty page."""
        del features, reference, current, name, number_effect, category_effect, drift_share, verdict
        return "", {}


def _refuse(what: Any) -> NoReturn:
    message = f"a replay logs no answers: {type(what).__name__}"
    raise NotImplementedError(message)
