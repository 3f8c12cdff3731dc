"""Events: one typed class a kind of the ledger's records, with readers for every form of body that was ever written.

`entry_of` reads a record. It never raises: what it cannot read is `Unreadable`, shown as it stands and counted nowhere.
"""

from ratchet.core.events.data import Ingested, LiveMeasured, Pruned, Trained, day_of
from ratchet.core.events.decisions import Gated, Proof, Triggered
from ratchet.core.events.drift import DriftFound, DriftTest
from ratchet.core.events.event import Entry, Event, Unreadable
from ratchet.core.events.measured import Measured, Role
from ratchet.core.events.production import Cause, Moved, MoveState, Reconciled
from ratchet.core.events.reading import KINDS, entry_of, read
from ratchet.core.events.runs import RunClaimed, RunEnded, RunState

__all__ = [
    "KINDS",
    "Cause",
    "DriftFound",
    "DriftTest",
    "Entry",
    "Event",
    "Gated",
    "Ingested",
    "LiveMeasured",
    "Measured",
    "MoveState",
    "Moved",
    "Proof",
    "Pruned",
    "Reconciled",
    "Role",
    "RunClaimed",
    "RunEnded",
    "RunState",
    "Trained",
    "Triggered",
    "Unreadable",
    "day_of",
    "entry_of",
    "read",
]
