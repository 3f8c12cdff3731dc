"""Servers to hold the adapters of a cluster to their contracts. Each case that needs one is there only when its address is set.

`make test-cluster` sets them to the cluster's own servers. By hand: RATCHET_TEST_POSTGRES=postgresql+psycopg://admin:password@host/db
(a role that may create databases), RATCHET_TEST_S3=s3://bucket/prefix with AWS_* for boto3, RATCHET_TEST_MLFLOW=http://host:5000.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

POSTGRES = os.environ.get("RATCHET_TEST_POSTGRES", "")
S3 = os.environ.get("RATCHET_TEST_S3", "")
MLFLOW = os.environ.get("RATCHET_TEST_MLFLOW", "")


def only(present: str, *names: str) -> list[str]:
    """The names when the address is set, else none of them."""
    return list(names) if present else []


@contextmanager
def fresh_database() -> Iterator[str]:
    """URL of a new database on the server, gone afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    admin = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def fresh_prefix() -> str:
    """URL of an empty place on the S3 store."""
    return f"{S3.rstrip('/')}/{uuid.uuid4().hex}"
