"""Code of the user's own that ratchet.yaml names: where it lies and what it is, without a line of it being run."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.errors import ProjectError

_NEITHER = "it lies neither beside ratchet.yaml nor in an installed package"


@dataclass(frozen=True, slots=True)
class OwnCode:
    """A function of a module below `folder`, and the SHA-256 hex digest of the sources that it comes with."""

    module: str
    function: str
    folder: Path
    digest: str

    @property
    def called(self) -> str:
        """As ratchet.yaml names it."""
        return f"{self.module}:{self.function}"


def own_code(reference: str, beside: Path) -> OwnCode:
    """Look the function's sources up: those of its package, or of its one file.

    Args:
        reference: `package.module:function`.
        beside: the folder of ratchet.yaml, which goes before what is installed, but may not hide it.

    Raises ProjectError when there is no such module, or two.
    """
    module, _, function = reference.partition(":")
    parts = module.split(".")
    found, installed = _in(beside, parts[0]), _installed(parts)
    if found and installed and installed.absolute() != found.absolute():
        message = f"prepare: {parts[0]} is {found} and {installed}, too: give the package beside ratchet.yaml another name"
        raise ProjectError(message)
    root = found or installed
    if root is None:
        message = f"prepare: there is no module {module}: {_NEITHER}"
        raise ProjectError(message)
    file = root if root.is_file() else _in(root.joinpath(*parts[1:-1]), parts[-1]) if len(parts) > 1 else root
    if file is None or (root.is_file() and len(parts) > 1):
        message = f"prepare: there is no module {module} in {root}"
        raise ProjectError(message)
    return OwnCode(module, function, root.parent, _digest(root))


def _in(folder: Path, name: str) -> Path | None:
    """The package or module of that name directly in the folder."""
    if (folder / name).is_dir():
        return folder / name
    return folder / f"{name}.py" if (folder / f"{name}.py").is_file() else None


def _installed(parts: list[str]) -> Path | None:
    try:
        spec = importlib.util.find_spec(parts[0])
    except (ImportError, ValueError):  # ValueError for a name that a running program has taken, as `__main__`
        return None
    if spec is None:
        return None
    places = list(spec.submodule_search_locations or [])
    return Path(places[0]) if places else Path(spec.origin) if spec.has_location and spec.origin else Path(parts[0])


def _digest(root: Path) -> str:
    """Over names and contents of the sources; line ends count, comments too. Raises ProjectError when one cannot be read."""
    files = [root] if root.is_file() else sorted(_sources(root))
    digest = hashlib.sha256()
    for file in files:
        try:
            content = hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError as error:
            message = f"prepare: {file} cannot be read: {error.strerror}"
            raise ProjectError(message) from error
        digest.update(f"{file.relative_to(root.parent).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def _sources(root: Path) -> list[Path]:
    found = []
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
        found += [Path(place) / name for name in names if name.endswith(".py")]
    return found
