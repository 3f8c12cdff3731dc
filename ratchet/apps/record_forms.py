"""What this release reads in a ledger's records. They stay for ever, and others write them too: another release, a tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ratchet.core.record import Record

_READ = {  # by kind, what its body must have
    "ingest": {"snapshot", "name", "rows", "labelled_rows"},
    "trigger": {"snapshot", "champion", "action", "reasons", "drift"},
    "gate": {"snapshot", "verdict", "decisive", "reasons", "candidate", "champion"},
    "promotion": {"state", "to", "from", "cause", "reasons", "snapshot"},
    "reconcile": {"from", "to", "reason"},
    "live": {"version", "auc", "low", "high", "rows", "positives"},
    "run": {"state", "error", "reached", "snapshot", "run_id"},
    "watch": {"run_id", "name", "champion"},
    "prune": {"before", "answers"},
}
_DRIFT = {"verdict", "drift_share", "reasons", "drifted", "tests", "informative"}
_TEST = {"feature", "effect", "threshold", "drifted", "enough", "reason"}


_FIRST_NAMES = {
    "gate": {"candidate_value": "candidate_auc", "champion_value": "champion_auc"},
    "live": {"value": "auc", "promised": "holdout_auc"},
}


def first_form(record: Record) -> Record:
    """The record with its values under the names of form 1, by which pages and exporter read them."""
    body = record.body
    if not isinstance(body, Mapping) or body.get("form") != 2:  # noqa: PLR2004 - the form that is known
        return record
    names = _FIRST_NAMES.get(record.kind, {})
    counts = {"positives": body["counts"].get("positive", 0)} if isinstance(body.get("counts"), Mapping) else {}
    renamed = {names.get(name, name): value for name, value in body.items() if name != "form"}
    return replace(record, body={**renamed, **counts})


def known(record: Record) -> bool:
    """Whether a record has all that is read of its kind. One that has not is shown as it stands, and left out of every summary."""
    body = record.body
    if not _READ.get(record.kind, set()) <= body.keys():
        return False
    if record.kind != "trigger" or body["drift"] is None:
        return True
    drift = body["drift"]
    return _has(drift, _DRIFT) and all(_has_tests(drift[name]) for name in ("tests", "informative"))


def _has_tests(part: Any) -> bool:
    return isinstance(part, Sequence) and all(_has(test, _TEST) for test in part)


def _has(part: Any, names: set[str]) -> bool:
    return isinstance(part, Mapping) and names <= part.keys()
