"""Compare: what comes through the public address is what the version gives."""

from __future__ import annotations

from ratchet.core.errors import PromotionFailed
from ratchet.core.schema import GoldenRow
from ratchet.estimators.bundle import TOLERANCE
from ratchet.promotion.stages.stage import Stage
from ratchet.promotion.underway import Underway

_ASKED = 5  # golden entities asked through the Service; each is a whole request with its look-up, where there is one


class Compare(Stage):
    """Every pod reports the version, and /predict answers as the scorer does on the features that it says it used."""

    name = "compare"

    def wait(self, under: Underway) -> None:
        """Count the answers compared. Raises PromotionFailed when one differs, or none could be compared.

        Golden entities that the online store no longer knows are passed over; none at all proves nothing.
        """
        version, golden = under.move.to, under.bundle.golden
        _require_pods(under)
        under.compared = 0
        for row in golden:
            if under.compared == _ASKED:
                break
            under.compared += _same_answer(under, row)
        if under.compared == 0:
            known = f"none of its {len(golden)} golden entities"
            message = f"no answer of version {version} could be compared: the online store knows {known}"
            raise PromotionFailed(message)
        under.production.say(f"[PROMOTE] every pod serves version {version}; {under.compared} answers through the address compared")


def _require_pods(under: Underway) -> None:
    version, pods = under.move.to, under.production.rollout.pods()
    if not pods:
        message = f"no pod reports that it serves version {version}"
        raise PromotionFailed(message)
    for pod in pods:
        if pod.digest not in {"", under.move.digest}:
            message = (
                f"pod {pod.name} serves other files of version {version} than those on record: its digest is {pod.digest[:12]}"
            )
            raise PromotionFailed(message)
        if pod.version != version or not pod.ready:
            message = f"pod {pod.name} reports version {pod.version}, not {version}: {pod.detail or 'not ready'}"
            raise PromotionFailed(message)


def _same_answer(under: Underway, row: GoldenRow) -> bool:
    """Whether the entity's answer was compared and is right; False when the online store does not know it."""
    version, answer = under.move.to, under.production.rollout.ask(row.entity, row.features)
    if answer is None:
        return False
    if answer.version != version:
        message = f"/predict answered from version {answer.version} after every pod had reported version {version}"
        raise PromotionFailed(message)
    expected = under.bundle.scorer.row(answer.features)
    if not abs(expected - answer.score) <= TOLERANCE:
        message = f"/predict answered {answer.score} for {row.entity}, but version {version} gives {expected}"
        raise PromotionFailed(message)
    return True
