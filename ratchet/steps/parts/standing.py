"""How the champion and those beside it do by the labels that have come: what status, pages and exporter show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ratchet.core.decision import Reason, Verdict
from ratchet.core.estimate import Estimate, Interval
from ratchet.core.events import Measured
from ratchet.core.evidence import Look, differs
from ratchet.core.history import History, Waiting
from ratchet.core.schema import ModelVersion
from ratchet.core.trigger import Wish
from ratchet.project.file import Project
from ratchet.steps.parts.looks import first_look, trained_on
from ratchet.steps.parts.outcome import falls, on_probation
from ratchet.tasks.catalogue import task_of


@dataclass(frozen=True, slots=True)
class Standing:
    """What the newest labels say. A version that was not measured yet has None.

    `training` is the champion's figure on its own snapshot's holdout and that snapshot's date, None where its tags do not say.
    `fallen` is why it counts as fallen: beyond doubt against its own earlier measurements, over months, or against the figure that
    it was promoted with; `live` is what the last run said of its answers. `challengers` has each challenger's number.
    """

    champion: Measured | None = None
    previous: Measured | None = None
    challengers: Sequence[tuple[int, Measured | None]] = ()
    training: tuple[Interval, date] | None = None
    fallen: str = ""
    live: str = ""
    waiting: Sequence[Waiting] = ()
    probation: bool = False


def standing(
    project: Project, history: History, champion: int | None, previous: int | None, version: ModelVersion | None = None
) -> Standing:
    """The standing of production.

    Args:
        project: gives the bounds.
        history: the ledger's.
        champion: the version in production.
        previous: the one that served before it.
        version: the champion as the registry has it; None while that is away, and then only its months are held against each other.
    """
    if champion is None:
        return Standing()
    task, newest = task_of(project), history.measurement(champion)
    training = None
    if version is not None and (day := trained_on(version)) is not None:
        training = (task.metric.promised(version.metrics), day)
    challengers = history.challengers(champion, project.policy.challengers)
    return Standing(
        newest.event if newest else None,
        _newest(history, previous) if previous is not None else None,
        [(number, _newest(history, number)) for number in challengers],
        training,
        _fallen(project, history, newest.event, version) if newest else "",
        _live(history, champion),
        _waiting(project, history, champion),
        _probation(history, champion),
    )


def _newest(history: History, version: int) -> Measured | None:
    entry = history.measurement(version)
    return entry.event if entry else None


def _fallen(project: Project, history: History, newest: Measured, version: ModelVersion | None) -> str:
    if newest.as_of is None:
        return ""
    first = first_look(task_of(project), version, project.policy.gate.confidence) if version else None
    asked = falls(project, history, newest.version, first, newest.as_of)
    asked.extend(_worse_than_promised(project, newest, first))
    return next((reason.text for reason in asked if reason.verdict is Verdict.PASS), "")


def _worse_than_promised(project: Project, newest: Measured, first: Look | None) -> list[Reason]:
    """The newest figure against that at registration, less what that is too good by: fallen months hide in fallen months."""
    if first is None or newest.value is None or newest.se is None:
        return []
    metric, alpha = task_of(project).metric, (1 - project.policy.gate.confidence) / 2
    now, bar = Estimate(newest.value, newest.se), metric.unchosen(first.estimate)
    return [differs(now, bar, alpha, metric, f"{metric.label} of {newest.as_of:%Y-%m}")]


def _live(history: History, champion: int) -> str:
    """What the last run found of the champion's answers, where that asks for a candidate."""
    trigger = history.triggers[-1].event if history.triggers else None
    if trigger is None or trigger.champion != champion:
        return ""
    return dict(zip(trigger.wishes, trigger.reasons, strict=False)).get(Wish.LIVE, "")


def _waiting(project: Project, history: History, champion: int) -> Sequence[Waiting]:
    """The wishes that labels will answer: one that policy.retrain no longer counts would be said to wait for ever."""
    counted = {Wish.FIRST, Wish.HAND, *project.policy.retrain}
    return [wish for wish in history.wishes(champion) if wish.name in counted]


def _probation(history: History, champion: int) -> bool:
    """Whether the version before it may still come back: no run has looked at a measurement since the promotion."""
    moved, newest = history.champion, history.measurement(champion)
    if moved is None or not on_probation(history, champion):
        return False
    looked = history.triggers[-1].seq if history.triggers else 0
    return newest is None or newest.seq < moved.seq or newest.seq > looked
