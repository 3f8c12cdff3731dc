"""The forms that an address of the environment may have; what has none is refused before any library sees it, and might repeat it.

Each function takes what was given, returns it, and raises BadAddress (a ValueError, as Pydantic's validators do) with what it has
to be. Empty is "not set".
"""

from __future__ import annotations

import re

from ratchet.core.address import BadAddress, read_address, secrets_in

_SQL = "postgresql+psycopg://user:password@host:port/database"
_BUCKET = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[^\x00-\x1f\x7f\\]*))?")
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


def place_or_bucket(value: str) -> str:
    """A folder, or a place on S3."""
    if "://" not in value:
        return value
    return bucket(value)


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
