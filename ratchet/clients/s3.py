"""A folder in an S3 bucket: objects by key below `s3://bucket/prefix`. The one file that knows boto3.

Credentials, region and the address of a store other than Amazon's come from boto3's own variables (AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL_S3) or from the pod's identity.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)

from ratchet.clients.secrets import cause_of
from ratchet.core.address import BadAddress
from ratchet.core.errors import Misconfigured, RatchetError, Unavailable, UserError
from ratchet.project.addresses import parts_of

SCHEME = "s3://"
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 4},
    s3={"addressing_style": "path"},  # a store under one host name has no name for each bucket
    request_checksum_calculation="when_required",  # stores other than Amazon's refuse the trailers that are the default
    response_checksum_validation="when_required",
)
_ABSENT = {"NoSuchKey", "404", "NotFound"}
_WRITES = {"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"}
_REFUSED = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_RIGHTS = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "AllAccessDisabled"}
_LATER = {"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "RequestTimeTooSkewed", "OperationAborted"}
_LATER_STATUSES, _BROKEN = {408, 425, 429}, 500
_AWAY = (
    boto3.exceptions.RetriesExceededError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)


class Absent(RatchetError):  # noqa: N818 - what is so, not what failed
    """There is no object of that key."""


class Changed(RatchetError):  # noqa: N818 - as above
    """The object is not, or no longer, as the condition says."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An object: its key below the folder, its ETag (a new one with every change), its size in bytes and when it was written.

    `written` is seconds since the epoch, by the store's clock.
    """

    key: str
    etag: str
    size: int
    written: float = 0.0


class S3Folder:
    """Objects below one URL.

    Every method raises Unavailable when the store cannot be reached, and UserError when bucket, key or rights are wrong.

    Args:
        url: `s3://bucket/prefix`.
        variable: the setting or option that it came from, for messages.
    """

    def __init__(self, url: str, variable: str) -> None:
        try:
            self._bucket, parts = parts_of(url)
        except BadAddress as error:
            message = f"{variable} is not usable: {error}"
            raise UserError(message) from error
        self.url, self._variable = url.rstrip("/"), variable
        self._prefix = "/".join(parts) + "/" if parts else ""

    @cached_property
    def _client(self) -> Any:
        with self._translated():
            try:
                return boto3.session.Session().client("s3", config=_CONFIG)
            except ValueError as error:  # botocore's word for an endpoint that is no URL, which it repeats
                message = (
                    "AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL is not usable: an endpoint is http://host:port or https://host:port"
                )
                raise Misconfigured(message) from error

    def entries(self, below: str = "") -> list[Entry]:
        """All objects whose key begins with `below`, in the order of their keys."""
        with self._translated():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix + below)
            found = [item for page in pages for item in page.get("Contents", [])]
        return [
            Entry(item["Key"].removeprefix(self._prefix), item["ETag"], item["Size"], item["LastModified"].timestamp())
            for item in found
        ]

    def holds(self, below: str) -> bool:
        """Whether there is an object whose key begins with `below`."""
        with self._translated():
            return bool(
                self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix + below, MaxKeys=1).get("KeyCount", 0)
            )

    def folders(self) -> list[str]:
        """Names of the folders directly below."""
        with self._translated():
            paginator = self._client.get_paginator("list_objects_v2")
            pages = paginator.paginate(Bucket=self._bucket, Prefix=self._prefix, Delimiter="/")
            found = [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", [])]
        return sorted(name.removeprefix(self._prefix).rstrip("/") for name in found)

    def get(self, key: str) -> tuple[bytes, str]:
        """Content and ETag. Raises Absent."""
        with self._translated():
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
            return answer["Body"].read(), answer["ETag"]

    def download(self, key: str, path: Path) -> None:
        """Write the object into a file. Raises Absent."""
        with self._translated():
            self._client.download_file(self._bucket, self._prefix + key, str(path))

    def upload(self, path: Path, key: str) -> None:
        """Store a file, over whatever is there."""
        with self._translated():
            self._client.upload_file(str(path), self._bucket, self._prefix + key)

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store an object, over whatever is there."""
        with self._translated():
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=content, ContentType=content_type)

    def commit(self, key: str, content: bytes, *, over: str | None) -> str:
        """Store an object over the one with ETag `over`, or where there is none; its ETag. Raises Changed when that is not so."""
        condition = {"IfNoneMatch": "*"} if over is None else {"IfMatch": over}
        with self._translated():
            answer = self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=content, **condition)
            return str(answer["ETag"])

    def delete(self, key: str) -> None:
        """Remove an object; no error when it is not there."""
        with self._translated():
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            raise self._error(error) from error
        except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError) as error:
            message = f"no credentials for {self.url}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            raise Misconfigured(message) from error
        except SSLError as error:
            said = cause_of(error, os.environ.get("AWS_ENDPOINT_URL_S3", ""))
            message = (
                f"{self.url} is asked by TLS and its certificate is not accepted ({said}): check AWS_CA_BUNDLE and the endpoint"
            )
            raise Misconfigured(message) from error
        except (BotoCoreError, boto3.exceptions.Boto3Error) as error:
            cause = error.__cause__ or error.__context__
            if isinstance(cause, ClientError):  # transfers wrap it
                raise self._error(cause) from error
            said, where = cause_of(error, os.environ.get("AWS_ENDPOINT_URL_S3", "")), "AWS_ENDPOINT_URL_S3, AWS_REGION"
            if isinstance(error, _AWAY) or isinstance(cause, (*_AWAY, OSError)):
                message = f"{self.url} cannot be reached ({said}): check {self._variable}, {where}"
                raise Unavailable(message) from error
            message = f"{self.url} cannot be asked ({type(error).__name__}: {said}): check {self._variable}, {where}"
            raise Misconfigured(message) from error

    def _error(self, error: ClientError) -> RatchetError:
        code, status = str(error.response["Error"]["Code"]), error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
        if (
            code == "404" and error.operation_name in _WRITES
        ):  # nobody asked for an object, and no code of S3's says what is missing
            message = f"{self.url} answered a write by 404 and no reason: try again, or check AWS_ENDPOINT_URL_S3"
            return Unavailable(message)
        if code in _ABSENT:
            return Absent(f"{self.url} has no such object")
        if code in _REFUSED:
            return Changed(f"an object in {self.url} was changed meanwhile")
        if (wrong := self._wrong(code, status, error)) is not None:
            return Misconfigured(wrong)
        return Unavailable(f"{self.url} cannot be used now ({code}): try again, or check {self._variable}")

    def _wrong(self, code: str, status: int, error: ClientError) -> str | None:
        """What somebody has to change; None when it may go better later."""
        if code == "NoSuchBucket":
            return f"there is no bucket {self._bucket}: make it, or check {self._variable}"
        if code == "NotImplemented":
            message = "the store does not know conditional writes, without which two writers could undo one another"
            return f"{self.url} cannot be used, {message}: use one that does"
        if status in {401, 403} or code in _RIGHTS:
            return f"{self.url} refuses us ({code}): check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's policy"
        if code in _LATER or status in _LATER_STATUSES or status >= _BROKEN or not status:
            return None
        said = cause_of(error, os.environ.get("AWS_ENDPOINT_URL_S3", ""))
        return f"{self.url} does not take what it is asked ({said}): check {self._variable}, AWS_ENDPOINT_URL_S3, AWS_REGION"


def is_s3(place: str) -> bool:
    """Whether a place is an S3 URL and not a folder."""
    return place.startswith(SCHEME)
