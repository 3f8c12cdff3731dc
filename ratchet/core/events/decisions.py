"""What was decided: by the trigger on a snapshot, by the gate on a candidate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self

from ratchet.core.decision import Verdict
from ratchet.core.events.drift import DriftFound
from ratchet.core.events.event import Known
from ratchet.core.events.fields import Fields, as_real, as_text, as_whole, many, maybe, one_of, to_plain
from ratchet.core.trigger import Action


class Proof(StrEnum):
    """What a candidate was judged by."""

    FRESH = "fresh"  # it and its recipe beat the champion on the judged month
    PROBATION = "probation"  # the champion is broken: it goes first and is measured beside the previous version afterwards
    CHALLENGER = "challenger"  # the evidence of several months adds up
    RETURN = "return"  # the version before the champion does better than it


FIRST_METRIC = "auc"  # what form 1 measured, and named its keys by


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered(Known):
    """Whether a candidate is wanted. `champion` is None before the first promotion, `drift` when nothing was compared.

    `snapshot` has the newest features, `judged` the newest labels: a candidate is made and judged there; empty where there is none.
    `wishes` name what asks for a candidate, one for each of the first reasons, `waits` those of them that wait for later labels.
    `candidate` is a version that exists already and is offered.
    """

    KIND: ClassVar[str] = "trigger"

    snapshot: str
    snapshot_hash: str = ""
    champion: int | None
    action: Action
    reasons: tuple[str, ...]
    drift: DriftFound | None = None
    report: str = ""
    run_id: str = ""
    judged: str = ""
    wishes: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    candidate: int | None = None

    def to_body(self) -> dict[str, Any]:
        """The record's body, JSON types only."""
        return {**to_plain(self), "drift": self.drift.to_body() if self.drift else None, "form": self.FORM}

    @classmethod
    def read(cls, body: Fields, form: int, model: str) -> Self:
        """Both forms are alike. Raises FormError."""
        del form
        return cls(
            model=model,
            snapshot=body.take("snapshot", as_text),
            snapshot_hash=body.take("snapshot_hash", as_text, ""),
            champion=body.take("champion", maybe(as_whole)),
            action=body.take("action", one_of(Action)),
            reasons=body.take("reasons", many(as_text)),
            drift=body.take("drift", maybe(DriftFound.read)),
            report=body.take("report", as_text, ""),
            run_id=body.take("run_id", as_text, ""),
            judged=body.take("judged", as_text, ""),
            wishes=body.take("wishes", many(as_text), ()),
            waits=body.take("waits", many(as_text), ()),
            candidate=body.take("candidate", maybe(as_whole), None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated(Known):
    """The gate's decision on a candidate against a champion (None: the first model).

    The values are of `metric`, on the snapshot's `rows` held-out rows; they and the difference with its interval at `confidence`
    are None where they could not be measured. `attempt` counts the candidates that were tried on that holdout. `out_of_time` is the
    difference for the same recipe made without the judged month, None where it was not asked for.
    """

    KIND: ClassVar[str] = "gate"

    @property
    def settles(self) -> bool:
        """Whether it answers what asks for a new candidate: the no to a version that was offered says nothing of one."""
        return self.verdict is Verdict.PASS or self.proof in {Proof.FRESH, Proof.PROBATION}

    snapshot: str
    snapshot_hash: str = ""
    features_hash: str = ""
    project_hash: str = ""
    candidate: int
    candidate_digest: str = ""
    champion: int | None
    verdict: Verdict
    reasons: tuple[str, ...]
    decisive: tuple[str, ...]
    rows: int = 0
    attempt: int = 1
    confidence: float | None = None
    metric: str = FIRST_METRIC
    candidate_value: float | None = None
    champion_value: float | None = None
    delta: float | None = None
    delta_low: float | None = None
    delta_high: float | None = None
    report: str = ""
    run_id: str = ""
    proof: Proof = Proof.FRESH
    out_of_time: float | None = None
    out_of_time_se: float | None = None

    @classmethod
    def read(cls, body: Fields, form: int, model: str) -> Self:
        """Form 1 has its values as `candidate_auc` and `champion_auc`. Raises FormError."""
        candidate, champion = ("candidate_auc", "champion_auc") if form == 1 else ("candidate_value", "champion_value")
        figure = maybe(as_real)
        return cls(
            model=model,
            snapshot=body.take("snapshot", as_text),
            snapshot_hash=body.take("snapshot_hash", as_text, ""),
            features_hash=body.take("features_hash", as_text, ""),
            project_hash=body.take("project_hash", as_text, ""),
            candidate=body.take("candidate", as_whole),
            candidate_digest=body.take("candidate_digest", as_text, ""),
            champion=body.take("champion", maybe(as_whole)),
            verdict=body.take("verdict", one_of(Verdict)),
            reasons=body.take("reasons", many(as_text)),
            decisive=body.take("decisive", many(as_text)),
            rows=body.take("rows", as_whole, 0),
            attempt=body.take("attempt", as_whole, 1),
            confidence=body.take("confidence", figure, None),
            metric=body.take("metric", as_text, FIRST_METRIC),
            candidate_value=body.take(candidate, figure, None),
            champion_value=body.take(champion, figure, None),
            delta=body.take("delta", figure, None),
            delta_low=body.take("delta_low", figure, None),
            delta_high=body.take("delta_high", figure, None),
            report=body.take("report", as_text, ""),
            run_id=body.take("run_id", as_text, ""),
            proof=body.take("proof", one_of(Proof), Proof.FRESH),
            out_of_time=body.take("out_of_time", figure, None),
            out_of_time_se=body.take("out_of_time_se", figure, None),
        )
