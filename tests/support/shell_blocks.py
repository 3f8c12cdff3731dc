"""The shell blocks of a Markdown page: commands, and the output that the page shows.

A block is run by tests unless the line before it is one of these HTML comments, which no reader sees:

- `<!-- shell: needs a cluster -->`
- `<!-- shell: run by FILE: TEXT -->`: something else runs it, and TEXT stands in FILE.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"(?:^[ ]*<!-- shell: (?P<marker>.+?) -->\n+)?"
    r"^(?P<indent>[ ]*)```(?:console|sh|bash|shell)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_ELSEWHERE = re.compile(r"run by (?P<file>\S+): (?P<text>.+)")


@dataclass(frozen=True)
class Shown:
    """One command of a block with the lines that the page shows after it."""

    command: str
    output: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    text: str
    marker: str

    @property
    def runs_here(self) -> bool:
        return not self.marker

    @property
    def elsewhere(self) -> tuple[str, str] | None:
        """The file that runs it, and the text that must stand there."""
        found = _ELSEWHERE.fullmatch(self.marker)
        return (found["file"], found["text"]) if found else None

    @property
    def shown(self) -> Iterator[Shown]:
        """In a block of the language sh every line is a command's, in a console those after `$ `."""
        if "$ " not in self.text:
            yield Shown(self.text, ())
            return
        command, output = "", list[str]()
        for line in self.text.splitlines():
            if line.startswith("$ "):
                if command:
                    yield Shown(command, tuple(output))
                command, output = line.removeprefix("$ "), []
            elif command.endswith("\\"):
                command += f"\n{line}"
            else:
                output.append(line)
        yield Shown(command, tuple(output))


def blocks(page: Path) -> list[Block]:
    """The page's shell blocks, in order."""
    found = []
    for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        lines = [line.removeprefix(match["indent"]) for line in match["text"].splitlines(keepends=True)]
        found.append(Block("".join(lines), match["marker"] or ""))
    return found
