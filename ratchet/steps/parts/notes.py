"""What the registry's own pages show of a version: its figures on each labelled snapshot, and what the gate decided on it.

The ledger has it first. A registry that is away then raises, the step is tried again as ever, and the next run writes what lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ratchet.core.estimate import MetricName
from ratchet.core.events import Entry, Gated, Measured
from ratchet.core.history import History
from ratchet.core.schema import ModelVersion
from ratchet.registry.port import Figures, Note, Registry

_DIGEST = 12  # characters of a content's hash, as in a snapshot's id


def note_measurements(
    registry: Registry, metric: MetricName, versions: Iterable[ModelVersion], before: History, new: Sequence[Entry[Measured]]
) -> None:
    """Note the new measurements, and before them the known ones of a version whose newest the registry does not have.

    Args:
        registry: what is written to.
        metric: the task's, by whose names figures are noted.
        versions: as the registry gave them.
        before: without the new ones.
        new: those of this run.
    """
    for version in versions:
        last = before.measurement(version.number)
        lacks = last is not None and last.event.value not in {None, version.metrics.get(metric.measured[0])}
        known = before.measurements(version.number) if lacks else ()
        for entry in (*known, *(entry for entry in new if entry.event.version == version.number)):
            if (figures := _figures(metric, entry)) is not None:
                registry.note(version.number, Note(figures))


def _figures(metric: MetricName, entry: Entry[Measured]) -> Figures | None:
    """None where nothing could be measured."""
    found = entry.event
    values = dict(zip(metric.measured, (found.value, found.low, found.high), strict=True))
    known = {name: value for name, value in values.items() if value is not None}
    if not known or found.as_of is None:
        return None
    return Figures(known, found.as_of, entry.at, found.snapshot, found.snapshot_hash[:_DIGEST])


def note_decision(registry: Registry, gate: Gated) -> None:
    """Note the gate's verdict on its candidate, what it rests on and the difference with its interval, as tags."""
    tags = {
        "ratchet.verdict": gate.verdict.value,
        "ratchet.proof": gate.proof.value,
        "ratchet.against": f"version {gate.champion}" if gate.champion is not None else "none",
        "ratchet.judged_on": gate.snapshot,
        "ratchet.delta": _delta(gate),
        "ratchet.report": gate.report,
    }
    registry.note(gate.candidate, Note(tags={name: text for name, text in tags.items() if text}))


def _delta(gate: Gated) -> str:
    """`+0.144 (0.094 to 0.194)`; empty where there was nothing to compare with."""
    if gate.delta is None:
        return ""
    between = "" if gate.delta_low is None or gate.delta_high is None else f" ({gate.delta_low:.3f} to {gate.delta_high:.3f})"
    return f"{gate.delta:+.3f}{between}"
