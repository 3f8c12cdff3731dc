"""The digest of what can change a decision, the same for the same project in every release that knows its keys."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from pydantic_core import to_json

ANY: Final = object()
COLUMNS: Final = (("features",), ("slices",), ("holdout", "group"))  # where columns are described, singly or in a list
# Keys that ratchet.yaml did not always have, by where they stand, with the value that leaves everything as it was before there was
# such a key. At that value a key is no part of the digest: a newer release must not take every project for another one, whose
# decisions nobody has taken yet. A key that says only when a question is asked is never part of it (ANY): the gate's answer is the
# same whatever it says.
ADDED: Final[Mapping[tuple[str, ...], Any]] = {
    ("policy", "gate", "skill_margin"): 0.05,
    ("policy", "gate", "calibration_margin"): 0.25,
    ("policy", "gate", "pool"): 1,
    ("policy", "gate", "max_copied_share"): 1.0,
    ("holdout", "group"): None,
    ("policy", "drift", "rate_effect"): 1.75,
    ("policy", "drift", "unseen_effect"): 0.05,
    ("policy", "drift", "min_influence"): ANY,
    ("policy", "gate", "false_promotions_a_year"): 0.02,
    ("policy", "retrain"): ANY,
    ("policy", "challengers"): ANY,
    ("training", "windows"): [],
    ("policy", "data", "respelled"): ANY,
    ("label", "on_unknown"): "refuse",
    ("label", "name"): None,
    ("label", "positive"): None,
    ("prepare",): None,
    ("tables", "encoding"): None,
    ("tables", "separator"): None,
    ("tables", "decimal"): None,
    **{(*place, "column"): None for place in COLUMNS},
    **{(*place, "of_date"): "days" for place in COLUMNS},
    **{(*place, "on_unknown"): "refuse" for place in COLUMNS},
    **{(*place, "max_unknown_share"): 0.01 for place in COLUMNS},
}


def project_hash(facts: Mapping[str, Any]) -> str:
    """SHA-256 hex digest of a project's values.

    Args:
        facts: what the digest covers, JSON types only, in the order of the file's model.
    """
    return hashlib.sha256(to_json(_without_added(facts, ()))).hexdigest()


def _without_added(facts: Mapping[str, Any], place: tuple[str, ...]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in facts.items():
        here = (*place, name)
        if here in ADDED and (ADDED[here] is ANY or value == ADDED[here]):
            continue
        if isinstance(value, Mapping):
            kept[name] = _without_added(value, here)
        elif isinstance(value, list):
            kept[name] = [_without_added(item, here) if isinstance(item, Mapping) else item for item in value]
        else:
            kept[name] = value
    return kept
