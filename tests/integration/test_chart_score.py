"""The CronJob that scores: off by default, with a place for the scores when it is on, and with no more rights than it needs."""

from __future__ import annotations

from typing import Any

import pytest

from ratchet.core.errors import UserError
from tests.cluster.rendering import found_helm, one, rendered

HELM = found_helm()
pytestmark = pytest.mark.skipif(HELM is None, reason="helm is missing: https://helm.sh/docs/intro/install, or `make cluster-up`")


def job(*values: str) -> dict[str, Any]:
    assert HELM is not None
    found: dict[str, Any] = one(rendered(HELM, "ratchet", *values), "CronJob", "ratchet-score")["spec"]
    return found


def test_by_itself_nothing_is_scored() -> None:
    assert job()["suspend"] is True


def test_the_newest_snapshot_is_scored_by_the_clock() -> None:
    found = job("score.schedule=0 6 1 * *", "score.out=s3://ratchet/scores/latest.parquet")
    assert (found["schedule"], found["suspend"], found["concurrencyPolicy"]) == ("0 6 1 * *", False, "Forbid")
    (container,) = found["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["ratchet"]
    assert container["args"] == ["score", "latest", "--out", "s3://ratchet/scores/latest.parquet"]


def test_a_schedule_without_a_place_is_refused() -> None:
    with pytest.raises(UserError, match=r"score\.out is missing: score\.schedule writes scores by the clock"):
        job("score.schedule=0 6 1 * *")


@pytest.mark.parametrize("out", ["scores.parquet", "s3://ratchet/scores", "/tmp/s.csv", "postgresql+psycopg://host/db"])  # noqa: S108 - no file is made
def test_a_place_that_no_pod_can_write_is_refused_by_the_schema(out: str) -> None:
    with pytest.raises(UserError, match="score"):
        job(f"score.out={out}")


@pytest.mark.parametrize("out", ["s3://ratchet/scores.csv", "postgresql+psycopg://db.shop:5432/shop#ml.churn_scores"])
def test_a_place_on_s3_or_in_a_database_is_taken(out: str) -> None:
    assert job(f"score.out={out}")["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["args"][-1] == out


def test_its_account_may_look_and_move_nothing() -> None:
    assert HELM is not None
    documents = rendered(HELM, "ratchet")
    pod = job()["jobTemplate"]["spec"]["template"]["spec"]
    assert (pod["serviceAccountName"], pod["securityContext"]["runAsNonRoot"]) == ("ratchet-score", True)
    verbs = {verb for rule in one(documents, "Role", "ratchet-score")["rules"] for verb in rule["verbs"]}
    assert verbs == {"get", "list"}
    names = {item["name"] for item in pod["containers"][0]["env"]}
    assert not names & {"RATCHET_REQUESTS_URL", "RATCHET_ONLINE_URL", "RATCHET_NOTIFY_URL", "RATCHET_KFP_URL"}
