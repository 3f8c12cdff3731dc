"""Makes the bucket and says who may do what in it: `accounts.py BUCKET_FOLDER IAM_FOLDER`, before the gateway starts.

Each use has an account with a key of its own ($S3_MLFLOW_SECRET, ...), which reaches no other's objects: MLflow's artifacts, which
are the models, are written by MLflow alone. Everybody may list names. versitygw (1.8) reads accounts from `users.json` of a folder,
a bucket's policy and its access list from attributes of the bucket's folder. Without a key nothing but the bucket is made.
"""

import json
import os
import sys
from pathlib import Path

READ = ["s3:GetObject", "s3:GetObjectAttributes"]
WRITE = [*READ, "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
LIST = ["s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:GetBucketLocation"]
USES = {  # what each may, where, and where not: raw data may be anywhere but in what is somebody else's
    "mlflow": (WRITE, ["mlflow/*"], []),
    "promoter": (WRITE, ["*"], ["mlflow/*", "kfp/*"]),
    "reader": (READ, ["snapshots/*", "reports/*"], []),
    "backup": (READ, ["*"], []),
    "kubeflow": (WRITE, ["*"], ["mlflow/*", "snapshots/*", "reports/*", "raw/*"]),
}


def policy(bucket: str, names: list[str]) -> dict[str, object]:
    """The bucket's policy for these accounts."""
    arn = f"arn:aws:s3:::{bucket}"
    statements = [{"Effect": "Allow", "Principal": {"AWS": names}, "Action": LIST, "Resource": arn}]
    for name in names:
        actions, places, not_there = USES[name]
        for effect, where in (("Allow", places), ("Deny", not_there)):
            if where:
                resources = [f"{arn}/{place}" for place in where]
                statements.append({"Effect": effect, "Principal": {"AWS": [name]}, "Action": actions, "Resource": resources})
    return {"Version": "2012-10-17", "Statement": statements}


def accounts(secrets: dict[str, str]) -> dict[str, object]:
    """The content of users.json."""
    numbers = {"userID": 0, "groupID": 0, "projectID": 0}
    return {
        "accessAccounts": {name: {"access": name, "secret": secret, "role": "user", **numbers} for name, secret in secrets.items()}
    }


if __name__ == "__main__":
    folder, iam = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    found = {name: secret for name in USES if (secret := os.environ.get(f"S3_{name.upper()}_SECRET"))}
    if found:
        (iam / "users.json").write_text(json.dumps(accounts(found)), encoding="utf-8")
        if "user.acl" not in os.listxattr(folder):  # without one an account's copy within the store is an internal error
            os.setxattr(folder, "user.acl", json.dumps({"Owner": "", "Grantees": []}).encode())
        os.setxattr(folder, "user.policy", json.dumps(policy(folder.name, list(found))).encode())
    names = ", ".join(found) or "none but the store's own"
    print(f"bucket {folder.name}, accounts: {names}")
