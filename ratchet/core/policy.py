"""The figures that decisions are taken by, `policy.drift` and `policy.gate` of ratchet.yaml: one class for file and decision.

They are plain dataclasses, so that core knows no validator. What a figure may be stands beside it as `Within`, which the project
file's validator (Pydantic) asks for its schema; a policy made in code is not checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal


@dataclass(frozen=True, slots=True)
class Within:
    """The bounds of a number, for `Annotated`: `>=` ge, `>` gt, `<=` le, `<` lt."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """The number's schema with these bounds (Pydantic's hook for foreign annotations: no import is needed for it)."""
        bounds = {"ge": self.ge, "gt": self.gt, "le": self.le, "lt": self.lt}
        return {**handler(source), **{name: bound for name, bound in bounds.items() if bound is not None}}


_NO_OTHER_KEYS = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class DriftPolicy:
    """When a feature counts as drifted, and a snapshot."""

    __pydantic_config__: ClassVar[dict[str, str]] = _NO_OTHER_KEYS

    drift_share: Annotated[float, Within(ge=0, le=1)] = 0.02  # of the features; from this share on the snapshot drifted
    number_effect: Annotated[float, Within(ge=0)] = 0.1  # normalised Wasserstein distance that matters
    category_effect: Annotated[float, Within(ge=0)] = 0.1  # Jensen-Shannon distance that matters
    rate_effect: Annotated[float, Within(ge=1)] = 1.75  # ratio of the shares of rows with a value, 1 % added to both, that matters
    unseen_effect: Annotated[float, Within(ge=0, le=1)] = 0.05  # share of rows with a new category that matters
    alpha: Annotated[float, Within(gt=0, lt=1)] = 0.01  # of the Holm-corrected p-values
    min_rows: Annotated[int, Within(ge=2)] = 500  # on both sides, else UNKNOWN
    # Of the champion's score's variance: drift of a feature with a smaller share is reported and asks for nothing, unless the
    # champion's predictions have drifted too. 0: every feature counts.
    min_influence: Annotated[float, Within(ge=0, le=1)] = 0.01


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """When a candidate replaces the champion."""

    __pydantic_config__: ClassVar[dict[str, str]] = _NO_OTHER_KEYS

    kind: Literal["delong", "simple"] = "delong"  # simple: better by min_delta, no doubt considered
    min_delta: Annotated[float, Within(ge=0, lt=1)] = 0.01  # of the AUC
    confidence: Annotated[float, Within(gt=0.5, lt=1)] = 0.98  # of the intervals, at least: the year's tries share alpha
    false_promotions_a_year: Annotated[float, Within(gt=0, lt=1)] = 0.02  # the chance of any, which a year's tries share
    min_rows: Annotated[int, Within(ge=2)] = 200  # of the holdout, else UNKNOWN
    min_per_class: Annotated[int, Within(ge=2)] = 30  # likewise
    pool: Annotated[int, Within(ge=1)] = 1  # newest labelled snapshots whose held-out rows are judged together, an entity once
    max_copied_share: Annotated[float, Within(ge=0, le=1)] = 1.0  # of held-out rows that a training row equals, else UNKNOWN
    floor_auc: Annotated[float, Within(ge=0.5, lt=1)] = 0.55  # for every candidate
    leakage_auc: Annotated[float, Within(gt=0.5, le=1)] = 0.99  # from it on the label has leaked
    brier_margin: Annotated[float, Within(ge=0, le=1)] = 0.01  # that the Brier score may grow by; says little where a label is rare
    skill_margin: Annotated[float, Within(ge=0)] = 0.05  # likewise, over p(1 - p) of the base rate p; beyond doubt
    calibration_margin: Annotated[float, Within(gt=0)] = 0.25  # observed over expected from 1/1.25 to 1.25; beyond doubt
    slice_min_rows: Annotated[int, Within(ge=2)] = 100  # smaller groups are not compared
    slice_min_per_class: Annotated[int, Within(ge=2)] = 20  # likewise
    slice_margin: Annotated[float, Within(ge=0, le=1)] = 0.02  # loss of AUC that no group may exceed beyond doubt
