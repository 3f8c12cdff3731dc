"""Whether to retrain: the snapshot's drift and everything else that may ask for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ratchet.core.decision import Decision, Verdict, number
from ratchet.core.estimate import Interval, MetricName
from ratchet.core.live import Live


class Action(StrEnum):
    """What the pipeline does next. A string, because dsl.If compares strings alike on a cluster and locally."""

    RETRAIN = "RETRAIN"
    NO_ACTION = "NO_ACTION"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that the trigger looks at.

    `champion` is None before the first promotion; `drift` None when there is nothing to compare with. `decided` names an earlier
    gate decision on the same snapshot, champion and project. `age_days` is the time from the champion's newest training snapshot to
    this one, negative when this one is the older. `changed` says how the project's features differ from the champion's. `live` is
    there when enough labels have come, and `promised` is the champion's figure of `metric` on its own holdout.
    """

    champion: int | None
    drift: Decision | None
    labelled: bool
    metric: MetricName
    decided: str = ""
    changed: str = ""
    age_days: int = 0
    max_age_days: int | None = None
    live: Live | None = None
    promised: Interval | None = None
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Trigger:
    """An action with its reasons."""

    action: Action
    reasons: tuple[str, ...]

    @property
    def line(self) -> str:
        """The log line: `RETRAINING_TRIGGERED drift_share=0.071 >= 0.020 -> train a candidate`."""
        then = {
            Action.RETRAIN: ("RETRAINING_TRIGGERED", "train a candidate"),
            Action.NO_ACTION: ("NO_ACTION", "the champion stays"),
            Action.UNKNOWN: ("NO_ACTION", "unknown, nothing is changed"),
        }
        name, what = then[self.action]
        return f"{name} {'; '.join(self.reasons).replace('drift_share ', 'drift_share=')} -> {what}"


def decide_trigger(seen: Circumstances) -> Trigger:
    """Decide whether a candidate is trained.

    A snapshot older than the champion's cannot speak against it: the champion knows what came after. A decision once taken on the
    same snapshot, champion and project is not taken again unless forced: neither a repeated run nor a rollback reopens it. Without
    labels there is nothing to train on or to compare with, so a wish to retrain waits.
    """
    if seen.age_days < 0 and not seen.forced:
        older = f"the snapshot is {-seen.age_days} days older than what the champion was trained on; --force compares all the same"
        return Trigger(Action.NO_ACTION, (older,))
    wishes = _wishes(seen)
    if not wishes:
        if seen.drift is not None and seen.drift.verdict is Verdict.UNKNOWN:
            return Trigger(Action.UNKNOWN, (_headline(seen.drift),))
        return Trigger(Action.NO_ACTION, (_headline(seen.drift) if seen.drift else "nothing asks for it",))
    if seen.decided and not seen.forced:
        return Trigger(Action.NO_ACTION, (*wishes, seen.decided))
    if not seen.labelled:
        return Trigger(Action.UNKNOWN, (*wishes, "the snapshot's labels have not arrived yet"))
    return Trigger(Action.RETRAIN, wishes)


def _wishes(seen: Circumstances) -> tuple[str, ...]:
    wishes = []
    if seen.champion is None:
        wishes.append("no champion")
    if seen.drift is not None and seen.drift.verdict is Verdict.PASS:
        wishes.append(_headline(seen.drift))
    if seen.changed:
        wishes.append(seen.changed)
    if seen.live is not None and seen.promised is not None and seen.metric.fell(seen.live.figure, seen.promised):
        wishes.append(f"{_fall(seen.metric, seen.live.figure, seen.promised)} ({seen.live.rows} labelled answers)")
    if seen.max_age_days is not None and seen.champion is not None and seen.age_days > seen.max_age_days:
        wishes.append(f"age {seen.age_days} days > {seen.max_age_days}")
    if seen.forced:
        wishes.append("by hand")
    return tuple(wishes)


def _fall(metric: MetricName, live: Interval, promised: Interval) -> str:
    if metric.more_is_better:
        return f"upper end of live {metric.label} {number(live.high)} < {number(promised.low)}, the lower end on the holdout"
    return f"lower end of live {metric.label} {number(live.low)} > {number(promised.high)}, the upper end on the holdout"


def _headline(drift: Decision) -> str:
    return drift.texts[0]
