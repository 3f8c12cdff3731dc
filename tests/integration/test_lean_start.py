"""A serving process loads a version and looks features up without the libraries that only training needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ratchet.steps import ingest, train
from tests.support.club import Club

PROGRAM = """
import os
import sys
import serving.service
from ratchet.wiring import Wiring
from serving.metrics import Metrics
from serving.model import load

wiring = Wiring.load()
served = load(wiring.published, wiring.project, 1)
(row,) = wiring.features.online([served.bundle.golden[0].entity])
assert row is not None
metrics = Metrics("1")
metrics.ready.set(1)
assert 'ratchet_model_ready{version="1"} 1.0' in metrics.render().decode(), "Feast's metrics have taken the place of ours"
assert not [name for name in os.environ if name.startswith("PROMETHEUS_")], "what this process starts would take it for a worker"
print(served.version.number, sorted({"mlflow", "sklearn", "dask", "jwt", "evidently", "kfp"} & set(sys.modules)))
"""


def test_serving_starts_without_mlflow_scikit_learn_and_dask(tmp_path: Path) -> None:
    club = Club(tmp_path)
    club.ratchet("data", "generate", str(club.raw), "--snapshot", "month_000", "--users", "600")
    wiring = club.wiring
    snapshot = ingest.run(wiring.source(club.raw), wiring.store, wiring.features, wiring.journal, "month_000")
    train.run(wiring.project, wiring.store, wiring.features, wiring.registry, wiring.journal, snapshot)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=club.environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout == "1 []\n", done.stderr
