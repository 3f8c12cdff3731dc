"""Import every module of the given packages, and print as JSON what code of theirs did to the environment and to files meanwhile.

What a vendor does while it is imported is the vendor's. Ours is what happens with a frame of ours on the stack and no import
between it and the deed, whoever is called: so settings that pydantic reads for us count.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import sys
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

_deeds: list[str] = []
_packages = tuple(sys.argv[1:])
_before = dict(os.environ)
_installed = (Path(sys.prefix), Path(sys.base_prefix), Path(os.__file__).parent)


def _culprit() -> str | None:
    """`module:line` of our code that does it, None when it is a vendor's import."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - inspect would import, and open, what it needs
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.startswith("importlib._bootstrap"):
            return None
        if name.partition(".")[0] in _packages:
            return f"{name}:{frame.f_lineno}"
        frame = frame.f_back
    return None


def _is_code(path: object) -> bool:
    """Python's own files, packages' metadata and sources: pydantic looks for plugins there, KFP reads a component's source."""
    return str(path).endswith(".py") or any(Path(str(path)).is_relative_to(folder) for folder in _installed)


def _on_audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and not _is_code(arguments[0]) and (place := _culprit()):
        _deeds.append(f"{place} opens {arguments[0]}")
    elif event in {"os.putenv", "os.unsetenv"}:
        name = os.fsdecode(arguments[0])
        after = os.fsdecode(arguments[1]) if event == "os.putenv" else None
        if after != _before.get(name) and (place := _culprit()):  # to take back what a vendor has set changes nothing
            _deeds.append(f"{place} sets {name}")


class _Watched(type(os.environ)):  # type: ignore[misc]  # os has no public name for it
    """The environment, which notes who reads a variable of ours."""

    def __getitem__(self, name: str) -> str:
        if name.startswith("RATCHET_") and (place := _culprit()):
            _deeds.append(f"{place} reads {name}")
        return str(super().__getitem__(name))


def _import(package: ModuleType) -> None:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(found.name)


def main() -> None:
    """Watch, import, print."""
    os.environ.__class__ = _Watched
    sys.addaudithook(_on_audit)
    for name in _packages:
        _import(importlib.import_module(name))
    deeds = list(_deeds)
    imported = sorted(name for name in sys.modules if name.partition(".")[0] in _packages)
    sys.stdout.write(json.dumps({"imported": imported, "deeds": deeds}))


if __name__ == "__main__":
    main()
