"""What the machine must have before a cluster is made; each thing that is missing is one sentence with the way to get it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from cluster.shell import run, succeeds
from ratchet.core.errors import UserError

GIB = 2**30
_MEMORY = 6 * GIB  # the platform idles in 3, the pipeline and a rolling update need as much again
_KUBEFLOW = 2 * GIB  # idle and the pods of a run
_DISK = {"official": 15 * GIB, "packages": 20 * GIB}

_TOOLS = {
    "docker": "install Docker (https://docs.docker.com/engine/install), on a bare Debian machine: `make cluster-host`",
    "kind": "install kind (https://kind.sigs.k8s.io/docs/user/quick-start/#installation), or use IMAGES=packages, which builds it",
    "kubectl": "install kubectl (https://kubernetes.io/docs/tasks/tools), or use IMAGES=packages, which builds it",
    "helm": "install Helm 3.14 or newer (https://helm.sh/docs/intro/install), or use IMAGES=packages, which builds it",
    "go": "install Go 1.26 or newer: it builds Kubernetes from its modules; on a bare Debian machine `make cluster-host` brings it",
    "mmdebstrap": "install it from your distribution (Debian, Ubuntu: apt-get install mmdebstrap), or run `make cluster-host`",
}
_NEEDED = {"official": ("docker", "kind", "kubectl", "helm"), "packages": ("docker", "go", "mmdebstrap")}


def check(images: str, *, kubeflow: bool = False) -> None:
    """Raise UserError with every reason why the cluster could not come up, one a line."""
    missing = list(_missing(images, _MEMORY + (_KUBEFLOW if kubeflow else 0)))
    if missing:
        raise UserError("\n       ".join(missing))


def _missing(images: str, wanted: int) -> Iterator[str]:
    for tool in _NEEDED[images]:
        if shutil.which(tool) is None:
            yield f"{tool} is missing: {_TOOLS[tool]}"
    if images == "packages" and os.geteuid() != 0:
        yield "IMAGES=packages unpacks Debian packages with their owners and needs root: run it as root, or use IMAGES=official"
    if shutil.which("docker") is None:
        return
    if not succeeds(["docker", "info"]):
        yield "no docker daemon answers: start it (systemctl start docker), on a bare Debian machine by `make cluster-host`"
        return
    memory, folder = run(["docker", "info", "--format", "{{.MemTotal}}\t{{.DockerRootDir}}"]).strip().split("\t")
    if int(memory) < wanted:
        has = f"docker has {int(memory) / GIB:.1f} GiB of memory"
        less = f", or leave Kubeflow out (KUBEFLOW=off needs {_MEMORY // GIB})" if wanted > _MEMORY else ""
        yield f"{has}, {wanted // GIB} are needed: give it more (Docker Desktop: Settings, Resources){less}"
    root = Path(folder)
    if root.is_dir():  # else the daemon runs in a virtual machine, whose disk cannot be seen from here
        free = shutil.disk_usage(root).free
        if free < _DISK[images]:
            yield f"{root} has {free / GIB:.0f} GiB free, {_DISK[images] // GIB} are needed: `docker system prune` frees some"
