"""From a record to its event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ratchet.core.events.data import Ingested, LiveMeasured, Pruned, Trained
from ratchet.core.events.decisions import Gated, Triggered
from ratchet.core.events.event import Entry, Event, Known, Unreadable
from ratchet.core.events.fields import Fields, FormError, as_text, as_whole
from ratchet.core.events.measured import Measured
from ratchet.core.events.production import Moved, Reconciled
from ratchet.core.events.runs import RunClaimed, RunEnded
from ratchet.core.record import Record

KINDS: Mapping[str, type[Known]] = {
    kind.KIND: kind
    for kind in (Ingested, Triggered, Gated, Moved, Reconciled, LiveMeasured, Measured, Trained, RunEnded, RunClaimed, Pruned)
}


def read(kind: str, body: Any, model: str = "") -> Event:
    """The event of a record. Never raises.

    Args:
        kind: the record's.
        body: the record's, whatever it holds.
        model: whose event it is when the body does not say: form 1 did not.
    """
    stored = body if isinstance(body, Mapping) else {"": body}
    form = 0
    try:
        fields = Fields.of(body)
        form = fields.take("form", as_whole) if "form" in stored else 1
        owner = fields.take("model", as_text) if "model" in stored else model
        if kind not in KINDS:
            return _unreadable(kind, form, stored, "its kind is not known to this release", model)
        if not 1 <= form <= KINDS[kind].FORM:
            return _unreadable(kind, form, stored, f"form {form} is not known to this release", model)
        return KINDS[kind].read(fields, form, owner)
    except FormError as error:
        return _unreadable(kind, form, stored, str(error), model)


def _unreadable(kind: str, form: int, body: Mapping[str, Any], why: str, model: str) -> Unreadable:
    return Unreadable(model=model, stored_kind=kind, form=form, body=body, why=why)


def entry_of(record: Record, model: str = "") -> Entry[Event]:
    """The record as an entry; `model` as in `read`. Never raises."""
    return Entry(read(record.kind, record.body, model), record.seq, record.at, record.actor, record.key, record.hash)
