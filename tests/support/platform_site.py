"""A PostgreSQL and an S3 store (versitygw) of this machine, started as the pods of the chart platform start them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from sqlalchemy import create_engine, text

from cluster import packages
from cluster.images import ROOT

FILES = ROOT / "charts" / "platform" / "files"
POSTGRES = ("initdb", "postgres", "psql", "pg_dump", "pg_dumpall", "pg_restore", "dropdb")


def _postgres() -> Path | None:
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *map(Path, os.environ.get("PATH", "").split(":"))]
    return next((folder for folder in folders if all((folder / name).exists() for name in POSTGRES)), None)


def _gateway() -> str | None:
    """A cluster's own tools are links to three programs of those that were built."""
    tools = packages.built_tools()
    return str(tools / "versitygw") if tools and (tools / "versitygw").exists() else shutil.which("versitygw")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Site:
    """A database server and a store as the chart has them, and a folder for backups."""

    folder: Path
    port: int = field(default_factory=free_port)
    store: int = field(default_factory=free_port)
    sslmode: str = "prefer"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{_postgres()}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "BACKUPS": str(self.folder / "backups"),
            "DATABASES": "ratchet mlflow",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": "postgres",
            "PGPASSWORD": "secret",
            "PGSSLMODE": self.sslmode,
            "BUCKET": "ratchet",
            "KEEP": "2",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{self.store}",
        }

    def run(self, *command: str | Path, code: int = 0, **more: str) -> str:
        environment = {**self.environment, **more}
        done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False, timeout=120)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    def back_up(self) -> str:
        """The name of a new backup, made as the CronJob's pod does."""
        self.run("sh", FILES / "dump.sh")
        said = self.run(sys.executable, "-P", FILES / "objects.py", "save")
        time.sleep(1.1)  # a name is a second
        return said.partition(":")[0]

    def restore(self, name: str, code: int = 0) -> str:
        said = self.run(sys.executable, "-P", FILES / "objects.py", "restore", name, code=code)
        return said if code else said + self.run("sh", FILES / "restore.sh", BACKUP=name)

    def sql(self, database: str, statement: str) -> list[Any]:
        url = f"postgresql+psycopg://postgres:secret@127.0.0.1:{self.port}/{database}?sslmode={self.sslmode}"
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                result = connection.execute(text(statement))
                return [tuple(row) for row in result] if result.returns_rows else []
        finally:
            engine.dispose()

    @property
    def bucket(self) -> Any:
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        return boto3.resource("s3", endpoint_url=self.environment["AWS_ENDPOINT_URL_S3"], **keys).Bucket("ratchet")

    def objects(self) -> dict[str, bytes]:
        return {item.key: item.get()["Body"].read() for item in self.bucket.objects.all()}


def _answers(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(port)


ROLES = ("PROMOTER_PASSWORD", "READER_PASSWORD", "SERVING_PASSWORD")


@contextmanager
def a_site() -> Iterator[Site]:
    """Folders for both servers, which are not started yet."""
    if _postgres() is None or _gateway() is None:
        pytest.skip("PostgreSQL's programs or versitygw are missing: `make cluster-up IMAGES=packages` builds the latter")
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory(dir="/tmp" if root else None) as name:  # noqa: S108 - PostgreSQL's user must reach it
        folder = Path(name)
        (folder / "backups").mkdir()
        (folder / "s3" / "ratchet").mkdir(parents=True)
        (folder / "postgres").mkdir()
        if root:  # PostgreSQL does not run as root
            folder.chmod(0o755)
            shutil.chown(folder / "postgres", "nobody")
        yield Site(folder)


@contextmanager
def database(site: Site, *, tls: bool = False, roles: bool = False) -> Iterator[None]:
    """The chart's PostgreSQL; where there was one in this folder, on its data.

    Args:
        site: where.
        tls: with a certificate of its own.
        roles: with passwords of the roles, as releases have them that know roles.
    """
    root, folder, secret = os.geteuid() == 0, site.folder, site.folder / "postgres" / "tls"
    if tls:
        site.sslmode = "require"
        secret.mkdir()
        request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=platform-postgres", "-days", "2"]
        subprocess.run([*request, "-keyout", secret / "tls.key", "-out", secret / "tls.crt"], check=True, capture_output=True)
        secret.chmod(0o755)  # whatever the umask of this process is: nobody reads it
        (secret / "tls.crt").chmod(0o644)
        (secret / "tls.key").chmod(0o600)
        if root:
            shutil.chown(secret / "tls.key", "nobody")
    user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if root else []
    start = (FILES / "postgres.sh").read_text(encoding="utf-8").replace("/tmp", str(folder / "postgres"))  # noqa: S108 - the pod's own
    start = start.replace('postgres -D "$data" -c listen', f'postgres -p {site.port} -D "$data" -c listen')
    names = ("POSTGRES_PASSWORD", "MLFLOW_PASSWORD", "RATCHET_PASSWORD", *(ROLES if roles else ()))
    environment = {
        "PATH": site.environment["PATH"],
        "PGDATA": str(folder / "postgres" / "data"),
        "TLS": str(secret) if tls else "",
        **dict.fromkeys(names, "secret"),
    }
    command = [*user, "sh", "-c", start]
    with _ended(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)) as server:
        _answers(site.port, server)
        while subprocess.run([f"{_postgres()}/pg_isready", "-q"], env=site.environment, check=False).returncode:
            assert server.poll() is None
            time.sleep(0.1)
        yield


@contextmanager
def store(site: Site, *arguments: str) -> Iterator[None]:
    """The chart's S3 store, with further arguments of the gateway."""
    gateway = _gateway()
    assert gateway
    command = [gateway, "--port", f"127.0.0.1:{site.store}", "--region", "us-east-1", "--quiet", *arguments, "posix"]
    keys = {"ROOT_ACCESS_KEY": "key", "ROOT_SECRET_KEY": "secret"}
    with _ended(subprocess.Popen([*command, str(site.folder / "s3")], env=keys, stdout=subprocess.DEVNULL)) as server:
        _answers(site.store, server)
        yield


@contextmanager
def running(*, tls: bool = False) -> Iterator[Site]:
    """Both."""
    with a_site() as site, store(site), database(site, tls=tls):
        yield site


@contextmanager
def _ended(server: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        yield server
    finally:
        server.terminate()
        server.wait(30)
