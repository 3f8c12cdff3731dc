"""Promotions that go wrong on a real cluster, under load: what serves stays, the ledger says why, the next run mends it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.core.errors import ArtifactError, PromotionFailed, RatchetError
from tests import doomed
from tests.cluster.toolbox import Toolbox

pytestmark = pytest.mark.timeout(900)

# What the promote component does, after a PASS of the gate on a snapshot of its own; killed before an effect if one is named.
PROMOTE = """
import sys, uuid
from components.promote import step as use_case
from components.wiring import step

candidate, die_before = int(sys.argv[1]), sys.argv[2]
with step("promote") as wiring:
    champion = wiring.registry.alias("production")
    mark = uuid.uuid4().hex
    gate = {
        "candidate": candidate,
        "candidate_digest": wiring.registry.version(candidate).digest,
        "champion": champion.number,
        "verdict": "PASS",
        "decisive": ["delta 0.144 > 0.010"],
        "snapshot": f"a test@{mark}",
        "snapshot_hash": mark,
        "features_hash": mark,
        "project_hash": wiring.project.hash,
        "candidate_auc": 0.64,
        "champion_auc": 0.5,
    }
    wiring.ledger.append("gate", gate)
    use_case.run(wiring.project, doomed(wiring.world, die_before), candidate)
"""

# A new version: the one of the first argument, with the damage of the second.
REGISTER = """
import sys, tempfile
from dataclasses import replace
from pathlib import Path
from components.core.ports import NewVersion
from components.ml import bundle as bundles
from components.ml.frames import frame
from components.wiring import Wiring

wiring = Wiring.load()
present = wiring.registry.version(int(sys.argv[1]))
bundle = bundles.read(wiring.registry.bundle(present))
import mlflow.sklearn
pipeline = mlflow.sklearn.load_model(f"models:/{wiring.project.model}/{present.number}")
rows = {feature.name: [golden.features[feature.name] for golden in bundle.golden] for feature in bundle.features}
if sys.argv[2] == "wrong answers":
    first, *rest = bundle.golden
    bundle = replace(bundle, golden=(replace(first, probability=first.probability + 1e-6), *rest))
with tempfile.TemporaryDirectory() as folder:
    bundles.write(Path(folder), bundle)
    if sys.argv[2] == "does not load":
        (Path(folder) / "scorer.json").write_text("{}")
    made = wiring.registry.register(
        NewVersion(Path(folder), pipeline, frame(bundle.features, rows), present.provenance, {}, {})
    )
print(made.number)
"""


@pytest.fixture(scope="module")
def toolbox(toolbox: Toolbox) -> Toolbox:
    """With versions 1 and 2, each of which was in production."""
    for number, month in enumerate(("month_000", "month_001"), start=1):
        if (toolbox.versions()[0] or 0) < number:
            assert toolbox.run(month) == 0
    return toolbox


@pytest.fixture
def champion(toolbox: Toolbox) -> Iterator[int]:
    """In production before the case, which ends with alias and pods agreeing and a ledger that verifies; no request was lost."""
    number = toolbox.versions()[0]
    assert number is not None
    with toolbox.load() as load:
        yield number
    assert load.result["failed"] == 0, load.result["failures"]
    production, pinned, pods, agree = toolbox.versions()
    assert (pinned, pods, agree) == (production, {production}, True)
    assert json.loads(toolbox.ratchet("history", "--json"))["verified"]


def last_promotion(toolbox: Toolbox) -> dict[str, Any]:
    records = json.loads(toolbox.ratchet("history", "--kind", "promotion", "--json"))["records"]
    body: dict[str, Any] = records[-1]["body"]
    return body


def promote(toolbox: Toolbox, candidate: int, die_before: str = "", **environment: str) -> tuple[int, str]:
    """The exit code, and what it said."""
    program = Path(doomed.__file__).read_text(encoding="utf-8") + PROMOTE
    done = toolbox.attempt(program, str(candidate), die_before, **environment)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("damage", "reason", "error"),
    [("wrong answers", "answers its golden rows otherwise", PromotionFailed), ("does not load", "scorer.json", ArtifactError)],
)
def test_a_version_that_fails_the_infra_check_never_reaches_a_pod(
    toolbox: Toolbox, champion: int, damage: str, reason: str, error: type[RatchetError]
) -> None:
    revision = toolbox.cluster.read("deployment", "ratchet-serving")["metadata"]["generation"]
    candidate = int(toolbox.python(REGISTER, str(champion), damage).split()[-1])  # MLflow prints links before
    code, told = promote(toolbox, candidate)
    assert (code, reason in told) == (error.exit_code, True), told
    move = last_promotion(toolbox)
    assert (move["state"], move["to"]) == ("failed", candidate)
    assert reason in move["error"]
    assert toolbox.versions()[0] == champion
    assert toolbox.cluster.read("deployment", "ratchet-serving")["metadata"]["generation"] == revision


def test_when_there_is_no_room_for_a_new_pod_the_old_version_serves_on(toolbox: Toolbox, champion: int) -> None:
    other = 1 if champion != 1 else 2
    toolbox.cluster.kubectl("create", "quota", "full", "--hard=pods=1")
    try:
        code, told = promote(toolbox, other, RATCHET_READY_TIMEOUT="30")
    finally:
        toolbox.cluster.kubectl("delete", "quota", "full")
    assert code == PromotionFailed.exit_code, told
    move = last_promotion(toolbox)
    assert (move["state"], move["to"], move["undone"]) == ("failed", other, True)
    assert "exceeded quota" in move["error"]
    assert toolbox.versions()[0] == champion


@pytest.mark.parametrize("effect", doomed.EFFECTS)
def test_reconcile_mends_what_a_promoter_killed_before_an_effect_leaves(toolbox: Toolbox, champion: int, effect: str) -> None:
    other = 1 if champion != 1 else 2
    code, told = promote(toolbox, other, effect)
    assert code == 128 + signal.SIGKILL, told
    intended = doomed.EFFECTS.index(effect) > doomed.EFFECTS.index("intent")
    assert (last_promotion(toolbox)["state"] == "intent") == intended
    toolbox.ratchet("reconcile")
    assert toolbox.versions()[0] == (other if intended else champion)
