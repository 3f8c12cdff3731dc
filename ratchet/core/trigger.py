"""Whether a candidate is wanted: by how the champion does, by drift, and by everything else that may ask for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ratchet.core.decision import Decision, Reason, Verdict


class Action(StrEnum):
    """What the pipeline does next. A string, because dsl.If compares strings alike on a cluster and locally."""

    RETRAIN = "RETRAIN"
    NO_ACTION = "NO_ACTION"
    UNKNOWN = "UNKNOWN"


class Wish(StrEnum):
    """What may ask for a candidate. `policy.retrain` names those that count; a first model and a person always do."""

    FIRST = "first"  # there is no champion
    DRIFT = "drift"  # the newest features are others
    PERFORMANCE = "performance"  # the champion does worse on the labelled snapshots
    LIVE = "live"  # its answers were worse, as late labels show
    FEATURES = "features"  # ratchet.yaml names other features
    AGE = "age"  # policy.max_age_days
    ALWAYS = "always"  # each labelled snapshot
    HAND = "hand"  # --force
    CHALLENGER = "challenger"  # a refused candidate has proven itself since
    RETURN = "return"  # the version before the champion does better than it


@dataclass(frozen=True, slots=True)
class Asked:
    """A wish, why, and the date of the snapshot that it was made on: labels of that date or a later one can answer it."""

    wish: Wish
    text: str
    since: date


@dataclass(frozen=True, slots=True)
class Offer:
    """A version that exists already and has proven itself against the champion: `why` is the proof."""

    version: int
    wish: Wish
    why: Reason


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that the trigger looks at.

    `champion` is None before the first promotion. `today` is the date of the snapshot with the newest features, `judged` that of
    the newest one with labels, None where there is none. `drift` is None when there is nothing to compare with. `performance` is
    what was asked of the champion's measurements, `live` of its answers. `decided` names an earlier gate decision on the same
    labelled snapshot, champion and project. `age_days` is the time from the champion's newest training snapshot to `today`,
    negative when today's is the older. `changed` says how the project's features differ from the champion's. `waiting` are wishes
    of earlier runs that no labels have answered yet, `retrain` the wishes that count.
    """

    champion: int | None
    today: date
    judged: date | None
    drift: Decision | None = None
    performance: Sequence[Reason] = ()
    live: Reason | None = None
    decided: str = ""
    changed: str = ""
    age_days: int = 0
    max_age_days: int | None = None
    waiting: Sequence[Asked] = ()
    offer: Offer | None = None
    retrain: Sequence[str] = tuple(Wish)
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Trigger:
    """An action with its reasons; the first of them are the wishes', in their order.

    `waits` are the wishes that labels must come for; `candidate` is a version that exists already and is to be judged.
    """

    action: Action
    reasons: tuple[str, ...]
    wishes: tuple[Wish, ...] = ()
    waits: tuple[Wish, ...] = ()
    candidate: int | None = None

    @property
    def line(self) -> str:
        """The log line: `RETRAINING_TRIGGERED drift_share=0.071 >= 0.020 -> train a candidate`."""
        then = {
            Action.RETRAIN: ("RETRAINING_TRIGGERED", "train a candidate"),
            Action.NO_ACTION: ("NO_ACTION", "the champion stays"),
            Action.UNKNOWN: ("NO_ACTION", "unknown, nothing is changed"),
        }
        name, what = ("CANDIDATE_OFFERED", f"judge version {self.candidate}") if self.candidate else then[self.action]
        return f"{name} {'; '.join(self.reasons).replace('drift_share ', 'drift_share=')} -> {what}"


def decide_trigger(seen: Circumstances) -> Trigger:
    """Decide whether a candidate is wanted.

    A version that has proven itself already goes before a new one. A snapshot older than the champion's cannot speak against it:
    the champion knows what came after. A decision once taken on the same labelled snapshot, champion and project is not taken again
    unless forced: neither a repeated run nor a rollback reopens it. A candidate is made and judged on labels of the date that asked
    for it, or later ones; until they come, the wish waits.
    """
    if seen.offer is not None and not seen.forced:
        return Trigger(Action.RETRAIN, (seen.offer.why.text,), (seen.offer.wish,), candidate=seen.offer.version)
    if seen.age_days < 0 and not seen.forced:
        older = f"the snapshot is {-seen.age_days} days older than what the champion was trained on; --force compares all the same"
        return Trigger(Action.NO_ACTION, (older,))
    asked = _asked(seen)
    if not asked:
        return _nothing_asked(seen)
    texts, wishes = tuple(item.text for item in asked), tuple(item.wish for item in asked)
    waits = tuple(item.wish for item in asked if seen.judged is None or seen.judged < item.since)
    if len(waits) == len(asked):
        return Trigger(Action.UNKNOWN, (*texts, "the snapshot's labels have not arrived yet"), wishes, waits)
    if seen.decided and not seen.forced:
        return Trigger(Action.NO_ACTION, (*texts, seen.decided), wishes, waits)
    return Trigger(Action.RETRAIN, texts, wishes, waits)


def _nothing_asked(seen: Circumstances) -> Trigger:
    if seen.drift is None:
        return Trigger(Action.NO_ACTION, ("nothing asks for it",))
    action = Action.UNKNOWN if seen.drift.verdict is Verdict.UNKNOWN else Action.NO_ACTION
    note = " (policy.retrain leaves drift out)" if seen.drift.verdict is Verdict.PASS else ""
    return Trigger(action, (_headline(seen.drift) + note,))


def _asked(seen: Circumstances) -> list[Asked]:
    """The wishes that count, those of earlier runs with the date that they were first made on."""
    counted = {Wish.FIRST, Wish.HAND, *(Wish(name) for name in seen.retrain)}
    earlier = {item.wish: item for item in seen.waiting if item.wish in counted}
    now = {item.wish: item for item in _made_now(seen) if item.wish in counted}
    order = list(Wish)
    return [
        Asked(wish, now[wish].text if wish in now else _since(earlier[wish]), min(item.since for item in _of(wish, now, earlier)))
        for wish in sorted({*now, *earlier}, key=order.index)
    ]


def _of(wish: Wish, *groups: dict[Wish, Asked]) -> list[Asked]:
    return [group[wish] for group in groups if wish in group]


def _since(earlier: Asked) -> str:
    return f"{earlier.text} (on {earlier.since})"


def _made_now(seen: Circumstances) -> list[Asked]:
    made = []

    def ask(wish: Wish, text: str, since: date | None = None) -> None:
        made.append(Asked(wish, text, since or seen.today))

    if seen.champion is None:
        ask(Wish.FIRST, "no champion", seen.judged)
    if seen.drift is not None and seen.drift.verdict is Verdict.PASS:
        ask(Wish.DRIFT, _headline(seen.drift))
    if worse := [reason.text for reason in seen.performance if reason.verdict is Verdict.PASS]:
        ask(Wish.PERFORMANCE, worse[0], seen.judged)
    if seen.live is not None and seen.live.verdict is Verdict.PASS:
        ask(Wish.LIVE, seen.live.text)
    if seen.changed:
        ask(Wish.FEATURES, seen.changed)
    if seen.max_age_days is not None and seen.champion is not None and seen.age_days > seen.max_age_days:
        ask(Wish.AGE, f"age {seen.age_days} days > {seen.max_age_days}")
    if seen.champion is not None and seen.judged is not None:
        ask(Wish.ALWAYS, "every labelled snapshot", seen.judged)
    if seen.forced:
        ask(Wish.HAND, "by hand", seen.judged)
    return made


def _headline(drift: Decision) -> str:
    return drift.texts[0]
