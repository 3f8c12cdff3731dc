"""Whoever writes to the registry, its files or the ledger's database: refused by name, and what serves goes on serving."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from mlflow import MlflowClient

from ratchet.core.record import GENESIS, canonical, digest
from ratchet.estimators.bundle import GOLDEN
from tests.chaos.campaign import Counts, Site, asked
from tests.chaos.stores import database

pytestmark = pytest.mark.timeout(1500)


def test_an_alias_that_nobody_promoted_is_named_and_set_back(site: Site, counts: Counts) -> None:
    champion = site.champion
    other = 1 if champion == 2 else 2
    with asked(site) as client:
        settings = site.club.wiring.settings
        MlflowClient(settings.tracking_uri).set_registered_model_alias("club_churn", "production", str(other))
        status = site.club.process("status", "--json").document
        mended = site.club.process("reconcile")
    counts(f"alias moved in the registry: `{mended.out.strip()}`: {dict(client.outcomes)}")
    assert status["agree"] is False
    assert mended.code == 0, mended.err
    assert f"named version {other}, which nobody promoted" in mended.out
    assert set(client.outcomes) == {"200"}
    site.assert_whole()
    assert site.champion == champion


def test_changed_files_are_refused_by_the_ledgers_digest(site: Site, counts: Counts) -> None:
    champion = site.champion
    other = 1 if champion == 2 else 2
    (file,) = (path for path in site.club.home.rglob(GOLDEN) if run_of(site, other) in path.parts)
    with kept(file), asked(site) as client:
        file.write_bytes(file.read_bytes() + b" ")
        refused = site.club.process("rollback", "--to", str(other), "--reason", "tampering")
    counts(f"files changed in the artifact store: `{refused.error}`: {dict(client.outcomes)}")
    assert refused.code != 0
    assert f"version {other}" in refused.error
    assert set(client.outcomes) == {"200"}
    site.assert_whole()
    assert site.champion == champion


def run_of(site: Site, version: int) -> str:
    """The MLflow run that a version was registered from."""
    found = MlflowClient(site.club.wiring.settings.tracking_uri).get_model_version("club_churn", str(version))
    return str(found.run_id)


def test_a_rewritten_ledger_stops_every_act_and_requests_go_on(site: Site, counts: Counts) -> None:
    file = database(site, "ledger")
    with kept(file), asked(site) as client:
        rewrite(file)
        said = {act: site.club.process(*command) for act, command in ACTS.items()}
    counts(f"ledger rewritten and its chain computed anew: `{said['reconcile'].error}`: {dict(client.outcomes)}")
    for act, ran in said.items():
        assert ran.code != 0, act
        assert "ledger record" in ran.error, act
    assert set(client.outcomes) == {"200"}
    site.assert_whole()


ACTS = {
    "reconcile": ("reconcile",),
    "rollback": ("rollback", "--reason", "tampering"),
    "history": ("history",),
}


def rewrite(file: Path) -> None:
    """What the database's owner can do: another actor in the middle, and all later hashes anew."""
    with closing(sqlite3.connect(file)) as connection:
        triggers = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        connection.executescript("".join(f"DROP TRIGGER {name};" for name in triggers))
        rows = connection.execute("SELECT seq, at, kind, key, actor, body FROM ledger ORDER BY seq").fetchall()
        previous = GENESIS
        for seq, at, kind, key, actor, text in rows:
            by = "mallory" if seq == len(rows) // 2 else actor
            made = digest(seq, datetime.fromisoformat(at), kind, key, by, json.loads(text), previous)
            values = (by, canonical(json.loads(text)), previous, made, seq)
            connection.execute("UPDATE ledger SET actor = ?, body = ?, previous = ?, hash = ? WHERE seq = ?", values)
            previous = made
        connection.commit()


@contextmanager
def kept(place: Path) -> Iterator[None]:
    """Put a file or folder back as it was at the end of the block."""
    copy = place.with_name(f"{place.name}.kept")
    (shutil.copytree if place.is_dir() else shutil.copy2)(place, copy)
    try:
        yield
    finally:
        if place.is_dir():
            shutil.rmtree(place)
        copy.replace(place)
