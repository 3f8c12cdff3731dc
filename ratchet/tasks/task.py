"""The port of a task: all that gate, trigger, steps, serving, reports and pages must know of what is learnt, they ask here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from ratchet.core.estimate import Clusters, Estimate, Interval, Labels, MetricName, Scores
from ratchet.core.label import LabelKind
from ratchet.core.live import LabelledAnswers, Live
from ratchet.core.measurement import Measurement
from ratchet.core.metric import OfTask
from ratchet.core.objective import Objective
from ratchet.core.policy import GatePolicy
from ratchet.core.schema import Columns
from ratchet.project.file import Serving


class Answers(Protocol):
    """The shape of a project's answers. Made once, when a process starts: serving asks it for every answer."""

    def of(self, score: float) -> dict[str, Any]:
        """What an answer of /predict says of a row with this score, JSON types only."""
        ...

    def columns(self, scores: Scores) -> Columns:
        """The same of n rows, as columns of one name each: what `ratchet score` writes beside the entity."""
        ...

    def explained(self, score: float, typical: float) -> dict[str, Any]:
        """What /explain says of the row's score and of the typical row's."""
        ...

    @property
    def schema(self) -> dict[str, dict[str, Any]]:
        """OpenAPI schemas of what `of` gives."""
        ...

    @property
    def explanation_schema(self) -> dict[str, dict[str, Any]]:
        """OpenAPI schemas of what `explained` gives."""
        ...


class Task(Protocol):
    """What is learnt. Stateless: one object serves every project of the kind."""

    @property
    def name(self) -> str:
        """What ratchet.yaml calls it."""
        ...

    @property
    def metric(self) -> MetricName:
        """The primary metric, by which candidates are compared."""
        ...

    @property
    def metrics(self) -> OfTask:
        """Its metrics for Prometheus."""
        ...

    @property
    def label(self) -> LabelKind:
        """What a label may be, in a snapshot's table and in a file of late ones."""
        ...

    @property
    def objective(self) -> Objective:
        """What training aims at."""
        ...

    def floor(self, policy: GatePolicy) -> float:
        """The primary metric's bound that every candidate must pass, also a first one."""
        ...

    def measure(
        self,
        policy: GatePolicy,
        labels: Labels,
        slices: Mapping[str, NDArray[Any]],
        candidate: Scores,
        champion: Scores | None,
        *,
        attempt: int,
        confidence: float,
        groups: Clusters | None = None,
    ) -> Measurement:
        """Measure a candidate on n held-out rows, and where there is a champion to compare with, both on the same.

        Args:
            policy: the bounds that the guards ask for.
            labels: n labels.
            slices: name -> n group values (text, None for missing).
            candidate: its n scores.
            champion: the same of the version in production.
            attempt: counts from 1 the candidates tried on this holdout.
            confidence: of this try's intervals, two-sided; the slices' have that of the policy.
            groups: n numbers of what the rows hang together by (`holdout.group`); None where each row is one of its own.
        """
        ...

    def estimate(self, labels: Labels, scores: Scores, confidence: float, groups: Clusters | None = None) -> Interval:
        """The primary metric of one version on n rows; NaN where it cannot be measured."""
        ...

    def figure(self, labels: Labels, scores: Scores, groups: Clusters | None = None) -> Estimate:
        """The primary metric of one version on n rows with its standard error; NaN where it cannot be measured."""
        ...

    def difference(self, labels: Labels, first: Scores, second: Scores, groups: Clusters | None = None) -> Estimate:
        """By how much the first is better than the second on the same n rows, above 0 when it is, with its standard error."""
        ...

    def expected(self, scores: Scores) -> Estimate:
        """The primary metric that n scores promise if they are true, with the standard error that it would have on n labels.

        An estimate for people, which decides nothing: of a change in what the label depends on it sees nothing. NaN where the task
        has no such estimate.
        """
        ...

    def live(self, answers: LabelledAnswers, confidence: float) -> Live:
        """The primary metric on answers about held-out entities whose labels have come."""
        ...

    def label_counts(self, labels: Labels) -> Mapping[str, int]:
        """The rows of each label, as text."""
        ...

    def by_label(self, rows: int, counts: Mapping[str, int]) -> Mapping[str, int]:
        """Labelled answers, of which these are the `counts` of `Live`, by label as the exporter writes it."""
        ...

    def enough(self, rows: int, counts: Mapping[str, int]) -> bool:
        """Whether so many labelled answers say anything."""
        ...

    def curve(self, labels: Labels, scores: Scores) -> NDArray[Any]:
        """The curve that a run's page on Kubeflow draws: points, shape (k, 2)."""
        ...

    def answers(self, serving: Serving) -> Answers:
        """The shape of the answers of a project with these settings."""
        ...

    def score_in(self, answer: Mapping[str, Any]) -> float:
        """The score in an answer of /predict. Raises KeyError, TypeError or ValueError when it has none."""
        ...

    @property
    def templates(self) -> str:
        """The package whose `templates/report.html.j2` has the macros that the decision report asks a task for.

        `curves(view, rows, measured)` draws what `figures` returns, `interval_method()` and `figures_method()` are notes for the
        statistician, `shown_beside` names what is drawn and decides nothing under the simple gate.
        """
        ...

    def figures(
        self,
        measured: Measurement,
        labels: Labels,
        scores: Scores,
        champion_scores: Scores | None,
        candidate: int,
        champion: int | None,
        *,
        side: int,
    ) -> Any:
        """What the macro `curves` draws, of the n holdout rows, in a plot square of `side` units."""
        ...
