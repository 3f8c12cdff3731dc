"""The ledger's seal: what its database's owner cannot forge.

Who may write to the database can rewrite a record in the middle and compute all later hashes anew, cut off the end, or append a
record of his own, and the chain verifies. So each record is signed by HMAC with a key that lies outside the database, and the head
of the chain is published in a place that the database's owner cannot write to. Up to the published head the chain is as it was;
each later record must bear a signature. Beside the head stands the public half of the key, by which who has no key and only looks
verifies a second signature of each record (signing.py).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random

from ratchet.core.errors import LedgerError, Unavailable
from ratchet.core.record import Record, is_attested, is_signed, mac_of, verify

After = Callable[[int], Sequence[Record]]
"""The records after a number, in order."""


_TRIES = 20  # of a head that is overtaken while it is published


class Overtaken(Unavailable):
    """What is published has changed since it was read: read it again, check, and publish anew."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head of the chain, as it was published; `mac` and `public` are empty where the publisher had no key.

    `public` is that key's public half, which a release before did not publish.
    """

    seq: int
    hash: str
    mac: str
    public: str = ""


class Anchors(Protocol):
    """Where the head is published.

    Its methods raise Unavailable when the place does not answer, LedgerError when what is there is not legible.
    """

    @property
    def where(self) -> str:
        """The place, in a sentence."""
        ...

    def read(self) -> Anchor | None:
        """What was published last, None when nothing was."""
        ...

    def alone(self) -> AbstractContextManager[None]:
        """Around reading, checking and publishing, so that nobody puts an older head over a newer one.

        By a lock, or by that `publish` within it raises Overtaken where another than the one read is there.
        """
        ...

    def publish(self, anchor: Anchor) -> None:
        """Put another in its place. Raises Overtaken within `alone`."""
        ...


class Key(Protocol):
    """Where the key is."""

    @property
    def where(self) -> str:
        """The place, in a sentence."""
        ...

    def read(self) -> bytes:
        """The key, empty where there is none."""
        ...

    def made(self) -> bytes:
        """The key; where there can be one and is none, a new one."""
        ...


class Seal:
    """Checks a model's records against the published head and the key, and publishes new heads.

    Args:
        model: whose chain it is.
        key: of the signatures.
        anchors: where the head is published.
        say: takes the line that is said when the head is anchored for the first time.
    """

    def __init__(self, model: str, key: Key, anchors: Anchors, say: Callable[[str], None]) -> None:
        self._model, self._key, self._anchors, self._say = model, key, anchors, say

    def secret(self) -> bytes:
        """What new records are signed with; the key is made where there never was one. Raises LedgerError as `check_key`."""
        if key := self._key.read():
            return key
        anchor = self._anchors.read()
        self._refuse_over(anchor)
        return self._key.made() if anchor is None else b""

    def check_key(self) -> None:
        """Raise LedgerError where the head was signed and the key is not here: who acts without it looks like a forger.

        Where the key is here, the head is not asked for.
        """
        if not self._key.read():
            self._refuse_over(self._anchors.read())

    def _refuse_over(self, anchor: Anchor | None) -> None:
        """What is unsigned goes over no signed head."""
        if anchor is not None and anchor.mac:
            message = (
                f"the ledger is signed, and its key is not at {self._key.where}: bring the key back, or, where it is lost, put "
                f"another there, {_ANEW}"
            )
            raise LedgerError(message)

    @property
    def signed(self) -> str:
        """How heads are published from here, in a sentence."""
        return f"signed by the key at {self._key.where}" if self._key.read() else "without a key (RATCHET_LEDGER_KEY)"

    def check(self, after: After) -> None:
        """Raise LedgerError where the records are not those that were published and signed. Nothing is, before the first act."""
        anchor = self._anchors.read()
        if anchor is not None:
            self._check(anchor, after(anchor.seq - 1))

    def _check(self, anchor: Anchor, records: Sequence[Record]) -> None:
        """`records` are those from the published head on."""
        secret, there = self._key.read(), self._anchors.where
        if secret and not anchor.mac:
            message = f"the ledger's head at {there} was published without a key, and now there is one: to sign it, {_ANEW}"
            raise LedgerError(message)
        if secret and not hmac.compare_digest(anchor.mac.encode(), self._mac(secret, anchor.seq, anchor.hash).encode()):
            message = f"the ledger's head at {there} is not signed by the key at {self._key.where}: {_CHANGED}"
            raise LedgerError(message)
        if secret and anchor.public and anchor.public != self._public(secret):
            message = f"the public key at {there} is not that of the key at {self._key.where}: {_CHANGED}"
            raise LedgerError(message)
        if not records or records[0].seq != anchor.seq:
            message = f"the ledger has no record {anchor.seq}, which was published at {there}: its end was cut off; {_RESTORE}"
            raise LedgerError(message)
        if records[0].hash != anchor.hash:
            message = (
                f"ledger record {anchor.seq} is not the one published at {there}: it or one before it was rewritten; {_RESTORE}"
            )
            raise LedgerError(message)
        verify(records[1:], records[0])
        for record in records[1:]:
            if not self._is_ours(record, secret, anchor.public):
                by = f"by the key at {self._key.where}" if secret else f"by the key whose public half stands at {there}"
                message = (
                    f"ledger record {record.seq} ({record.kind}, {record.at:%Y-%m-%d %H:%M}) is not signed {by}: "
                    f"somebody wrote it who does not have the key; {_CHANGED}"
                )
                raise LedgerError(message)

    @staticmethod
    def _is_ours(record: Record, secret: bytes, public: str) -> bool:
        """By the key where it is here, else by its public half; where neither is, nobody can tell."""
        if secret:
            return is_signed(record, secret)
        if not public:
            return True
        from ratchet.ledger.signing import is_by  # noqa: PLC0415 - 0.1 s that a process which serves does not need

        return is_attested(record, lambda text, signature: is_by(public, text, signature))

    @staticmethod
    def _public(secret: bytes) -> str:
        from ratchet.ledger.signing import public_of  # noqa: PLC0415 - likewise

        return public_of(secret)

    def follow(self, after: After) -> None:
        """Publish the newest head, if all since the last published one is good. Raises LedgerError when not, Unavailable."""
        for attempt in _anew():
            with attempt, self._anchors.alone():
                self._follow(after)

    def _follow(self, after: After) -> None:
        before = self._anchors.read()
        if not self._key.read():
            self._refuse_over(before)
        records = after(before.seq - 1 if before else 0)
        if before is not None:
            self._check(before, records)
        if not records or (before is not None and before.seq >= records[-1].seq):
            return
        self._publish(records[-1])
        if before is None:
            there = self._anchors.where
            self._say(f"[LEDGER] the head, record {records[-1].seq}, is anchored at {there} from now on, {self.signed}")

    def accept(self, head: Record) -> Anchor:
        """Publish this head, whatever was published before: somebody has looked. Raises LedgerError as `check_key`."""
        key = self._key.made()
        for attempt in _anew():
            with attempt, self._anchors.alone():
                before = self._legible()
                if not key:
                    self._refuse_over(before)
                accepted = self._publish(head)
        return accepted

    def _legible(self) -> Anchor | None:
        """The published head, None also where it is none of ours, which this one is to replace."""
        try:
            return self._anchors.read()
        except LedgerError:
            return None

    def _publish(self, head: Record) -> Anchor:
        secret = self._key.read()
        anchor = Anchor(head.seq, head.hash, "")
        if secret:
            anchor = Anchor(head.seq, head.hash, self._mac(secret, head.seq, head.hash), self._public(secret))
        self._anchors.publish(anchor)
        return anchor

    def _mac(self, secret: bytes, seq: int, digest: str) -> str:
        return mac_of(secret, f"head|{self._model}|{seq}|{digest}")


def _anew() -> Retrying:
    """Tries of what may be overtaken: the pods of a rollout change the Deployment every second or so."""
    tries = stop_after_attempt(_TRIES)
    return Retrying(retry=retry_if_exception_type(Overtaken), stop=tries, wait=wait_random(0, 0.1), reraise=True)


_ANEW = "look at `ratchet history` and take the ledger as it stands by `ratchet anchor`"
_RESTORE = f"restore the ledger from a backup, or {_ANEW}"
_CHANGED = f"the ledger or the key was changed; {_RESTORE}"
