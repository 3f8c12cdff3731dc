"""Two models more, one in the first one's namespace and one in a namespace of its own: nothing of one is another's."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from cluster.images import ROOT
from cluster.jobs import follow
from cluster.kind import NAMESPACE
from cluster.models import models
from cluster.new_model import add
from ratchet.core.errors import UserError
from tests.cluster.toolbox import Toolbox

pytestmark = pytest.mark.timeout(600)

TEAM = "ratchet-team"
_MONTHS = """
set -e
d=$(mktemp -d)
ratchet data generate $d --snapshot month_000
ratchet data generate $d --snapshot month_001 --drift 0.5 --concept 0.6
ratchet data upload --data $d --to "$RATCHET_DATA"
rm -r $d
"""


@dataclass(frozen=True)
class Beside:
    """The models beside the first: `near` in its namespace, `far` in another."""

    near: Toolbox
    far: Toolbox

    @property
    def both(self) -> tuple[Toolbox, Toolbox]:
        return self.near, self.far


def project(folder: pytest.TempPathFactory, model: str) -> str:
    text = (ROOT / "ratchet.yaml").read_text(encoding="utf-8")
    file = folder.mktemp(model) / "ratchet.yaml"
    file.write_text(re.sub(r"^model: .*$", f"model: {model}", text, flags=re.MULTILINE), encoding="utf-8")
    return str(file)


@pytest.fixture(scope="module")
def beside(toolbox: Toolbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    """With data of their own, and one serving pod each: the models are the matter here, not the number of pods."""
    cluster = toolbox.cluster
    try:
        made = Beside(
            *(
                Toolbox.of(cluster, add(cluster, release, ROOT / project(tmp_path_factory, f"{release}_model"), namespace))
                for release, namespace in (("near", NAMESPACE), ("far", TEAM))
            )
        )
        for each in made.both:
            each.cluster.kubectl("scale", f"deploy/{each.model.name}-serving", "--replicas", "1")
        with ThreadPoolExecutor() as threads:
            list(threads.map(_bring_data, made.both))
        yield made
        for each in made.both:
            each.preloaded.close()
    finally:
        toolbox.helm("uninstall", "near", "--ignore-not-found", "--wait")
        cluster.within(TEAM).helm("uninstall", "far", "--ignore-not-found", "--wait")
        toolbox.helm("upgrade", "platform", "charts/platform", "--reuse-values", "--set-json", "connections.namespaces=[]")
        cluster.kubectl("delete", "namespace", TEAM, "--ignore-not-found", "--wait=false")


def _bring_data(toolbox: Toolbox) -> None:
    toolbox.rolled_out(toolbox.model.toolbox)
    toolbox.cluster.kubectl("exec", toolbox.model.toolbox, "--", "sh", "-c", _MONTHS, timeout=200.0)


def records(toolbox: Toolbox) -> int:
    """How many the model's chain holds, all of them verified."""
    return int(json.loads(toolbox.ratchet("history", "--json"))["verified"])


def test_each_is_a_model_of_the_cluster_with_a_place_of_its_own(toolbox: Toolbox, beside: Beside) -> None:
    there = models(toolbox.cluster)
    assert [(model.release, model.namespace) for model in there] == [
        ("ratchet", NAMESPACE),
        ("near", NAMESPACE),
        ("far", TEAM),
    ]
    assert [model.data(toolbox.cluster) for model in there] == ["s3://ratchet/raw", "s3://ratchet/near/raw", "s3://ratchet/far/raw"]
    assert [each.model for each in beside.both] == there[1:]


def test_both_run_at_once_and_promote_their_own_first_version(toolbox: Toolbox, beside: Beside) -> None:
    if toolbox.versions()[0] is None:
        assert toolbox.run("month_000") == 0
    before, held = toolbox.versions(), records(toolbox)
    jobs = [(each, each.start("month_000")) for each in beside.both]
    assert [follow(each.cluster, job, each.model) for each, job in jobs] == [0, 0]
    for each in beside.both:
        each.rolled_out(f"deploy/{each.model.name}-serving")
        assert each.versions() == (1, 1, {1}, True)
        assert records(each) > 0
    assert (toolbox.versions(), records(toolbox)) == (before, held), "nothing was done to the first model"


def test_a_promotion_of_one_loses_no_request_of_the_others(toolbox: Toolbox, beside: Beside) -> None:
    before, far = toolbox.versions(), beside.far.versions()
    with toolbox.load() as first, beside.far.load() as second, beside.near.load() as own:
        assert beside.near.run("month_001") == 0
    assert beside.near.versions() == (2, 2, {2}, True)
    assert own.result["versions"] == [1, 2]
    for load, versions in ((first, before), (second, far)):
        assert load.result["versions"] == [versions[0]]
        assert load.result["requests"] > 100
    for load in (first, second, own):
        assert load.result["failed"] == 0, load.result["failures"]
    assert (toolbox.versions(), beside.far.versions()) == (before, far)


@pytest.mark.parametrize(
    ("account", "namespace", "what"),
    [
        ("near", NAMESPACE, "deployments/ratchet-serving"),
        ("ratchet", NAMESPACE, "deployments/near-serving"),
        ("near", TEAM, "deployments/far-serving"),
        ("near", NAMESPACE, "leases/ratchet-promotion"),
        ("far", NAMESPACE, "deployments/ratchet-serving"),
    ],
)
def test_no_models_promoter_may_move_another(toolbox: Toolbox, beside: Beside, account: str, namespace: str, what: str) -> None:
    home = TEAM if account == "far" else NAMESPACE
    command = [*map(str, toolbox.cluster.within(namespace).kubectl_command()), "auth", "can-i", "patch", what]
    command += ["--as", f"system:serviceaccount:{home}:{account}-promoter"]
    assert len(beside.both) == 2
    assert subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip().startswith("no")


def test_a_name_that_is_taken_is_refused(toolbox: Toolbox, beside: Beside, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert len(beside.both) == 2
    with pytest.raises(UserError, match="the model far_model is that of release far"):
        add(toolbox.cluster, "third", ROOT / project(tmp_path_factory, "far_model"))
