"""Waiting for a rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from ratchet.core.errors import PromotionFailed
from ratchet.locks.port import Fence
from ratchet.rollout.state import Progress, State

if TYPE_CHECKING:
    from ratchet.promotion.production import Production


def wait_until_ready(production: Production, fence: Fence, version: int | None) -> None:
    """Wait until all pods are new.

    Raises PromotionFailed when the rollout is stuck or has taken longer than `ready_timeout`, LockLost when there is no use in
    waiting because nothing may be written afterwards.
    """
    name = f"version {version}" if version is not None else "the empty deployment"
    timeout = production.ready_timeout

    def look() -> Progress:
        fence.check()
        return production.rollout.progress()

    def waiting(progress: Progress) -> bool:
        return progress.state is State.WAITING

    try:
        progress = Retrying(retry=retry_if_result(waiting), stop=stop_after_delay(timeout), wait=wait_fixed(0.2))(look)
    except RetryError as error:
        detail = error.last_attempt.result().detail
        message = f"{name} did not get ready within {timeout:.0f} s: {detail}"
        raise PromotionFailed(message) from error
    if progress.state is State.STUCK:
        message = f"{name} does not get ready: {progress.detail}"
        raise PromotionFailed(message)
