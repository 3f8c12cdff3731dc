"""The database roles of the chart platform: who runs has what it needs, and whoever serves cannot touch the ledger.

The server is the one that the chart's pod starts, here on this machine; the rights are those that `ratchet migrate` gives.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool

from ratchet.core.errors import Misconfigured
from ratchet.core.schema import LoggedAnswer
from ratchet.ledger.sql import SqlLedger
from ratchet.requests.sql import SqlRequestLog
from tests.contract.test_roles import FORBIDDEN
from tests.integration.test_feast import Shop
from tests.support.platform_site import Site, a_site, database

DAY, NEXT = date(2024, 1, 28), date(2024, 2, 28)


def url(site: Site, role: str) -> str:
    return f"postgresql+psycopg://{role}:secret@127.0.0.1:{site.port}/ratchet"


def migrate(site: Site) -> str:
    """What the chart's Job runs, as the tables' owner; it has no project."""
    names = ("RATCHET_LEDGER_URL", "RATCHET_REQUESTS_URL", "RATCHET_ONLINE_URL")
    home = {"PATH": os.environ["PATH"], "HOME": str(site.folder), "RATCHET_HOME": str(site.folder / "job")}
    environment = {**home, **dict.fromkeys(names, url(site, "ratchet"))}
    command = [sys.executable, "-P", "-m", "ratchet", "migrate"]
    done = subprocess.run(command, env=environment, cwd=site.folder, text=True, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def engine(address: str) -> Iterator[object]:
    made = create_engine(address, poolclass=NullPool)
    try:
        with made.begin() as connection:
            yield connection
    finally:
        made.dispose()


def refused(address: str, statement: str) -> None:
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), engine(address) as connection:
        connection.execute(text(statement))  # type: ignore[attr-defined]


def works_by_role(site: Site, folder: Path, day: date) -> None:
    """Promoter, reader and serving do all of their work, each by its own role."""
    promoter, reader, serving = (url(site, f"ratchet_{role}") for role in ("promoter", "reader", "serving"))
    record = SqlLedger(promoter, "ann", "m").append("k", {"day": str(day)})
    shop = Shop(folder / "promoter", promoter)
    shop.features().materialise(shop.add(day))
    pod = Shop(folder / f"pod-{day}", serving)  # a home of its own, in which nothing was made yet
    assert pod.features().online(["C001"])[0] is not None
    log = SqlRequestLog(serving, "m")
    log.append([LoggedAnswer(f"{record.seq:032d}", "C001", 1, 0.5, "h", 1_700_000_000.0)])
    look = SqlLedger(reader, "pages", "m")
    assert look.verify() == record.seq
    assert SqlRequestLog(reader, "m", look.owns_unnamed).volume(10).total(1) == record.seq
    for role in (promoter, reader, serving):
        for statement in FORBIDDEN:
            refused(role, statement)
    for statement in ("SELECT * FROM ledger", "DELETE FROM answers", "DELETE FROM shop_features", "CREATE TABLE mine (a int)"):
        refused(serving, statement)
    with pytest.raises(Misconfigured, match="permission denied"):
        SqlLedger(serving, "mallory", "m").append("k", {})


def test_every_role_does_its_work_and_none_that_runs_can_drop_the_trigger(tmp_path: Path) -> None:
    with a_site() as site, database(site, roles=True):
        assert "rights given to ratchet_promoter, ratchet_reader, ratchet_serving" in migrate(site)
        works_by_role(site, tmp_path, DAY)
        migrate(site)  # of the next upgrade
        works_by_role(site, tmp_path, NEXT)


def test_a_release_of_one_role_keeps_its_data_when_it_gets_more(tmp_path: Path) -> None:
    with a_site() as site:
        with database(site):
            owner = url(site, "ratchet")
            SqlLedger(owner, "ann", "m").append("k", {})
            before = Shop(tmp_path / "before", owner)
            before.features().materialise(before.add(DAY))
            SqlRequestLog(owner, "m").append([LoggedAnswer("1" * 32, "C001", 1, 0.5, "h", 1_700_000_000.0)])
        with database(site, roles=True):
            assert Shop(tmp_path / "still", url(site, "ratchet")).features().online(["C001"])[0] is not None  # pods of before
            migrate(site)
            assert Shop(tmp_path / "pod", url(site, "ratchet_serving")).features().online(["C001"])[0] is not None
            works_by_role(site, tmp_path, NEXT)
            assert Shop(tmp_path / "old", url(site, "ratchet")).features().online(["C001"])[0] is not None  # not yet ended
            SqlLedger(url(site, "ratchet"), "ann", "m").append("k", {})
