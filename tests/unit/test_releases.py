from __future__ import annotations

from pathlib import Path

import pytest

from cluster.releases import named_images, values_of
from ratchet.core.errors import UserError


def test_the_images_that_values_name_are_found_wherever_they_stand() -> None:
    values = {
        "mysql": {"image": {"repository": "mysql", "tag": "8.4"}, "size": "1Gi"},
        "argo": {
            "executor": {"image": {"repository": "argoexec", "tag": "v4", "digest": ""}},
            "image": {"repository": "", "tag": "v4"},
        },
        "ui": {"enabled": False},
    }
    assert list(named_images(values)) == ["mysql:8.4", "argoexec:v4"]


@pytest.mark.parametrize("values", [None, [], "text", {}])
def test_values_without_images_name_none(values: object) -> None:
    assert list(named_images(values)) == []


@pytest.mark.parametrize("text", ["a: [", "\tx: 1", "a: b: c"])
def test_a_file_that_is_no_yaml_is_one_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match="cannot be read as a file of values"):
        values_of(file)
