"""Whether the entities of a snapshot are those of the months before, in their own spelling. Pure.

That a version never saw a held-out row is proven while a key means the same entity from month to month. Where months share their
entities and then, all at once, do not, or where keys are known but for how they are spelled, somebody has changed the keys.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from ratchet.core.entity_key import alike

LOOK_BACK = 3  # snapshots before, which give two months in a row to go by
_FEWEST = 10  # keys that may be alike by chance
_FALLEN = 0.1  # of what was usual: the keys are others
_FEWER = 0.6  # likewise: an upload that broke off, perhaps


@dataclass(frozen=True, slots=True)
class Month:
    """The entities of one date, each once, in their one spelling."""

    as_of: date
    keys: Collection[str]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is odd about a snapshot's entities; `others` says that by all that is seen they are not spelled as before."""

    text: str
    others: bool


def compare(now: Month, before: Sequence[Month]) -> list[Finding]:
    """Hold a snapshot's entities against those of up to LOOK_BACK snapshots before it, oldest first."""
    if not before:
        return []
    last, keys = before[-1], set(now.keys)
    then = set(last.keys)
    pairs = [(one, two) for one, two in pairwise([*(set(month.keys) for month in before[:-1]), then])]
    known, returned = len(keys & then), any(not one.isdisjoint(two) for one, two in pairs)
    if not pairs or returned:  # where each month is about others, there is nobody whose key could have changed
        respelled = _respelled(keys - then, then - keys, last.as_of)
        if respelled:
            return [respelled]
    if not pairs:
        text = f"none of {len(keys):,} entities is in {last.as_of}: are keys spelled otherwise, or is every month about others?"
        return [] if known else [Finding(text, others=False)]
    usual_known = min(len(one & two) / len(two) for one, two in pairs)
    usual_back = min(len(one & two) / len(one) for one, two in pairs)
    share, back = known / len(keys), known / len(then)
    if share < _FALLEN * usual_known and back < _FALLEN * usual_back:
        usual = f"{usual_known:.0%} or more were from month to month"
        text = f"{known:,} of {len(keys):,} entities are known from {last.as_of}, where {usual}: their keys are others than before"
        return [Finding(text, others=True)]
    if back < _FEWER * usual_back:
        text = f"{back:.0%} of the entities of {last.as_of} return, where {usual_back:.0%} or more did from month to month"
        return [Finding(f"{text}: is the upload whole?", others=False)]
    return []


def _respelled(new: set[str], gone: set[str], when: date) -> Finding | None:
    """Most of the new keys are old ones but for case, blanks, marks between or leading zeros."""
    if len(new) < _FEWEST or len(gone) < _FEWEST:
        return None
    before = {alike(key): key for key in gone}
    found = sorted((key, before[alike(key)]) for key in new if alike(key) in before)
    if len(found) < max(_FEWEST, len(new) // 2):
        return None
    key, old = found[0]
    text = f"{len(found):,} of {len(new):,} entities that are new since {when} are known but for spelling: {key!r} was {old!r}"
    return Finding(text, others=True)
