"""`ratchet watch` on one machine: a snapshot that appears is run on, once."""

from __future__ import annotations

from pathlib import Path

from ratchet.core.events import RunClaimed
from tests.support.club import Club


def test_a_snapshot_that_appears_is_run_on_once(tmp_path: Path) -> None:
    club = Club(tmp_path)
    alive = tmp_path / "alive"
    how = ("watch", "--data", str(club.raw), "--interval", "0.1", "--quiet", "0", "--alive", str(alive))
    empty = club.process(*how, "--looks", "2")
    assert (empty.code, empty.err.count("error: ")) == (0, 1)  # said once, not at every look
    made = club.ratchet("data", "generate", str(club.raw), "--snapshot", "month_000", "--users", "2000")
    assert made.code == 0, made.err
    for looks in ("3", "3"):  # the second time by another watcher
        watched = club.process(*how, "--looks", looks)
        assert watched.code == 0, watched.err
    wiring = club.wiring
    (claim,) = wiring.ledger.records(RunClaimed.KIND)
    (ended,) = wiring.ledger.records("run")
    assert (ended.key, ended.body["state"]) == (claim.body["run_id"], "succeeded")
    assert ended.body["reached"] == ["trigger", "gate", "promotion"]
    champion = wiring.registry.alias("production")
    assert champion is not None
    (row,) = club.ratchet("runs", "--json").document
    assert (row["run"], row["state"], row["snapshot"]) == (ended.key, "succeeded", "month_000")
    assert int(alive.read_text()) > claim.at.timestamp()
    assert "[DECISION] promoted" in club.ratchet("logs", ended.key).out
