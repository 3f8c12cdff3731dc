"""Times, names and reports as the pages write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from ratchet.core.schema import ModelVersion

_REPORT = re.compile(r"(?:decision_v[0-9]{1,10}_on|drift_[0-9]{4}-[0-9]{2}-[0-9]{2}_vs)_[0-9]{4}-[0-9]{2}-[0-9]{2}\.html")
_UNITS = ((86400 * 2, 86400, "day"), (3600 * 2, 3600, "hour"), (60 * 2, 60, "minute"))


def report_name(place: str) -> str:
    """The plain name of a report of ours in a record's path or URL; empty when it is none."""
    name = re.split(r"[/\\]", place)[-1]
    return name if is_report_name(name) else ""


def is_report_name(name: str) -> bool:
    """Whether a report of ours can have that name; no path, no other file."""
    return _REPORT.fullmatch(name) is not None


def moment(at: datetime) -> str:
    """`2026-11-25 17:22 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def ago(at: datetime, now: datetime) -> str:
    """`3 minutes ago`, in whole units of which there are at least two."""
    passed = max(now - at, timedelta()).total_seconds()
    for least, unit, name in _UNITS:
        if passed >= least:
            return f"{passed // unit:.0f} {name}s ago"
    return "1 minute ago" if passed >= 60 else "just now"  # noqa: PLR2004 - seconds of a minute


def day_of(snapshot: str) -> str:
    """The date in a snapshot's id, `2024-02-29@1a2b3c4d5e6f`."""
    return snapshot.partition("@")[0]


def trained_on(version: ModelVersion | None) -> str:
    """The dates of the snapshots that a version was trained on; empty when its tags do not say."""
    return ", ".join(day_of(item) for item in version.provenance.snapshot_ids) if version and version.provenance else ""


def sentence(text: str) -> str:
    """An error's text with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."
