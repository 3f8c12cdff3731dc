"""The project files that docs/how-to/own-data.md shows are ones that are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from ratchet.project.file import Project

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "own-data.md"
REST = {"model": "m", "holdout": {"salt": "s"}}


def shown() -> list[dict[str, Any]]:
    return [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)]


def test_each_walk_ends_with_a_project_that_is_read() -> None:
    flat, database, feast = shown()
    label = {"column": "churned", "table": "churn"}
    features = [{"name": "plan", "table": "customers", "dtype": "category"}]
    projects = [
        Project.model_validate({**REST, **flat}),
        Project.model_validate({**REST, "entity": "id", "label": label, "features": features, **database}),
        Project.model_validate({**REST, **feast}),
    ]
    assert projects[0].label.positive == "Yes"
    assert projects[1].snapshot_query
    assert projects[2].features[0].name == "months"
