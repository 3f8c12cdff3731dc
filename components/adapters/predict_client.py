"""What every rollout does alike: ask /predict, read /health, check a version in a process of the serving runtime."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from components.core.errors import DataError, PromotionFailed, Unavailable
from components.core.rollout import Answer
from components.core.schema import FeatureValue, ModelVersion
from components.settings import Settings, environment

CHECK = (sys.executable, "-m", "serving.check")
_ASK_SECONDS = 10.0
_PROBE = {"x-ratchet-probe": "1"}  # an answer to us is not one to log


class _Prediction(BaseModel):
    model_config = ConfigDict(extra="allow", protected_namespaces=())

    probability: float
    model_version: int
    features_used: dict[str, FeatureValue]


class Health(BaseModel):
    """What a serving process says of itself at /health."""

    model_config = ConfigDict(protected_namespaces=())

    model_version: int | None
    ready: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, however it came here; names of headers in small letters."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The `error` of a JSON body, else the beginning of the body."""
        try:
            return str(json.loads(self.content)["error"])
        except (ValueError, KeyError, TypeError):
            return self.content.decode("utf-8", "replace").strip()[:200] or f"status {self.status}"


Post = Callable[[str, Mapping[str, str], Mapping[str, str]], Reply]
"""Send a JSON object to a path with headers. Raises Unavailable."""


def http_get(url: str, timeout: float) -> Reply:
    """GET, straight and not through a proxy of the environment. Raises httpx.HTTPError."""
    return _reply(httpx.get(url, timeout=timeout, trust_env=False))


def http_post(address: Callable[[], str], hint: str) -> Post:
    """A Post to the address of the moment; `hint` says what to do when nothing answers there."""

    def post(path: str, body: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
        url = f"{address()}{path}"
        try:
            return _reply(httpx.post(url, json=dict(body), headers=dict(headers), timeout=_ASK_SECONDS, trust_env=False))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            message = f"{url} does not answer ({type(error).__name__}): {hint}"
            raise Unavailable(message) from error

    return post


def ask(post: Post, where: str, key: str, entity: str) -> Answer | None:
    """The answer of /predict for `entity`, None when it is unknown; three tries, half a second apart.

    Args:
        post: how to reach what serves.
        where: its name in errors.
        key: the entity key's name.
        entity: whom to ask for.

    Raises Unavailable when nothing answers or the service itself is in trouble, DataError when it refuses the entity.
    """
    tries = Retrying(retry=retry_if_exception_type(Unavailable), stop=stop_after_attempt(3), wait=wait_fixed(0.5), reraise=True)
    return tries(_ask, post, where, key, entity)


def _ask(post: Post, where: str, key: str, entity: str) -> Answer | None:
    reply = post("/predict", {key: entity}, _PROBE)
    if reply.status == httpx.codes.NOT_FOUND:
        return None
    if reply.status >= httpx.codes.INTERNAL_SERVER_ERROR or reply.status == httpx.codes.TOO_MANY_REQUESTS:
        message = f"{where} answered {reply.status}: {reply.sentence}"
        raise Unavailable(message)
    if reply.status != httpx.codes.OK:
        raise DataError(reply.sentence)
    try:
        answer = _Prediction.model_validate_json(reply.content)
    except ValidationError as error:
        message = f"{where} is not a Ratchet server: its answer has no prediction in it"
        raise Unavailable(message) from error
    return Answer(entity, answer.model_version, answer.probability, answer.features_used)


def read_health(reply: Reply) -> Health | None:
    """What /health said, None when that was something else than a Ratchet server's answer."""
    try:
        return Health.model_validate_json(reply.content)
    except ValidationError:
        return None


def infra_check(check: Sequence[str], settings: Settings, version: ModelVersion) -> Mapping[str, float]:
    """Load the version in a clean process of the serving runtime and score its golden rows.

    Raises PromotionFailed with the process's sentence, Unavailable when it could not reach the registry.
    """
    limit = settings.ready_timeout
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            [*check, "--version", str(version.number)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment(settings),
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


def _reply(response: httpx.Response) -> Reply:
    return Reply(response.status_code, response.content, {name.lower(): value for name, value in response.headers.items()})
