"""The verdict in words: what is decided, why in one sentence, and what happens next."""

from __future__ import annotations

from dataclasses import dataclass

from ratchet.core.decision import Decision, Verdict, number
from ratchet.core.estimate import Estimate
from ratchet.core.events import Proof
from ratchet.core.measurement import Measurement
from ratchet.reports.html.comparison import bounds
from ratchet.reports.html.text import counted, percent, shown

_NAMED = 3  # decisive reasons in the sentence; the table has them all


@dataclass(frozen=True, slots=True)
class FirstScreen:
    """The first screen's text."""

    headline: str
    why: str
    following: str
    before: str
    after: str
    condition: str


def first_screen(decision: Decision, measured: Measurement, candidate: int, champion: int | None, *, manual: bool) -> FirstScreen:
    """Put the decision into words.

    Args:
        decision: the gate's.
        measured: the figures on the holdout.
        candidate: version number.
        champion: version number, None for a first model.
        manual: whether a PASS waits for approval.
    """
    before = "no model" if champion is None else f"version {champion}"
    if decision.verdict is Verdict.PASS:
        why = _better(measured, candidate, champion)
        if manual:
            return FirstScreen(
                f"Version {candidate} passed and waits for approval",
                why,
                f"Nothing changes until someone runs `ratchet approve {candidate}`; until then {before} serves.",
                before,
                f"version {candidate}",
                "once approved and rolled out",
            )
        headline = (
            f"Version {candidate} goes into production" if champion is None else f"Version {candidate} replaces version {champion}"
        )
        following = "Its rollout comes next; `ratchet status` says when it serves."
        if champion is not None:
            following = (
                f"Its rollout comes next. Should it fail, {before} serves on; `ratchet status` says which version serves, "
                "and `ratchet rollback` takes a promotion back."
            )
        return FirstScreen(headline, why, following, before, f"version {candidate}", "once rolled out")
    stays = "Nothing goes into production" if champion is None else f"Version {champion} stays in production"
    if decision.verdict is Verdict.FAIL:
        why = f"Version {candidate} is not promoted, because {_decisive(decision)}."
        following = f"Nothing changes. Version {candidate} stays in the registry, with this report."
        return FirstScreen(stays, why, following, before, before, "unchanged")
    why = f"The figures cannot carry a verdict: {_decisive(decision)}."
    following = (
        f"Nothing changes: only a PASS acts. Version {candidate} stays in the registry and may be judged again on a later snapshot."
    )
    return FirstScreen(f"No verdict: {stays[0].lower()}{stays[1:]}", why, following, before, before, "unchanged")


def _better(measured: Measurement, candidate: int, champion: int | None) -> str:
    rows, sure, label = counted(measured.rows, "row"), percent(measured.confidence), measured.metric.label
    if measured.paired is None or champion is None:
        value = measured.primary
        return (
            f"There is no champion to compare with. On {rows} that it was not trained on, version {candidate} reaches {label} "
            f"{number(value.value)} ({sure} interval {bounds(value)}), above the floor of {number(measured.floor)}."
        )
    paired, gain = measured.paired, measured.paired.delta
    return (
        f"On {rows} that neither was trained on, version {candidate} reaches {label} {number(paired.candidate)} and "
        f"version {champion} {number(paired.champion)}: a gain of {number(gain.value)} ({sure} interval {bounds(gain)})."
    )


def rests_on(proof: Proof, out_of_time: Estimate | None, candidate: int, champion: int | None, *, passed: bool) -> str:
    """What the decision rests on beside the judged month's figures, in a sentence; empty where nothing else was asked.

    Args:
        proof: what the candidate was judged by.
        out_of_time: the gain of the same recipe made without the judged month; None where that was not asked for.
        candidate: version number.
        champion: version number, None for a first model.
        passed: whether it is promoted.
    """
    if champion is None:
        return ""
    if proof is Proof.CHALLENGER:
        return (
            f"Version {candidate} was refused before and kept: the decision rests on all labelled snapshots since, on which it and "
            f"version {champion} were measured on the same rows."
        )
    if proof is Proof.RETURN:
        return (
            f"Version {candidate} served before version {champion}: the decision rests on the first labelled snapshot after that "
            "promotion, on which both were measured on the same rows."
        )
    said = []
    if proof is Proof.PROBATION and passed:
        said.append(
            f"Version {candidate} goes at once, on probation: version {champion} comes back by itself if it is better beyond doubt "
            "on the next labelled snapshot."
        )
    if out_of_time is not None:
        beats = "beats" if out_of_time.value >= 0 else "loses to"
        lasts = "so the gain is not this month's alone" if passed else "which does not show that a gain would last"
        said.append(
            f"The same recipe, made without this snapshot, {beats} version {champion} on it by {number(abs(out_of_time.value))} "
            f"(standard error {number(out_of_time.se)}), {lasts}."
        )
    return " ".join(said)


def _decisive(decision: Decision) -> str:
    texts = [shown(text, 160) for text in decision.decisive] or ["nothing was measured"]
    more = len(texts) - _NAMED
    return "; ".join(texts[:_NAMED]) + (f"; and {more} more" if more > 0 else "")
