"""Where a stored snapshot's files lie. The feature store reads them where the snapshot store has put them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

FEATURES, LABELS, MANIFEST = "features.parquet", "labels.parquet", "manifest.json"
EVENT_TIMESTAMP = "event_timestamp"  # Feast's point in time: midnight UTC of the snapshot's date


def folder_name(as_of: date) -> str:
    """The snapshot's folder under the root."""
    return f"as_of={as_of.isoformat()}"


def event_time(as_of: date) -> datetime:
    """The moment that a snapshot's rows describe."""
    return datetime.combine(as_of, time(), tzinfo=UTC)
