"""What came in and what was measured on it: snapshots, and live answers whose labels have come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar, Self

from ratchet.core.events.decisions import FIRST_METRIC
from ratchet.core.events.event import Known
from ratchet.core.events.fields import Fields, as_flag, as_moment, as_real, as_text, as_whole, by_name, maybe


def day_of(snapshot: str) -> date | None:
    """The date in a snapshot's id, `2024-02-29@1a2b3c4d5e6f`; None where there is none."""
    try:
        return date.fromisoformat(snapshot.partition("@")[0])
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested(Known):
    """A snapshot was taken in. `hash` is its content's, empty where the record lacks it.

    `labels_from` changes with the file that its labels came from: what was looked at is not read again for more of them.
    `prepare` is the digest of the user's own code that its tables went through, empty without any.
    """

    KIND: ClassVar[str] = "ingest"

    snapshot: str
    name: str
    rows: int
    labelled_rows: int
    replace: bool = False
    hash: str = ""
    labels_from: str = ""
    prepare: str = ""

    @property
    def as_of(self) -> date | None:
        """The snapshot's date; None where its id has none."""
        return day_of(self.snapshot)

    @classmethod
    def read(cls, body: Fields, form: int, model: str) -> Self:
        """Both forms are alike. Raises FormError."""
        del form
        return cls(
            model=model,
            snapshot=body.take("snapshot", as_text),
            name=body.take("name", as_text),
            rows=body.take("rows", as_whole),
            labelled_rows=body.take("labelled_rows", as_whole),
            replace=body.take("replace", as_flag, default=False),
            hash=body.take("hash", as_text, ""),
            labels_from=body.take("labels_from", as_text, ""),
            prepare=body.take("prepare", as_text, ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained(Known):
    """A recipe made a version: of the labelled snapshots of `months` months, `snapshot` the newest of them."""

    KIND: ClassVar[str] = "train"

    snapshot: str
    version: int
    months: int
    run_id: str = ""

    @classmethod
    def read(cls, body: Fields, form: int, model: str) -> Self:
        """Raises FormError."""
        del form
        return cls(
            model=model,
            snapshot=body.take("snapshot", as_text),
            version=body.take("version", as_whole),
            months=body.take("months", as_whole),
            run_id=body.take("run_id", as_text, ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMeasured(Known):
    """How a version does on answers whose labels have come: `labelled` in all, `rows` of held-out entities.

    `counts` has these rows by the kinds that the task counts (`{"positive": 340}`). `value` with its interval is of `metric`,
    None where it could not be measured; `promised` is the same on the holdout at training.
    """

    KIND: ClassVar[str] = "live"

    version: int
    labelled: int = 0
    rows: int
    counts: Mapping[str, int] = field(hash=False)
    metric: str = FIRST_METRIC
    value: float | None
    low: float | None
    high: float | None
    promised: float | None = None

    @classmethod
    def read(cls, body: Fields, form: int, model: str) -> Self:
        """Form 1 has `auc`, `holdout_auc` and `positives`; the first bodies did not count all labelled. Raises FormError."""
        value, promised = ("auc", "holdout_auc") if form == 1 else ("value", "promised")
        rows = body.take("rows", as_whole)
        return cls(
            model=model,
            version=body.take("version", as_whole),
            labelled=body.take("labelled", as_whole, rows),
            rows=rows,
            counts={"positive": body.take("positives", as_whole)} if form == 1 else body.take("counts", by_name(as_whole)),
            metric=body.take("metric", as_text, FIRST_METRIC),
            value=body.take(value, maybe(as_real)),
            low=body.take("low", maybe(as_real)),
            high=body.take("high", maybe(as_real)),
            promised=body.take(promised, maybe(as_real), None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned(Known):
    """The `answers` that were given before a moment are deleted; recorded before the first of them is."""

    KIND: ClassVar[str] = "prune"

    before: datetime
    answers: int

    @classmethod
    def read(cls, body: Fields, form: int, model: str) -> Self:
        """Both forms are alike. Raises FormError."""
        del form
        return cls(model=model, before=body.take("before", as_moment), answers=body.take("answers", as_whole))
