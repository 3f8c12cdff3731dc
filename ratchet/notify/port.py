"""A notifier as the journal needs it."""

from __future__ import annotations

from typing import Protocol

from ratchet.core.events import Entry, Event


class Notifier(Protocol):
    """Says elsewhere what was recorded."""

    def notify(self, entry: Entry[Event]) -> None:
        """Say it, or log one line why not.

        It raises nothing for a place that is away, and does not wait long for it: what is recorded has happened, and the step that
        recorded it goes on. The promotion lock is not held meanwhile.
        """
        ...
