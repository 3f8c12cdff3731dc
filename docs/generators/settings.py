"""The pages of ratchet.yaml and of the environment: their models with defaults, bounds and comments."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel, TypeAdapter

from ratchet.project.file import Project
from ratchet.settings import Settings

_COMMENT = re.compile(r"^ {4}(?P<name>\w+): .*?#\s*(?P<comment>.+)$", re.MULTILINE)
_BOUNDS = {"minimum": ">= {}", "exclusiveMinimum": "> {}", "maximum": "<= {}", "exclusiveMaximum": "< {}", "minLength": "not empty"}
_NAMED = {
    "DType": "`int`, `float`, `bool` or `category`",
    "null": "none",
    "object": "names to lists of values",
    "array": "list",
    "string": "text",
    "boolean": "true or false",
}


def project_page(example: Path) -> str:
    """Markdown of ratchet.yaml: a section a part, then the file `example` as it stands."""
    parts = [_section(title, model) for title, model in _parts(Project, "")]
    text = example.read_text(encoding="utf-8")
    return "\n".join(["# ratchet.yaml\n", *parts, f"## An example\n\nStreamFlow's, in the repository:\n\n```yaml\n{text}```\n"])


def environment_page() -> str:
    """Markdown of the variables RATCHET_*."""
    prefix = str(Settings.model_config["env_prefix"])
    fields, comments = _schema(Settings)["properties"], _comments(Settings)
    rows = [f"| `{prefix}{name.upper()}` | {_shown(field)} | {comments.get(name, '')} |" for name, field in fields.items()]
    return "\n".join(
        [
            "# Environment",
            "",
            *_paragraphs(Settings),
            "",
            "| variable | type, bounds, default | what it is |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _parts(model: type, title: str) -> Iterator[tuple[str, type]]:
    """The model and those within it: Pydantic's, and core's plain dataclasses, which Pydantic checks likewise."""
    yield title, model
    for name, kind in get_type_hints(model).items():
        for inner in (kind, *getattr(kind, "__args__", ())):
            if isinstance(inner, type) and (issubclass(inner, BaseModel) or is_dataclass(inner)):
                yield from _parts(inner, f"{title}.{name}".lstrip("."))


def _schema(model: type) -> dict[str, Any]:
    return TypeAdapter(model).json_schema()


def _section(title: str, model: type) -> str:
    schema = _schema(model)
    comments = _comments(model)
    lines = [f"## {title or 'The file'}", "", *_paragraphs(model), ""]
    lines += ["| key | type, bounds, default |" + " what it is |" * bool(comments), "|---|---|" + "---|" * bool(comments)]
    for name, field in schema["properties"].items():
        row = f"| `{name}` | {_shown(field, required=name in schema.get('required', []))} |"
        lines.append(row + f" {comments.get(name, '')} |" * bool(comments))
    return "\n".join([*lines, ""])


def _paragraphs(model: type) -> list[str]:
    return inspect.cleandoc(model.__doc__ or "").splitlines()


def _comments(model: type) -> dict[str, str]:
    return {found["name"]: found["comment"] for found in _COMMENT.finditer(inspect.getsource(model))}


def _shown(field: dict[str, Any], *, required: bool = False) -> str:
    """`number >= 0, <= 1; default 0.02`."""
    bounds = ", ".join(text.format(field[name]) for name, text in _BOUNDS.items() if name in field)
    text = f"{_kind(field)} {bounds}".strip()
    if required:
        return f"{text}; required"
    default = field.get("default")
    return text if default is None or isinstance(default, dict | list) else f"{text}; default `{json.dumps(default)}`"


def _kind(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return _NAMED.get(str(field["$ref"]).rpartition("/")[2], "its own section")
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(map(_kind, field["anyOf"])))
    if "items" in field:
        return f"list of {_kind(field['items'])}"
    inner = field.get("additionalProperties")
    if isinstance(inner, dict) and inner.get("type") != "array":
        return f"names to {_kind(inner)}"
    kind = str(field.get("format") or field.get("type", "anything"))
    return _NAMED.get(kind, kind)
