"""The forms that an address of the environment may have; what has none is refused before any library sees it, and might repeat it.

Each function takes what was given, returns it, and raises BadAddress (a ValueError, as Pydantic's validators do) with what it has
to be. Empty is "not set".
"""

from __future__ import annotations

import re
from pathlib import Path

from ratchet.core.address import BadAddress, has_password, read_address, secrets_in, sqlite_file, sqlite_url

_SQL = "postgresql+psycopg://user:password@host:port/database"
_BUCKET = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[^\x00-\x1f\x7f\\]*))?")
SOURCE = "sql:"  # in place of a folder: the database of RATCHET_SOURCE_URL
_NO_DATABASES = {"http", "https", "ftp", "file", "s3", "gs", "abfs", "hdfs"}
_MLFLOW_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_DATABRICKS = re.compile(r"(databricks|databricks-uc|uc)(://[\w.:-]*)?")


def database(value: str) -> str:
    """Of the ledger or the request log."""
    return _checked(value, ("sqlite", "postgresql"), f"it is sqlite:///file or {_SQL}")


def postgres(value: str) -> str:
    """Of the online store."""
    if value and not _database_of(_checked(value, ("postgresql",), f"it is {_SQL}")):
        message = f"it names no host or no database: it is {_SQL}"
        raise BadAddress(message)
    return value


def _database_of(value: str) -> bool:
    address = read_address(value, ("postgresql",))
    return bool(address.host and address.path)


def tracking(value: str) -> str:
    """Of MLflow: whatever MLflow takes."""
    if _DATABRICKS.fullmatch(value) or (value.startswith(("/", ".")) and not secrets_in(value)):
        return value
    return _checked(value, (*_MLFLOW_DATABASES, "http", "https", "file"), f"it is http://host:port, sqlite:///file or {_SQL}")


def web(value: str) -> str:
    """Of something that is asked by HTTP."""
    checked = _checked(value, ("http", "https"), "an address is http://host:port or https://host:port")
    if checked and not read_address(checked, ("http", "https")).host:
        message = "it names no host: an address is http://host:port or https://host:port"
        raise BadAddress(message)
    return checked


def bucket(value: str) -> str:
    """A place on S3."""
    if value:
        parts_of(value)
    return value


def database_of_data(value: str) -> str:
    """A database that raw snapshots are read from: whatever SQLAlchemy reaches."""
    if value:
        scheme = re.match(r"[A-Za-z][\w+.-]*(?=://)", value)
        family = scheme[0].partition("+")[0].lower() if scheme else ""
        if not family or family in _NO_DATABASES:
            message = f"it is {_SQL}, sqlite:///file, or another address that SQLAlchemy has a driver for"
            raise BadAddress(message)
        _checked(value, (family,), f"it is {_SQL}, sqlite:///file, or another that SQLAlchemy has a driver for")
    return value


def place_of_data(value: str) -> str:
    """A folder, a place on S3, `sql:` (the database of RATCHET_SOURCE_URL), or a database's address without a password in it.

    A place is stored with a run and shown by its orchestrator, and a command line is read by everybody on the machine.
    """
    if not is_database(value):
        return bucket(value) if "://" in value else value
    if value == SOURCE:
        return value
    database_of_data(value)
    if has_password(value):
        message = f"it has a password in it, which a command line shows to others: set RATCHET_SOURCE_URL to it and give {SOURCE}"
        raise BadAddress(message)
    return value


def is_database(place: str) -> bool:
    """Whether raw snapshots lie in a database there, and not in a folder or on S3."""
    return place == SOURCE or ("://" in place and not place.startswith("s3://"))


def reached_by_a_pod(place: str) -> bool:
    """Whether the place is no folder and no file of this machine."""
    return place.startswith("s3://") or (is_database(place) and sqlite_file(place) is None)


def settled(place: str) -> str:
    """The place as a process in another folder finds it, too."""
    if (file := sqlite_file(place)) is not None:
        return sqlite_url(str(Path(file).absolute()))
    return place if not place or "://" in place or place == SOURCE else str(Path(place).absolute())


def parts_of(url: str) -> tuple[str, list[str]]:
    """Bucket, and the parts of the prefix. Raises BadAddress."""
    found = _BUCKET.fullmatch(url)
    parts = (found["prefix"] or "").strip("/").split("/") if found else []
    if found is None or "@" in url or any(part in {".", ".."} for part in parts) or (len(parts) > 1 and "" in parts):
        message = "it is not s3://bucket/prefix"
        raise BadAddress(message)
    return found["bucket"], parts if parts != [""] else []


def _checked(value: str, schemes: tuple[str, ...], form: str) -> str:
    if value:
        try:
            read_address(value, schemes)
        except BadAddress as error:
            message = f"{error}; {form}"
            raise BadAddress(message) from None
    return value
