"""How a version did on a snapshot whose labels have come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import ClassVar, Self

from ratchet.core.events.data import day_of
from ratchet.core.events.event import Known
from ratchet.core.events.fields import Fields, as_real, as_text, as_whole, by_name, maybe, one_of


class Role(StrEnum):
    """What a version was when it was measured."""

    CHAMPION = "champion"
    PREVIOUS = "previous"
    CHALLENGER = "challenger"
    RECIPE = "recipe"  # what a recipe made of the labelled snapshot before this one


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Known):
    """A version's figure on the held-out, labelled rows of one snapshot, once for each version and content.

    `value` is of `metric`, with its standard error and the interval at `confidence`. `delta` says by how much the version did
    better on the same rows than version `against`, the champion of that time: above 0 when it did; both are None for the champion
    itself. Figures are None where they could not be measured. `counts` has the rows by the kinds that the task counts.
    """

    KIND: ClassVar[str] = "measure"

    snapshot: str
    snapshot_hash: str
    version: int
    role: Role
    rows: int
    counts: Mapping[str, int] = field(hash=False)
    metric: str
    confidence: float
    value: float | None
    se: float | None
    low: float | None
    high: float | None
    against: int | None = None
    delta: float | None = None
    delta_se: float | None = None
    run_id: str = ""

    @property
    def as_of(self) -> date | None:
        """The snapshot's date; None where its id has none."""
        return day_of(self.snapshot)

    @classmethod
    def read(cls, body: Fields, form: int, model: str) -> Self:
        """Raises FormError."""
        del form
        figure = maybe(as_real)
        return cls(
            model=model,
            snapshot=body.take("snapshot", as_text),
            snapshot_hash=body.take("snapshot_hash", as_text),
            version=body.take("version", as_whole),
            role=body.take("role", one_of(Role)),
            rows=body.take("rows", as_whole),
            counts=body.take("counts", by_name(as_whole)),
            metric=body.take("metric", as_text),
            confidence=body.take("confidence", as_real),
            value=body.take("value", figure),
            se=body.take("se", figure, None),
            low=body.take("low", figure, None),
            high=body.take("high", figure, None),
            against=body.take("against", maybe(as_whole), None),
            delta=body.take("delta", figure, None),
            delta_se=body.take("delta_se", figure, None),
            run_id=body.take("run_id", as_text, ""),
        )
