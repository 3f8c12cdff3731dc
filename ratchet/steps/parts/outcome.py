"""What the champion's outcomes ask for: whether it fell, and which version has proven itself better since."""

from __future__ import annotations

import math
from datetime import date

from ratchet.core.decision import Reason, Verdict, check
from ratchet.core.estimate import Estimate
from ratchet.core.events import Proof, day_of
from ratchet.core.evidence import Look, ahead, differs, fell, gain_over, sinks
from ratchet.core.gate import better_beyond_doubt
from ratchet.core.history import History
from ratchet.core.schema import ModelVersion, Snapshot
from ratchet.core.trigger import Offer, Wish
from ratchet.project.file import Project
from ratchet.requests.port import RequestLog
from ratchet.snapshots.port import SnapshotStore
from ratchet.steps.parts.held_rows import held_answers
from ratchet.steps.parts.looks import first_look, looks_at, pairs_of, with_now
from ratchet.steps.parts.recipes import rule_of
from ratchet.tasks.catalogue import task_of

_MONTH = 30.44 * 86_400  # seconds
_MONTHS = (1, 2, 3)  # of live answers, the fewest that say enough


def performance(
    project: Project, history: History, champion: ModelVersion | None, judged: Snapshot | None, now: Look | None = None
) -> list[Reason]:
    """Whether the champion fell at once, and whether it sinks slowly, by its measurements up to that snapshot; PASS when it did.

    `now` is its look at the snapshot, where it may not be on record yet.
    """
    if champion is None or judged is None:
        return []
    first = first_look(task_of(project), champion, project.policy.gate.confidence)
    return falls(project, history, champion.number, first, judged.as_of, now)


def falls(
    project: Project, history: History, champion: int, first: Look | None, day: date, now: Look | None = None
) -> list[Reason]:
    """The same, by its measurements up to that day, where there is one of that day; `first` is its look at registration."""
    task, gate = task_of(project), project.policy.gate
    looks = with_now(looks_at(history, champion, day), now)
    if not looks or looks[-1].as_of != day:
        return []
    return [
        fell(looks, first, (1 - gate.confidence) / 2, task.metric),
        sinks(looks, first, gate.false_promotions_a_year, task.metric),
    ]


def live_fall(project: Project, store: SnapshotStore, requests: RequestLog, champion: ModelVersion | None) -> Reason | None:
    """Whether the champion's answers of the last one to three months were worse than it promised; None where they say too little.

    The time ends with the newest answer whose label has come. The fewest months that have enough labels are held against the
    figure on the holdout at training, less what that is too good by, in one test of the difference.
    """
    if champion is None:
        return None
    task, gate = task_of(project), project.policy.gate
    first, newest = first_look(task, champion, gate.confidence), requests.newest_labelled().get(champion.number)
    if first is None or newest is None:
        return None
    for months in _MONTHS:
        answers = requests.labelled(champion.number, newest - months * _MONTH).get(champion.number)
        if answers is None:
            continue
        kept = held_answers(project, store, answers)
        live = task.live(kept, gate.confidence)
        if not live.enough:
            continue
        label = f"live {task.metric.label} of {live.rows} labelled answers of {months} month{'s' if months > 1 else ''}"
        now, alpha = task.figure(kept.labels, kept.scores, kept.groups), (1 - gate.confidence) / 2
        return differs(now, task.metric.unchosen(first.estimate), alpha, task.metric, label)
    return None


def offer(project: Project, history: History, champion: ModelVersion | None, judged: Snapshot | None) -> Offer | None:
    """The version that exists already and has proven itself better than the champion, of which nothing was decided yet."""
    if champion is None or judged is None:
        return None
    for version, wish in _known(project, history, champion):
        decided = history.gate_of(version)
        question = judged.hash, champion.number
        asked = decided is not None and question == (decided.event.snapshot_hash, decided.event.champion)
        if decided and asked and (decided.event.verdict is not Verdict.PASS or history.is_waiting(version)):
            continue
        why = proof(project, history, version, champion.number, judged, Proof(wish.value))
        if why.verdict is Verdict.PASS:
            return Offer(version, wish, why)
    return None


def _known(project: Project, history: History, champion: ModelVersion) -> list[tuple[int, Wish]]:
    known = []
    if history.previous is not None and on_probation(history, champion.number):
        known.append((history.previous, Wish.RETURN))
    challengers = history.challengers(champion.number, project.policy.challengers)
    return known + [(version, Wish.CHALLENGER) for version in challengers]


def on_probation(history: History, champion: int) -> bool:
    """Whether the gate put this champion into production at once, and no run has judged it by labels that came since.

    One look, on the newest month that the first labels brought: two months may come together, and a run may be repeated.
    """
    moved = history.champion
    if moved is None or moved.event.to != champion or moved.event.before is None:
        return False
    asked = champion, moved.event.before  # not the last decision on it: a repeated run may have held it against itself since
    gate = next((entry.event for entry in reversed(history.gates) if (entry.event.candidate, entry.event.champion) == asked), None)
    by_gate = gate is not None and gate.proof is Proof.PROBATION
    since = {day: entry.seq for entry in history.measurements(champion) if entry.seq > moved.seq and (day := entry.event.as_of)}
    if not by_gate or not since:
        return by_gate
    judged = (day_of(entry.event.judged) for entry in history.triggers if entry.seq > min(since.values()))
    looked = next((day for day in judged if day is not None and day >= min(since)), None)
    return looked is None or max(since) <= looked


def proof(project: Project, history: History, version: int, champion: int, judged: Snapshot, kind: Proof) -> Reason:
    """What the measurements up to that snapshot prove of a version that exists already; PASS when it is the better one.

    A challenger's months add up, always valid, at half of the year's budget, once there are enough of them and the gain is worth
    a move. The version before a champion on probation has one look.
    """
    pairs, rule = pairs_of(history, version, champion, judged.as_of), rule_of(project.policy.gate)
    if not pairs or pairs[-1].as_of != judged.as_of:
        return Reason(Verdict.UNKNOWN, f"version {version} was not measured beside version {champion} on {judged.as_of}")
    if kind is Proof.RETURN:
        last = pairs[-1]
        return better_beyond_doubt(Estimate(last.delta, last.se), 1 - 2 * rule.back_alpha, f"version {version} on {judged.as_of}")
    months = check("months beside the champion", len(pairs), ">=", rule.min_months)
    gain = gain_over(pairs, rule.yearly / 2)
    worth = check("gain", gain.gain if gain else math.nan, ">", task_of(project).metric.scale.min_gain)
    asked = (months, worth, ahead(pairs, rule.yearly / 2))
    return next((reason for reason in asked if reason.verdict is not Verdict.PASS), asked[-1])
