"""The rollout on a cluster: one Deployment, whose pod template names the version and the digest of its files.

Rights: get and patch on that Deployment, get and list on pods. From outside the cluster pods and Service are asked through the API
server's proxy, which an administrator may do and the promoter's account may not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from ratchet.clients import http
from ratchet.clients.http import Post, Reply
from ratchet.clients.kubernetes import DEPLOYMENT, POD, SERVICE, Json, KubernetesApi, selector_of
from ratchet.core.errors import PermanentError, RatchetError, Unavailable
from ratchet.core.headers import STATE
from ratchet.core.question import body
from ratchet.core.schema import Feature, FeatureValue, ModelVersion
from ratchet.rollout import deployment_judge, predict_client
from ratchet.rollout.predict_client import ScoreIn
from ratchet.rollout.state import Answer, Pin, PodReport, Progress, State
from ratchet.settings import Settings

_PIN_TRIES = 8  # the controller writes the status several times a second while it rolls
_POD_SECONDS = 5.0
_THREADS = 16
_SERVICE_PORT = 3000


class KubernetesRollout:
    """Implements port.Rollout.

    Args:
        api: the cluster.
        settings: the Deployment's name, the Service's address, time limits.
        entity: the entity key's name.
        score_in: reads the score in an answer.
        check: the program of the infra check.
        posted: the features that a question brings; empty where what serves looks them up.
    """

    def __init__(
        self,
        api: KubernetesApi,
        settings: Settings,
        entity: str,
        score_in: ScoreIn,
        check: Sequence[str] = predict_client.CHECK,
        posted: Sequence[Feature] = (),
    ) -> None:
        self._api, self._settings, self._entity, self._score_in, self._check = api, settings, entity, score_in, check
        self._name, self._posted = settings.deployment, tuple(posted)

    @contextmanager
    def session(self) -> Iterator[None]:
        """See that the Deployment is there; it serves by itself. Raises UserError when it is not."""
        self._deployment()
        yield

    def pinned(self) -> Pin:
        """The version in the pod template. The revision is that of deployment_judge.pin_of."""
        return deployment_judge.pin_of(self._deployment())

    def pin(self, version: int | None, *, revision: str, digest: str = "") -> Pin:
        """Change the template's annotations, by a patch that holds only for the Deployment as it was read.

        After a conflict (the controller has written the status) and after a lost answer it is read again and judged anew; the
        pin's own mark shows whether a lost patch took effect.
        """
        mark = uuid4().hex
        tries = Retrying(
            retry=retry_if_exception_type(Unavailable),
            stop=stop_after_attempt(_PIN_TRIES),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            reraise=True,
        )
        return tries(self._pin, version, digest, revision, mark)

    def _pin(self, version: int | None, digest: str, revision: str, mark: str) -> Pin:
        found = self._deployment()
        present = deployment_judge.pin_of(found)
        if deployment_judge.last_pin(found) == mark:
            return present
        deployment_judge.require(found, revision)
        if (present.version, present.digest) == (version, digest):
            return present
        patch = deployment_judge.patch_for(found, version, mark, digest)
        return deployment_judge.pin_of(self._api.patch(DEPLOYMENT, self._name, patch))

    def progress(self) -> Progress:
        """Where the rollout stands. Pods that are not ready are asked whether they will be: a deadline can be minutes away."""
        found = self._deployment()
        pods = self._api.pods(selector_of(found))
        now = datetime.now(UTC)
        first = deployment_judge.judge(found, pods, {}, now)
        if first.state is not State.WAITING or deployment_judge.pin_of(found).version is None:
            return first
        unready = [
            pod
            for pod in pods
            if deployment_judge.is_running(pod) and not deployment_judge.is_ready(pod) and deployment_judge.is_present(pod, found)
        ]
        if not unready:
            return first
        with ThreadPoolExecutor(min(_THREADS, len(unready))) as threads:
            said = dict(zip((_name(pod) for pod in unready), threads.map(self._failure, unready), strict=True))
        return deployment_judge.judge(found, pods, {name: sentence for name, sentence in said.items() if sentence}, now)

    def _failure(self, pod: Json) -> str:
        """What a pod says that will not get ready by itself; empty for any other."""
        try:
            reply = self._get(pod, "/readyz")
        except Unavailable:  # it is starting
            return ""
        return reply.sentence if reply.headers.get(STATE) == "failed" else ""

    def pods(self) -> list[PodReport]:
        """Every running pod, by its own /health; one that does not answer reports no version."""
        running = [pod for pod in self._api.pods(selector_of(self._deployment())) if deployment_judge.is_running(pod)]
        if not running:
            return []
        with ThreadPoolExecutor(min(_THREADS, len(running))) as threads:
            return list(threads.map(self._report, running))

    def _report(self, pod: Json) -> PodReport:
        try:
            health = predict_client.read_health(self._get(pod, "/health"))
        except RatchetError as error:
            if isinstance(error, PermanentError):
                raise  # a missing right is the caller's trouble, not the pod's
            return PodReport(_name(pod), None, ready=False, detail=str(error))
        if health is None:
            return PodReport(_name(pod), None, ready=False, detail="what answers at /health is no Ratchet server")
        ready = deployment_judge.is_ready(pod)
        detail = health.detail if ready or not health.ready else f"{health.detail}, but Kubernetes does not see it ready yet"
        return PodReport(_name(pod), health.model_version, health.ready and ready, detail, health.model_digest)

    def ask(self, entity: str, features: Mapping[str, FeatureValue] | None = None) -> Answer | None:
        """Ask through the Service. Raises Unavailable when nothing answers there, DataError when it refuses the entity."""
        asked = body(self._entity, entity, features, self._posted)
        return predict_client.ask(self._post, f"{self._address}/predict", entity, asked, self._score_in)

    def infra_check(self, version: ModelVersion) -> Mapping[str, float]:
        """Load the version in a clean process of this image, which is the one that serves, and score its golden rows.

        Raises PromotionFailed with the process's sentence, Unavailable when it could not reach the registry.
        """
        return predict_client.infra_check(self._check, self._settings, version)

    def _deployment(self) -> Json:
        return self._api.read(DEPLOYMENT, self._name)

    def _get(self, pod: Json, path: str) -> Reply:
        port = deployment_judge.http_port(pod)
        if not self._api.inside:
            return self._api.proxied(POD, _name(pod), str(port), path)
        address = pod["status"]["podIP"]
        url = f"http://[{address}]:{port}{path}" if ":" in address else f"http://{address}:{port}{path}"
        try:
            return http.get(url, _POD_SECONDS)
        except httpx.HTTPError as error:
            message = f"pod {_name(pod)} does not answer at {url} ({type(error).__name__})"
            raise Unavailable(message) from error

    @property
    def _address(self) -> str:
        """Where the Service is; it bears the Deployment's name unless RATCHET_SERVING_URL says else."""
        return self._settings.serving_url.rstrip("/") or f"http://{self._name}:{_SERVICE_PORT}"

    @property
    def _post(self) -> Post:
        if self._api.inside or self._settings.serving_url:
            hint = f"`kubectl get endpointslices -l kubernetes.io/service-name={self._name}` shows whether a pod is ready"
            return http.post_to(lambda: self._address, hint)
        return self._post_by_proxy

    def _post_by_proxy(self, path: str, body: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
        return self._api.proxied(SERVICE, self._name, str(_SERVICE_PORT), path, body=body, headers=headers)


def _name(pod: Json) -> str:
    return str(pod["metadata"]["name"])
