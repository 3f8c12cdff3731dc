"""Changes written into the text of ratchet.yaml: comments, order and layout stay, and only what is changed is another text.

PyYAML says where each value begins and ends. A value is replaced there, a key is added behind another one. Whether the text then
says what it should is asked of the text itself: what cannot be changed in this way (behind an alias, say) is not changed at all.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from ratchet.core.errors import ProjectError
from ratchet.project import yaml_text
from ratchet.sources.learn.changes import Change, applied

_LINE = re.compile(r"[^\n]*\n|[^\n]+")  # as `patch` has lines: Python's own also end at a U+2028 in a comment
_WIDE = 1 << 20  # characters of a line: no value is folded


def edited(text: str, found: Sequence[Change]) -> str:
    """The text with the changes in it.

    Raises ProjectError naming the first change that has to be made by hand: the text is written in a way that this does not follow.
    """
    for change in found:
        try:
            wanted = applied(yaml_text.loads(text), [change])
            changed = _changed(text, change)
            made = yaml_text.loads(changed)
        except (yaml.YAMLError, LookupError, StopIteration, AttributeError, TypeError, ValueError) as error:
            raise _by_hand(change) from error
        if made != wanted:
            raise _by_hand(change)
        text = changed
    return text


def difference(before: str, after: str, path: str) -> str:
    """A unified diff; empty where nothing is changed."""
    lines = difflib.unified_diff(_LINE.findall(before), _LINE.findall(after), path, path)
    ended = (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return "".join(ended)


def _changed(text: str, change: Change) -> str:
    root = yaml.compose(text, yaml.SafeLoader)
    if change.place == "table":
        node = next(node for node in _value(root, "tables").value if change.name in {node.value, _name(node)})
        if isinstance(node, yaml.ScalarNode):
            return _replaced(text, node, f"{{name: {_span(text, node)}, {change.key}: {_written(change.value)}}}")
    else:
        node = _value(root, "label") if change.place == "label" else _column(root, change.name)
    present = next((value for key, value in node.value if key.value == change.key), None)
    if present is None:
        return _with_key(text, node, f"{change.key}: {_written(change.value)}")
    if change.key == "categories":
        for value in change.value:
            root = yaml.compose(text, yaml.SafeLoader)
            text = _appended(text, _value(_column(root, change.name), "categories"), _written(value))
        return text
    if isinstance(present, yaml.SequenceNode):
        for part, value in reversed(list(zip(present.value, change.value, strict=True))):
            text = _replaced(text, part, _written(value))
        return text
    return _replaced(text, present, _written(change.value))


def _value(node: Any, key: str) -> Any:
    return next(value for name, value in node.value if name.value == key)


def _name(node: Any) -> str:
    return next((value.value for key, value in node.value if key.value == "name"), "") if isinstance(node, yaml.MappingNode) else ""


def _column(root: Any, name: str) -> Any:
    """The mapping that describes a column."""
    parts = {key.value: value for key, value in root.value}
    described: list[Any] = [node for part in ("features", "slices") if part in parts for node in parts[part].value]
    described += [value for key, value in parts["holdout"].value if key.value == "group"]
    return next(node for node in described if _name(node) == name)


def _replaced(text: str, node: Any, written: str) -> str:
    return text[: node.start_mark.index] + written + text[node.end_mark.index :]


def _span(text: str, node: Any) -> str:
    return text[node.start_mark.index : node.end_mark.index]


def _with_key(text: str, node: Any, pair: str) -> str:
    """The key behind the last one, in a block behind the last whose value ends where its text does."""
    if node.flow_style:
        at = node.value[-1][1].end_mark.index
        return f"{text[:at]}, {pair}{text[at:]}"
    last = [value for _, value in node.value if isinstance(value, yaml.ScalarNode) or value.flow_style][-1]
    return _line_after(text, last.end_mark.index, " " * node.start_mark.column + pair)


def _appended(text: str, node: Any, item: str) -> str:
    at = node.value[-1].end_mark.index
    if node.flow_style:
        return f"{text[:at]}, {item}{text[at:]}"
    return _line_after(text, at, " " * node.start_mark.column + f"- {item}")


def _line_after(text: str, at: int, line: str) -> str:
    """A line of its own behind the one in which `at` lies."""
    newline = "\r\n" if "\r\n" in text else "\n"
    end = text.find("\n", at)
    if end < 0:
        return f"{text}{newline}{line}"
    return f"{text[: end + 1]}{line}{newline}{text[end + 1 :]}"


def _written(value: Any) -> str:
    """A value as YAML in one line, text in quotes where it would be something else without."""
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    plain = isinstance(value, str) and value.isprintable() and _reads_back(value)
    if plain or not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return str(yaml.safe_dump(value, default_style='"', allow_unicode=True, width=_WIDE)).strip()


def _reads_back(text: str) -> bool:
    """Whether the text may stand without quotes, also between brackets and braces."""
    try:
        return bool(yaml.safe_load(f"{{a: [{text}, b]}}") == {"a": [text, "b"]})
    except yaml.YAMLError:
        return False


def _by_hand(change: Change) -> ProjectError:
    whose = {"label": "the label", "table": f"the table {change.name}", "column": change.name}[change.place]
    what = (
        f"add {_written(change.value)} to its categories"
        if change.key == "categories"
        else f"{change.key}: {_written(change.value)}"
    )
    return ProjectError(f"ratchet.yaml is not written in a way that can be changed by itself; change {whose} by hand: {what}")


def told(found: Iterable[Change]) -> list[str]:
    """Each change in a line: `age: range: [-1, 90]`."""
    return [f"{change.name or change.place}: {change.key}: {_written(change.value)}" for change in found]
