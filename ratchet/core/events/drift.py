"""Drift as a trigger's record has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from ratchet.core.decision import Verdict
from ratchet.core.events.fields import Fields, as_flag, as_real, as_text, as_whole, many, maybe, one_of, to_plain
from ratchet.core.severity import Figure, decisive


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftTest:
    """One test of one feature, as ratchet.drift.feature_drift.FeatureDrift. Figures are None when a side has none.

    PASS: it drifted. FAIL: it is quiet. UNKNOWN: too few rows to tell. `further` are other effects of the same difference.
    `influence` is the feature's share of the variance of the champion's score, and `counts` whether its drift asks for something; a
    record of an earlier release has none of the three, and all its drift counted.
    """

    feature: str
    test: str = "value"
    measure: str = ""
    effect: float | None
    threshold: float
    p: float | None = None
    corrected_p: float | None = None
    reference_rows: int = 0
    current_rows: int = 0
    verdict: Verdict
    reason: str
    further: tuple[Figure, ...] = field(default=(), metadata={"omit": True})
    influence: float | None = field(default=None, metadata={"omit": True})
    counts: bool = field(default=True, metadata={"omit": True})

    @property
    def drifted(self) -> bool:
        """Whether the effect is large enough and beyond doubt."""
        return self.verdict is Verdict.PASS

    @property
    def enough(self) -> bool:
        """Whether both sides had the rows that it takes to tell."""
        return self.verdict is not Verdict.UNKNOWN

    @property
    def severity(self) -> float | None:
        """Effect over threshold, of the decisive effect."""
        return decisive(Figure(self.measure, self.effect, self.threshold), self.further).severity

    def to_body(self) -> dict[str, Any]:
        """JSON types only."""
        return to_plain(self) | {"drifted": self.drifted, "enough": self.enough}

    @classmethod
    def read(cls, value: Any) -> Self:
        """From a body. Raises FormError."""
        body = Fields.of(value)
        drifted, enough = body.take("drifted", as_flag), body.take("enough", as_flag)
        otherwise = Verdict.PASS if drifted else (Verdict.FAIL if enough else Verdict.UNKNOWN)  # a record may lack the verdict
        return cls(
            feature=body.take("feature", as_text),
            test=body.take("test", as_text, "value"),
            measure=body.take("measure", as_text, ""),
            effect=body.take("effect", maybe(as_real)),
            threshold=body.take("threshold", as_real),
            p=body.take("p", maybe(as_real), None),
            corrected_p=body.take("corrected_p", maybe(as_real), None),
            reference_rows=body.take("reference_rows", as_whole, 0),
            current_rows=body.take("current_rows", as_whole, 0),
            verdict=body.take("verdict", one_of(Verdict), otherwise),
            reason=body.take("reason", as_text),
            further=body.take("further", many(_figure), ()),
            influence=body.take("influence", maybe(as_real), None),
            counts=body.take("counts", as_flag, True),  # noqa: FBT003 - a value's default
        )


def _figure(value: Any) -> Figure:
    """From a body. Raises FormError."""
    body = Fields.of(value)
    return Figure(
        measure=body.take("measure", as_text),
        effect=body.take("effect", maybe(as_real)),
        threshold=body.take("threshold", as_real),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFound:
    """A snapshot's drift against what the champion was trained on. PASS: drifted. `informative` tests are reported, not counted."""

    verdict: Verdict
    drift_share: float
    reasons: tuple[str, ...] = ()
    drifted: tuple[str, ...] = ()
    reference_rows: int = 0
    current_rows: int = 0
    tests: tuple[DriftTest, ...] = ()
    informative: tuple[DriftTest, ...] = ()

    @property
    def headline(self) -> str:
        """The reason that carries the verdict: the share of drifted features."""
        return self.reasons[0] if self.reasons else ""

    @property
    def worst(self) -> DriftTest | None:
        """The counted test with the largest effect over threshold."""
        return max(self.tests, key=lambda test: -1.0 if test.severity is None else test.severity, default=None)

    def to_body(self) -> dict[str, Any]:
        """JSON types only."""
        tests = {"tests": [test.to_body() for test in self.tests], "informative": [test.to_body() for test in self.informative]}
        return to_plain(self) | tests

    @classmethod
    def read(cls, value: Any) -> Self:
        """From a body. Raises FormError."""
        body = Fields.of(value)
        return cls(
            verdict=body.take("verdict", one_of(Verdict)),
            drift_share=body.take("drift_share", as_real),
            reasons=body.take("reasons", many(as_text)),
            drifted=body.take("drifted", many(as_text)),
            reference_rows=body.take("reference_rows", as_whole, 0),
            current_rows=body.take("current_rows", as_whole, 0),
            tests=body.take("tests", many(DriftTest.read)),
            informative=body.take("informative", many(DriftTest.read)),
        )
