"""Write the table of values into each chart's README.md, from the comments in its values.yaml: `python -m docs.generators.values`.

With `--check` nothing is written, and the exit code says whether the tables are current.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from cluster.images import ROOT

_KEY = re.compile(r"^(?P<indent> *)(?P<name>[A-Za-z0-9]+):(?P<rest>.*)$")
_TABLE = re.compile(r"(?<=<!-- values -->\n).*(?=<!-- end of values -->)", re.DOTALL)


def rows(text: str) -> Iterator[tuple[str, str, str]]:
    """Path, default and comment of each value that has a comment of its own."""
    values: Any = yaml.safe_load(text)
    path: list[str] = []
    comment: list[str] = []
    for line in text.splitlines():
        if line.strip().startswith("#"):
            comment.append(line.strip().lstrip("# "))
            continue
        if found := _KEY.match(line):
            path[len(found["indent"]) // 2 :] = [found["name"]]
            if comment:
                yield ".".join(path), _shown(values, path), " ".join(comment)
        comment = []


def _shown(values: Any, path: list[str]) -> str:
    for name in path:
        values = values[name]
    return json.dumps(values)


def table(chart: Path) -> str:
    """The chart's values as a Markdown table."""
    found = rows((chart / "values.yaml").read_text(encoding="utf-8"))
    lines = ["| value | default | what it is |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| `{path}` | `{default}` | {what} |" for path, default, what in found)]) + "\n"


def with_table(readme: str, chart: Path) -> str:
    """The README's text with the chart's table as it is now."""
    return _TABLE.sub(lambda _: table(chart), readme)


def main() -> None:
    """Write, or check."""
    stale = []
    for chart in sorted((ROOT / "charts").iterdir()):
        readme = chart / "README.md"
        text = readme.read_text(encoding="utf-8")
        current = with_table(text, chart)
        if current != text:
            stale.append(str(readme.relative_to(ROOT)))
            if "--check" not in sys.argv:
                readme.write_text(current, encoding="utf-8")
    if stale and "--check" in sys.argv:
        sys.exit(f"{', '.join(stale)}: run `python -m docs.generators.values`")


if __name__ == "__main__":
    main()
