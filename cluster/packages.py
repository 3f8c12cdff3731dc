"""Everything of a cluster from Debian packages, Go modules and PyPI, no image pulled: for air-gapped sites and for CI.

Each part is made once for its recipe and kept in the cache folder: programs, root file systems, images. The node image carries what
Kubernetes itself runs; the platform's images and ours are loaded into the node like a user's own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.images import Image, build, exists, files_of, image_id
from cluster.shell import run, stage

HERE = Path(__file__).parent
POSTGRES, VERSITYGW = "ratchet/postgres:15", "ratchet/versitygw:1.8.0"
_SYSTEM, _PROVISIONER = "ratchet/system:1", "ratchet/local-path-provisioner:1"
_HASH = 12
_FOREIGN = "registry.k8s.io/"  # names of images that are not ours

_NODE = """systemd systemd-sysv dbus containerd runc containernetworking-plugins iptables iproute2 ethtool socat conntrack kmod
 procps util-linux mount ebtables ca-certificates tar gzip hostname libseccomp2 bash findutils"""
_PYTHON = "python3.11 python3.11-venv ca-certificates"
_BASE = "postgresql-15 catatonit iptables conntrack kmod"
_SUITE = "bookworm"
_UNREAD = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")
# PostgreSQL's just-in-time compiler is half of its size and of no use to a ledger
_JIT = 'rm -rf "$1"/usr/lib/*/libLLVM* "$1"/usr/lib/postgresql/15/lib/bitcode "$1"/usr/lib/postgresql/15/lib/llvmjit*'
_CACHES = 'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/var/log/*'


def cache_folder() -> Path:
    """Where programs and root file systems are kept: RATCHET_CLUSTER_CACHE, else the user's cache folder."""
    own = os.environ.get("RATCHET_CLUSTER_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ratchet-cluster"


@dataclass(frozen=True)
class Parts:
    """What was made: the folder of the programs, the node's image, the base of our own image and the platform's images."""

    programs: Path
    node: str
    python: str
    platform: tuple[str, ...]


def make() -> Parts:
    """Make what is missing. Raises UserError with the end of a failed program's output."""
    with ThreadPoolExecutor() as pool:  # compiling and unpacking wait for different things
        roots = {
            name: pool.submit(_root, name, packages) for name, packages in (("node", _NODE), ("python", _PYTHON), ("base", _BASE))
        }
        with stage("programs from Go modules"):
            programs = _programs()
        with stage("root file systems from Debian packages"):
            made = {name: future.result() for name, future in roots.items()}
    with stage("images"):
        python = _python(made["python"])
        _platform(programs, made["base"])
        node = _node(
            programs,
            made["node"],
            _named(Image("ratchet/system", "FROM scratch\nADD root.tar /\n", {"root.tar": made["base"]}), _SYSTEM),
        )
    return Parts(programs, node, python, (POSTGRES, VERSITYGW))


def _programs_folder() -> Path:
    return cache_folder() / f"programs-{_digest(*(path.read_bytes() for _, path in files_of(HERE / 'tools')))}"


def built_tools() -> Path | None:
    """The cached folder of kind, kubectl and helm that any checkout of this recipe has built; None when none has."""
    folder = _programs_folder()
    return folder if (folder / "helm").exists() else None


def _programs() -> Path:
    recipe, folder = HERE / "tools", _programs_folder()
    if not (folder / "helm").exists():
        unfinished = folder.with_name(f".{folder.name}")
        run(["sh", recipe / "build.sh", unfinished], log=cache_folder() / "logs" / "programs.log")
        unfinished.replace(folder)
    return folder


def _root(name: str, packages: str) -> Path:
    """A root file system as a tar file: minimal Debian with these packages."""
    wanted = ",".join(packages.split())
    command = ["mmdebstrap", "--variant=minbase", *(f"--dpkgopt=path-exclude={path}" for path in _UNREAD)]
    command += [f"--customize-hook={_JIT}", f"--customize-hook={_CACHES}", f"--include={wanted}", _SUITE]
    file = cache_folder() / f"{name}-{_digest(repr(command).encode())}.tar"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(f".{file.name}")
        run([*command, unfinished], log=cache_folder() / "logs" / f"root-{name}.log")
        unfinished.replace(file)
    return file


def _python(root: Path) -> str:
    image = Image("ratchet/python", "FROM scratch\nADD root.tar /\n", {"root.tar": root})
    tag = f"{image.name}:3.11-{root.stem.rpartition('-')[2]}"
    build(image, tag, classic=True)
    return tag


def _platform(programs: Path, root: Path) -> None:
    """PostgreSQL under the user of the official image, and versitygw; each under the name that the chart is given."""
    postgres = (
        "FROM scratch\nADD root.tar /\nRUN usermod --uid 999 postgres && groupmod --gid 999 postgres\n"
        "ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin\nUSER 999:999\n"
    )
    _named(Image("ratchet/postgres", postgres, {"root.tar": root}), POSTGRES)
    gateway = 'FROM scratch\nCOPY versitygw /usr/local/bin/versitygw\nENTRYPOINT ["/usr/local/bin/versitygw"]\n'
    _named(Image("ratchet/versitygw", gateway, {"versitygw": programs / "versitygw"}), VERSITYGW)


def _named(image: Image, name: str) -> str:
    """Build under the content's tag, give it a plain name too, which a chart or a manifest can hold, and return the tag."""
    tag = f"{image.name}:{image.hash}"
    build(image, tag, classic=True)
    run(["docker", "tag", tag, name])
    return tag


def _node(programs: Path, root: Path, system: str) -> str:
    version = (HERE / "node" / "root" / "kind" / "version").read_text(encoding="utf-8").strip()
    files: dict[str, Path | bytes] = {"node.tar": root, **dict(files_of(HERE / "node" / "root", "root/"))}
    files |= {f"bin/{name}": programs / name for name in ("kubelet", "kubeadm", "kubectl", "runc-capped")}
    dockerfile = (HERE / "node" / "Dockerfile").read_text(encoding="utf-8")
    components = _components(programs, version, system)
    hashes = repr(sorted((name, content.hash) for name, content in components.items())).encode()
    image = Image("ratchet/node", dockerfile, {**files, "components": hashes})
    tag = f"{image.name}:{version}-{image.hash}"
    if exists(tag):
        return tag
    archive = cache_folder() / f"components-{image.hash}.tar"
    try:
        with names_lent(components):
            run(["docker", "save", "--output", archive, *components, _SYSTEM])
        build(Image(image.name, dockerfile, {**files, "images/components.tar": archive}), tag, classic=True)
    finally:
        archive.unlink(missing_ok=True)
    return tag


@contextmanager
def names_lent(components: Mapping[str, Image]) -> Iterator[None]:
    """The components under the names that the node asks for, for as long as they are saved: in docker the names are others'."""
    before = {name: image_id(name) for name in components}
    try:
        for name, content in components.items():
            _named(content, name)
        yield
    finally:
        for name, theirs in before.items():
            if theirs:
                run(["docker", "tag", theirs, name])
            elif name.startswith(_FOREIGN) and exists(name):
                run(["docker", "image", "rm", name])


def _components(programs: Path, version: str, system: str) -> Mapping[str, Image]:
    """What runs in the node's own pods, under the names that kubeadm and the storage manifest ask for."""
    listed = run([programs / "kubeadm", "config", "images", "list", "--kubernetes-version", version], timeout=60).split()
    names = {name.rpartition("/")[2].partition(":")[0]: name for name in listed}
    images = {
        names[program]: _program_image(programs / program, f"/usr/local/bin/{program}")
        for program in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
    }
    images[names["coredns"]] = _program_image(programs / "coredns", "/coredns", entrypoint=True)
    images[names["pause"]] = Image("ratchet/pause", f'FROM {system}\nENTRYPOINT ["/usr/bin/catatonit", "-P"]\n')
    proxy = f"FROM {system}\nCOPY kube-proxy /usr/local/bin/kube-proxy\n"
    images[names["kube-proxy"]] = Image("ratchet/kube-proxy", proxy, {"kube-proxy": programs / "kube-proxy"})
    images[_PROVISIONER] = _program_image(programs / "local-path-provisioner", "/local-path-provisioner")
    return images


def _program_image(program: Path, place: str, *, entrypoint: bool = False) -> Image:
    lines = ["FROM scratch", f"COPY {program.name} {place}", *([f'ENTRYPOINT ["{place}"]'] if entrypoint else [])]
    return Image(f"ratchet/{program.name}", "\n".join(lines) + "\n", {program.name: program})


def link_tools(programs: Path, folder: Path, names: Sequence[str] = ("kind", "kubectl", "helm")) -> None:
    """Make the cluster's own tools callable from a folder of the project, to be put on PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(programs / name)


def clear() -> None:
    """Forget all that was made, but for images."""
    shutil.rmtree(cache_folder(), ignore_errors=True)


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:_HASH]
