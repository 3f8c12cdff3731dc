"""What an upgrade changes of a release, shown before it is applied."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

import yaml

from cluster.shell import console

Key = tuple[str, str, str]  # kind, namespace (empty: the release's) and name


def show(release: str, before: str, after: str) -> None:
    """Print what changes from one manifest to the other; one line when nothing does."""
    lines = list(differences(before, after))
    console.print(f"  {release}: {'this changes' if lines else 'nothing changes'}", markup=False)
    for line in lines:
        console.print(f"    {line}", markup=False)


def differences(before: str, after: str) -> Iterator[str]:
    """What comes, goes and changes between two manifests as helm renders them; nobody sees what a Secret holds."""
    old, new = _objects(before), _objects(after)
    for key in sorted({*old, *new}):
        kind, namespace, name = key
        named = f"{kind} {name}" + (f" in {namespace}" if namespace else "")
        if key not in new:
            yield f"- {named} goes"
        elif key not in old:
            yield f"+ {named} comes"
        elif old[key] != new[key]:
            yield f"~ {named}"
            if kind == "Secret":
                yield "    what it holds is not shown"
            else:
                yield from (f"    {line}" for line in _changed(old[key], new[key]))


def _changed(old: str, new: str) -> Iterator[str]:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1)
    yield from (line for line in lines if not line.startswith(("---", "+++", "@@")))


def _objects(manifest: str) -> dict[Key, str]:
    """The text of each object of a manifest, without the comment that names its template."""
    found = {}
    for part in f"\n{manifest}".split("\n---\n"):
        text = "\n".join(line for line in part.splitlines() if not line.startswith("# Source:")).strip()
        content: Any = yaml.safe_load(text)
        if isinstance(content, dict):
            about = content["metadata"]
            found[content["kind"], about.get("namespace", ""), about["name"]] = text
    return found
