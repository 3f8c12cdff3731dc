"""Steps 3 and 5 of the protocol: prove that a version answers right, apart from traffic and in it."""

from __future__ import annotations

from collections.abc import Mapping

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from ratchet.core.errors import PromotionFailed
from ratchet.core.schema import ModelVersion
from ratchet.estimators.bundle import TOLERANCE, Bundle
from ratchet.rollout.port import Rollout
from ratchet.rollout.state import Progress, State

_ASKED = 5  # golden entities asked through the Service; each is a whole request with its look-up


def check_apart(rollout: Rollout, version: ModelVersion) -> Mapping[str, float]:
    """Step 3: load the version in the serving runtime and score its golden rows there. Raises PromotionFailed."""
    measured = rollout.infra_check(version)
    if not measured["worst"] <= TOLERANCE:
        message = (
            f"version {version.number} does not answer its golden rows in the serving runtime: worst difference "
            f"{measured['worst']:.1e} > {TOLERANCE:.0e}; it was trained in another environment"
        )
        raise PromotionFailed(message)
    return measured


def wait_until_ready(rollout: Rollout, version: int | None, timeout: float) -> None:
    """Wait until all pods are new. Raises PromotionFailed when the rollout is stuck or `timeout` seconds have passed."""
    name = f"version {version}" if version is not None else "the empty deployment"

    def waiting(progress: Progress) -> bool:
        return progress.state is State.WAITING

    try:
        progress = Retrying(retry=retry_if_result(waiting), stop=stop_after_delay(timeout), wait=wait_fixed(0.2))(rollout.progress)
    except RetryError as error:
        detail = error.last_attempt.result().detail
        message = f"{name} did not get ready within {timeout:.0f} s: {detail}"
        raise PromotionFailed(message) from error
    if progress.state is State.STUCK:
        message = f"{name} does not get ready: {progress.detail}"
        raise PromotionFailed(message)


def check_in_traffic(rollout: Rollout, version: int, bundle: Bundle) -> int:
    """Step 5: every pod reports the version, and /predict answers as the scorer does on the features that it says it used.

    Golden entities that the online store no longer knows are passed over; none at all proves nothing. Returns the number of answers
    compared. Raises PromotionFailed.
    """
    pods = rollout.pods()
    if not pods:
        message = f"no pod reports that it serves version {version}"
        raise PromotionFailed(message)
    for pod in pods:
        if pod.version != version or not pod.ready:
            message = f"pod {pod.name} reports version {pod.version}, not {version}: {pod.detail or 'not ready'}"
            raise PromotionFailed(message)
    compared = 0
    for row in bundle.golden:
        if compared == _ASKED:
            break
        answer = rollout.ask(row.entity)
        if answer is None:
            continue
        if answer.version != version:
            message = f"/predict answered from version {answer.version} after every pod had reported version {version}"
            raise PromotionFailed(message)
        expected = bundle.scorer.row(answer.features)
        if not abs(expected - answer.score) <= TOLERANCE:
            message = f"/predict answered {answer.score} for {row.entity}, but version {version} gives {expected}"
            raise PromotionFailed(message)
        compared += 1
    if compared == 0:
        known = f"none of its {len(bundle.golden)} golden entities"
        message = f"no answer of version {version} could be compared: the online store knows {known}"
        raise PromotionFailed(message)
    return compared
