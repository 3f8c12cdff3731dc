"""The product's rule carried through a history: what production does month by month, with the figures looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from benchmarks.years.months import History, Model, as_of
from benchmarks.years.worlds import MONTHS
from ratchet.core.decision import Verdict
from ratchet.core.estimate import Estimate
from ratchet.core.evidence import Look, PairedLook, fell, sinks
from ratchet.core.gate import out_of_time
from ratchet.core.rule import next_move
from ratchet.core.seen import Claim, Move, Next, RecipeLooks, Rule, Seen
from ratchet.sources.guess.advice import MIN_DELTA, WINDOWS
from ratchet.tasks.binary.measure import METRIC

RECIPES = (1, *WINDOWS)  # months that candidates are made of
_CHALLENGERS = 3
RULE = Rule(min_delta=MIN_DELTA)
_FELL, _SINKS = 0.01, 0.02  # alpha of policy.gate: one-sided of a look, and of a year


@dataclass(slots=True)
class Served:
    """What serves after each month's decision, by month from 0, the moves as (month, kind, model), and what was said each month."""

    models: list[Model]
    moves: list[tuple[int, Move, Model]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Reign:
    """A champion's months."""

    champion: Model
    first: Look | None
    looks: list[Look] = field(default_factory=list)
    records: dict[int, list[PairedLook]] = field(default_factory=dict)
    challengers: dict[Model, list[PairedLook]] = field(default_factory=dict)


def play(
    history: History, rule: Rule = RULE, months: int = MONTHS, recipes: Sequence[int] = RECIPES, *, asked: bool = False
) -> Served:
    """Months 1 to `months`, with the first champion made of month 0.

    Args:
        history: the figures.
        rule: the rule's.
        months: how many.
        recipes: of how many months candidates are made.
        asked: candidates are made only in months in which the champion fell or sinks, as where `policy.retrain` does not name
            `always`. A recipe without a record then has to win without the judged month too, unless the champion fell.
    """
    served, reign = Served([(0, 1)]), _Reign((0, 1), history.figure((0, 1), 0))
    previous: Model | None = None
    on_probation, claims = False, list[Claim]()
    tried: Model | None = None
    made: Sequence[int] = () if asked else recipes  # of the month before
    tries: list[date] = []
    for month in range(1, months + 1):
        champion = reign.champion
        reign.looks.append(history.figure(champion, month))
        for window in made:
            reign.records.setdefault(window, []).append(history.paired((month - 1, window), champion, month))
        for model, looks in reign.challengers.items():
            looks.append(history.paired(model, champion, month))
        if tried is not None:
            against = previous if on_probation and previous is not None else champion
            if tried != against:
                claims.append(Claim(history.paired(tried, against, month - 1), history.paired(tried, against, month)))
        made = recipes if not asked or _worse(reign) else ()
        offers = [
            RecipeLooks(_name(window), window, history.paired((month, window), champion, month), reign.records.get(window, []))
            for window in made
        ]
        seen = Seen(
            METRIC,
            as_of(month),
            reign.looks,
            reign.first,
            offers,
            [(_version(model), looks) for model, looks in reign.challengers.items() if looks],
            history.paired(previous, champion, month) if on_probation and previous is not None else None,
            claims,
            tries.copy(),
        )
        chosen = next_move(seen, rule)
        if asked and chosen.move is Move.AT_ONCE and not _shown(history, reign, month, offers[0].months):
            chosen = replace(chosen, move=Move.KEEP)
        tries += [as_of(month)] if made else []
        served.said.append(f"{chosen.move}: {'; '.join(reason.text for reason in (*chosen.wishes, *chosen.reasons))}")
        refused = (month, recipes[min(1, len(recipes) - 1)]) if made else None
        on_probation, tried = chosen.move is Move.AT_ONCE, refused
        if chosen.move is Move.KEEP:
            if refused is not None:
                _keep(reign, refused)
        else:
            model = _named(chosen, month, previous, reign)
            tried = model if on_probation else None
            served.moves.append((month, chosen.move, model))
            previous, reign = champion, _Reign(model, None if chosen.move is Move.TAKE_BACK else history.figure(model, month))
        served.models.append(reign.champion)
    return served


def _worse(reign: _Reign) -> bool:
    """Whether the champion's months ask for a candidate, at the product's figures."""
    asked = (fell(reign.looks, reign.first, _FELL, METRIC), sinks(reign.looks, reign.first, _SINKS, METRIC))
    return any(reason.verdict is Verdict.PASS for reason in asked)


def _shown(history: History, reign: _Reign, month: int, window: int) -> bool:
    """Whether the champion fell, or the recipe has a record on other months or wins when it is made without the judged one."""
    if reign.records.get(window) or fell(reign.looks, reign.first, _FELL, METRIC).verdict is Verdict.PASS:
        return True
    found = history.paired((month - 1, window), reign.champion, month)
    return out_of_time(Estimate(found.delta, found.se)).verdict is Verdict.PASS


def _keep(reign: _Reign, refused: Model) -> None:
    """The refused candidate becomes a challenger; the one with the least gain makes room."""
    if len(reign.challengers) == _CHALLENGERS:
        del reign.challengers[min(reign.challengers, key=lambda model: _gain(reign.challengers[model]))]
    reign.challengers[refused] = []


def _gain(looks: list[PairedLook]) -> float:
    return sum(look.delta for look in looks) / len(looks)


def _name(months: int) -> str:
    return f"{months} months" if months > 1 else "1 month"


def _version(model: Model) -> str:
    return f"version of month {model[0]}"


def _named(chosen: Next, month: int, previous: Model | None, reign: _Reign) -> Model:
    if chosen.move is Move.TAKE_BACK:
        assert previous is not None
        return previous
    named = {_name(months): (month, months) for months in RECIPES} | {_version(model): model for model in reign.challengers}
    return named[chosen.name]
