"""What the rule of months looks at, put together from the history and the judged month's rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from statistics import NormalDist

from ratchet.core.estimate import Scores
from ratchet.core.events import Gated, Proof, day_of
from ratchet.core.evidence import PairedLook
from ratchet.core.history import History
from ratchet.core.policy import GatePolicy
from ratchet.core.rule import next_move
from ratchet.core.schema import ModelVersion
from ratchet.core.seen import Claim, Next, RecipeLooks, Rule, Seen
from ratchet.estimators import bundle as bundles
from ratchet.project.file import Project
from ratchet.registry.port import Registry
from ratchet.steps.parts.holdout import Holdout
from ratchet.steps.parts.looks import first_look, look_now, looks_at, pairs_of, with_now
from ratchet.tasks.catalogue import task_of

_JUDGED_ALONE = {Proof.FRESH, Proof.PROBATION}  # by the month that they know


def rule_of(policy: GatePolicy) -> Rule:
    """The rule with the project's figures."""
    return Rule(min_delta=policy.min_delta, yearly=policy.false_promotions_a_year)


def named(months: int) -> str:
    """What the rule calls a recipe."""
    return f"{months} months" if months > 1 else "1 month"


def decide(
    project: Project,
    registry: Registry,
    history: History,
    champion: ModelVersion,
    held: Holdout,
    champion_scores: Scores,
    candidate: int | None = None,
) -> tuple[Next, dict[str, int]]:
    """What the rule says of the versions that were made of the judged snapshot, and these by the recipe's name.

    Args:
        project: its policy has the figures.
        registry: keeps the versions.
        history: knows recipes, measurements and earlier decisions.
        champion: what they must be better than.
        held: the judged rows.
        champion_scores: its scores on them.
        candidate: a version that no recipe of the project made: it stands alone. None: those of the recipes.
    """
    judged, policy = held.snapshot, project.policy.gate
    made = recipes_of(project, history, judged.id)
    alone = candidate is not None and candidate not in made.values()
    made = {project.training.window: candidate} if candidate is not None and alone else made
    task = task_of(project)

    def out_of_time(months: int) -> list[PairedLook]:
        return [] if alone else records(history, months, champion.number, judged.as_of)

    def in_time(version: int) -> PairedLook:
        scores = bundles.read(registry.bundle(registry.version(version))).scorer.batch(held.columns)
        found = task.difference(held.labels, scores, champion_scores, held.groups)
        return PairedLook(judged.as_of, found.value, found.se, len(held.labels))

    seen = Seen(
        metric=task.metric,
        today=judged.as_of,
        champion=with_now(looks_at(history, champion.number, judged.as_of), look_now(task, held, champion_scores)),
        first=first_look(task, champion, policy.confidence),
        recipes=[
            RecipeLooks(named(months), months, in_time(version), out_of_time(months)) for months, version in sorted(made.items())
        ],
        claims=claims_of(history),
        tries=history.tries_before(judged.as_of),
    )
    return next_move(seen, rule_of(policy)), {named(months): version for months, version in made.items()}


def recipes_of(project: Project, history: History, snapshot: str) -> dict[int, int]:
    """What the project's recipes made of that snapshot: not those that ratchet.yaml had before, which may need other features."""
    return {months: version for months, version in history.recipes(snapshot).items() if months in project.training.recipes}


def records(history: History, months: int, champion: int, until: date) -> list[PairedLook]:
    """How much better than the champion a recipe was out of time: each of its versions on the month after its own.

    A month counts once, by the version made last: where labels were corrected there are several of the month before.
    """
    firsts = [found[0] for version in history.made_by(months) if (found := pairs_of(history, version, champion, until))]
    return sorted({look.as_of: look for look in firsts}.values(), key=lambda look: look.as_of)


def claims_of(history: History) -> list[Claim]:
    """What candidates won by in the month that they were made of, and by how much they were better in the next, of any champion."""
    found = []
    for entry in history.gates:
        gate = entry.event
        claimed, day = _claimed(gate), day_of(gate.snapshot)
        if claimed is None or day is None or gate.champion is None or gate.proof not in _JUDGED_ALONE:
            continue
        later = next(_after(history, gate.candidate, gate.champion, day, 1), None)
        later = later or next(_after(history, gate.champion, gate.candidate, day, -1), None)
        if later is not None:
            found.append(Claim(claimed, later))
    return found


def _claimed(gate: Gated) -> PairedLook | None:
    day = day_of(gate.snapshot)
    if gate.delta is None or gate.delta_low is None or gate.delta_high is None or not gate.confidence or day is None:
        return None
    half = (gate.delta_high - gate.delta_low) / 2
    return PairedLook(day, gate.delta, half / NormalDist().inv_cdf(0.5 + gate.confidence / 2), gate.rows)


def _after(history: History, version: int, other: int, day: date, sign: int) -> Iterator[PairedLook]:
    """How much better than the other a version was on later months, or the other than it for a sign of -1."""
    for look in pairs_of(history, version, other, date.max):
        if look.as_of > day:
            yield PairedLook(look.as_of, sign * look.delta, look.se, look.rows)
