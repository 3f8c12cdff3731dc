"""The loop on a real cluster, in the order in which a user would see it: each case stands on the one before."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cluster.jobs import follow, upload
from ratchet.core.errors import UserError
from tests.cluster.toolbox import SERVICE, Toolbox, eventually
from tests.support.streamflow import real_data

pytestmark = pytest.mark.timeout(900)


def moves(toolbox: Toolbox) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = json.loads(toolbox.ratchet("history", "--kind", "promotion", "--json"))["records"]
    return records


def promotions(toolbox: Toolbox) -> list[tuple[str, int]]:
    return [(record["body"]["state"], record["body"]["to"]) for record in moves(toolbox)]


def seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def starts(toolbox: Toolbox) -> list[float]:
    """Seconds from each serving pod's creation until it was ready, by the API server's clock, which counts whole ones."""
    found = []
    for pod in toolbox.serving_pods():
        (ready,) = [item["lastTransitionTime"] for item in pod["status"]["conditions"] if item["type"] == "Ready"]
        found.append(seconds_between(pod["metadata"]["creationTimestamp"], ready))
    return found


def test_before_the_first_model_pods_are_up_not_ready_and_say_why(toolbox: Toolbox) -> None:
    pods = toolbox.serving_pods()
    assert len(pods) == 2
    assert eventually(lambda: all(pod["status"]["phase"] == "Running" for pod in toolbox.serving_pods()))
    assert not any(status["ready"] for pod in toolbox.serving_pods() for status in pod["status"]["containerStatuses"])
    address = toolbox.serving_pods()[0]["status"]["podIP"]
    program = "import sys, httpx; r = httpx.get(sys.argv[1]); print(r.status_code, r.text)"
    assert eventually(lambda: "503" in toolbox.python(program, f"http://{address}:3000/readyz"))
    assert "no model in production yet" in toolbox.python(program, f"http://{address}:3000/readyz")
    assert "no model is in production yet" in toolbox.helm("get", "notes", "ratchet")


def test_the_first_promotion_makes_the_pods_ready(toolbox: Toolbox) -> None:
    assert toolbox.run("month_000") == 0
    toolbox.rolled_out("deploy/ratchet-serving")
    assert toolbox.versions() == (1, 1, {1}, True)
    assert "200 404" in toolbox.helm("test", "ratchet", "--logs")


def test_a_promotion_under_load_loses_no_request(toolbox: Toolbox) -> None:
    with toolbox.load() as load:
        assert toolbox.run("month_001") == 0
    counted, (intent, done) = load.result, moves(toolbox)[-2:]
    print(  # noqa: T201
        f"\n{counted['requests']} requests, {counted['failed']} failed, slowest answer {counted['slowest']:.3f} s; "
        f"{seconds_between(intent['at'], done['at']):.1f} s from the patch to all pods new and the alias moved; "
        f"a new pod ready after {', '.join(f'{seconds:.0f}' for seconds in starts(toolbox))} s"
    )
    assert (intent["body"]["state"], done["body"]["state"]) == ("intent", "done")
    assert counted["failed"] == 0, counted["failures"]
    assert counted["versions"] == [1, 2]
    assert counted["one_way"]
    assert counted["requests"] > 1000
    assert toolbox.versions() == (2, 2, {2}, True)


def test_rollout_undo_is_said_by_status_and_mended_by_reconcile(toolbox: Toolbox) -> None:
    toolbox.cluster.kubectl("rollout", "undo", "deploy/ratchet-serving")
    toolbox.rolled_out("deploy/ratchet-serving")
    production, pinned, _, agree = toolbox.versions()
    assert (production, pinned, agree) == (2, 1, False)
    toolbox.ratchet("reconcile")
    assert toolbox.versions() == (2, 2, {2}, True)


def test_helm_upgrade_keeps_the_promoted_version(toolbox: Toolbox) -> None:
    before = {pod["metadata"]["name"] for pod in toolbox.serving_pods()}
    toolbox.helm("upgrade", "ratchet", "charts/ratchet", "--reuse-values", "--set", "serving.env.NOTE=changed")
    toolbox.rolled_out("deploy/ratchet-serving")
    toolbox.rolled_out("deploy/ratchet-toolbox")
    assert eventually(lambda: not before & {pod["metadata"]["name"] for pod in toolbox.serving_pods()})
    assert toolbox.versions() == (2, 2, {2}, True)


def test_rollback_moves_alias_and_pods(toolbox: Toolbox) -> None:
    with toolbox.load() as load:
        toolbox.ratchet("rollback", "--reason", "a test")
    assert load.result["failed"] == 0, load.result["failures"]
    assert toolbox.versions() == (1, 1, {1}, True)
    toolbox.ratchet("rollback")
    assert toolbox.versions() == (2, 2, {2}, True)


def test_a_version_that_never_gets_ready_takes_no_traffic(toolbox: Toolbox) -> None:
    program = """
import sys, time
from ratchet.rollout.state import State
from ratchet.wiring import Wiring
rollout = Wiring.load().rollout
rollout.pin(99, revision=rollout.pinned().revision)
while (progress := rollout.progress()).state is State.WAITING:
    time.sleep(0.5)
print(progress.state, rollout.ask(sys.argv[1]).version, progress.detail)
"""
    with toolbox.load() as load:
        said = toolbox.python(program, toolbox.entities().split(",")[0])
        toolbox.ratchet("reconcile")
    assert said.startswith("STUCK 2 ")
    assert "no version 99" in said
    assert load.result["failed"] == 0, load.result["failures"]
    assert load.result["versions"] == [2]
    assert toolbox.versions() == (2, 2, {2}, True)


def test_of_two_pipelines_at_once_one_promotes_and_the_other_is_stale(toolbox: Toolbox) -> None:
    toolbox.cluster.kubectl(
        "exec", "deploy/ratchet-toolbox", "--", "sh", "-c",
        "set -e; d=$(mktemp -d); ratchet data generate $d --snapshot month_002 --drift 1 --concept 1 --seed 11; "
        "ratchet data upload --data $d --to s3://ratchet/raw; rm -r $d",
    )  # fmt: skip
    jobs = [toolbox.start("month_002", "--force") for _ in range(2)]
    assert sorted(follow(toolbox.cluster, job) for job in jobs) == [0, 4]
    states = [state for state, to in promotions(toolbox) if to > 2]
    assert states.count("done") == 1
    assert states.count("stale") == 1
    production, pinned, pods, agree = toolbox.versions()
    assert (pinned, pods, agree) == (production, {production}, True)


@pytest.mark.parametrize("victim", ["mlflow", "s3"])
def test_pods_serve_on_without_registry_and_without_s3(toolbox: Toolbox, victim: str) -> None:
    with toolbox.load() as load:
        toolbox.cluster.kubectl("delete", "pod", "--selector", f"app.kubernetes.io/name={victim}", "--force", "--grace-period=0")
        kind = "deploy" if victim == "mlflow" else "statefulset"
        toolbox.rolled_out(f"{kind}/platform-{victim}")
    assert load.result["failed"] == 0, load.result["failures"]


def test_without_the_database_answers_are_503_and_come_back_by_themselves(toolbox: Toolbox) -> None:
    records = json.loads(toolbox.ratchet("history", "--json"))["verified"]
    with toolbox.load() as load:
        toolbox.cluster.kubectl("delete", "pod", "platform-postgres-0", "--force", "--grace-period=0")
        toolbox.rolled_out("statefulset/platform-postgres")
    assert all(" 503 " in failure for failure in load.result["failures"]), load.result["failures"]
    with toolbox.load() as after:
        pass
    assert after.result["failed"] == 0, after.result["failures"]
    assert json.loads(toolbox.ratchet("history", "--json"))["verified"] == records


def test_a_killed_serving_pod_is_replaced_with_the_same_version(toolbox: Toolbox) -> None:
    production = toolbox.versions()[0]
    victim = toolbox.serving_pods()[0]["metadata"]["name"]
    toolbox.cluster.kubectl("delete", "pod", victim, "--force", "--grace-period=0")
    toolbox.rolled_out("deploy/ratchet-serving")
    assert toolbox.versions() == (production, production, {production}, True)


@pytest.mark.parametrize(
    ("verb", "what", "allowed"),
    [
        ("get", "deployments/ratchet-serving", True),
        ("patch", "deployments/ratchet-serving", True),
        ("get", "leases/ratchet-promotion", True),
        ("update", "leases/ratchet-promotion", True),
        ("list", "pods", True),
        ("delete", "deployments/ratchet-serving", False),
        ("update", "deployments/ratchet-serving", False),
        ("patch", "deployments/ratchet-toolbox", False),
        ("list", "deployments", False),
        ("create", "leases", False),
        ("delete", "leases/ratchet-promotion", False),
        ("update", "leases/another", False),
        ("delete", "pods", False),
        ("create", "pods", False),
        ("create", "pods/exec", False),
        ("get", "secrets", False),
        ("get", "configmaps", False),
        ("create", "jobs", False),
        ("get", "nodes", False),
        ("*", "*", False),
    ],
)
def test_the_promoter_may_do_its_three_things_and_nothing_else(toolbox: Toolbox, verb: str, what: str, allowed: bool) -> None:
    account = "system:serviceaccount:ratchet:ratchet-promoter"
    program = (*map(str, toolbox.cluster.kubectl_command()), "auth", "can-i", verb, what, "--as", account)
    # its answer "no" is an exit code, which the other calls take for a failure
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.stdout.strip().startswith("yes" if allowed else "no"), done


def test_the_service_answers_with_the_version_in_production(toolbox: Toolbox) -> None:
    entity = toolbox.entities().split(",")[0]
    program = (
        "import sys, httpx; print(httpx.post(sys.argv[1] + '/predict', json={'user_id': sys.argv[2]}).json()['model_version'])"
    )
    assert int(toolbox.python(program, SERVICE, entity)) == toolbox.versions()[0]


def test_a_damaged_folder_is_refused_in_the_words_of_ratchet_alone(toolbox: Toolbox, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "ratchet", "data", "generate", str(tmp_path), "--snapshot", "month_001"], check=True)
    (tmp_path / "month_001" / "users.csv").write_text("nothing\n")
    with pytest.raises(UserError) as refused:
        upload(toolbox.cluster, tmp_path, "month_001")
    assert str(refused.value).startswith("month_001: users")
    assert "\n" not in str(refused.value)


def test_a_folder_of_ones_own_is_uploaded_and_run(toolbox: Toolbox, tmp_path: Path) -> None:
    folder = real_data()
    if folder is None:
        folder = tmp_path
        subprocess.run(
            [sys.executable, "-m", "ratchet", "data", "generate", str(folder), "--snapshot", "month_001", "--seed", "5"],
            check=True,
        )
    with pytest.raises(UserError, match=r"month_001 holds other content \(.*REPLACE=1"):  # the example stays
        upload(toolbox.cluster, folder, "month_001")
    upload(toolbox.cluster, folder, "month_001", replace=True)
    before = json.loads(toolbox.ratchet("history", "--kind", "ingest", "--json"))["verified"]
    assert toolbox.run("month_001", "--replace") == 0
    assert json.loads(toolbox.ratchet("history", "--kind", "ingest", "--json"))["verified"] > before
