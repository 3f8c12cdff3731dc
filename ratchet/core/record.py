"""A record of the ledger and the chain that binds it to all records before it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ratchet.core.errors import LedgerError

GENESIS = "0" * 64
MAC = "mac"  # in a body: the HMAC of the record as it is without it
SIGNATURE = "signature"  # in a body: what the public half of the key verifies, of the record as it is without both


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the ledger. `hash` covers every other field and, through `previous`, every earlier record."""

    seq: int
    at: datetime
    kind: str
    key: str
    actor: str
    body: Mapping[str, Any]
    previous: str
    hash: str


def canonical(body: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no spaces; NaN is refused, because its text is not JSON."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def digest(seq: int, at: datetime, kind: str, key: str, actor: str, body: Mapping[str, Any], previous: str) -> str:
    """SHA-256 hex digest of a record's fields and its predecessor's digest."""
    fields = json.dumps([seq, at.isoformat(), kind, key, actor, canonical(body), previous], ensure_ascii=False)
    return hashlib.sha256(fields.encode()).hexdigest()


def mac_of(secret: bytes, text: str) -> str:
    """HMAC-SHA-256 (RFC 2104), hex."""
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def chain(
    seq: int,
    at: datetime,
    kind: str,
    key: str,
    actor: str,
    body: Mapping[str, Any],
    previous: str,
    secret: bytes = b"",
    sign: Callable[[str], str] | None = None,
) -> Record:
    """Make the record that follows `previous`, signed where there is a secret, and for all to verify where there is `sign`."""
    signed = dict(body)
    if sign is not None:
        signed[SIGNATURE] = sign(digest(seq, at, kind, key, actor, body, previous))
    if secret:
        body = dict(signed)
        signed[MAC] = mac_of(secret, digest(seq, at, kind, key, actor, body, previous))
    return Record(seq, at, kind, key, actor, signed, previous, digest(seq, at, kind, key, actor, signed, previous))


def is_signed(record: Record, secret: bytes) -> bool:
    """Whether the record was made by somebody who has the secret."""
    plain = {name: value for name, value in record.body.items() if name != MAC}
    told = record.body.get(MAC)
    expected = mac_of(secret, digest(record.seq, record.at, record.kind, record.key, record.actor, plain, record.previous))
    return isinstance(told, str) and hmac.compare_digest(told.encode(), expected.encode())


def is_attested(record: Record, verified: Callable[[str, str], bool]) -> bool:
    """Whether the record bears a signature of its text; `verified` gets both."""
    plain = {name: value for name, value in record.body.items() if name not in {MAC, SIGNATURE}}
    told = record.body.get(SIGNATURE)
    text = digest(record.seq, record.at, record.kind, record.key, record.actor, plain, record.previous)
    return isinstance(told, str) and verified(text, told)


def verify(records: Iterable[Record], after: Record | None = None) -> int:
    """Walk the chain from its first record, or on from the one after `after`; the number of records up to the last.

    Raises LedgerError at the first that does not fit.
    """
    previous, known = (after.hash, after.seq) if after else (GENESIS, 0)
    count = known
    for count, record in enumerate(records, start=known + 1):
        expected = digest(record.seq, record.at, record.kind, record.key, record.actor, record.body, previous)
        if record.seq != count or record.previous != previous or record.hash != expected:
            message = (
                f"ledger record {record.seq} ({record.kind}, {record.at:%Y-%m-%d %H:%M}) does not fit the chain: "
                "it or a record before it was changed or removed; restore the ledger from a backup"
            )
            raise LedgerError(message)
        previous = record.hash
    return count
