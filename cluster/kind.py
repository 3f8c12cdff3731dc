"""The kind cluster itself: made, known by its name, loaded with images, taken away."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cluster.difference import show
from cluster.images import ROOT
from cluster.shell import run, succeeds
from ratchet.core.errors import UserError

NAMESPACE = "ratchet"
_CREATE_SECONDS = 600.0
_LOAD_SECONDS = 600.0
_READY_SECONDS = 900  # images may have to be pulled


@dataclass(frozen=True)
class Cluster:
    """A kind cluster by name, the folder of the tools to use on it (None: those on PATH), and the namespace that is meant."""

    name: str
    tools: Path | None = None
    namespace: str = NAMESPACE

    @property
    def context(self) -> str:
        """Its context in the kubeconfig."""
        return f"kind-{self.name}"

    def within(self, namespace: str) -> Cluster:
        """The same cluster with another namespace meant."""
        return replace(self, namespace=namespace)

    def exists(self) -> bool:
        """Whether kind knows it."""
        return self.name in run([self._tool("kind"), "get", "clusters"]).split()

    def is_of_packages(self) -> bool:
        """Whether its node is of our own image, and not an official one."""
        image = run(["docker", "inspect", "--format", "{{.Config.Image}}", f"{self.name}-control-plane"])
        return image.startswith("ratchet/node")

    def create(self, node: str | None) -> None:
        """Create it from a node image (kind's own choice when None), with the namespace as its context's default."""
        command: list[str | Path] = [self._tool("kind"), "create", "cluster", "--name", self.name]
        command += ["--config", ROOT / "kind-config.yaml", "--wait", "180s", *(["--image", node] if node else [])]
        run(command, timeout=_CREATE_SECONDS)

    def connect(self) -> None:
        """Write its address and keys into the kubeconfig, which may not be the one that it was created with."""
        run([self._tool("kind"), "export", "kubeconfig", "--name", self.name])

    def delete(self) -> None:
        """Delete it with all that is on it."""
        run([self._tool("kind"), "delete", "cluster", "--name", self.name])

    def load(self, images: Sequence[str]) -> None:
        """Give its node the images that it does not have: from docker's store straight into the node's, without a file between."""
        node = ["docker", "exec", "--interactive", f"{self.name}-control-plane", "ctr", "--namespace", "k8s.io", "images"]
        present = set(run([*node, "ls", "-q"]).split())
        missing = [image for image in images if f"docker.io/{image}" not in present]
        if not missing:
            return
        with subprocess.Popen(["docker", "save", *missing], stdout=subprocess.PIPE) as saving:  # noqa: S603, S607 - docker
            run([*node, "import", "-"], stdin=saving.stdout, timeout=_LOAD_SECONDS)
        if saving.returncode:
            message = f"docker save {' '.join(missing)} failed with code {saving.returncode}"
            raise UserError(message)

    def kubectl(self, *arguments: str | Path, stdin: bytes | None = None, timeout: float | None = 120.0) -> str:
        """Run kubectl on it, in the namespace."""
        return run([*self.kubectl_command(), *arguments], stdin=stdin, timeout=timeout)

    def kubectl_command(self) -> list[str | Path]:
        """The head of a kubectl command line, for a caller that follows its output."""
        return [self._tool("kubectl"), "--context", self.context, "--namespace", self.namespace]

    def read(self, kind: str, name: str = "", *, selector: str = "", everywhere: bool = False) -> dict[str, Any]:
        """An object, or a list of them, as the API server has it; `everywhere`: of all namespaces."""
        wanted = [kind, *([name] if name else []), *(["--selector", selector] if selector else [])]
        wanted += ["--all-namespaces"] if everywhere else []
        content: dict[str, Any] = json.loads(self.kubectl("get", *wanted, "--output", "json"))
        return content

    def has(self, kind: str, name: str) -> bool:
        """Whether there is such an object."""
        return succeeds([*map(str, self.kubectl_command()), "get", kind, name])

    def install(
        self,
        release: str,
        values: Mapping[str, str],
        *,
        chart: str = "",
        files: Mapping[str, Path] | None = None,
        over: Path | None = None,
        wait: bool,
    ) -> None:
        """Install a release of the chart (by default that of the release's name) or upgrade it, which keeps what else was set.

        What an upgrade changes is shown before it is applied. `files` are values read from files, `over` is a file of values.
        """
        command: list[str | Path] = [self._tool("helm"), "upgrade", "--install", release, ROOT / "charts" / (chart or release)]
        command += ["--kube-context", self.context, "--namespace", self.namespace, "--create-namespace"]
        command.append("--reset-then-reuse-values")  # a chart that has grown brings its new defaults
        if over is not None:
            command += ["--values", over]
        for name, value in values.items():
            command += ["--set-string", f"{name}={value}"]  # a tag of digits is no number
        for name, path in (files or {}).items():
            command += ["--set-file", f"{name}={path}"]
        command += ["--timeout", f"{_READY_SECONDS}s"]  # of the hook that reads the project too, which may have to pull the image
        if self.revision(release):
            would: dict[str, Any] = json.loads(run([*command, "--dry-run=server", "--output", "json"], timeout=300.0))
            show(f"{release} in {self.namespace}", self.helm("get", "manifest", release), would["manifest"])
        run([*command, *(["--wait"] if wait else [])], timeout=_READY_SECONDS + 60.0)

    def revision(self, release: str) -> int | None:
        """The number of the release's last revision that was deployed; None where none ever was, as after a failed install."""
        try:
            revisions = json.loads(self.helm("history", release, "--output", "json"))
        except UserError as error:
            if "release: not found" not in str(error):
                raise
            return None
        return max((item["revision"] for item in revisions if item["status"] in {"deployed", "superseded"}), default=None)

    def values(self, release: str) -> dict[str, Any] | None:
        """All values of the release as it was deployed last, the chart's defaults included; None where it never was."""
        number = self.revision(release)
        if number is None:
            return None
        values: dict[str, Any] = json.loads(
            self.helm("get", "values", release, "--revision", str(number), "--all", "--output", "json")
        )
        return values

    def helm(self, *arguments: str | Path) -> str:
        """Run helm on it, in the namespace."""
        return run([self._tool("helm"), "--kube-context", self.context, "--namespace", self.namespace, *arguments], timeout=300.0)

    def _tool(self, name: str) -> str | Path:
        return self.tools / name if self.tools else name


def named() -> str:
    """The cluster's name: RATCHET_CLUSTER, else ratchet."""
    return os.environ.get("RATCHET_CLUSTER") or "ratchet"
