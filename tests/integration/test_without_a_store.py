"""`feature_store: none`: the loop without Feast anywhere, and without an online store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx

from ratchet.estimators import bundle as bundles
from ratchet.steps import evaluate, promote, train
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


def ended(club: Club, program: str) -> str:
    command = [sys.executable, "-c", program, str(club.raw)]
    done = subprocess.run(command, env=club.environment, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_neither_the_steps_nor_serving_import_feast(tmp_path: Path) -> None:
    club = Club(tmp_path, more="feature_store: none\n")
    club.ratchet("data", "generate", str(club.raw), "--snapshot", "month_000", "--users", "600")
    assert ended(club, LOOP) == "1 False"
    assert ended(club, SERVE) == "True []"
    assert not (club.folder / "feast").exists()


def test_from_the_first_month_to_a_prediction_by_the_features_that_a_request_brings(tmp_path: Path) -> None:
    club = Club(tmp_path, more="feature_store: none\n")
    club.ratchet("data", "generate", str(club.raw), "--snapshot", "month_000", "--users", "1200")
    with club.serving():
        assert club.ratchet("data", "ingest", str(club.raw), "month_000").code == 0
        wiring = club.wiring
        stores = (wiring.project, wiring.store, wiring.registry, wiring.journal)
        version = train.run(*stores[:2], wiring.features, *stores[2:], wiring.store.get("month_000"), say=lambda _: None)
        judged = evaluate.run(*stores, wiring.reports, wiring.store.get("month_000"), version.number, say=lambda _: None)
        assert judged.decision.passed, judged.decision
        club.wait_for_server()
        promote.run(wiring.project, wiring.quiet_production, version.number)
        # a promotion is done when answers through the address were compared: by the golden rows, which its questions bring
        assert [entry.event.to for entry in wiring.journal.history().done] == [1]
        snapshot = wiring.store.get("month_000")
        columns = wiring.store.columns(snapshot, ["member", *(feature.name for feature in wiring.project.inputs)])
        features = {"months": int(columns["months"][0]), "plan": columns["plan"][0], "hours": float(columns["hours"][0])}
        features |= {"devices": int(columns["devices"][0]), "promo": None}
        brought = asked(club, {"member": str(columns["member"][0]), "features": features})
        alone = asked(club, {"member": str(columns["member"][0])})
        health = httpx.get(f"http://127.0.0.1:{club.port}/health", timeout=30, trust_env=False)
    assert (brought.status_code, brought.json()["model_version"]) == (200, 1)
    expected = bundles.read(wiring.registry.bundle(wiring.registry.version(1))).scorer.row(features)
    assert abs(brought.json()["probability"] - expected) <= bundles.TOLERANCE
    assert (alone.status_code, "features" in alone.json()["error"]) == (422, True)
    assert (health.status_code, health.json()["feature_store"]) == (200, "none: requests bring the features")
    assert not (club.folder / "feast").exists()
    for command in (("status",), ("history",), ("prune", "--answers", "365")):
        ran = club.ratchet(*command)
        assert ran.code == 0, (command, ran.err)


def asked(club: Club, body: dict[str, object]) -> httpx.Response:
    return httpx.post(f"http://127.0.0.1:{club.port}/predict", json=body, timeout=30, trust_env=False)
