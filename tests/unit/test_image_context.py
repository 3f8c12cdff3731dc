"""What goes into the image's build, and what stays of it in the user's docker."""

from __future__ import annotations

import re

import pytest

from cluster import packages, shell
from cluster.images import ROOT, Image, ours


def test_docker_build_is_sent_what_the_image_is_made_of_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    wanted = {name.replace("pe[m]", "pem") for line in copied for name in line.split()}
    assert let_in == wanted
    image, _ = ours(None)
    assert not [name for name in image.files if not any(name == item or name.startswith(f"{item}/") for item in let_in)]


class Docker:
    """Names of images, as docker keeps them."""

    def __init__(self, **names: str) -> None:
        self.names = {name.replace("__", "/"): image for name, image in names.items()}

    def run(self, command: list[str]) -> str:
        match command[1:]:
            case ["images", *_, name]:
                return self.names.get(name, "")
            case ["tag", image, name]:
                self.names[name] = self.names.get(image, image)
            case ["image", "rm", name]:
                del self.names[name]
        return ""


def test_the_names_that_a_node_asks_for_do_not_stay_in_the_users_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = Docker()
    docker.names["registry.k8s.io/etcd:3"] = "sha256:the users own"
    monkeypatch.setattr(packages, "run", docker.run)
    monkeypatch.setattr("cluster.images.run", docker.run)
    monkeypatch.setattr(packages, "build", lambda _, tag, **__: docker.names.setdefault(tag, f"sha256:{tag}"))
    monkeypatch.setattr(packages, "exists", lambda tag: tag in docker.names)
    content = {name: Image(f"ratchet/{name}", "FROM scratch") for name in ("etcd", "pause", "provisioner")}
    wanted = {
        "registry.k8s.io/etcd:3": content["etcd"],
        "registry.k8s.io/pause:3": content["pause"],
        "ratchet/provisioner:1": content["provisioner"],
    }
    with packages.names_lent(wanted):
        assert docker.names["registry.k8s.io/etcd:3"].startswith("sha256:ratchet/etcd")
        assert "registry.k8s.io/pause:3" in docker.names
    assert docker.names["registry.k8s.io/etcd:3"] == "sha256:the users own"
    assert "registry.k8s.io/pause:3" not in docker.names
    assert "ratchet/provisioner:1" in docker.names


def test_without_a_terminal_a_stage_is_named_before_it_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    with shell.stage("images"):
        assert capsys.readouterr().out == "  images ...\n"
    assert re.fullmatch(r"  images \(\d+ s\)\n", capsys.readouterr().out)
