"""Docker images, each made once for a given content: the tag carries a hash of everything that goes into it."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO

from cluster.shell import run, succeeds

ROOT = Path(__file__).parent.parent
_SOURCES = (
    "pyproject.toml",
    "uv.lock",
    "tools/uv.txt",
    "README.md",
    "LICENSE",
    "Dockerfile",
    "components",
    "pipelines",
    "ratchet",
    "serving",
)
_HASH = 12


@dataclass(frozen=True)
class Image:
    """An image to build: a Dockerfile's text, its context's files by name (a Path is read, bytes are content) and arguments."""

    name: str
    dockerfile: str
    files: Mapping[str, Path | bytes] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """Hex digits that stand for Dockerfile, arguments and every file's content (large files are named after theirs)."""
        digest = hashlib.sha256(repr((self.dockerfile, sorted(self.arguments.items()))).encode())
        for name, content in sorted(self.files.items()):
            digest.update(f"\0{name}\0".encode())
            digest.update(_identity(content))
        return digest.hexdigest()[:_HASH]


def _identity(content: Path | bytes) -> bytes:
    if isinstance(content, bytes):
        return content
    if content.stat().st_size > 2**24:  # programs and root file systems: made by hashed recipes into folders named after them
        return str(content.name).encode() + content.parent.name.encode() + str(content.stat().st_size).encode()
    return content.read_bytes() + str(content.stat().st_mode & 0o111).encode()


def exists(tag: str) -> bool:
    """Whether Docker has the image."""
    return succeeds(["docker", "image", "inspect", tag])


def image_id(tag: str) -> str:
    """The id of the image of that name; empty when there is none."""
    return run(["docker", "images", "--quiet", "--no-trunc", tag]).strip()


def present() -> set[str]:
    """All images that have a name, by name."""
    names = run(["docker", "images", "--format", "{{.Repository}}:{{.Tag}}"]).split()
    return {name for name in names if "<none>" not in name}


def remove(names: Iterable[str]) -> None:
    """Remove images, and the nameless ones that their builds have left."""
    for name in sorted(names):
        run(["docker", "image", "rm", "--force", name])
    run(["docker", "image", "prune", "--force"])


def build(image: Image, tag: str, *, classic: bool, log: Path | None = None) -> None:
    """Build it under `tag`, unless it is there. `classic`: by the daemon's own builder, which needs no plugin."""
    if exists(tag):
        return
    command = ["docker", "build", "--quiet", "--network=host", "--tag", tag]
    for name, value in image.arguments.items():
        command += ["--build-arg", f"{name}={value}"]
    env = {**os.environ, "DOCKER_BUILDKIT": "0"} if classic else None
    with tempfile.TemporaryFile() as context:
        _write_context(image, context)
        context.seek(0)
        run([*command, "-"], stdin=context, env=env, log=log)


def _write_context(image: Image, file: IO[bytes]) -> None:
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in [("Dockerfile", image.dockerfile.encode()), *sorted(image.files.items())]:
            if isinstance(content, Path):
                archive.add(content, name, recursive=False, filter=_plain)
            else:
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without the builder's clock and owner, so that the same content makes the same layer."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def files_of(folder: Path, prefix: str = "") -> Iterator[tuple[str, Path]]:
    """Every file below the folder, by its name in a context."""
    for path in sorted(folder.rglob("*")):
        if (path.is_file() or path.is_symlink()) and "__pycache__" not in path.parts:
            yield f"{prefix}{path.relative_to(folder)}", path


def ours(base: str | None) -> tuple[Image, str]:
    """The product's own image on `base` (the Dockerfile's default when None), and its tag: the version and what is in it."""
    files: dict[str, Path | bytes] = {}
    for name in _SOURCES:
        path = ROOT / name
        files |= dict(files_of(path, f"{name}/")) if path.is_dir() else {name: path}
    dockerfile = files.pop("Dockerfile")
    if certificates := _site_certificates():
        files["site-ca.pem"] = certificates
    text = dockerfile.read_text(encoding="utf-8") if isinstance(dockerfile, Path) else ""
    image = Image("ratchet/ratchet", text, files, {"BASE": base} if base else {})
    return image, f"{image.name}:{version('ratchet-ct')}-{image.hash}"


def _site_certificates() -> Path | None:
    """A site's own certificates, where this machine has them: a build must trust the same proxy."""
    for variable in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"):
        path = Path(os.environ.get(variable, ""))
        if path.is_file():
            return path
    return None
