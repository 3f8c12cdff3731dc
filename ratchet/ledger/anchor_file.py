"""The published head as a file, and the key as another: for the embedded stack, and where a Secret is mounted."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ratchet.clients.durable import TEMPORARY, sync, write_synced
from ratchet.core.errors import LedgerError, Unavailable
from ratchet.ledger.seal import Anchor

_FEWEST = 16  # bytes of a key
_LOCK_SECONDS = 10.0  # many times what a writer needs


class AnchorFile:
    """Implements seal.Anchors."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def where(self) -> str:
        """Its path."""
        return str(self._path)

    def read(self) -> Anchor | None:
        """Raises LedgerError when the file is not what we write there."""
        try:
            found = json.loads(self._path.read_bytes())
            return Anchor(int(found["seq"]), str(found["hash"]), str(found["mac"]), str(found.get("public", "")))
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"{self._path} cannot be read: {error.strerror}"
            raise Unavailable(message) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            message = f"{self._path} is not the ledger's head that was written there: restore it, or run `ratchet anchor`"
            raise LedgerError(message) from error

    @contextmanager
    def alone(self) -> Iterator[None]:
        """By a lock file beside it, which the system frees when its holder dies."""
        lock = FileLock(self._path.with_name(f".{self._path.name}.lock"))
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=_LOCK_SECONDS)
        except Timeout as error:
            message = f"{self._path} has been locked by another process for {_LOCK_SECONDS:.0f} s"
            raise Unavailable(message) from error
        except OSError as error:
            message = f"{self._path} cannot be locked: {error.strerror}"
            raise Unavailable(message) from error
        try:
            with suppress(OSError):  # what a writer that was killed has left takes room, and nothing else
                for left in self._path.parent.glob(f"{TEMPORARY}{self._path.name}-*"):
                    left.unlink(missing_ok=True)
            yield
        finally:
            lock.release()

    def publish(self, anchor: Anchor) -> None:
        """Whole or not at all: under a name of its own first, so that two who write at once do not write into one file."""
        temporary = self._path.with_name(f"{TEMPORARY}{self._path.name}-{secrets.token_hex(8)}")
        content = json.dumps({"seq": anchor.seq, "hash": anchor.hash, "mac": anchor.mac, "public": anchor.public}).encode()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                write_synced(temporary, lambda file: file.write(content))
                temporary.replace(self._path)
            finally:
                temporary.unlink(missing_ok=True)
            sync(self._path.parent)
        except OSError as error:
            message = f"{self._path} cannot be written: {error.strerror}"
            raise Unavailable(message) from error


class KeyFile:
    """Implements seal.Key.

    Args:
        path: of the file.
        make: whether a key is made there when there is none: in a home, and not where somebody mounts one.
    """

    def __init__(self, path: Path, *, make: bool) -> None:
        self._path, self._make = path, make

    @property
    def where(self) -> str:
        """Its path."""
        return str(self._path)

    def read(self) -> bytes:
        """Empty when there is no file. Raises LedgerError when it is too short to be a key."""
        try:
            key = self._path.read_bytes().strip()
        except FileNotFoundError:
            return b""
        except OSError as error:
            message = f"the ledger's key {self._path} cannot be read: {error.strerror}"
            raise Unavailable(message) from error
        if len(key) < _FEWEST:
            message = f"the ledger's key {self._path} has {len(key)} bytes, of {_FEWEST} at least: restore it"
            raise LedgerError(message)
        return key

    def made(self) -> bytes:
        """Of 32 random bytes, for the owner's eyes alone; of two processes that make it at once, one does."""
        if (key := self.read()) or not self._make:
            return key
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._path.with_name(f".{self._path.name}-{secrets.token_hex(8)}")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_hex(32).encode())
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, self._path)  # there whole, or another's
            except FileExistsError:
                pass
            finally:
                temporary.unlink()
        except OSError as error:
            message = f"the ledger's key {self._path} cannot be made: {error.strerror}"
            raise Unavailable(message) from error
        return self.read()


class KeyText:
    """Implements seal.Key: the value of a variable, or nothing."""

    def __init__(self, text: str, where: str) -> None:
        self._key, self.where = text.strip().encode(), where

    def read(self) -> bytes:
        """Raises LedgerError when it is too short to be a key."""
        if self._key and len(self._key) < _FEWEST:
            message = f"{self.where} has {len(self._key)} bytes, of {_FEWEST} at least: take the output of `openssl rand -hex 32`"
            raise LedgerError(message)
        return self._key

    def made(self) -> bytes:
        """None is made."""
        return self.read()
