"""An S3 store in memory, below boto3's client: what S3Folder asks of it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

_PUT_AT = datetime(2024, 1, 1, tzinfo=UTC)


class FakeS3:
    """One bucket's objects by key. Stands where `boto3.session.Session` does."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def __call__(self) -> FakeS3:
        return self

    def client(self, *_: object, **__: object) -> FakeS3:
        return self

    def get_paginator(self, _name: str) -> FakeS3:
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        yield self.list_objects_v2(**asked)

    def list_objects_v2(self, *, Prefix: str, **_: object) -> dict[str, Any]:  # noqa: N803 - boto3's names
        found = [key for key in sorted(self.objects) if key.startswith(Prefix)]
        contents = [{"Key": key, "ETag": self._etag(key), "Size": len(self.objects[key]), "LastModified": _PUT_AT} for key in found]
        return {"KeyCount": len(found), "Contents": contents}

    def get_object(self, *, Key: str, **_: object) -> dict[str, Any]:  # noqa: N803 - as above
        if Key not in self.objects:
            raise self._refusal("NoSuchKey", 404)
        return {"Body": io.BytesIO(self.objects[Key]), "ETag": self._etag(Key)}

    def put_object(self, *, Key: str, Body: bytes, IfMatch: str = "", IfNoneMatch: str = "", **_: object) -> dict[str, str]:  # noqa: N803
        if (IfNoneMatch and Key in self.objects) or (IfMatch and (Key not in self.objects or self._etag(Key) != IfMatch)):
            raise self._refusal("PreconditionFailed", 412)
        self.objects[Key] = Body
        return {"ETag": self._etag(Key)}

    def upload_file(self, path: str, _bucket: str, key: str) -> None:
        self.objects[key] = Path(path).read_bytes()

    def download_file(self, _bucket: str, key: str, path: str) -> None:
        Path(path).write_bytes(self.get_object(Key=key)["Body"].read())

    def delete_object(self, *, Key: str, **_: object) -> None:  # noqa: N803 - as above
        self.objects.pop(Key, None)

    def _etag(self, key: str) -> str:
        return f'"{hashlib.md5(self.objects[key], usedforsecurity=False).hexdigest()}"'

    @staticmethod
    def _refusal(code: str, status: int) -> ClientError:
        return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "asked")
