"""What an upgrade changes is shown before it is applied."""

from __future__ import annotations

import pytest

from cluster.difference import differences, show

BEFORE = """---
# Source: ratchet/templates/serving/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ratchet-serving
spec:
  replicas: 3
---
# Source: ratchet/templates/ui/service.yaml
apiVersion: v1
kind: Service
metadata:
  name: ratchet-ui
---
apiVersion: v1
kind: Secret
metadata:
  name: credentials
stringData: {password: correct-horse}
"""


def test_an_upgrade_that_changes_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show("ratchet in ratchet", BEFORE, BEFORE.replace("ratchet/templates/ui", "ratchet/templates/page"))
    assert capsys.readouterr().out == "  ratchet in ratchet: nothing changes\n"


def test_what_comes_goes_and_changes_is_named() -> None:
    after = BEFORE.replace("replicas: 3", "replicas: 2").replace("name: ratchet-ui", "name: ratchet-page\n  namespace: team")
    assert list(differences(BEFORE, after)) == [
        "~ Deployment ratchet-serving",
        "     spec:",
        "    -  replicas: 3",
        "    +  replicas: 2",
        "- Service ratchet-ui goes",
        "+ Service ratchet-page in team comes",
    ]


def test_what_a_secret_holds_is_not_shown() -> None:
    lines = list(differences(BEFORE, BEFORE.replace("correct-horse", "battery-staple")))
    assert lines == ["~ Secret credentials", "    what it holds is not shown"]
