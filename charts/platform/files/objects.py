"""Copies a bucket's objects into a backup, or a backup's into the bucket: `objects.py save` and `objects.py restore NAME`.

A backup is a folder of $BACKUPS named after its time: `postgres/`, written before by dump.sh, `objects/`, each file named by the
SHA-256 of its object's key, and `objects.json`, which says key, ETag, size and type of each. A file that the backup before has too
is a hard link to it. A backup is there under its name when it is whole. It runs in Ratchet's image, which has boto3.
"""

import hashlib
import json
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

BACKUPS = Path(os.environ["BACKUPS"])
BUCKET = os.environ["BUCKET"]
LIST, NEW = "objects.json", ".new"


def file_of(backup: Path, key: str) -> Path:
    """Where an object's content stands."""
    return backup / "objects" / hashlib.sha256(key.encode()).hexdigest()


def backups() -> list[Path]:
    """Those that are whole, oldest first."""
    return sorted(path for path in BACKUPS.iterdir() if (path / LIST).exists() and not path.name.startswith("."))


def objects_of(backup: Path) -> dict[str, dict[str, Any]]:
    """What the backup says of each object, by key."""
    content: dict[str, dict[str, Any]] = json.loads((backup / LIST).read_text(encoding="utf-8"))
    return content


def save(client: Any, keep: int) -> None:
    """Finish the backup that dump.sh has begun, and delete the oldest beyond `keep`."""
    new = BACKUPS / NEW
    if not (new / "postgres").is_dir():
        sys.exit(f"{new / 'postgres'} is missing: PostgreSQL is dumped first")
    (new / "objects").mkdir(exist_ok=True)
    before = next(reversed(backups()), None)
    known = objects_of(before) if before else {}
    saved: dict[str, dict[str, Any]] = {}
    linked = 0
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for item in page.get("Contents", []):
            key, place = item["Key"], file_of(new, item["Key"])
            same = known.get(key)
            if before and same and (same["etag"], same["size"]) == (item["ETag"], item["Size"]):
                os.link(file_of(before, key), place)
                saved[key], linked = same, linked + 1
            elif (fetched := fetch(client, key, place)) is not None:
                saved[key] = fetched
    (new / LIST).write_text(json.dumps(saved, sort_keys=True), encoding="utf-8")
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    new.rename(BACKUPS / name)
    print(f"{name}: {len(saved)} objects, {linked} of them as in the backup before")
    for old in backups()[:-keep]:
        shutil.rmtree(old)
        print(f"{old.name}: deleted, {keep} are kept")


def fetch(client: Any, key: str, place: Path) -> dict[str, Any] | None:
    """Write an object's content; what is to be known of it. None when it was deleted meanwhile: no row that was dumped names it."""
    try:
        answer = client.get_object(Bucket=BUCKET, Key=key)
    except client.exceptions.NoSuchKey:
        return None
    with place.open("wb") as file:
        shutil.copyfileobj(answer["Body"], file)
    return {"etag": answer["ETag"], "size": answer["ContentLength"], "type": answer.get("ContentType", "")}


def restore(client: Any, name: str) -> None:
    """Put every object of the backup into the bucket; what came later stays, and no restored row names it."""
    backup = BACKUPS / name
    if not (backup / LIST).exists():
        sys.exit(f"there is no backup {name}: {', '.join(path.name for path in backups()) or 'there is none at all'}")
    found = objects_of(backup)
    for key, item in found.items():
        place = file_of(backup, key)
        if place.stat().st_size != item["size"]:
            sys.exit(f"{key} has {place.stat().st_size} bytes and had {item['size']}: the backup is damaged, take another")
    for key, item in found.items():
        how = {"ContentType": item["type"]} if item["type"] else None
        client.upload_file(str(file_of(backup, key)), BUCKET, key, ExtraArgs=how)
    print(f"{name}: {len(found)} objects restored")


if __name__ == "__main__":
    store = boto3.client("s3")
    if sys.argv[1] == "save":
        save(store, int(os.environ["KEEP"]))
    else:
        restore(store, sys.argv[2])
