"""YAML as people write it, within bounds: a few lines of it can stand for a billion values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

LARGEST = 1024 * 1024  # bytes of a project file
MOST_NODES = 100_000  # values with every alias spelt out


class _Loader(yaml.SafeLoader):
    """Refuses a key given twice: YAML would let the last win, and a second `policy:` undo `approval: manual` unseen."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT002 - PyYAML's signature
        seen: set[str] = set()
        for key, _ in node.value:  # before merge keys (<<) are spelt out: those may be overridden
            if not isinstance(key, yaml.ScalarNode):  # a list, say, can be no key of ours
                raise yaml.constructor.ConstructorError(None, None, "a key is text, not a list or a mapping", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is there twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def compose_document(self) -> yaml.Node | None:
        """The document's tree. Raises ConstructorError when its aliases make more of it than anybody has written."""
        root: yaml.Node | None = super().compose_document()
        if root is not None:
            _count(root, {})
        return root


def read(path: Path) -> Any:
    """The file's content, of at most LARGEST bytes and MOST_NODES values. Raises OSError, ValueError or yaml.YAMLError."""
    with path.open("rb") as file:
        raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        message = f"it is larger than {LARGEST} bytes"
        raise ValueError(message)
    return loads(raw.decode("utf-8"))


def loads(text: str) -> Any:
    """A text's content, of at most MOST_NODES values. Raises yaml.YAMLError."""
    return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader


def _count(node: yaml.Node, counted: dict[int, int]) -> int:
    """The values that the node stands for; 0 in `counted` while it is being counted."""
    known = counted.get(id(node))
    if known is not None:
        if not known:
            raise yaml.constructor.ConstructorError(None, None, "an alias stands within what it names", node.start_mark)
        return known
    counted[id(node)] = 0
    parts: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        parts = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        parts = node.value
    total = 1 + sum(_count(part, counted) for part in parts)
    if total > MOST_NODES:
        message = f"with its aliases spelt out it has more than {MOST_NODES} values"
        raise yaml.constructor.ConstructorError(None, None, message, node.start_mark)
    counted[id(node)] = total
    return total
