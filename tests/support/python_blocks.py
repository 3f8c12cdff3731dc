"""The Python blocks of a Markdown page that have a title: a file's content, or what takes the place of something in a file."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from textwrap import indent
from types import ModuleType
from typing import Any

import pytest

from cluster.images import ROOT

_BLOCK = re.compile(r'^```python title="(?P<title>[^"\n]+)"\n(?P<code>.*?)^```$', re.MULTILINE | re.DOTALL)


def python_blocks(page: Path) -> dict[str, str]:
    """The code by title, in the page's order."""
    found = [(block["title"], block["code"]) for block in _BLOCK.finditer(page.read_text(encoding="utf-8"))]
    assert len(dict(found)) == len(found), "two blocks have the same title"
    return dict(found)


class Written:
    """The page's files as if somebody had written them, until the test ends."""

    def __init__(self, blocks: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._blocks, self._patch = blocks, monkeypatch

    def module(self, title: str) -> Any:
        """A file that the repository does not have, as a module that can be imported."""
        assert not (ROOT / title).exists(), f"{title} is there: the page shall make another"
        name = title.removesuffix(".py").replace("/", ".")
        parent = name.rpartition(".")[0]
        if not (ROOT / parent.replace(".", "/")).exists():
            self._put(parent, ModuleType(parent))
        made = ModuleType(name)
        self._put(name, made)
        self._run(title, made.__dict__)
        return made

    def changed(self, title: str) -> dict[str, Any]:
        """What a file of the repository has with the block's lines in it; the file stays as it is."""
        names = dict(_imported(title).__dict__)
        self._run(title, names)
        return names

    def returned(self, title: str, names: dict[str, Any]) -> Any:
        """What lines return that stand in a method of a file (`in A.b of FILE`), which has these names beside the file's own."""
        names_in = ", ".join(names)
        lines = indent(self._blocks[title], "    ")
        space = dict(_imported(title.rpartition(" ")[2]).__dict__)
        exec(compile(f"def method({names_in}):\n{lines}", title, "exec", dont_inherit=True), space)  # noqa: S102 - our own page
        return space["method"](**names)

    def _put(self, name: str, module: ModuleType) -> None:
        parent, _, last = name.rpartition(".")
        self._patch.setitem(sys.modules, name, module)
        self._patch.setattr(import_module(parent), last, module, raising=False)

    def _run(self, title: str, names: dict[str, Any]) -> None:
        exec(compile(self._blocks[title], title, "exec", dont_inherit=True), names)  # noqa: S102 - our own page


def _imported(path: str) -> ModuleType:
    return import_module(path.removesuffix(".py").replace("/", "."))
