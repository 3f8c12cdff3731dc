"""The S3 keys of the chart platform: each use has its own, and each reaches its own objects and no other's. On a real versitygw."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.cluster.rendering import found_helm, one, pods, rendered
from tests.support.platform_site import FILES, Site, a_site, store

USES = ("mlflow", "promoter", "reader", "backup", "kubeflow")
KEYS = ("mlflow/1/model", "snapshots/a", "reports/a", "raw/month/users.csv", "fraud/raw/users.csv", "kfp/artifacts/a")
READS = {
    "mlflow": {"mlflow/1/model"},
    "promoter": {"snapshots/a", "reports/a", "raw/month/users.csv", "fraud/raw/users.csv"},
    "reader": {"snapshots/a", "reports/a"},
    "backup": set(KEYS),
    "kubeflow": {"kfp/artifacts/a", "fraud/raw/users.csv"},
}
WRITES = {**READS, "reader": set(), "backup": set()}


def make(site: Site, *uses: str) -> str:
    """What the init container does."""
    (site.folder / "iam").mkdir(exist_ok=True)
    environment = {"PATH": os.environ["PATH"], **{f"S3_{use.upper()}_SECRET": f"{use}-secret" for use in uses}}
    command = [sys.executable, "-P", str(FILES / "accounts.py"), str(site.folder / "s3" / "ratchet"), str(site.folder / "iam")]
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=True, timeout=60)
    return done.stdout


def client(site: Site, use: str, secret: str = "") -> Any:
    keys = {"aws_access_key_id": use, "aws_secret_access_key": secret or f"{use}-secret", "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=site.environment["AWS_ENDPOINT_URL_S3"], **keys)


def allowed(call: Any, **arguments: Any) -> bool:
    try:
        call(Bucket="ratchet", **arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"AccessDenied", "403"}:
            raise
        return False
    return True


def test_each_key_reaches_what_is_its_own_and_nothing_else() -> None:
    with a_site() as site:
        assert make(site, *USES) == "bucket ratchet, accounts: mlflow, promoter, reader, backup, kubeflow\n"
        with store(site, "--iam-dir", str(site.folder / "iam")):
            for key in KEYS:
                client(site, "key", "secret").put_object(Bucket="ratchet", Key=key, Body=b"x")
            for use in USES:
                s3 = client(site, use)
                assert {key for key in KEYS if allowed(s3.get_object, Key=key)} == READS[use], use
                assert {key for key in KEYS if allowed(s3.put_object, Key=key, Body=b"y")} == WRITES[use], use
                assert len(s3.list_objects_v2(Bucket="ratchet")["Contents"]) == len(KEYS)
                assert not allowed(s3.put_bucket_policy, Policy="{}"), use
                if "mlflow/1/model" not in WRITES[use]:
                    assert not allowed(s3.delete_object, Key="mlflow/1/model"), use
                    gone = s3.delete_objects(Bucket="ratchet", Delete={"Objects": [{"Key": "mlflow/1/model"}]})
                    assert gone["Errors"][0]["Code"] == "AccessDenied"
                if "mlflow/1/model" not in READS[use]:
                    source = {"Bucket": "ratchet", "Key": "mlflow/1/model"}
                    assert not allowed(s3.copy_object, Key=next(iter(READS[use])), CopySource=source), use
            promoter = client(site, "promoter")
            promoter.copy_object(Bucket="ratchet", Key="snapshots/b", CopySource={"Bucket": "ratchet", "Key": "snapshots/a"})
            promoter.upload_fileobj(io.BytesIO(b"x" * 9_000_000), "ratchet", "snapshots/in-parts")
            with pytest.raises(ClientError):
                client(site, "promoter", "guessed").list_objects_v2(Bucket="ratchet")


def test_a_store_of_one_key_keeps_its_objects_and_that_key_when_it_gets_more() -> None:
    with a_site() as site:
        with store(site):
            client(site, "key", "secret").put_object(Bucket="ratchet", Key="snapshots/a", Body=b"x")
        make(site, *USES)
        with store(site, "--iam-dir", str(site.folder / "iam")):
            for use, secret in (("key", "secret"), ("promoter", "")):
                assert client(site, use, secret).get_object(Bucket="ratchet", Key="snapshots/a")["Body"].read() == b"x"


def test_with_keys_of_ones_own_only_the_bucket_is_made() -> None:
    with a_site() as site:
        assert make(site) == "bucket ratchet, accounts: none but the store's own\n"
        assert list((site.folder / "iam").iterdir()) == []


HELM = found_helm()
needs_helm = pytest.mark.skipif(HELM is None, reason="helm is missing: https://helm.sh/docs/intro/install, or `make cluster-up`")
ALL = ["backup.schedule=0 1 * * *", "backup.restore=20260101T000000Z"]


def keys_of(*values: str) -> dict[str, set[str]]:
    """The Secrets that each pod takes keys of the store from."""
    assert HELM is not None
    found: dict[str, set[str]] = {}
    for name, spec in pods(rendered(HELM, "platform", *values)):
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            for item in container.get("env", []):
                if item["name"] in {"AWS_SECRET_ACCESS_KEY", "ROOT_SECRET_KEY"}:
                    found.setdefault(name, set()).add(item["valueFrom"]["secretKeyRef"]["name"])
    return found


@needs_helm
def test_every_pod_takes_the_key_of_its_use_and_the_stores_own_only_where_all_is_put_back() -> None:
    assert keys_of(*ALL) == {
        "CronJob platform-backup": {"platform-s3-backup"},
        "Job platform-backup-restore-20260101t000000z": {"platform-credentials"},
        "Deployment platform-mlflow": {"platform-s3-mlflow"},
        "Pod platform-answers": {"platform-s3-mlflow"},
        "StatefulSet platform-s3": {"platform-credentials"},
    }
    assert HELM is not None
    documents = rendered(HELM, "platform")
    root = one(documents, "Secret", "platform-credentials")["stringData"]
    for name in ("", "-promoter", "-serving", "-reader"):
        assert root["s3-secret-key"] not in one(documents, "Secret", f"ratchet-connections{name}")["stringData"].values()
    assert "AWS_SECRET_ACCESS_KEY" not in one(documents, "Secret", "ratchet-connections-serving")["stringData"]


@needs_helm
def test_a_store_of_ones_own_has_a_field_for_each_key() -> None:
    own = ["s3.enabled=false", "s3.existingSecret=ours", "connections.create=false", *ALL]
    assert set().union(*keys_of(*own).values()) == {"ours"}
    named = keys_of(*own, "mlflow.s3Secret=for-mlflow", "backup.s3Secret=for-backup")
    assert named["Deployment platform-mlflow"] == {"for-mlflow"}
    assert named["CronJob platform-backup"] == {"for-backup"}
    assert named["Job platform-backup-restore-20260101t000000z"] == {"ours"}
