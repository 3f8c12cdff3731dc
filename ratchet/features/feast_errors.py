"""What Feast and the stores beneath it raise, as our errors."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import psycopg
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it ships no types

from ratchet.clients.lean_imports import feast_importable
from ratchet.clients.secrets import cause_of
from ratchet.core.errors import ArtifactError, Misconfigured, PermanentError, RatchetError, Unavailable

with feast_importable():
    import feast.metrics  # noqa: F401 - as in feast_features
    from feast.errors import FeastError, FeastProviderLoginError

_RIGHTS = re.compile(r"authentication failed|no password supplied|no pg_hba\.conf entry|permission denied", re.IGNORECASE)
_WRONG = re.compile(
    r"(database|role|schema) .*does not exist|invalid (connection|dsn|port|sslmode)|SSL was required|does not support SSL"
    r"|certificate",
    re.IGNORECASE,
)
_DAMAGED = re.compile(r"not a database|malformed", re.IGNORECASE)
_AWAY = re.compile(r"Connect|Timeout|TimedOut|Unavailable|Operational")  # in the name of an error of a library that we do not know
_AWAY_SQLITE = (sqlite3.OperationalError, sqlite3.InterfaceError)
_AWAY_POSTGRES = (psycopg.OperationalError, psycopg.InterfaceError)
_MADE_ANEW = "delete it, and `ratchet data ingest` fills it anew"


def feature_error(error: Exception, where: str, verb: str, given: str) -> RatchetError:
    """The error to raise.

    Args:
        error: Feast's, of a store beneath it, or of the system.
        where: the store, for the sentence.
        verb: what it cannot be: read or written.
        given: the address that it was reached by; empty for files.
    """
    cause = cause_of(error, given)
    text = str(error)
    sentence = f"{where} cannot be {verb}: {cause}"
    if isinstance(error, PermissionError | FeastProviderLoginError | IsADirectoryError | NotADirectoryError | FileExistsError):
        return Misconfigured(f"{sentence}; check its place and rights")
    if isinstance(error, psycopg.Error) and (_RIGHTS.search(text) or _WRONG.search(text)):
        return Misconfigured(f"{sentence}; check address, user, password and rights in RATCHET_ONLINE_URL")
    if isinstance(error, DecodeError) or (isinstance(error, sqlite3.DatabaseError) and _DAMAGED.search(text)):
        return ArtifactError(f"{sentence} (it is damaged); {_MADE_ANEW}")
    if isinstance(error, (*_AWAY_SQLITE, *_AWAY_POSTGRES, OSError)):
        return Unavailable(sentence)
    if isinstance(error, FeastError):
        return Misconfigured(f"{sentence}; it is not as this ratchet.yaml has it, `ratchet data ingest` fills it anew")
    return PermanentError(f"{sentence} ({type(error).__name__})")


def repository_error(error: Exception, folder: Path, secrets: Sequence[str]) -> RatchetError:
    """The error to raise for a Feast repository that is not ours; its stores may be of any kind.

    Args:
        error: of Feast, or of whatever library its stores are reached by.
        folder: the repository.
        secrets: addresses of its configuration, whose secrets the cause must not show.
    """
    sentence = f"the Feast repository {folder} cannot be read: {cause_of(error, *secrets)} ({type(error).__name__})"
    if isinstance(error, PermissionError | FeastProviderLoginError | FileNotFoundError) or _RIGHTS.search(str(error)):
        return Misconfigured(f"{sentence}; check its place and rights in feature_store.yaml")
    if isinstance(error, (*_AWAY_SQLITE, *_AWAY_POSTGRES, OSError)) or _AWAY.search(type(error).__name__):
        return Unavailable(sentence)
    return Misconfigured(f"{sentence}; see that Feast itself can read it, by `feast feature-services list` there")
