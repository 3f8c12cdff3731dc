"""Every error that a vendor knows becomes the one that it is: to be tried again, to be mended by somebody, or a damaged store.

Each adapter is fed all error classes (or codes, or statuses) that its vendor has, also those that a later release brings: one that
nobody has thought of fails here until somebody says what it means.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from datetime import UTC, datetime
from typing import Any

import botocore.exceptions
import httpx
import kfp_server_api
import psycopg
import pytest
import requests
import sqlalchemy.exc
import urllib3
from boto3.exceptions import RetriesExceededError, S3UploadFailedError
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from kubernetes import client as kubernetes_client
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import ErrorCode

from pipelines.runners.kubeflow.api import KubeflowApi
from pipelines.runners.kubeflow.settings import KubeflowSettings
from ratchet.clients.kubernetes import DEPLOYMENT, Conflict, KubernetesApi
from ratchet.clients.s3 import Absent, Changed, S3Folder
from ratchet.clients.sql_errors import sql_error
from ratchet.core.errors import (
    ArtifactError,
    Misconfigured,
    PermanentError,
    RatchetError,
    RetryableError,
    Unavailable,
    UserError,
)
from ratchet.core.events import Pruned
from ratchet.features.feast_errors import feature_error
from ratchet.ledger.journal import Journal
from ratchet.notify.webhook import Webhook
from ratchet.registry.mlflow_errors import files_absent, is_absent, registry_error
from tests.support.fakes import FakeLedger

URI = "http://mlflow:5000"
LATER = {
    *("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "IO_ERROR", "SERVICE_UNDER_MAINTENANCE", "WORKSPACE_TEMPORARILY_UNAVAILABLE"),
    *("DEADLINE_EXCEEDED", "CANCELLED", "RESOURCE_EXHAUSTED", "ABORTED", "REQUEST_LIMIT_EXCEEDED", "COULD_NOT_ACQUIRE_LOCK"),
    *("UNPARSEABLE_HTTP_ERROR", "DEPLOYMENT_TIMEOUT", "PROJECTS_OPERATION_TIMEOUT", "GIT_REMOTE_ERROR"),
    *("INSECURE_PARTNER_RESPONSE", "MALFORMED_PARTNER_RESPONSE"),
}
ABSENT = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}
REFUSED = {"PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"}


def mlflow(code: str, message: str = "it said so") -> MlflowException:
    return MlflowException(message, error_code=ErrorCode.Value(code))


def wrapped(error: Exception, code: str = "INTERNAL_ERROR") -> MlflowException:
    """As MLflow raises from what lies below it."""
    try:
        raise mlflow(code, str(error)) from error
    except MlflowException as outer:
        return outer


# --- the registry ---


@pytest.mark.parametrize("code", sorted(ErrorCode.keys()))
def test_an_error_code_of_mlflow_is_what_it_says(code: str) -> None:
    error = mlflow(code)
    assert is_absent(error) == (code in ABSENT)
    assert files_absent(error) == (code in ABSENT)
    if code in ABSENT:
        return
    ours = registry_error(error, URI)
    assert isinstance(ours, RetryableError) == (code in LATER), str(ours)
    assert ("cannot be reached" in str(ours)) == (code in LATER)
    assert ("refuses us" in str(ours)) == (code in REFUSED)
    assert "files are not in" not in str(ours)


def test_an_alias_that_is_not_there_is_absent_and_another_bad_parameter_is_not() -> None:
    assert is_absent(mlflow("INVALID_PARAMETER_VALUE", "Registered model alias production not found."))
    assert not is_absent(mlflow("INVALID_PARAMETER_VALUE", "Invalid model name: ''"))


@pytest.mark.parametrize(
    ("below", "kind"),
    [
        (requests.exceptions.ConnectionError("refused"), Unavailable),
        (requests.exceptions.ConnectTimeout("slow"), Unavailable),
        (requests.exceptions.ReadTimeout("slow"), Unavailable),
        (requests.exceptions.ChunkedEncodingError("broke off"), Unavailable),
        (requests.exceptions.RetryError("too many 503 error responses"), Unavailable),
        (requests.exceptions.SSLError("certificate verify failed"), Misconfigured),
        (requests.exceptions.InvalidURL("no host"), Misconfigured),
        (requests.exceptions.InvalidSchema("no adapters"), Misconfigured),
        (requests.exceptions.MissingSchema("no scheme"), Misconfigured),
        (requests.exceptions.InvalidProxyURL("no proxy"), Misconfigured),
        (PermissionError(13, "Permission denied"), Misconfigured),
        (OSError(28, "No space left on device"), Unavailable),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_what_lies_under_an_error_of_mlflow_is_the_cause(below: Exception, kind: type[RatchetError]) -> None:
    ours = registry_error(wrapped(below), URI)
    assert type(ours) is kind
    assert str(getattr(below, "strerror", None) or below).split()[0] in str(ours)
    assert not files_absent(wrapped(below))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 409, 413, 422, 429, 500, 501, 502, 503, 504])
def test_an_http_status_of_mlflow_is_what_it_says(status: int) -> None:
    response = requests.Response()
    response.status_code = status
    error = wrapped(requests.HTTPError(f"{status} of the server", response=response))
    assert files_absent(error) == (status == 404)
    ours = registry_error(error, URI)
    assert isinstance(ours, RetryableError) == (status >= 500 or status in {408, 429}), str(ours)
    assert ("refuses us" in str(ours)) == (status in {401, 403})


@pytest.mark.parametrize(
    ("said", "absent", "kind"),
    [
        ("An error occurred (404) when calling the HeadObject operation: Not Found", True, None),
        ("An error occurred (NoSuchKey) when calling the GetObject operation: gone", True, None),
        ("[Errno 2] No such file or directory: '/a/scorer.json'", True, None),
        ("No such artifact: 'model'", True, None),
        ("HTTPError('404 Client Error: NOT FOUND for url: http://mlflow')", True, None),
        ("An error occurred (AccessDenied) when calling the GetObject operation: Access Denied", False, Misconfigured),
        ("An error occurred (403) when calling the HeadObject operation: Forbidden", False, Misconfigured),
        ("An error occurred (NoSuchBucket) when calling the ListObjectsV2 operation: no bucket", False, Misconfigured),
        ("An error occurred (SlowDown) when calling the GetObject operation: slow down", False, Unavailable),
        ("Unable to locate credentials", False, Misconfigured),
        ("[Errno 13] Permission denied: '/a'", False, Misconfigured),
        ("HTTPError('500 Server Error: broken for url: http://mlflow')", False, Unavailable),
        ("HTTPError('403 Client Error: FORBIDDEN for url: http://mlflow')", False, Misconfigured),
        ('Could not connect to the endpoint URL: "http://s3:9000/b"', False, Unavailable),
        ("HTTPConnectionPool(host='mlflow', port=5000): Read timed out.", False, Unavailable),
    ],
)
def test_files_are_missing_when_their_store_says_so_and_never_else(said: str, absent: bool, kind: type[RatchetError]) -> None:
    error = mlflow(
        "INTERNAL_ERROR", f"The following failures occurred while downloading one or more artifacts from s3://b:\n{said}"
    )
    assert files_absent(error) == absent
    if not absent:
        assert type(registry_error(error, URI)) is kind


# --- databases ---


class Origin(Exception):  # noqa: N818 - a driver's error
    """A driver's error with PostgreSQL's code for it."""

    def __init__(self, text: str, sqlstate: str | None = None) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


def database(kind: Any, text: str = "it said so", sqlstate: str | None = None) -> Exception:
    message = ("it said so",) if kind is sqlalchemy.exc.StatementError else ()
    error: Exception = kind(*message, "SELECT 1", {}, Origin(text, sqlstate))
    return error


DBAPI = {
    "OperationalError": Unavailable,
    "InterfaceError": Unavailable,
    "IntegrityError": Unavailable,  # of two writers one was later
    "DatabaseError": PermanentError,
    "DataError": PermanentError,
    "InternalError": PermanentError,
    "NotSupportedError": PermanentError,
    "ProgrammingError": PermanentError,
    "DBAPIError": PermanentError,
}
OTHERS = {"TimeoutError": Unavailable, "DisconnectionError": Unavailable, "InvalidatePoolError": Unavailable}


def _sqlalchemy_errors() -> list[str]:
    found = vars(sqlalchemy.exc).items()
    return sorted(name for name, kind in found if isinstance(kind, type) and issubclass(kind, sqlalchemy.exc.SQLAlchemyError))


@pytest.mark.parametrize("name", _sqlalchemy_errors())
def test_an_error_class_of_sqlalchemy_is_what_it_says(name: str) -> None:
    kind = getattr(sqlalchemy.exc, name)
    error = database(kind) if issubclass(kind, sqlalchemy.exc.StatementError) else kind.__new__(kind, "it said so")
    ours = sql_error(error, "the ledger", "postgresql://u:p@db/x", "RATCHET_LEDGER_URL")
    if issubclass(kind, sqlalchemy.exc.ArgumentError):
        assert type(ours) is Misconfigured
        assert "is not usable" in str(ours)
        return
    expected = DBAPI.get(name) or OTHERS.get(name) or PermanentError
    assert type(ours) is expected, str(ours)
    assert ("cannot be reached" in str(ours)) == (expected is Unavailable)


@pytest.mark.parametrize(
    ("kind", "sqlstate", "expected"),
    [
        ("OperationalError", "28P01", Misconfigured),  # wrong password
        ("OperationalError", "28000", Misconfigured),
        ("OperationalError", "3D000", Misconfigured),  # no such database
        ("ProgrammingError", "42501", Misconfigured),  # no right
        ("ProgrammingError", "42P01", Misconfigured),  # no such table
        ("ProgrammingError", "42703", Misconfigured),
        ("DataError", "22001", Misconfigured),
        ("InternalError", "25006", Misconfigured),  # a server that only reads
        ("OperationalError", "08006", Unavailable),
        ("OperationalError", "40001", Unavailable),
        ("OperationalError", "40P01", Unavailable),
        ("OperationalError", "53300", Unavailable),  # too many connections
        ("OperationalError", "53100", Unavailable),  # disk full
        ("OperationalError", "55P03", Unavailable),
        ("OperationalError", "57P01", Unavailable),  # shut down
        ("OperationalError", "57P03", Unavailable),  # starts up
        ("OperationalError", "57014", Unavailable),
        ("OperationalError", "58030", Unavailable),
        ("InternalError", "XX000", PermanentError),
        ("InternalError", "P0001", PermanentError),  # a trigger's refusal
    ],
)
def test_a_code_of_postgresql_is_what_it_says(kind: str, sqlstate: str, expected: type[RatchetError]) -> None:
    error = database(getattr(sqlalchemy.exc, kind), "it said so", sqlstate)
    assert type(sql_error(error, "the ledger", "postgresql://db/x", "RATCHET_LEDGER_URL")) is expected


WORDS = [
    ('connection failed: FATAL:  password authentication failed for user "u"', Misconfigured, "refuses us"),
    ("connection failed: fe_sendauth: no password supplied", Misconfigured, "refuses us"),
    ('connection failed: FATAL:  no pg_hba.conf entry for host "1.2.3.4"', Misconfigured, "refuses us"),
    ('connection failed: FATAL:  database "x" does not exist', Misconfigured, "cannot be used"),
    ('connection failed: FATAL:  role "x" does not exist', Misconfigured, "cannot be used"),
    ("connection failed: server does not support SSL, but SSL was required", Misconfigured, "cannot be used"),
    ("connection failed: Connection refused", Unavailable, "cannot be reached"),
    ("failed to resolve host 'db'", Unavailable, "cannot be reached"),
    ("connection timeout expired", Unavailable, "cannot be reached"),
    ("FATAL:  the database system is starting up", Unavailable, "cannot be reached"),
    ("FATAL:  sorry, too many clients already", Unavailable, "cannot be reached"),
    ("database is locked", Unavailable, "cannot be reached"),
    ("database or disk is full", Unavailable, "cannot be reached"),
    ("disk I/O error", Unavailable, "cannot be reached"),
    ("unable to open database file", Unavailable, "cannot be reached"),
    ("attempt to write a readonly database", Misconfigured, "cannot be used"),
    ("file is not a database", Misconfigured, "cannot be used"),
    ("database disk image is malformed", Misconfigured, "cannot be used"),
    ("no such table: ledger", Misconfigured, "cannot be used"),
]


@pytest.mark.parametrize(("said", "kind", "sentence"), WORDS)
def test_what_a_database_says_while_it_is_opened_is_the_cause(said: str, kind: type[RatchetError], sentence: str) -> None:
    ours = sql_error(database(sqlalchemy.exc.OperationalError, said), "the ledger", "postgresql://db/x", "RATCHET_LEDGER_URL")
    assert type(ours) is kind
    assert f"the ledger at db/x {sentence} (" in str(ours)


def test_a_registry_whose_database_refuses_us_is_not_away() -> None:
    below = database(sqlalchemy.exc.OperationalError, 'FATAL:  password authentication failed for user "u"')
    ours = registry_error(wrapped(below, "TEMPORARILY_UNAVAILABLE"), "postgresql://u:p@db/x")
    assert type(ours) is Misconfigured
    assert "the model registry at db/x refuses us" in str(ours)


# --- features ---


def _feast_errors() -> list[type[Exception]]:
    errors = sys.modules["feast.errors"]  # imported by the adapter, which keeps Feast from sharing its metrics
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.FeastError)]


@pytest.mark.parametrize("kind", _feast_errors(), ids=lambda kind: kind.__name__)
def test_an_error_of_feast_is_a_definition_that_does_not_fit_and_never_away(kind: type[Exception]) -> None:
    ours = feature_error(kind.__new__(kind, "it said so"), "the feature store db", "read", "")
    assert type(ours) is Misconfigured


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (psycopg.OperationalError("Connection refused"), Unavailable),
        (psycopg.InterfaceError("the connection is closed"), Unavailable),
        (psycopg.OperationalError('password authentication failed for user "u"'), Misconfigured),
        (psycopg.OperationalError('database "x" does not exist'), Misconfigured),
        (psycopg.errors.InsufficientPrivilege("permission denied for table f"), Misconfigured),
        (psycopg.errors.UndefinedTable("relation f does not exist"), PermanentError),
        (psycopg.DataError("it said so"), PermanentError),
        (psycopg.IntegrityError("it said so"), PermanentError),
        (psycopg.NotSupportedError("it said so"), PermanentError),
        (psycopg.InternalError("it said so"), PermanentError),
        (sqlite3.OperationalError("database is locked"), Unavailable),
        (sqlite3.OperationalError("database or disk is full"), Unavailable),
        (sqlite3.DatabaseError("file is not a database"), ArtifactError),
        (sqlite3.DatabaseError("database disk image is malformed"), ArtifactError),
        (sqlite3.ProgrammingError("it said so"), PermanentError),
        (DecodeError("it said so"), ArtifactError),
        (PermissionError(13, "Permission denied"), Misconfigured),
        (NotADirectoryError(20, "Not a directory"), Misconfigured),
        (OSError(28, "No space left on device"), Unavailable),
    ],
    ids=lambda value: f"{type(value).__name__}" if isinstance(value, Exception) else value.__name__,
)
def test_what_a_store_of_features_raises_is_what_it_is(error: Exception, kind: type[RatchetError]) -> None:
    assert type(feature_error(error, "the feature store db", "read", "")) is kind


# --- S3 ---

AWAY = {
    *("ConnectionError", "ConnectTimeoutError", "EndpointConnectionError", "ProxyConnectionError", "HTTPClientError"),
    *("ConnectionClosedError", "IncompleteReadError", "ReadTimeoutError", "ResponseStreamingError"),
}


def _botocore_errors() -> list[str]:
    found = vars(botocore.exceptions).items()
    return sorted(name for name, kind in found if isinstance(kind, type) and issubclass(kind, botocore.exceptions.BotoCoreError))


def raised_by_s3(error: Exception) -> Exception:
    folder = S3Folder("s3://bucket/place", "RATCHET_SNAPSHOTS_URL")
    with pytest.raises(RatchetError) as caught, folder._translated():  # noqa: SLF001 - every method goes through it
        raise error
    return caught.value


@pytest.mark.parametrize("name", _botocore_errors())
def test_an_error_class_of_botocore_is_what_it_says(name: str) -> None:
    kind = getattr(botocore.exceptions, name)
    ours = raised_by_s3(kind.__new__(kind, "it said so"))
    assert isinstance(ours, Unavailable) == (name in AWAY), str(ours)
    assert isinstance(ours, Misconfigured) == (name not in AWAY)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("NoSuchKey", 404, Absent),
        ("404", 404, Absent),
        ("NoSuchBucket", 404, Misconfigured),
        ("PreconditionFailed", 412, Changed),
        ("ConditionalRequestConflict", 409, Changed),
        ("AccessDenied", 403, Misconfigured),
        ("InvalidAccessKeyId", 403, Misconfigured),
        ("SignatureDoesNotMatch", 403, Misconfigured),
        ("ExpiredToken", 400, Misconfigured),
        ("InvalidRequest", 400, Misconfigured),
        ("AuthorizationHeaderMalformed", 400, Misconfigured),
        ("PermanentRedirect", 301, Misconfigured),
        ("MethodNotAllowed", 405, Misconfigured),
        ("EntityTooLarge", 413, Misconfigured),
        ("NotImplemented", 501, Misconfigured),
        ("RequestTimeout", 400, Unavailable),
        ("Throttling", 400, Unavailable),
        ("TooManyRequests", 429, Unavailable),
        ("InternalError", 500, Unavailable),
        ("SlowDown", 503, Unavailable),
        ("ServiceUnavailable", 503, Unavailable),
        ("XMinioStorageFull", 507, Unavailable),
    ],
)
def test_an_answer_of_s3_is_what_it_says(code: str, status: int, kind: type[RatchetError]) -> None:
    answer: Any = {"Error": {"Code": code, "Message": "it said so"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = botocore.exceptions.ClientError(answer, "GetObject")
    assert type(raised_by_s3(error)) is kind
    transfer = S3UploadFailedError(str(error))
    transfer.__cause__ = error
    assert type(raised_by_s3(transfer)) is kind


@pytest.mark.parametrize(("code", "kind"), [("404", Unavailable), ("NoSuchKey", Absent), ("NoSuchBucket", Misconfigured)])
def test_a_write_that_is_answered_by_404_is_tried_again_unless_the_store_says_what_is_missing(
    code: str, kind: type[RatchetError]
) -> None:
    """`NoSuchKey` is what S3 says to a write that was to replace an object; a bare 404 says nothing, and is known to pass."""
    answer: Any = {"Error": {"Code": code, "Message": "Not Found"}, "ResponseMetadata": {"HTTPStatusCode": 404}}
    assert type(raised_by_s3(botocore.exceptions.ClientError(answer, "PutObject"))) is kind


def test_a_transfer_that_was_tried_often_is_tried_again() -> None:
    assert type(raised_by_s3(RetriesExceededError(OSError("broke off")))) is Unavailable


# --- the cluster ---


class Api:
    """A client of the cluster that raises."""

    configuration = kubernetes_client.Configuration(host="https://10.0.0.1:6443")

    def __init__(self, error: Exception) -> None:
        self._error = error

    def call_api(self, *_: object, **__: object) -> None:
        raise self._error


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 406, 408, 409, 410, 413, 415, 422, 425, 429, 500, 502, 503, 504])
def test_a_status_of_kubernetes_is_what_it_says(status: int) -> None:
    error = kubernetes_client.ApiException(status=status, reason="it said so")
    error.body = json.dumps({"kind": "Status", "apiVersion": "v1", "message": "it said so"}).encode()
    with pytest.raises(RatchetError) as caught:
        KubernetesApi(Api(error), "place", inside=False).patch(DEPLOYMENT, "ratchet", {})
    again = status >= 500 or status in {408, 425, 429}
    assert type(caught.value) is (Conflict if status == 409 else Unavailable if again else UserError), str(caught.value)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (urllib3.exceptions.MaxRetryError(None, "/", None), Unavailable),  # type: ignore[arg-type]
        (urllib3.exceptions.ReadTimeoutError(None, "/", "slow"), Unavailable),  # type: ignore[arg-type]
        (ConnectionResetError(104, "reset"), Unavailable),
        (kubernetes_client.ApiException(status=0, reason="SSLError\nEOF occurred"), Unavailable),
        (kubernetes_client.ApiException(status=0, reason="SSLError\n[SSL: CERTIFICATE_VERIFY_FAILED] no issuer"), UserError),
    ],
)
def test_a_cluster_that_does_not_answer_is_tried_again_and_a_wrong_certificate_is_not(
    error: Exception, kind: type[RatchetError]
) -> None:
    with pytest.raises(RatchetError) as caught:
        KubernetesApi(Api(error), "place", inside=False).patch(DEPLOYMENT, "ratchet", {})
    assert type(caught.value) is kind


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504])
def test_a_status_of_kubeflow_is_what_it_says(status: int) -> None:
    api = KubeflowApi(KubeflowSettings(url="http://kubeflow:8888"))
    ours = api._refused(kfp_server_api.ApiException(status=status, reason="it said so"))  # noqa: SLF001 - all go through it
    assert isinstance(ours, Unavailable) == (status >= 500 or status in {408, 429})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (urllib3.exceptions.NewConnectionError(None, "refused"), Unavailable),  # type: ignore[arg-type]
        (TimeoutError("slow"), Unavailable),
        (httpx.ConnectError("refused"), Unavailable),
        (urllib3.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] no issuer"), UserError),
        (FileNotFoundError(2, "No such file", "/ca.pem"), UserError),
    ],
)
def test_a_kubeflow_that_is_away_is_tried_again_and_a_wrong_certificate_is_not(error: Exception, kind: type[RatchetError]) -> None:
    assert type(KubeflowApi(KubeflowSettings(url="http://kubeflow:8888"))._unavailable(error)) is kind  # noqa: SLF001


def _httpx_errors() -> list[type[Exception]]:
    return [kind for kind in vars(httpx).values() if isinstance(kind, type) and issubclass(kind, httpx.HTTPError)]


@pytest.mark.parametrize("kind", [*_httpx_errors(), httpx.InvalidURL], ids=lambda kind: kind.__name__)
def test_whatever_keeps_a_notifier_from_its_place_is_one_line_and_no_error(
    monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def away(*_: object, **__: object) -> None:
        raise kind.__new__(kind, "it said so")

    said: list[str] = []
    monkeypatch.setattr(httpx, "stream", away)
    Journal(FakeLedger(), "shop", [Webhook("http://hooks.example/secret", said.append).notify]).append(
        Pruned(before=datetime(2024, 3, 1, tzinfo=UTC), answers=7)
    )
    assert said == [f"[NOTIFY] record 1 (prune) did not reach RATCHET_NOTIFY_URL: {kind.__name__}"]
