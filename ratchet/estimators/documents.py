"""The files of a bundle as documents: every field named, every number finite, and one sentence when one cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ratchet.core.errors import ArtifactError
from ratchet.core.schema import DType

SCORER = "scorer.json"  # in a bundle, whatever estimator made it
REMEDY = "register the version again, or roll back to another"
LARGEST = 256 * 1024 * 1024  # bytes of one file: a version of ours has some megabytes
T = TypeVar("T")


class Spec(BaseModel):
    """A part of a bundle's document: every field named, every number finite, nothing else let through."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Input(Spec):
    """A feature, as scorer.json and schema.json name it."""

    name: str
    dtype: DType


def parsed(path: Path, parse: Callable[[bytes], T]) -> T:
    """Read a file of a bundle. Raises ArtifactError when it is missing, too large, or `parse` raises ValueError."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            message = f"it is larger than {LARGEST} bytes"
            raise ValueError(message)  # noqa: TRY301 - as the parser would
        return parse(content)
    except FileNotFoundError as error:
        message = f"{path} is missing: {REMEDY}"
        raise ArtifactError(message) from error
    except (OSError, ValueError) as error:
        message = f"{path} cannot be used ({_why(error)}): {REMEDY}"
        raise ArtifactError(message) from error


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg']}" if where else first["msg"]
    return " ".join(str(error).split())
