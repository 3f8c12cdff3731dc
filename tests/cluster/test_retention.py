"""The CronJob that deletes old answers, run once by hand."""

from __future__ import annotations

from tests.cluster.toolbox import Toolbox


def test_its_pod_reaches_the_request_log_and_ends(toolbox: Toolbox) -> None:
    toolbox.helm("upgrade", "ratchet", "charts/ratchet", "--reuse-values", "--set", "retention.schedule=0 5 1 1 *")
    kubectl = toolbox.cluster.kubectl
    kubectl("create", "job", "forget", "--from=cronjob/ratchet-retention")
    try:
        kubectl("wait", "job/forget", "--for=condition=complete", "--timeout=180s")
        assert "there are no answers from before" in kubectl("logs", "job/forget")
    finally:
        kubectl("delete", "job", "forget")
        toolbox.helm("upgrade", "ratchet", "charts/ratchet", "--reuse-values", "--set", "retention.schedule=")
