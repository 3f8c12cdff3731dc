"""The page of the HTTP API, from the OpenAPI document that serving hands out."""

from __future__ import annotations

import json
from typing import Any

from ratchet.project.file import Project
from serving.openapi import document


def page(project: Project) -> str:
    """Markdown: a section an endpoint, then the shapes that they use."""
    api = document(project)
    lines = [
        "# HTTP API",
        "",
        f"{api['info']['description']} The entity's key and the features are those of the project, here StreamFlow's.",
        "",
        "A running service hands the document out at `GET /openapi.json` ([StreamFlow's](openapi.json), OpenAPI 3.1); a test asks",
        "a real process whatever it allows, and what it does not.",
        "",
        "`GET /livez` answers 200 while the process lives; `GET /readyz` 200 once the pinned version has answered its golden rows,",
        "else 503. On one machine the address answers 503 to everything while no version serves.",
        "",
    ]
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            lines += [f"## {method.upper()} {path}", "", f"{operation['summary']}.", ""]
            if body := operation.get("requestBody"):
                lines += [f"Body: {_name(body['content']['application/json']['schema'])}.", ""]
            lines += ["| status | meaning | body |", "|---|---|---|"]
            for status, answer in operation["responses"].items():
                (content,) = answer["content"].values()
                lines.append(f"| {status} | {answer['description']} | {_name(content['schema'])} |")
            lines.append("")
    lines += ["## Shapes", ""]
    for name, schema in api["components"]["schemas"].items():
        lines += [f"### {name}", "", "```json", json.dumps(schema, indent=2, ensure_ascii=True), "```", ""]
    return "\n".join(lines)


def _name(schema: dict[str, Any]) -> str:
    if reference := schema.get("$ref"):
        name = str(reference).rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if choices := schema.get("oneOf"):
        return " or ".join(map(_name, choices))
    if schema.get("type") == "array":
        return f"list of {_name(schema['items'])}"
    return "text" if schema["type"] == "string" else str(schema["type"])
