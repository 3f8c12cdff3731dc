"""Copies of the versions that were promoted, kept beside the ledger: they outlive a registry that was lost or changed.

Each is one document of the store of reports, so that no store more has to be set up. There are eight names, by version number, so
the copies are bounded; a version takes its name only once it is in production, so the champion always has one.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ratchet.core.errors import ArtifactError, RatchetError, UserError
from ratchet.core.schema import Provenance, digest_of
from ratchet.promotion.production import Production
from ratchet.registry.port import Kept

_NAMES = 8
_MOST_BYTES = 256 * 1024 * 1024  # of a version's files, unpacked
_PACKED_BYTES = 64 * 1024 * 1024


def _name(number: int) -> str:
    return f"kept_version_{number % _NAMES}.json"


def keep(production: Production, number: int) -> None:
    """Keep a copy of the version that has taken production. What hinders it is said; the version serves all the same."""
    if production.keeps is None:
        return
    try:
        version = production.registry.version(number)
        folder = production.registry.files(version)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if size > _MOST_BYTES:  # not packed to be thrown away: a promoter's memory may not hold it
            production.say(f"[PROMOTE] version {number} is too large for a copy beside the ledger: {size} bytes")
            return
        packed = _packed(folder)
        if len(packed) > _PACKED_BYTES:
            production.say(f"[PROMOTE] version {number} is too large for a copy beside the ledger: {len(packed)} bytes, packed")
            return
        document = {
            "version": number,
            "digest": version.digest,
            "provenance": asdict(version.provenance) if version.provenance else None,
            "metrics": dict(version.metrics),
            "files": base64.b64encode(packed).decode(),
        }
        production.keeps.save(_name(number), json.dumps(document))
    except MemoryError:
        production.say(f"[PROMOTE] no copy of version {number} could be kept beside the ledger: the memory does not hold it")
    except (RatchetError, OSError, tarfile.TarError) as error:
        production.say(f"[PROMOTE] no copy of version {number} could be kept beside the ledger: {error}")


@contextmanager
def kept(production: Production, number: int, digest: str) -> Iterator[Kept]:
    """The copy of a version, unpacked for the length of the block.

    Raises UserError when there is none, ArtifactError when it is damaged or not of that digest (empty: any).
    """
    text = production.keeps.load(_name(number)) if production.keeps else None
    document = _read(text, number) if text else {}
    if document.get("version") != number:
        other = f"; kept under its name is version {document['version']}" if document.get("version") else ""
        message = f"no copy of version {number} is kept beside the ledger{other}: restore the registry from a backup"
        raise UserError(message)
    with TemporaryDirectory(prefix="ratchet-kept-") as temporary:
        folder = Path(temporary)
        found = _unpacked(document, folder, number)
        if digest and found.digest != digest:
            message = (
                f"the copy of version {number} beside the ledger has digest {found.digest[:12]}, the ledger {digest[:12]}: "
                "it was changed; restore the registry from a backup"
            )
            raise ArtifactError(message)
        yield found


def _packed(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(folder, arcname=".", filter=_plain)
    return buffer.getvalue()


def _plain(item: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nothing of the machine that it was packed on."""
    item.uid = item.gid = 0
    item.uname = item.gname = ""
    return item


def _read(text: str, number: int) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _damaged(number) from error
    if not isinstance(document, dict):
        raise _damaged(number)
    return document


def _unpacked(document: Mapping[str, Any], folder: Path, number: int) -> Kept:
    """Bounded: an archive that unpacks to more than was ever kept is refused before it is written."""
    try:
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(document["files"], validate=True)), mode="r:gz") as archive:
            total = 0
            for item in archive:
                total += item.size
                if total > _MOST_BYTES:
                    raise _damaged(number)
            archive.extractall(folder, filter="data")
        told = document["provenance"]
        provenance = Provenance(**{**told, "snapshot_ids": tuple(told["snapshot_ids"])}) if told else None
        metrics = {str(name): float(value) for name, value in document["metrics"].items()}
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error, tarfile.TarError, OSError, EOFError) as error:
        raise _damaged(number) from error
    return Kept(folder, digest_of(folder), provenance, metrics)


def _damaged(number: int) -> ArtifactError:
    return ArtifactError(f"the copy of version {number} beside the ledger is damaged: restore the registry from a backup")
