from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.images import ROOT
from docs.generators.values import rows, with_table

CHARTS = [ROOT / "charts" / name for name in ("kubeflow-pipelines", "platform", "ratchet")]
FREE = {
    "resources",
    "annotations",
    "labels",
    "nodeSelector",
    "env",
    "podAnnotations",
    "podLabels",
    "pod",
    "issuer",
    "affinity",
    "global",
}


def leaves(values: Any, path: str = "") -> Iterator[str]:
    for name, value in values.items():
        here = f"{path}.{name}".lstrip(".")
        if isinstance(value, dict) and value and name not in FREE:
            yield from leaves(value, here)
        else:
            yield here


def objects(root: dict[str, Any], schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if named := schema.get("$ref"):
        schema = root["definitions"][named.removeprefix("#/definitions/")]
    if schema.get("type") == "object":
        yield path, schema
        for name, inner in schema.get("properties", {}).items():
            if path.rpartition(".")[2] not in FREE:
                yield from objects(root, inner, f"{path}.{name}".lstrip("."))


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
def test_every_value_is_said_in_the_readme_as_it_is(chart: Path) -> None:
    text = (chart / "values.yaml").read_text(encoding="utf-8")
    named = {path for path, _, _ in rows(text)}
    assert set(leaves(yaml.safe_load(text))) <= named
    readme = (chart / "README.md").read_text(encoding="utf-8")
    assert readme == with_table(readme, chart), "run `python -m docs.generators.values`"


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
def test_the_schema_knows_every_value_and_no_other(chart: Path) -> None:
    schema = json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    for path, inner in objects(schema, schema):
        name = path.rpartition(".")[2]
        if name not in FREE:
            assert inner.get("additionalProperties", True) is False, path
            present = values
            for part in filter(None, path.split(".")):
                present = present[part]
            assert set(inner["properties"]) - {"global"} == set(present), path


def test_the_chart_never_renders_the_promoted_version() -> None:
    for path in (ROOT / "charts" / "ratchet").rglob("*"):
        if path.is_file() and path.suffix in {".yaml", ".tpl"}:
            for line in path.read_text(encoding="utf-8").splitlines():
                assert not re.search(r"ratchet\.dev/model-(version|digest)", line) or "fieldPath" in line, f"{path}: {line}"
