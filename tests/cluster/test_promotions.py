"""Promotions that go wrong on a real cluster, under load: what serves stays, the ledger says why, the next run mends it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.errors import ArtifactError, PromotionFailed, RatchetError
from tests.cluster.toolbox import Toolbox
from tests.support import doomed
from tests.support.effects import Effect, effects_of

pytestmark = pytest.mark.timeout(900)
PROMOTIONS = "RATCHET_CHAOS_PROMOTIONS"  # one after the other under load; 3 where it is not set

# What the promote component does, after a PASS of the gate on a snapshot of its own; killed before an effect if one is named.
PROMOTE = """
import sys, uuid
from ratchet.core.decision import Verdict
from ratchet.core.events import Gated
from ratchet.steps import promote as use_case
from components.shell import step

candidate, die_before = int(sys.argv[1]), sys.argv[2]
with step("promote") as wiring:
    champion = wiring.registry.alias("production")
    mark = uuid.uuid4().hex
    gate = Gated(
        candidate=candidate,
        candidate_digest=wiring.registry.version(candidate).digest,
        champion=champion.number,
        verdict=Verdict.PASS,
        reasons=("delta 0.144 > 0.010",),
        decisive=("delta 0.144 > 0.010",),
        snapshot=f"a test@{mark}",
        snapshot_hash=mark,
        features_hash=mark,
        project_hash=wiring.project.hash,
        candidate_value=0.64,
        champion_value=0.5,
    )
    wiring.journal.append(gate)
    use_case.run(wiring.project, doomed(wiring.production, die_before), candidate)
"""

# A new version: the one of the first argument, with the damage of the second.
REGISTER = """
import sys, tempfile
from dataclasses import replace
from pathlib import Path
from ratchet.estimators import bundle as bundles
from ratchet.estimators.frames import frame
from ratchet.registry.port import NewVersion
from ratchet.wiring import Wiring

wiring = Wiring.load()
present = wiring.registry.version(int(sys.argv[1]))
bundle = bundles.read(wiring.registry.bundle(present))
import mlflow.sklearn
pipeline = mlflow.sklearn.load_model(f"models:/{wiring.project.model}/{present.number}")
rows = {feature.name: [golden.features[feature.name] for golden in bundle.golden] for feature in bundle.features}
example = frame(bundle.features, rows)
if sys.argv[2] == "wrong answers":
    first, *rest = bundle.golden
    bundle = replace(bundle, golden=(replace(first, score=first.score + 1e-6), *rest))
with tempfile.TemporaryDirectory() as folder:
    bundles.write(Path(folder), bundle)
    if sys.argv[2] == "does not load":
        (Path(folder) / "scorer.json").write_text("{}")
    made = wiring.registry.register(
        NewVersion(Path(folder), pipeline, example, pipeline.predict_proba(example), present.provenance, {}, {})
    )
print(made.number)
"""


@dataclass
class Scene:
    """`champion` is in production before a case, `expected` afterwards; a case that moves production sets it."""

    champion: int
    expected: int

    @property
    def other(self) -> int:
        return 1 if self.champion != 1 else 2


@pytest.fixture(scope="module")
def toolbox(toolbox: Toolbox) -> Iterator[Toolbox]:
    """With versions 1 and 2, each of which was in production, and one pod: the promoter differs here, not the number of pods."""
    for number, month in enumerate(("month_000", "month_001"), start=1):
        if (toolbox.versions()[0] or 0) < number:
            assert toolbox.run(month) == 0
    scale = ("scale", "deploy/ratchet-serving", "--replicas")
    toolbox.cluster.kubectl(*scale, "1")
    toolbox.rolled_out("deploy/ratchet-serving")
    yield toolbox
    toolbox.cluster.kubectl(*scale, "2")
    toolbox.rolled_out("deploy/ratchet-serving")
    assert json.loads(toolbox.ratchet("history", "--json"))["verified"]


@pytest.fixture
def scene(toolbox: Toolbox) -> Iterator[Scene]:
    """A case ends with alias and pods agreeing and no open end, and no request of the load beside it was lost."""
    template = toolbox.cluster.read("deployment", "ratchet-serving")["spec"]["template"]
    champion = int(template["metadata"]["annotations"]["ratchet.dev/model-version"])
    made = Scene(champion, champion)
    with toolbox.load() as load:
        yield made
    assert load.result["failed"] == 0, load.result["failures"]
    status = toolbox.status()
    assert (status["production"]["version"], status["pinned"]) == (made.expected, made.expected)
    assert {pod["version"] for pod in status["pods"]} == {made.expected}
    assert (status["agree"], status["interrupted"]) == (True, None)


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
    toolbox: Toolbox, scene: Scene, damage: str, reason: str, error: type[RatchetError]
) -> None:
    # the spec and not the generation: annotations count in that, and the head of the ledger is one
    before = toolbox.cluster.read("deployment", "ratchet-serving")["spec"]
    candidate = int(toolbox.python(REGISTER, str(scene.champion), damage).split()[-1])  # MLflow prints links before
    code, printed = promote(toolbox, candidate)
    assert (code, reason in printed) == (error.exit_code, True), printed
    move = last_promotion(toolbox)
    assert (move["state"], move["to"]) == ("failed", candidate)
    assert reason in move["error"]
    assert toolbox.cluster.read("deployment", "ratchet-serving")["spec"] == before


def test_when_there_is_no_room_for_a_new_pod_the_old_version_serves_on(toolbox: Toolbox, scene: Scene) -> None:
    toolbox.cluster.kubectl("create", "quota", "full", "--hard=pods=1")
    try:
        code, printed = promote(toolbox, scene.other, RATCHET_READY_TIMEOUT="30")
    finally:
        toolbox.cluster.kubectl("delete", "quota", "full")
    assert code == PromotionFailed.exit_code, printed
    move = last_promotion(toolbox)
    assert (move["state"], move["to"], move["undone"]) == ("failed", scene.other, True)
    assert "exceeded quota" in move["error"]


# Before each effect that leaves something else behind than the one before it: nothing, an intent, a rollout under way, one that has
# ended, an alias moved, both. tests/integration/test_killed_promoter.py has all of them.
@pytest.mark.parametrize("effect", [effect for effect in effects_of() if effect.changes], ids=str)
def test_reconcile_mends_what_a_promoter_killed_before_an_effect_leaves(toolbox: Toolbox, scene: Scene, effect: Effect) -> None:
    code, printed = promote(toolbox, scene.other, effect.name, RATCHET_LEASE_SECONDS="10")
    assert code == 128 + signal.SIGKILL, printed
    said = toolbox.ratchet("reconcile")
    if not effect.intended:
        assert "nothing to mend" in said
    else:
        assert ("was in production already" if effect.moved else "was finished") in said
        scene.expected = scene.other


@pytest.mark.timeout(3600)
def test_promotion_after_promotion_loses_no_request(toolbox: Toolbox, record_property: Callable[[str, object], None]) -> None:
    """RATCHET_CHAOS_PROMOTIONS=20 is some 100,000 requests."""
    times = int(os.environ.get(PROMOTIONS) or 3)
    champion = int(toolbox.status()["production"]["version"])
    with toolbox.load(seconds=3000) as load:
        for _ in range(times):
            champion = 1 if champion != 1 else 2
            code, printed = promote(toolbox, champion)
            assert code == 0, printed
    record_property(
        "campaign", f"{times} promotions on the cluster: {load.result['requests']} requests, {load.result['failed']} failed"
    )
    assert load.result["failed"] == 0, load.result["failures"]
    assert int(toolbox.status()["production"]["version"]) == champion
