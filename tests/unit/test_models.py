"""Several models on one cluster: which is meant, and what is installed for another.

kubectl and helm are programs that write down how they were called and answer from files.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cluster import __main__ as main
from cluster.images import ROOT
from cluster.jobs import start_job, upload
from cluster.kind import Cluster
from cluster.models import FIRST, Model, chosen, models
from cluster.new_model import add
from cluster.releases import install
from ratchet.core.errors import UserError

STUB = """#!/bin/sh
[ -t 0 ] || cat > ANSWERS/stdin
printf '%s %s\\n' "$(basename "$0")" "$*" >> CALLS
while read -r pattern; do
  case "$*" in *$pattern*) echo "no pod" >&2; exit 1 ;; esac
done < ANSWERS/failures
while read -r pattern; do
  case "$*" in *$pattern*) cat "ANSWERS/$(printf %s "$pattern" | tr ' /' '__')"; exit 0 ;; esac
done < ANSWERS/patterns
case "$*" in *"get service"*|*"get namespace"*|*"get networkpolicy"*) exit 1 ;; esac
case "$*" in *" history "*) echo "Error: release: not found" >&2; exit 1 ;; esac
"""


@dataclass(frozen=True)
class Stub:
    """The cluster, and what was asked of it."""

    cluster: Cluster
    folder: Path

    def answers(self, pattern: str, content: Any = "") -> None:
        """What a call is answered with whose arguments hold the pattern."""
        answers = self.folder / "answers"
        (answers / pattern.replace(" ", "_").replace("/", "_")).write_text(json.dumps(content), encoding="utf-8")
        with (answers / "patterns").open("a", encoding="utf-8") as patterns:
            patterns.write(f"{pattern}\n")

    def fails(self, pattern: str) -> None:
        """A call whose arguments hold the pattern fails, with the words "no pod"."""
        with (self.folder / "answers" / "failures").open("a", encoding="utf-8") as failures:
            failures.write(f"{pattern}\n")

    def calls(self, *words: str) -> list[list[str]]:
        """The calls whose arguments hold all of the words, in order."""
        lines = (self.folder / "calls").read_text(encoding="utf-8").splitlines()
        return [line.split() for line in lines if all(word in line for word in words)]


@pytest.fixture
def stub(tmp_path: Path) -> Stub:
    tools, answers = tmp_path / "tools", tmp_path / "answers"
    for folder in (tools, answers):
        folder.mkdir()
    for name in ("patterns", "failures"):
        (answers / name).touch()
    text = STUB.replace("CALLS", shlex.quote(str(tmp_path / "calls"))).replace("ANSWERS", shlex.quote(str(answers)))
    for name in ("kubectl", "helm"):
        (tools / name).write_text(text, encoding="utf-8")
        (tools / name).chmod(0o755)
    return Stub(Cluster("a-test", tools), tmp_path)


@pytest.fixture
def several(stub: Stub) -> Stub:
    """The first model, churn in another namespace under a name of its own, and fraud twice."""
    releases = [
        ("fraud", "team-b", "fraud"),
        ("churn", "team-a", "leaving"),
        ("fraud", "ratchet", "fraud"),
        ("ratchet", "ratchet", "ratchet"),
    ]
    stub.answers("get cronjobs", {"items": [cronjob(*release) for release in releases]})
    for release, namespace, name in releases:
        text = f"model: the_model_of_{release}\n"
        stub.answers(f"--namespace {namespace} get configmap {name}-project", {"data": {"ratchet.yaml": text}})
    stub.answers("get values ratchet", {"image": {"repository": "ratchet/ratchet", "tag": "7", "digest": ""}})
    stub.answers("get values platform", {"connections": {"namespaces": ["team-a"]}})
    return stub


DEPLOYED = {"project": "model: theirs\n", "kubeflow": {"url": "https://kubeflow.example.com", "uiUrl": ""}}


@pytest.fixture
def deployed(several: Stub) -> Stub:
    """All of them deployed by Helm; the last upgrade of the first one was refused."""
    states = ["superseded", "deployed", "failed"]
    several.answers("history", [{"revision": number, "status": state} for number, state in enumerate(states, start=1)])
    several.answers("get values ratchet", DEPLOYED)  # of a revision, and of the last one
    several.answers("--dry-run=server", {"manifest": MANIFEST.replace("one", "two")})
    several.answers("get manifest", "")
    (several.folder / "answers" / "get_manifest").write_text(MANIFEST, encoding="utf-8")
    return several


MANIFEST = "kind: ConfigMap\nmetadata: {name: settings}\ndata: {A: one}\n"


def applied(stub: Stub) -> list[list[str]]:
    """The upgrades, without those that were tried only."""
    return [call for call in stub.calls("helm", "upgrade --install") if "--dry-run=server" not in call]


def cronjob(release: str, namespace: str, name: str) -> dict[str, Any]:
    labels = {"app.kubernetes.io/instance": release}
    return {"metadata": {"name": f"{name}-pipeline", "namespace": namespace, "labels": labels}}


def project(folder: Path, text: str = "model: another\n") -> Path:
    file = folder / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_every_release_of_every_namespace_is_a_model_and_the_first_comes_first(several: Stub) -> None:
    assert models(several.cluster) == [
        FIRST,
        Model("fraud", "ratchet", "fraud"),
        Model("churn", "team-a", "leaving"),
        Model("fraud", "team-b", "fraud"),
    ]
    assert several.calls("--all-namespaces", "app.kubernetes.io/name=pipeline")


def test_a_model_is_chosen_by_its_release_and_where_two_have_the_name_by_the_namespace_too(several: Stub) -> None:
    assert chosen(several.cluster) == FIRST
    assert chosen(several.cluster, "churn").toolbox == "deploy/leaving-toolbox"
    assert chosen(several.cluster, "fraud", "team-b").namespace == "team-b"
    with pytest.raises(UserError, match="releases fraud in the namespaces ratchet, team-b: NAMESPACE names one"):
        chosen(several.cluster, "fraud")
    with pytest.raises(UserError, match="no release chrun of the chart ratchet; there is: ratchet in ratchet, "):
        chosen(several.cluster, "chrun")
    with pytest.raises(UserError, match="no release churn of the chart ratchet in namespace ratchet"):
        chosen(several.cluster, "churn", "ratchet")


def test_a_run_is_made_of_the_models_own_cronjob_in_its_namespace(several: Stub) -> None:
    job: dict[str, Any] = {"spec": {"template": {"spec": {"containers": [{"args": []}]}}}}
    several.answers("create job", job)
    name = start_job(several.cluster, ["run"], chosen(several.cluster, "churn"))
    assert name.startswith("leaving-run-")
    (made,) = several.calls("create job")
    assert made[made.index("--namespace") + 1] == "team-a"
    assert "--from=cronjob/leaving-pipeline" in made
    (created,) = several.calls("create --filename -")
    assert created[created.index("--namespace") + 1] == "team-a"


@pytest.mark.parametrize(("user", "actor"), [("ann@example.com", "ann@example.com (kubectl)"), ("", None)])
def test_who_starts_a_run_stands_in_the_ledger_as_the_cluster_calls_him(several: Stub, user: str, actor: str | None) -> None:
    env = [{"name": "RATCHET_ACTOR", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}, {"name": "A", "value": "b"}]
    several.answers("create job", {"spec": {"template": {"spec": {"containers": [{"args": [], "env": env}]}}}})
    several.answers("auth whoami", user)
    (several.folder / "answers" / "auth_whoami").write_text(user, encoding="utf-8")
    start_job(several.cluster, ["run"])
    created = json.loads((several.folder / "answers" / "stdin").read_text(encoding="utf-8"))  # the last call's
    container = created["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "A", "value": "b"} in container["env"]
    assert len(container["env"]) == 2
    told = next(item for item in container["env"] if item["name"] == "RATCHET_ACTOR")
    assert told == ({"name": "RATCHET_ACTOR", "value": actor} if actor else env[0])


def test_a_server_that_does_not_say_who_asks_holds_up_no_run(several: Stub) -> None:
    several.answers("create job", {"spec": {"template": {"spec": {"containers": [{"args": []}]}}}})
    several.fails("auth whoami")
    assert start_job(several.cluster, ["run"]).startswith("ratchet-run-")


def test_a_snapshot_is_uploaded_by_the_models_toolbox_to_where_it_looks(several: Stub, tmp_path: Path) -> None:
    (tmp_path / "month_000").mkdir()
    upload(several.cluster, tmp_path, "month_000", chosen(several.cluster, "churn"))
    (sent,) = several.calls("exec --stdin")
    assert sent[sent.index("--namespace") + 1] == "team-a"
    assert "deploy/leaving-toolbox" in sent
    assert '"$RATCHET_DATA"' in sent


def test_an_upgrade_reaches_every_model_and_keeps_what_was_set(deployed: Stub) -> None:
    install(deployed.cluster, "ratchet/ratchet:8", None)
    upgraded = [(call[call.index("--install") + 1], call[call.index("--namespace") + 1]) for call in applied(deployed)]
    assert upgraded == [
        ("platform", "ratchet"),
        ("ratchet", "ratchet"),
        ("fraud", "ratchet"),
        ("churn", "team-a"),
        ("fraud", "team-b"),
    ]
    for call in applied(deployed):
        assert "--reset-then-reuse-values" in call
        assert "image.tag=8" in call
        assert "--set-file" not in call  # the project that is deployed stays, the first one's too


def upgraded(stub: Stub, release: str) -> list[str]:
    (call,) = [call for call in applied(stub) if call[call.index("--install") + 1] == release]
    return call


@pytest.mark.parametrize("said", [[], ["notebooks"]])
def test_kubeflow_lets_in_the_namespaces_of_the_models_that_are_there(deployed: Stub, said: list[str]) -> None:
    deployed.answers("get values kubeflow-pipelines", {"networkPolicy": {"namespaces": said}})
    install(deployed.cluster, "ratchet/ratchet:8", None, kubeflow=True)
    wanted = ",".join([*said, "team-a", "team-b"])
    assert f"networkPolicy.namespaces={{{wanted}}}" in upgraded(deployed, "kubeflow-pipelines")


def test_namespaces_that_a_file_of_values_lets_in_are_added_to(
    deployed: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cluster, "load", lambda *_: None)  # no image is named
    file = tmp_path / "site.yaml"
    file.write_text("networkPolicy: {namespaces: [notebooks]}", encoding="utf-8")
    deployed.answers("get values kubeflow-pipelines", {})
    install(deployed.cluster, "ratchet/ratchet:8", None, kubeflow=file)
    assert "networkPolicy.namespaces={notebooks,team-a,team-b}" in upgraded(deployed, "kubeflow-pipelines")


def test_an_image_that_was_built_here_is_named_by_its_tag_in_every_chart(deployed: Stub) -> None:
    deployed.answers("get values kubeflow-pipelines", {})
    install(deployed.cluster, "ratchet/ratchet:8", None, kubeflow=True)
    assert len(applied(deployed)) == 6
    for call in applied(deployed):
        assert "image.digest=" in call  # a digest that was set would count in place of the tag


def test_the_deployed_project_is_replaced_when_asked(deployed: Stub, tmp_path: Path) -> None:
    file = project(tmp_path)
    install(deployed.cluster, "ratchet/ratchet:8", None, project=file)
    assert [f"project={file}" in call for call in applied(deployed)] == [False, True, False, False, False]


def test_a_project_that_differs_from_the_deployed_one_is_named(deployed: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    install(deployed.cluster, "ratchet/ratchet:8", None)
    assert "the ratchet.yaml that is deployed stays, the one of this folder differs: PROJECT=" in capsys.readouterr().out


def test_an_address_of_kubeflow_that_was_set_stays(deployed: Stub) -> None:
    deployed.answers("get service ml-pipeline")
    install(deployed.cluster, "ratchet/ratchet:8", None)
    (call,) = [call for call in applied(deployed) if call[call.index("--install") + 1] == "ratchet"]
    assert not any(word.startswith("kubeflow.url=") for word in call)
    assert "kubeflow.uiUrl=http://127.0.0.1:8080" in call


def test_the_difference_is_shown_before_it_is_applied(deployed: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    deployed.cluster.install("ratchet", {"image.tag": "8"}, wait=False)
    shown = capsys.readouterr().out
    assert "ratchet in ratchet: this changes\n    ~ ConfigMap settings\n" in shown
    assert "        -data: {A: one}\n        +data: {A: two}\n" in shown
    tried, done = deployed.calls("helm", "upgrade --install")
    assert ("--dry-run=server" in tried, "--dry-run=server" in done) == (True, False)


def test_a_first_install_takes_the_project_of_this_folder_also_after_one_that_failed(several: Stub) -> None:
    several.answers("history", [{"revision": 1, "status": "failed"}])
    install(several.cluster, "ratchet/ratchet:8", None)
    assert ["--set-file" in call for call in several.calls("charts/ratchet")] == [True, False, False, False]


def test_a_project_that_is_not_there_is_one_sentence_before_anything_is_done(deployed: Stub, tmp_path: Path) -> None:
    done = CliRunner().invoke(main.app, ["load", "--project", str(tmp_path / "none.yaml")])
    assert isinstance(done.exception, UserError)
    assert "there is no file" in str(done.exception)
    assert not (deployed.folder / "calls").exists()


def test_another_model_shares_the_image_and_has_a_place_of_its_own_for_its_data(several: Stub, tmp_path: Path) -> None:
    file = project(tmp_path)
    with pytest.raises(UserError, match="no release mine"):  # the cluster of this test does not grow
        add(several.cluster, "mine", file)
    (call,) = several.calls("helm upgrade")
    assert call[call.index("--install") + 1] == "mine"
    assert call[call.index("--namespace") + 1] == "ratchet"
    assert {"image.tag=7", "pipeline.data=s3://ratchet/mine/raw", f"project={file}"} <= set(call)
    assert not any("kubeflow" in word for word in call)


def test_in_another_namespace_it_gets_the_connections_and_kubeflows_tasks_stay_where_they_are(
    several: Stub, tmp_path: Path
) -> None:
    several.answers("get service ml-pipeline")
    with pytest.raises(UserError, match="no release mine"):
        add(several.cluster, "mine", project(tmp_path), "team-c")
    assert several.calls("create namespace team-c")
    platform, ratchet = several.calls("helm upgrade")
    assert "connections.namespaces={team-a,team-c}" in platform
    assert {"kubeflow.url=http://ml-pipeline.ratchet.svc:8888", "kubeflow.namespace=ratchet"} <= set(ratchet)
    assert ratchet[ratchet.index("--namespace") + 1] == "team-c"


def test_where_policies_close_kubeflow_the_new_namespace_is_let_in(several: Stub, tmp_path: Path) -> None:
    several.answers("get service ml-pipeline")
    several.answers("get networkpolicy ml-pipeline")
    several.answers("get values kubeflow-pipelines", {"networkPolicy": {"namespaces": ["team-a"]}})
    with pytest.raises(UserError, match="no release mine"):
        add(several.cluster, "mine", project(tmp_path), "team-c")
    (kubeflow,) = several.calls("helm upgrade", "kubeflow-pipelines")
    assert "networkPolicy.namespaces={team-a,team-c}" in kubeflow


@pytest.mark.parametrize("namespace", ["ratchet", "team-c"])
@pytest.mark.parametrize("pages", [True, False])
def test_a_models_runs_are_linked_to_kubeflows_pages_only_where_there_are_some(
    several: Stub, tmp_path: Path, namespace: str, *, pages: bool
) -> None:
    several.answers("get service ml-pipeline")
    if not pages:
        several.fails("get service ml-pipeline-ui")
    with pytest.raises(UserError, match="no release mine"):
        add(several.cluster, "mine", project(tmp_path), namespace)
    call = several.calls("helm upgrade", "mine")[-1]
    assert any(word.startswith("kubeflow.url=") for word in call)
    assert any(word.startswith("kubeflow.uiUrl=") for word in call) is pages


def test_a_changed_project_is_an_upgrade_that_leaves_the_datas_place(several: Stub, tmp_path: Path) -> None:
    add(several.cluster, "churn", project(tmp_path, "model: the_model_of_churn\n"), "team-a")
    (call,) = several.calls("helm upgrade")
    assert not any(word.startswith("pipeline.data") for word in call)


@pytest.mark.parametrize(
    ("release", "namespace", "text", "sentence"),
    [
        ("mine", "ratchet", "model: the_model_of_churn", "the model the_model_of_churn is that of release churn"),
        ("churn", "ratchet", "model: another", "there is a release churn in namespace team-a: name this one otherwise"),
        ("ratchet", "ratchet", "model: another", "ratchet is the release of `make cluster-up`"),
        ("platform", "ratchet", "model: another", "platform cannot be a model's release"),
        ("Mine", "ratchet", "model: another", "Mine cannot be a model's release: small letters"),
        ("a" * 43, "ratchet", "model: another", "42 at most"),
        ("mine", "ratchet", "- model", "is no ratchet.yaml: it names no model"),
        ("mine", "ratchet", "model: [", "cannot be read"),
    ],
)
def test_what_would_get_into_another_models_way_is_one_sentence(
    several: Stub, tmp_path: Path, release: str, namespace: str, text: str, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        add(several.cluster, release, project(tmp_path, text), namespace)
    assert not several.calls("helm upgrade")


def test_status_shows_every_model_and_one_that_does_not_answer_hides_no_other(
    several: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in models(several.cluster):
        if model.release != "churn":
            several.answers(
                f"--namespace {model.namespace} exec {model.toolbox}", f"status of {model.release} in {model.namespace}"
            )
    several.fails("exec deploy/leaving-toolbox")
    monkeypatch.setattr(main, "present", lambda: several.cluster)
    done = CliRunner().invoke(main.app, ["status"])
    assert done.exit_code == UserError.exit_code
    shown = [line for line in done.output.splitlines() if "==" in line or "status of" in line or "no pod" in line]
    assert shown == [
        "== ratchet in namespace ratchet",
        '"status of ratchet in ratchet"',
        "== fraud in namespace ratchet",
        '"status of fraud in ratchet"',
        "== churn in namespace team-a",
        "no pod",
        "== fraud in namespace team-b",
        '"status of fraud in team-b"',
    ]
    assert [call[call.index("--namespace") + 1] for call in several.calls("get pods,pvc")] == ["ratchet", "team-a", "team-b"]


def test_a_run_on_kubeflow_is_started_in_the_models_toolbox_on_its_data(several: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    several.answers("get configmap leaving-pipeline", {"data": {"RATCHET_DATA": "s3://ratchet/churn/raw"}})
    monkeypatch.setattr(main, "present", lambda: several.cluster)
    done = CliRunner().invoke(main.app, ["run", "month_000", "--model", "churn", "--runner", "kfp", "--force"])
    assert done.exit_code == 0, done.output
    (started,) = several.calls("-- ratchet run")
    assert started[started.index("--namespace") + 1] == "team-a"
    assert "deploy/leaving-toolbox" in started
    assert started[started.index("run") :] == [
        *("run", "--data", "s3://ratchet/churn/raw", "--snapshot", "month_000"),
        *("--force", "--runner", "kfp"),
    ]


SCORES = "s3://ratchet/scores/latest.parquet"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["latest"], ["score", "latest", "--out", SCORES]),
        (["month_001", "--version", "3"], ["score", "month_001", "--out", SCORES, "--version", "3"]),
    ],
)
def test_scores_are_made_by_a_job_of_the_models_own_cronjob_whose_exit_code_is_the_commands(
    several: Stub, monkeypatch: pytest.MonkeyPatch, asked: list[str], told: list[str]
) -> None:
    container = {"command": ["ratchet"], "args": ["score", "latest", "--out", ""], "env": [{"name": "A", "value": "b"}]}
    several.answers("create job", {"spec": {"template": {"spec": {"containers": [container]}}}})
    monkeypatch.setattr(main, "present", lambda: several.cluster)
    followed: list[tuple[str, Model]] = []

    def follow(_: Cluster, job: str, model: Model) -> int:
        followed.append((job, model))
        return 4

    monkeypatch.setattr(main, "follow", follow)
    done = CliRunner().invoke(main.app, ["score", *asked, "--out", SCORES, "--model", "churn"])
    assert done.exit_code == 4, done.output
    (made,) = several.calls("create job")
    assert made[made.index("--namespace") + 1] == "team-a"
    assert "--from=cronjob/leaving-score" in made
    assert followed == [(made[made.index("job") + 1], Model("churn", "team-a", "leaving"))]
    assert followed[0][0].startswith("leaving-score-")
    created = json.loads((several.folder / "answers" / "stdin").read_text(encoding="utf-8"))  # the last call's
    (sent,) = created["spec"]["template"]["spec"]["containers"]
    assert (sent["command"], sent["args"]) == (["ratchet"], told)
    assert {"name": "A", "value": "b"} in sent["env"]


@pytest.mark.parametrize("out", ["scores.parquet", "/tmp/scores.csv"])  # noqa: S108 - no file is made
def test_scores_that_would_go_with_the_pod_are_refused_before_anything_is_started(
    several: Stub, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.setattr(main, "present", lambda: several.cluster)
    done = CliRunner().invoke(main.app, ["score", "latest", "--out", out])
    assert isinstance(done.exception, UserError)
    assert "OUT would be a file in the pod, which goes with it" in str(done.exception)
    assert not (several.folder / "calls").exists()


def test_make_hands_over_what_is_to_be_scored_and_asks_for_what_is_missing() -> None:
    def make(*words: str) -> subprocess.CompletedProcess[str]:
        command = [shutil.which("make") or "make", "--dry-run", "score", *words]
        alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # `make test` hands down its own
        return subprocess.run(command, cwd=ROOT, env=alone, capture_output=True, text=True, check=False)

    line = make("SNAPSHOT=month_001", f"OUT={SCORES}", "VERSION=3", "MODEL=churn", "NAMESPACE=team-a").stdout.splitlines()[-1]
    words = shlex.split(line)
    assert words[words.index("cluster") + 1 :] == [
        *("score", "--model", "churn", "--namespace", "team-a", "--version", "3", "--out", SCORES, "month_001")
    ]
    for missing, sentence in (("OUT", "name the place"), ("SNAPSHOT", "name the snapshot")):
        given = {"OUT": SCORES, "SNAPSHOT": "latest"}
        del given[missing]
        refused = make(*(f"{name}={value}" for name, value in given.items()))
        assert refused.returncode != 0
        assert sentence in refused.stderr
