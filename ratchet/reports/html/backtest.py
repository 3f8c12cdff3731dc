"""The report of a backtest: one self-contained HTML page, as the decision report is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ratchet.core.replay import OWN, Outcome, Promoted, Replay
from ratchet.reports.html.figures import axis
from ratchet.reports.html.rendering import template
from ratchet.reports.html.text import counted, figure, shown, signed

_NAMED = 3  # months in a cell
_SAME = 0.0005  # a difference that three decimals would show as 0


@dataclass(frozen=True, slots=True)
class Row:
    """A policy in the table, all as text."""

    name: str
    says: str
    promotions: str
    mean: str
    worst: str
    regret: str
    error: str
    own: bool
    best: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A policy in the figure: an SVG path in a square of 100, and the class that it is drawn with."""

    name: str
    path: str
    kind: str


def backtest_report(replay: Replay, task_package: str) -> str:
    """Render the replay as an HTML document that is also well-formed XML, without any external reference."""
    own, best = replay.outcome(OWN), replay.outcome(replay.best)
    values = [item.value for outcome in (own, best) for item in outcome.figures.values()]
    scale = axis(values, pad=0.1)
    lines = [
        _line(best, replay.months, scale.low, scale.high, "old-line"),
        _line(own, replay.months, scale.low, scale.high, "new-line"),
    ]
    return template("backtest.html.j2", task_package).render(
        replay=replay,
        model=shown(replay.model),
        headline=headline(replay),
        said=sentence(replay),
        rows=rows(replay),
        lines=lines,
        ticks=[(tick.label, round(100 - tick.at, 2)) for tick in scale.ticks],
        own=own,
        outcomes=replay.outcomes,
        promoted={item.name: [_promotion(move) for move in item.promoted] for item in replay.outcomes},
        notes=[
            shown(text, 300)
            for text in (*replay.left_out, *(f"{item.name}: {note}" for item in replay.outcomes for note in item.notes))
        ],
        held_out=counted(replay.rows, "row"),
    )


def rows(replay: Replay) -> list[Row]:
    """The policies as the tables show them, the project's own first."""
    ordered = sorted(replay.outcomes, key=lambda item: item.name != OWN)
    return [_row(item, replay) for item in ordered]


def headline(replay: Replay) -> str:
    """What the backtest shows, in a few words."""
    own = replay.outcome(OWN)
    if not own.figures:
        return "Under this ratchet.yaml nothing would have served"
    count = len(own.promoted)
    said = {0: "nothing", 1: "one version"}.get(count, f"{count} versions")
    return f"Your policy would have promoted {said} in {counted(len(replay.months), 'month')}"


def sentence(replay: Replay) -> str:
    """How the project's own policy compares with the best fixed one."""
    own, label = replay.outcome(OWN), replay.metric.label
    if not own.figures:
        return "No model passed the gate on any month; the decision reports of `ratchet run` say why."
    regret, best = own.regret, replay.outcome(replay.best)
    mean = f"Its mean {label} on the month after, {figure(own.mean)}, is "
    if not math.isfinite(regret.value):
        return f"{mean}not comparable with that of the best fixed policy, {best.name}: they have no month in common."
    if abs(regret.value) < _SAME:
        return f"{mean}that of the best fixed policy, {best.name}."
    way = "behind" if regret.value > 0 else "ahead of"
    return (
        f"{mean}{figure(abs(regret.value))} {way} that of the best fixed policy, {best.name}, on the same months "
        f"(standard error {figure(regret.se)})."
    )


def _row(item: Outcome, replay: Replay) -> Row:
    worst = item.worst(more_is_better=replay.metric.more_is_better)
    return Row(
        name=item.name,
        says=item.says,
        promotions=_promotions(item.promoted),
        mean=figure(item.mean),
        worst=f"{figure(worst[1])} ({worst[0]})" if worst else "none",
        regret=signed(item.regret.value),
        error=figure(item.regret.se),
        own=item.name == OWN,
        best=item.name == replay.best,
    )


def _promotions(moves: Sequence[Promoted]) -> str:
    if not moves:
        return "none"
    days = ", ".join(str(item.decided) for item in moves) if len(moves) <= _NAMED else f"{moves[0].decided} to {moves[-1].decided}"
    return f"{len(moves)}: {days}"


def _promotion(move: Promoted) -> tuple[str, str, str, str, str]:
    """Decided, version, what it was made of, its gain on the month after, why."""
    gain = "no later month yet"
    if move.after is not None:
        gain = f"{signed(move.gain.value)} (standard error {figure(move.gain.se)}) on {move.after}"
    return str(move.decided), move.version, ", ".join(map(str, move.made_of)), gain, shown(move.why, 300)


def _line(outcome: Outcome, months: Sequence[date], low: float, high: float, kind: str) -> Line:
    """A stroke through the months that have a figure; a month without one breaks it."""
    step, parts, pen = 100 / max(1, len(months) - 1), [], "M"
    for index, day in enumerate(months):
        value = outcome.figures[day].value if day in outcome.figures else math.nan
        if not math.isfinite(value):
            pen = "M"
            continue
        parts.append(f"{pen}{index * step:.2f} {100 - 100 * (value - low) / (high - low):.2f}")
        pen = "L"
    return Line(outcome.name, "".join(parts), kind)
