"""What every rollout does alike: ask /predict, read /health, check a version in a process of the serving runtime."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from ratchet.clients.children import serving_environment
from ratchet.clients.http import Post, Reply
from ratchet.core.errors import DataError, PromotionFailed, Unavailable
from ratchet.core.headers import PROBE
from ratchet.core.schema import FeatureValue, ModelVersion
from ratchet.rollout.state import Answer
from ratchet.settings import Settings

CHECK = (sys.executable, "-P", "-m", "serving.check")
_PROBE = {PROBE: "1"}  # an answer to us is not one to log


ScoreIn = Callable[[Mapping[str, Any]], float]
"""The task's: the score in an answer of /predict. Raises KeyError, TypeError or ValueError when it has none."""


class _Prediction(BaseModel):
    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model_version: int
    features_used: dict[str, FeatureValue]


class Health(BaseModel):
    """What a serving process says of itself at /health."""

    model_config = ConfigDict(protected_namespaces=())

    model_version: int | None
    ready: bool
    detail: str
    model_digest: str = ""


def ask(post: Post, where: str, entity: str, asked: Mapping[str, Any], score_in: ScoreIn) -> Answer | None:
    """The answer of /predict, None when the entity is unknown; three tries, half a second apart.

    Args:
        post: how to reach what serves.
        where: its name in errors.
        entity: whom to ask for.
        asked: the body that names it.
        score_in: reads the score in an answer.

    Raises Unavailable when nothing answers or the service itself is in trouble, DataError when it refuses the entity.
    """
    tries = Retrying(retry=retry_if_exception_type(Unavailable), stop=stop_after_attempt(3), wait=wait_fixed(0.5), reraise=True)
    return tries(_ask, post, where, entity, asked, score_in)


def _ask(post: Post, where: str, entity: str, asked: Mapping[str, Any], score_in: ScoreIn) -> Answer | None:
    reply = post("/predict", asked, _PROBE)
    if reply.status == httpx.codes.NOT_FOUND:
        return None
    if reply.status >= httpx.codes.INTERNAL_SERVER_ERROR or reply.status == httpx.codes.TOO_MANY_REQUESTS:
        message = f"{where} answered {reply.status}: {reply.sentence}"
        raise Unavailable(message)
    if reply.status != httpx.codes.OK:
        raise DataError(reply.sentence)
    try:
        answer = _Prediction.model_validate_json(reply.content)
        score = score_in(answer.model_extra or {})
    except (KeyError, TypeError, ValueError) as error:  # Pydantic's ValidationError is a ValueError
        message = f"{where} is not a Ratchet server: its answer has no prediction in it"
        raise Unavailable(message) from error
    return Answer(entity, answer.model_version, score, answer.features_used)


def read_health(reply: Reply) -> Health | None:
    """What /health said, None when that was something else than a Ratchet server's answer."""
    try:
        return Health.model_validate_json(reply.content)
    except ValidationError:
        return None


def infra_check(check: Sequence[str], settings: Settings, version: ModelVersion) -> Mapping[str, float]:
    """Load the version, with the digest that it bears, in a clean process of the serving runtime and score its golden rows.

    Raises PromotionFailed with the process's sentence, Unavailable when it could not reach the registry.
    """
    limit = settings.ready_timeout
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            [*check, "--version", str(version.number), *(["--digest", version.digest] if version.digest else [])],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=serving_environment(settings),
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"version {version.number} did not load in the serving runtime within {limit:g} s"
        raise PromotionFailed(message) from error
    if done.returncode:
        sentence = last_line(done.stderr) or f"the infra check ended with code {done.returncode}"
        raise (Unavailable if done.returncode == Unavailable.exit_code else PromotionFailed)(sentence)
    return {name: float(value) for name, value in json.loads(done.stdout.splitlines()[-1]).items()}


def last_line(output: bytes) -> str:
    """The last line of a program's output, where its error's sentence stands."""
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else ""
