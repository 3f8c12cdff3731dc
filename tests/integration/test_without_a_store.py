"""`feature_store: none`: the loop without Feast anywhere, and without an online store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.club import Club

LOOP = """
import sys
from components.shell import Wiring
from ratchet.steps import drift_check, evaluate, ingest, measure, train

wiring = Wiring.load()
stores = (wiring.store, wiring.features, wiring.journal)
said = lambda _: None
snapshot = ingest.run(wiring.source(sys.argv[1]), *stores, "month_000", project=wiring.project, say=said)
common = (wiring.project, wiring.store, wiring.registry, wiring.journal)
measure.run(*common, snapshot, say=said)
version = train.run(wiring.project, wiring.store, wiring.features, wiring.registry, wiring.journal, snapshot, say=said)
evaluate.run(*common, wiring.reports, snapshot, version.number, say=said)
print(version.number, "feast" in sys.modules)
"""

SERVE = """
import sys
import serving.service
from ratchet.wiring import Wiring
from serving.model import load

wiring = Wiring.load()
served = load(wiring.published, wiring.project, 1)
wiring.features
print(served.worst <= 1e-9, sorted({"feast", "pandas", "pyarrow", "dask"} & set(sys.modules)))
"""


def ran(club: Club, program: str) -> str:
    command = [sys.executable, "-c", program, str(club.raw)]
    done = subprocess.run(command, env=club.environment, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_neither_the_steps_nor_serving_import_feast(tmp_path: Path) -> None:
    club = Club(tmp_path, more="feature_store: none\n")
    club.ratchet("data", "generate", str(club.raw), "--snapshot", "month_000", "--users", "600")
    assert ran(club, LOOP) == "1 False"
    assert ran(club, SERVE) == "True []"
    assert not (club.folder / "feast").exists()
