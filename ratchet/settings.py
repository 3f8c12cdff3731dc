"""Addresses, from the environment (RATCHET_*). Everything defaults to the embedded stack under `.ratchet` beside ratchet.yaml.

On a cluster the charts set them: databases by URL, snapshots and reports on S3, and the Deployment that a promotion patches.
"""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ratchet.core.address import sqlite_url
from ratchet.core.errors import UserError
from ratchet.core.row_groups import ROWS_PER_POD
from ratchet.project.addresses import bucket, database, database_of_data, place_of_data, postgres, tracking, web

LOCK = "promotion.lock"
DEFAULT_HOME = ".ratchet"  # beside the project file
_PREFIX = "RATCHET_"
MODEL_VERSION = f"{_PREFIX}MODEL_VERSION"  # the version that a serving process is pinned to; no setting, each process has its own
MODEL_DIGEST = f"{_PREFIX}MODEL_DIGEST"  # likewise, the digest of the version's files as the ledger has it
T = TypeVar("T", bound=BaseSettings)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's numeric user has no name; the record still says which pod it was
        return f"user {os.getuid()} on {socket.gethostname()}"


class Settings(BaseSettings):
    """Where things are. Each field is the variable RATCHET_<FIELD>."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_ignore_empty=True, extra="ignore", hide_input_in_errors=True, str_strip_whitespace=True
    )

    project: Path = Path("ratchet.yaml")  # the project file
    home: Path = Path()  # folder of all state; by default .ratchet beside the project file
    tracking_uri: Annotated[str, AfterValidator(tracking)] = ""  # of MLflow, else SQLite under the home
    ledger_url: Annotated[str, AfterValidator(database)] = ""  # SQL, else SQLite under the home
    ledger_key: str = ""  # by which the ledger's records are signed; else of the file
    ledger_key_file: str = ""  # with that key; else ledger.key in the home, where the ledger lies there too
    requests_url: Annotated[str, AfterValidator(database)] = ""  # likewise, of the request log
    online_url: Annotated[str, AfterValidator(postgres)] = (
        ""  # of `feature_store: feast`, a PostgreSQL URL, else SQLite under the home
    )
    snapshots_url: Annotated[str, AfterValidator(bucket)] = ""  # s3://bucket/prefix, else a folder under the home
    reports_url: Annotated[str, AfterValidator(bucket)] = ""  # likewise
    notify_url: Annotated[str, AfterValidator(web)] = ""  # to which each event is posted as JSON, else to nowhere
    data: Annotated[str, AfterValidator(place_of_data)] = (
        ""  # place of the raw snapshots that `ratchet watch` and `ratchet schedule` take
    )
    source_url: Annotated[str, AfterValidator(database_of_data)] = ""  # database that `--data sql:` reads raw snapshots from
    source_timeout: float = Field(default=900.0, gt=0, le=86_400)  # seconds that one query of it may take
    deployment: str = ""  # name of the Deployment that serves, else processes on this machine
    namespace: str = ""  # of the Deployment, else the pod's own or that of the kubeconfig's context
    lease: str = ""  # name of the promotion lock's Lease, else `<deployment>-promotion`
    serving_url: Annotated[str, AfterValidator(web)] = ""  # address of the Deployment's Service, else asked through the API server
    host: str = Field(default="127.0.0.1", min_length=1)  # that `ratchet serve` listens at
    port: int = Field(default=3000, ge=1, le=65535)  # likewise
    hosts: str = ""  # names beside localhost that a request to serving may ask by, commas between; none: any, where others reach it
    client_connections: int = Field(default=320, ge=0)  # that one address may hold to a server at a time, 0 for no limit
    spare: bool = True  # whether `ratchet serve` keeps a second process ready, which takes over at once when the first dies
    actor: str = Field(default_factory=_user, max_length=200)  # your name in the ledger, whose column has this length
    model: str = Field(default="", pattern=r"^([A-Za-z_][A-Za-z0-9_]{0,62})?$")  # whose state it is; set by the project file
    run_id: str = Field(default="", max_length=200)  # of the run that this process is a task of
    rows_per_pod: int = Field(default=ROWS_PER_POD, ge=1000)  # on Kubeflow a larger snapshot is counted by several pods
    step_tries: int = Field(default=1, ge=1, le=10)  # of a step that a store or server could not be reached by
    lock_timeout: float = Field(default=60.0, gt=0)  # seconds to wait for another promoter
    lease_seconds: int = Field(default=30, ge=5)  # after which a promoter that has died no longer holds the Lease
    ready_timeout: float = Field(default=120.0, gt=0)  # seconds that a version has to get ready
    rate_limit: float = Field(default=0.0, ge=0)  # entities that a serving process answers for in a second, 0 for no limit
    hand_on: str = ""  # names of other variables that the processes of a run and of serving get, separated by commas
    drain_seconds: float = Field(default=10.0, gt=0)  # seconds that a process that ends goes on serving

    @property
    def folder(self) -> Path:
        """Folder of the model's own state; the databases in the home are all models'."""
        return self.home / "models" / self.model if self.model else self.home

    @property
    def snapshots(self) -> Path:
        """Folder of the Parquet snapshots."""
        return self._place("snapshots")

    @property
    def feast(self) -> Path:
        """Folder of Feast's registry and online store."""
        return self._place("feast")

    @property
    def reports(self) -> Path:
        """Folder of the HTML reports."""
        return self._place("reports")

    @property
    def serving(self) -> Path:
        """Folder of the local rollout's desired and observed state."""
        return self._place("serving")

    @property
    def runs(self) -> Path:
        """Folder of the runs' logs and artifacts."""
        return self._place("runs")

    @property
    def lock(self) -> Path:
        """The promotion lock's file."""
        return self._place(LOCK)

    def _place(self, name: str) -> Path:
        """In the model's folder, or where that links to: the home itself, as release 0.1 had it (ratchet/clients/home.py).

        The link is followed here, because Feast knows the snapshots by their path and a lock's file must be none.
        """
        path = self.folder / name
        return Path(os.path.normpath(path.parent / path.readlink())) if path.is_symlink() else path

    @property
    def url(self) -> str:
        """The fixed address that clients use."""
        host = f"[{self.host}]" if ":" in self.host else self.host  # RFC 3986, 3.2.2: an IPv6 address
        return f"http://{host}:{self.port}"


def read_environment(kind: type[T], prefix: str) -> T:
    """The settings that the environment gives. Raises UserError naming the variable that does not fit."""
    try:
        return kind()
    except ValidationError as error:
        first = error.errors()[0]
        name = prefix + "_".join(str(part) for part in first["loc"]).upper()
        message = f"{name} is not usable: {first['msg'].lower().removeprefix('value error, ')}"
        raise UserError(message) from error


def load_settings() -> Settings:
    """Read the environment. Raises UserError naming the variable that does not fit. Paths become absolute."""
    settings = read_environment(Settings, _PREFIX)
    project = settings.project.absolute()
    home = settings.home.absolute() if "home" in settings.model_fields_set else project.parent / DEFAULT_HOME
    _check_folder(home)
    return settings.model_copy(
        update={
            "home": home,
            "project": project,
            "tracking_uri": settings.tracking_uri or sqlite_url(str(home / "mlflow.db")),
            "ledger_url": settings.ledger_url or sqlite_url(str(home / "ledger.db")),
            "requests_url": settings.requests_url or sqlite_url(str(home / "requests.db")),
        }
    )


def _check_folder(home: Path) -> None:
    """Raise UserError when there is no folder at `home` and none can be: each adapter would say so in other words."""
    try:
        present = next(path for path in (home, *home.parents) if path.exists())
        cause = "" if present.is_dir() else f"{present} is a file"
    except OSError as error:  # for one, a name longer than the file system allows
        cause = error.strerror or str(error)
    if cause:
        message = f"RATCHET_HOME (--home) cannot be the folder of all state, {cause}: name another one"
        raise UserError(message)
