"""Signatures that who has no key can verify: Ed25519 (RFC 8032), by a private half that the ledger's key gives.

HMAC, by which records are signed too, is verified with the key alone, so who only looks cannot, and must not have the key. The
private half is derived from that key, so there is no second one to keep; the public half is published beside the head.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_PURPOSE = b"ratchet ledger, Ed25519, 1"  # another key for each purpose, as HKDF's info (RFC 5869)


def public_of(secret: bytes) -> str:
    """The public half, 64 hex digits."""
    return _private(secret).public_key().public_bytes_raw().hex()


def signature_of(secret: bytes, text: str) -> str:
    """128 hex digits."""
    return _private(secret).sign(text.encode()).hex()


def is_by(public: str, text: str, signature: str) -> bool:
    """Whether the signature is of that text, by the private half of `public`. What is no signature or no key is neither."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _private(secret: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hmac.new(secret, _PURPOSE, hashlib.sha256).digest())
