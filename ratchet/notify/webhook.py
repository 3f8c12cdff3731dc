"""Each event as JSON to one address: what stands in the ledger, for whatever listens there."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from ratchet.core.events import Entry, Event

_SECONDS = 5.0  # to connect, to send, and to answer


class Webhook:
    """Posts `{"model", "kind", "seq", "at", "actor", "key", "hash", "body"}`; `body` is the record's, `at` in ISO 8601.

    Args:
        url: gets the POST. It may be a secret, so no line of the log names it.
        say: takes a line of the log.
    """

    def __init__(self, url: str, say: Callable[[str], None]) -> None:
        self._url, self._say = url, say

    def notify(self, entry: Entry[Event]) -> None:
        """Post it once. An answer that is no success, or none, is one line of the log."""
        document = {
            "model": entry.event.model,
            "kind": entry.kind,
            "seq": entry.seq,
            "at": entry.at.isoformat(),
            "actor": entry.actor,
            "key": entry.key,
            "hash": entry.hash,
            "body": entry.event.to_body(),
        }
        try:
            with httpx.stream("POST", self._url, json=document, timeout=_SECONDS) as answer:  # its body is nobody's concern
                taken, status = answer.is_success, answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, ImportError) as error:  # the last three: a proxy's settings
            self._say(f"[NOTIFY] record {entry.seq} ({entry.kind}) did not reach RATCHET_NOTIFY_URL: {type(error).__name__}")
            return
        if not taken:
            self._say(f"[NOTIFY] record {entry.seq} ({entry.kind}) was refused at RATCHET_NOTIFY_URL: status {status}")
