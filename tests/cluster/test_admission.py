"""The admission policy on a real API server, asked as the promoter's account. Nothing is changed: each patch is a dry run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ratchet.core.errors import UserError
from tests.cluster.toolbox import Toolbox

PROMOTER = "system:serviceaccount:ratchet:ratchet-promoter"


def patch(toolbox: Toolbox, content: dict[str, Any], *, by: str) -> str:
    command = ["patch", "deployment", "ratchet-serving", "--type", "merge", "--patch", json.dumps(content), "--dry-run=server"]
    return toolbox.cluster.kubectl(*command, "--as", by)


def test_the_promoter_changes_our_annotations(toolbox: Toolbox) -> None:
    template = {"metadata": {"annotations": {"ratchet.dev/model-version": "999"}}}
    content = {"metadata": {"annotations": {"ratchet.dev/pins": "999"}}, "spec": {"template": template}}
    assert "patched" in patch(toolbox, content, by=PROMOTER)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"spec": {"replicas": 0}}, "does not change the Deployment's replicas"),
        ({"spec": {"template": {"metadata": {"annotations": {"example.com/inject": "yes"}}}}}, "of the pods alone"),
        ({"spec": {"template": {"spec": {"serviceAccountName": "ratchet-promoter"}}}}, "not what the pods run"),
        ({"metadata": {"labels": {"app.kubernetes.io/managed-by": "me"}}}, "changes no labels"),
    ],
)
def test_the_promoter_changes_nothing_else_and_hears_why(toolbox: Toolbox, content: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        patch(toolbox, content, by=PROMOTER)
    assert "patched" in toolbox.cluster.kubectl(
        "patch", "deployment", "ratchet-serving", "--type", "merge", "--patch", json.dumps(content), "--dry-run=server"
    )
