"""What MLflow raises, as our errors: by its error codes, and by what lies under those that it only wraps.

`INVALID_PARAMETER_VALUE` is also its word for an alias that is not there, and `RESOURCE_DOES_NOT_EXIST` for anything else that is
not: those that say so of what was asked for are for the caller to read (`is_absent`), and never "cannot be reached".
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

from requests.exceptions import HTTPError as HttpStatus
from requests.exceptions import InvalidProxyURL, InvalidSchema, InvalidURL, MissingSchema, RequestException, SSLError
from sqlalchemy.exc import SQLAlchemyError

from ratchet.clients.secrets import cause_of
from ratchet.clients.sql_errors import UNUSABLE, sql_error
from ratchet.core.address import place_of
from ratchet.core.errors import Misconfigured, RatchetError, Unavailable

_ABSENT = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}
_NO_ALIAS = re.compile(r"alias .* not found", re.IGNORECASE)
_REFUSED = {"PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"}
_LATER = {
    "INTERNAL_ERROR",
    "TEMPORARILY_UNAVAILABLE",
    "IO_ERROR",
    "SERVICE_UNDER_MAINTENANCE",
    "WORKSPACE_TEMPORARILY_UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "CANCELLED",
    "RESOURCE_EXHAUSTED",
    "ABORTED",
    "REQUEST_LIMIT_EXCEEDED",
    "COULD_NOT_ACQUIRE_LOCK",
    "UNPARSEABLE_HTTP_ERROR",
    "DEPLOYMENT_TIMEOUT",
    "PROJECTS_OPERATION_TIMEOUT",
    "GIT_REMOTE_ERROR",
    "INSECURE_PARTNER_RESPONSE",
    "MALFORMED_PARTNER_RESPONSE",
}
_STATUS = re.compile(r"(?:error code|HTTP code|status code) (\d{3})|\b(\d{3}) (?:Client|Server) Error")
_OF_S3 = re.compile(r"An error occurred \((\w+)\) when calling")
_S3_STATUS = {
    "NoSuchKey": 404,
    "NoSuchBucket": 400,
    "AccessDenied": 403,
    "InvalidAccessKeyId": 403,
    "SignatureDoesNotMatch": 403,
    "ExpiredToken": 403,
    "SlowDown": 503,
    "ServiceUnavailable": 503,
    "InternalError": 500,
}
_NO_CREDENTIALS = "Unable to locate credentials"
_NOT_SIGNED_IN = {401, 403}
_BROKEN, _TOO_MANY, _TIMEOUT = 500, 429, 408
_WRONG_REQUESTS = (InvalidURL, InvalidSchema, MissingSchema, InvalidProxyURL, SSLError)
_FILES = (FileNotFoundError, NotADirectoryError)
_VARIABLE = "RATCHET_TRACKING_URI"
_CREDENTIALS = (
    "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, MLFLOW_TRACKING_TOKEN, or the store's own (AWS_ACCESS_KEY_ID, ...)"
)


def is_absent(error: Exception) -> bool:
    """Whether MLflow says that what was asked for is not there."""
    code = getattr(error, "error_code", "")
    return code in _ABSENT or (code == "INVALID_PARAMETER_VALUE" and bool(_NO_ALIAS.search(str(error))))


def files_absent(error: Exception) -> bool:
    """Whether a download failed because files are not there, by the store's own word, and for no other reason."""
    links = list(_chain(error))
    if any(isinstance(link, _FILES) for link in links):
        return True
    statuses = {_status(link) for link in links} - {0}
    if statuses:
        return statuses == {404}
    return is_absent(error) or bool(re.search(r"\[Errno (2|20)\]|No such (file or directory|artifact)|NoSuchKey", str(error)))


def registry_error(error: Exception, uri: str) -> RatchetError:
    """The error to raise from one that is not `is_absent`."""
    links = list(_chain(error))
    if (below := next((link for link in links if isinstance(link, SQLAlchemyError)), None)) is not None:
        return sql_error(below, "the model registry", uri, _VARIABLE)
    where, cause = f"the model registry at {place_of(uri)}", cause_of(error, uri)
    if isinstance(error, sqlite3.Error):
        kind = Unavailable if isinstance(error, sqlite3.OperationalError) and "readonly" not in cause else Misconfigured
        return kind(f"{where} cannot be used ({cause}): check it and {_VARIABLE}")
    if isinstance(error, UNUSABLE) and not isinstance(error, RequestException | OSError):
        return Misconfigured(f"{where} cannot be used ({cause}): check {_VARIABLE}, and whether its driver is installed")
    status = next((found for link in links if (found := _status(link))), 0)
    code = str(getattr(error, "error_code", ""))
    if code in _REFUSED or status in _NOT_SIGNED_IN:
        return Misconfigured(f"{where} or its artifact store refuses us ({cause}): check the credentials, {_CREDENTIALS}")
    wrong = any(isinstance(link, (*_WRONG_REQUESTS, PermissionError)) or "[Errno 13]" in str(link) for link in links)
    if not wrong and _is_away(error, code, status):
        return Unavailable(f"{where} cannot be reached ({cause}): check it and {_VARIABLE}")
    return Misconfigured(
        f"{where} does not take what it is asked ({code or type(error).__name__}: {cause}): check it and {_VARIABLE}"
    )


def _is_away(error: Exception, code: str, status: int) -> bool:
    if status:
        return status >= _BROKEN or status in {_TOO_MANY, _TIMEOUT}
    if isinstance(error, RequestException | OSError):
        return True
    return code in _LATER


def _status(error: BaseException) -> int:
    """The HTTP status that it tells of, 0 for none; a download's error tells of its files' as text alone."""
    if isinstance(error, HttpStatus) and error.response is not None:
        return int(error.response.status_code)
    text = str(error)
    if found := _STATUS.search(text):
        return int(found[1] or found[2])
    if found := _OF_S3.search(text):
        return _S3_STATUS.get(found[1], int(found[1]) if found[1].isdigit() else 0)
    return 403 if _NO_CREDENTIALS in text else 0


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__
