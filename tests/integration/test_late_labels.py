"""Another truth behind the same features, with its labels a month late, as a user runs it: measured, answered, and by itself."""

from __future__ import annotations

import shutil
from pathlib import Path

from ratchet.core.events import Measured, Proof
from tests.support.club import Club


def test_a_concept_that_changes_unseen_is_answered_by_the_run_that_brings_its_labels(tmp_path: Path) -> None:
    club = Club(tmp_path)
    labels = tmp_path / "late"
    for name, concept in (("month_000", "0"), ("month_001", "1"), ("month_002", "1")):
        made = club.ratchet("data", "generate", str(club.raw), "--snapshot", name, "--users", "2500", "--concept", concept)
        assert made.code == 0, made.err
    labels.mkdir()
    shutil.move(club.raw / "month_001" / "outcome.csv", labels / "month_001.csv")
    shutil.move(club.raw / "month_002" / "outcome.csv", labels / "month_002.csv")
    shutil.move(club.raw / "month_002", labels / "month_002")
    said = []  # the first run has January, the second February without labels, the third March and February's labels
    for step in range(3):
        if step == 2:
            shutil.move(labels / "month_002", club.raw / "month_002")
            shutil.move(labels / "month_001.csv", club.raw / "month_001" / "outcome.csv")
        snapshot = "month_000" if step == 0 else "latest"
        ran = club.process("run", "--data", str(club.raw), "--snapshot", snapshot)
        assert ran.code == 0, ran.err
        said.append(ran.out)
    assert "NO_ACTION drift_share=0.000 < 0.020" in said[1], "the features say nothing"
    assert "[INGEST] month_001 as_of=2024-02-29" in said[2]
    assert "[MEASURE] 2024-02-29: champion version 1: AUC 0." in said[2]
    assert "RETRAINING_TRIGGERED AUC of 2024-02 0." in said[2]
    assert "[DECISION] promoted" in said[2]
    history = club.wiring.journal.history()
    (measured,) = [entry.event for entry in history.of(Measured)]
    assert measured.snapshot.startswith("2024-02-29@")
    assert history.gates[-1].event.proof is Proof.PROBATION
    assert history.gates[-1].event.snapshot == measured.snapshot
    champion = club.wiring.registry.alias("production")
    assert champion is not None
    assert champion.number == 2
