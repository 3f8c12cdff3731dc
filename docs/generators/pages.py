"""All pages that are made from the code: path below docs/ and text."""

from __future__ import annotations

import json

from cluster.images import ROOT
from docs.generators import commands, http_api, settings
from docs.generators.values import table
from ratchet.project.file import load_project
from serving.openapi import document


def made() -> dict[str, str]:
    """Path and text of each page."""
    example = ROOT / "ratchet.yaml"
    project = load_project(example)
    return {
        "reference/commands.md": commands.page(),
        "reference/ratchet-yaml.md": settings.project_page(example),
        "reference/environment.md": settings.environment_page(),
        "reference/http-api.md": http_api.page(project),
        "reference/openapi.json": json.dumps(document(project), indent=2) + "\n",
        "reference/values.md": _values(),
    }


def _values() -> str:
    sections = [f"## {chart.name}\n\n{table(chart)}" for chart in sorted((ROOT / "charts").iterdir())]
    return "\n".join(["# Values of the charts\n", *sections])
